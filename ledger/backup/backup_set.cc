#include "ledger/backup/backup_set.h"

#include <openssl/evp.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/backup/durable_file.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"

namespace jcm::backup {
namespace {

constexpr char kSetFile[] = "JCM-BACKUP-SET";
constexpr char kSetFirstLine[] = "jcm-backup-set 1";
constexpr char kObjects[] = "objects";
constexpr char kBackups[] = "backups";
constexpr char kStore[] = "store";
constexpr char kRestoring[] = "store.restoring";
constexpr size_t kSetFileBytesMax = 4'096;

// SHA-256 of what comes in pieces.
class Hasher {
 public:
  Hasher() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    JCM_CHECK(EVP_DigestInit_ex2(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void Update(absl::string_view bytes) {
    JCM_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
    size_ += bytes.size();
  }
  Digest Finish() {
    Digest digest;
    JCM_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
    return digest;
  }
  uint64_t size() const { return size_; }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
  uint64_t size_ = 0;
};

// The set's own file: four lines, of which the last is the SHA-256 of those before it.
std::string EncodeSetFile(const Owner& owner, const BackupKey& key) {
  const std::string lines =
      absl::StrCat(kSetFirstLine, "\nregistry ", owner.registry, " ", owner.domain, "\nkey ", key.Fingerprint(), "\n");
  return absl::StrCat(lines, "sha256 ", HexEncode(Sha256(lines)), "\n");
}

absl::Status DamagedSet(absl::string_view what) {
  return Error(Reason::BACKUP_DAMAGED, absl::StrCat(kSetFile, ": ", what));
}

// Checks the file's sum, then whose set it is, then the key.
absl::StatusOr<Owner> ReadSetFile(const std::string& directory, absl::string_view registry, const BackupKey& key) {
  absl::StatusOr<std::unique_ptr<InputFile>> file = InputFile::Open(absl::StrCat(directory, "/", kSetFile));
  if (HasReason(file.status(), Reason::NOT_FOUND)) {
    return Error(Reason::BACKUP_NOT_FOUND, absl::StrCat(directory, " is no backup set"));
  }
  JCM_RETURN_IF_ERROR(file.status());
  JCM_ASSIGN_OR_RETURN(const std::string text, (*file)->Read(kSetFileBytesMax));
  const size_t sum = text.rfind("sha256 ");
  if (sum == std::string::npos ||
      text.substr(sum) != absl::StrCat("sha256 ", HexEncode(Sha256(text.substr(0, sum))), "\n")) {
    return DamagedSet("its lines do not have the sum that it says");
  }
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 5 || lines[0] != kSetFirstLine) return DamagedSet("a format that this program does not know");
  const std::vector<std::string> whose = absl::StrSplit(lines[1], ' ');
  if (whose.size() != 3 || whose[0] != "registry") return DamagedSet("no registry");
  if (!registry.empty() && whose[1] != registry) {
    return Error(Reason::BACKUP_OF_OTHER_REGISTRY,
                 absl::StrCat(directory, " is ", whose[1], "'s, not ", registry, "'s"));
  }
  if (lines[2] != absl::StrCat("key ", key.Fingerprint())) {
    return Error(Reason::BACKUP_KEY_WRONG,
                 absl::StrCat(directory, " has ", lines[2], ", given was key ", key.Fingerprint()));
  }
  return Owner{whose[1], whose[2]};
}

std::string ManifestContext(const Owner& owner, const std::string& name) {
  return absl::StrCat(kBackups, "/", name, " of ", owner.registry);
}

// Counts bytes for a Progress, which may be null.
std::function<absl::Status(uint64_t)> Counter(const Progress& progress, uint64_t total, uint64_t* done) {
  return [&progress, total, done](uint64_t more) -> absl::Status {
    *done += more;
    return progress ? progress(std::min(*done, total), total) : absl::OkStatus();
  };
}

}  // namespace

// ---- opening
// ---------------------------------------------------------------------------------------------------------

absl::StatusOr<BackupSet> BackupSet::OpenOrCreate(const std::string& directory, const Owner& owner,
                                                  const BackupKey& key) {
  absl::StatusOr<BackupSet> there = Open(directory, owner.registry, key);
  if (there.ok() && there->owner_.domain != owner.domain) {
    return Error(Reason::BACKUP_OF_OTHER_REGISTRY, absl::StrCat(directory, " is of ", there->owner_.domain));
  }
  if (!HasReason(there.status(), Reason::BACKUP_NOT_FOUND)) return there;
  JCM_RETURN_IF_ERROR(MakeDirectory(directory));
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<DirectoryLock> lock,
                       DirectoryLock::Take(directory, DirectoryLock::Kind::kExclusive));
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(directory));
  for (const std::string& name : names) {
    // What an attempt leaves that was cut short; and a new file system's own folder.
    if (name == kObjects || name == kBackups || name == absl::StrCat(kSetFile, kUnfinishedEnding) ||
        name == "lost+found") {
      continue;
    }
    return Error(Reason::FIELD_INVALID, absl::StrCat(directory, " has other things in it: ", name));
  }
  JCM_RETURN_IF_ERROR(MakeDirectory(absl::StrCat(directory, "/", kObjects)));
  JCM_RETURN_IF_ERROR(MakeDirectory(absl::StrCat(directory, "/", kBackups)));
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> file,
                       OutputFile::Create(absl::StrCat(directory, "/", kSetFile)));
  JCM_RETURN_IF_ERROR(file->Append(EncodeSetFile(owner, key)));
  JCM_RETURN_IF_ERROR(file->Commit());
  JCM_RETURN_IF_ERROR(SyncDirectory(directory));
  return BackupSet(directory, owner, key);
}

absl::StatusOr<BackupSet> BackupSet::Open(const std::string& directory, absl::string_view registry,
                                          const BackupKey& key) {
  JCM_ASSIGN_OR_RETURN(Owner owner, ReadSetFile(directory, registry, key));
  return BackupSet(directory, std::move(owner), key);
}

std::string BackupSet::ManifestPath(const std::string& name) const {
  return absl::StrCat(directory_, "/", kBackups, "/", name);
}

std::string BackupSet::ObjectPath(const std::string& object) const {
  return absl::StrCat(directory_, "/", kObjects, "/", object);
}

absl::StatusOr<std::vector<std::string>> BackupSet::Names() const {
  absl::StatusOr<std::vector<std::string>> all = NamesIn(absl::StrCat(directory_, "/", kBackups));
  if (HasReason(all.status(), Reason::NOT_FOUND)) return Error(Reason::BACKUP_DAMAGED, "backups: missing");
  JCM_RETURN_IF_ERROR(all.status());
  std::vector<std::string> names;
  for (std::string& name : *all) {
    if (CheckName(name).ok()) names.push_back(std::move(name));
  }
  if (names.size() > kBackupsMax) return Error(Reason::FIELD_INVALID, "too many backups in one set");
  return names;
}

absl::StatusOr<v1::Manifest> BackupSet::ReadManifest(const std::string& name) const {
  JCM_RETURN_IF_ERROR(CheckName(name));
  if (!PathExists(ManifestPath(name))) return Error(Reason::BACKUP_NOT_FOUND, name);
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<SealedReader> reader,
                       SealedReader::Open(ManifestPath(name), key_, ManifestContext(owner_, name)));
  std::string bytes;
  while (true) {
    JCM_ASSIGN_OR_RETURN(const std::string piece, reader->Next());
    if (piece.empty()) break;
    bytes += piece;
    if (bytes.size() > kManifestBytesMax) return Error(Reason::BACKUP_DAMAGED, absl::StrCat(name, ": too large"));
  }
  v1::Manifest manifest;
  absl::Status parsed = ParseStrict(bytes, &manifest);
  if (!parsed.ok()) return Error(Reason::BACKUP_DAMAGED, absl::StrCat(kBackups, "/", name, ": ", parsed.message()));
  JCM_RETURN_IF_ERROR(CheckManifest(manifest, name, owner_));
  return manifest;
}

absl::Status BackupSet::CheckObjects(const v1::Manifest& manifest) const {
  for (const v1::File& file : manifest.files()) {
    const auto damaged = [&](absl::string_view what) {
      return Error(Reason::BACKUP_DAMAGED, absl::StrCat(file.name(), " (", kObjects, "/", file.object(), "): ", what));
    };
    absl::StatusOr<std::unique_ptr<InputFile>> object = InputFile::Open(ObjectPath(file.object()));
    if (HasReason(object.status(), Reason::NOT_FOUND)) return damaged("missing");
    JCM_RETURN_IF_ERROR(object.status());
    JCM_ASSIGN_OR_RETURN(const uint64_t size, (*object)->FileSize());
    if (size != SealedSize(file.size())) return damaged("has another size");
  }
  return absl::OkStatus();
}

// ---- making
// ----------------------------------------------------------------------------------------------------------

absl::Status BackupSet::RemoveUnfinished() const {
  for (const char* folder : {kObjects, kBackups}) {
    const std::string path = absl::StrCat(directory_, "/", folder);
    JCM_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(path));
    for (const std::string& name : names) {
      if (absl::EndsWith(name, kUnfinishedEnding)) JCM_RETURN_IF_ERROR(RemoveFile(absl::StrCat(path, "/", name)));
    }
  }
  return absl::OkStatus();
}

absl::Status BackupSet::SealContent(const std::string& path, v1::File* file, Random& random, Added* added,
                                    const std::function<absl::Status(uint64_t)>& advance) const {
  Hasher hasher;
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<InputFile> in, InputFile::Open(path));
  while (true) {
    JCM_ASSIGN_OR_RETURN(const std::string piece, in->Read(kPieceBytes));
    hasher.Update(piece);
    JCM_RETURN_IF_ERROR(advance(piece.size()));
    if (piece.size() < kPieceBytes) break;
  }
  const Digest digest = hasher.Finish();
  file->set_size(hasher.size());
  file->set_sha256(std::string(AsBytes(digest)));
  file->set_object(key_.ObjectName(digest));
  const std::string object = ObjectPath(file->object());
  if (PathExists(object)) {
    // It is read before it is relied on: one that has been damaged is written anew, which mends earlier backups too.
    const absl::Status whole = OpenContent(*file, [](absl::string_view) { return absl::OkStatus(); });
    if (whole.ok()) return advance(file->size());
    if (!HasReason(whole, Reason::BACKUP_DAMAGED)) return whole;
  }
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<SealedWriter> out,
                       SealedWriter::Create(object, key_, absl::StrCat(kObjects, "/", file->object()), random));
  JCM_ASSIGN_OR_RETURN(in, InputFile::Open(path));
  Hasher again;
  while (true) {
    JCM_ASSIGN_OR_RETURN(const std::string piece, in->Read(kPieceBytes));
    again.Update(piece);
    JCM_RETURN_IF_ERROR(out->Append(piece));
    JCM_RETURN_IF_ERROR(advance(piece.size()));
    if (piece.size() < kPieceBytes) break;
  }
  // What is sealed under a name is what has that name: the file did not change between the two readings.
  if (again.Finish() != digest) return Error(Reason::STORE_CORRUPT, absl::StrCat(path, " changed while it was read"));
  JCM_RETURN_IF_ERROR(out->Finish());
  added->bytes_written += SealedSize(file->size());
  ++added->objects_written;
  return absl::OkStatus();
}

absl::StatusOr<Added> BackupSet::Add(v1::Manifest manifest, const std::string& source, Random& random,
                                     const Progress& progress) {
  JCM_RETURN_IF_ERROR(CheckName(manifest.name()));
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<DirectoryLock> lock,
                       DirectoryLock::Take(directory_, DirectoryLock::Kind::kExclusive));
  if (PathExists(ManifestPath(manifest.name()))) return Error(Reason::ALREADY_EXISTS, manifest.name());
  JCM_RETURN_IF_ERROR(RemoveUnfinished());
  manifest.set_format(kManifestFormat);
  manifest.set_registry(owner_.registry);
  manifest.set_domain(owner_.domain);
  manifest.clear_files();
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(source));
  uint64_t total = 0;
  for (const std::string& name : names) {
    if (!BelongsIntoBackup(name)) continue;
    if (!IsStoreFileName(name)) return Error(Reason::STORE_CORRUPT, absl::StrCat("not a store's file: ", name));
    JCM_ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file, InputFile::Open(absl::StrCat(source, "/", name)));
    JCM_ASSIGN_OR_RETURN(const uint64_t size, file->FileSize());
    total += 2 * size;  // each is hashed, then sealed
    manifest.add_files()->set_name(name);
  }
  Added added;
  uint64_t done = 0;
  const auto advance = Counter(progress, total, &done);
  for (v1::File& file : *manifest.mutable_files()) {
    JCM_RETURN_IF_ERROR(SealContent(absl::StrCat(source, "/", file.name()), &file, random, &added, advance));
  }
  JCM_RETURN_IF_ERROR(CheckManifest(manifest, manifest.name(), owner_));
  JCM_RETURN_IF_ERROR(SyncDirectory(absl::StrCat(directory_, "/", kObjects)));
  JCM_ASSIGN_OR_RETURN(
      const std::unique_ptr<SealedWriter> out,
      SealedWriter::Create(ManifestPath(manifest.name()), key_, ManifestContext(owner_, manifest.name()), random));
  JCM_RETURN_IF_ERROR(out->Append(manifest.SerializeAsString()));
  JCM_RETURN_IF_ERROR(out->Finish());
  JCM_RETURN_IF_ERROR(SyncDirectory(absl::StrCat(directory_, "/", kBackups)));
  added.manifest = std::move(manifest);
  return added;
}

// ---- reading
// ---------------------------------------------------------------------------------------------------------

absl::StatusOr<std::vector<Listed>> BackupSet::List() const {
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names());
  std::vector<Listed> all;
  for (const std::string& name : names) {
    Listed listed;
    listed.name = name;
    absl::StatusOr<v1::Manifest> manifest = ReadManifest(name);
    listed.problem = manifest.status();
    if (manifest.ok()) {
      listed.manifest = *std::move(manifest);
      listed.bytes = BytesOf(listed.manifest);
      listed.problem = CheckObjects(listed.manifest);
    }
    all.push_back(std::move(listed));
  }
  std::stable_sort(all.begin(), all.end(), [](const Listed& a, const Listed& b) {
    const bool a_unread = a.manifest.name().empty();
    const bool b_unread = b.manifest.name().empty();
    if (a_unread != b_unread) return b_unread;
    return a.manifest.made_at_us() < b.manifest.made_at_us();
  });
  return all;
}

absl::StatusOr<v1::Manifest> BackupSet::Show(const std::string& name) const { return ReadManifest(name); }

absl::Status BackupSet::OpenContent(const v1::File& file,
                                    const std::function<absl::Status(absl::string_view)>& use) const {
  const auto named = [&file](const absl::Status& status) {
    if (!HasReason(status, Reason::BACKUP_DAMAGED)) return status;
    return Error(Reason::BACKUP_DAMAGED, absl::StrCat(file.name(), " (", status.message(), ")"));
  };
  absl::StatusOr<std::unique_ptr<SealedReader>> reader =
      SealedReader::Open(ObjectPath(file.object()), key_, absl::StrCat(kObjects, "/", file.object()));
  if (!reader.ok()) return named(reader.status());
  Hasher hasher;
  while (true) {
    absl::StatusOr<std::string> piece = (*reader)->Next();
    if (!piece.ok()) return named(piece.status());
    if (piece->empty()) break;
    hasher.Update(*piece);
    JCM_RETURN_IF_ERROR(use(*piece));
  }
  if (hasher.size() != file.size() || AsBytes(hasher.Finish()) != file.sha256()) {
    return Error(Reason::BACKUP_DAMAGED,
                 absl::StrCat(file.name(), " (", kObjects, "/", file.object(), "): other content"));
  }
  return absl::OkStatus();
}

absl::Status BackupSet::VerifyFiles(const v1::Manifest& manifest, const Progress& progress) const {
  uint64_t done = 0;
  const auto advance = Counter(progress, BytesOf(manifest), &done);
  for (const v1::File& file : manifest.files()) {
    JCM_RETURN_IF_ERROR(OpenContent(file, [&](absl::string_view piece) { return advance(piece.size()); }));
  }
  return absl::OkStatus();
}

absl::Status BackupSet::Verify(const std::string& name, const Progress& progress) const {
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<DirectoryLock> lock,
                       DirectoryLock::Take(directory_, DirectoryLock::Kind::kShared));
  JCM_ASSIGN_OR_RETURN(const v1::Manifest manifest, ReadManifest(name));
  return VerifyFiles(manifest, progress);
}

absl::Status BackupSet::Restore(const std::string& name, const std::string& data_directory,
                                const Progress& progress) const {
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<DirectoryLock> lock,
                       DirectoryLock::Take(directory_, DirectoryLock::Kind::kShared));
  JCM_ASSIGN_OR_RETURN(const v1::Manifest manifest, ReadManifest(name));
  JCM_RETURN_IF_ERROR(CheckObjects(manifest));  // before anything is written
  absl::StatusOr<std::vector<std::string>> there = NamesIn(data_directory);
  if (there.ok()) {
    for (const std::string& other : *there) {
      if (other != kRestoring) {
        return Error(Reason::RESTORE_TARGET_NOT_EMPTY, absl::StrCat(data_directory, " has ", other));
      }
    }
  } else if (!HasReason(there.status(), Reason::NOT_FOUND)) {
    return there.status();
  }
  const std::string making = absl::StrCat(data_directory, "/", kRestoring);
  JCM_RETURN_IF_ERROR(RemoveTree(making));
  JCM_RETURN_IF_ERROR(MakeDirectory(making));
  const absl::Status written = WriteStore(manifest, making, progress);
  if (!written.ok()) {
    // The error is that of the restore: remains that cannot be removed either are removed by the next one.
    RemoveTree(making).IgnoreError();
    return written;
  }
  return RenamePath(making, absl::StrCat(data_directory, "/", kStore));
}

absl::Status BackupSet::WriteStore(const v1::Manifest& manifest, const std::string& folder,
                                   const Progress& progress) const {
  // First of all, so that no part of it can be taken for a store of this day.
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> marker,
                       OutputFile::Create(absl::StrCat(folder, "/", kRestoredFile)));
  JCM_RETURN_IF_ERROR(marker->Append(FormatRestoredFrom(manifest)));
  JCM_RETURN_IF_ERROR(marker->Commit());
  uint64_t done = 0;
  const auto advance = Counter(progress, BytesOf(manifest), &done);
  for (const v1::File& file : manifest.files()) {
    JCM_ASSIGN_OR_RETURN(const std::unique_ptr<OutputFile> out,
                         OutputFile::Create(absl::StrCat(folder, "/", file.name())));
    JCM_RETURN_IF_ERROR(OpenContent(file, [&](absl::string_view piece) -> absl::Status {
      JCM_RETURN_IF_ERROR(out->Append(piece));
      return advance(piece.size());
    }));
    JCM_RETURN_IF_ERROR(out->Commit());
  }
  return SyncDirectory(folder);
}

// ---- retention
// -------------------------------------------------------------------------------------------------------

absl::Status BackupSet::RemoveObjectsExcept(const std::vector<v1::Manifest>& kept, Pruned* pruned) const {
  std::set<std::string> used;
  for (const v1::Manifest& manifest : kept) {
    for (const v1::File& file : manifest.files()) used.insert(file.object());
  }
  const std::string folder = absl::StrCat(directory_, "/", kObjects);
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> objects, NamesIn(folder));
  for (const std::string& object : objects) {
    // Only what this program writes is removed.
    if (used.count(object) > 0 || object.size() != kObjectNameBytes || !HexDecode(object).ok()) continue;
    JCM_ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file, InputFile::Open(ObjectPath(object)));
    JCM_ASSIGN_OR_RETURN(const uint64_t size, file->FileSize());
    JCM_RETURN_IF_ERROR(RemoveFile(ObjectPath(object)));
    ++pruned->objects;
    pruned->bytes += size;
  }
  return SyncDirectory(folder);
}

absl::StatusOr<Pruned> BackupSet::Prune(uint64_t keep, const Progress& progress) {
  if (keep < 1) return Error(Reason::FIELD_INVALID, "at least one backup is kept");
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<DirectoryLock> lock,
                       DirectoryLock::Take(directory_, DirectoryLock::Kind::kExclusive));
  JCM_RETURN_IF_ERROR(RemoveUnfinished());
  JCM_ASSIGN_OR_RETURN(const std::vector<Listed> all, List());
  std::vector<const Listed*> good;
  bool unread = false;
  for (const Listed& listed : all) {
    if (listed.problem.ok()) good.push_back(&listed);
    unread = unread || !listed.problem.ok();
  }
  Pruned pruned;
  if (good.size() > keep) {
    JCM_RETURN_IF_ERROR(VerifyFiles(good.back()->manifest, progress));
    for (size_t i = 0; i < good.size() - keep; ++i) {
      JCM_RETURN_IF_ERROR(RemoveFile(ManifestPath(good[i]->name)));
      pruned.backups.push_back(good[i]->name);
    }
    JCM_RETURN_IF_ERROR(SyncDirectory(absl::StrCat(directory_, "/", kBackups)));
    good.erase(good.begin(), good.begin() + static_cast<ptrdiff_t>(good.size() - keep));
  }
  // What a backup that cannot be read now needs is not known; it may be mended from another copy of the set.
  if (unread) return pruned;
  std::vector<v1::Manifest> kept;
  for (const Listed* listed : good) kept.push_back(listed->manifest);
  JCM_RETURN_IF_ERROR(RemoveObjectsExcept(kept, &pruned));
  return pruned;
}

}  // namespace jcm::backup
