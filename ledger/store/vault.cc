#include "ledger/store/vault.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/seal.h"
#include "ledger/base/status.h"

namespace jcm::store {
namespace {

constexpr absl::string_view kFileTitle = "jcm-vault-key 1\n";
constexpr absl::string_view kExportTitle = "jcm-vault-export 1";
constexpr absl::string_view kKeyEnding = ".key";
constexpr absl::string_view kErasedEnding = ".erased";

// title || key || SHA-256(title || subject || key): a file under another person's name is damaged.
std::string EncodeFile(absl::string_view subject, absl::string_view key) {
  const Digest digest = Sha256(absl::StrCat(kFileTitle, subject, key));
  return absl::StrCat(kFileTitle, key, AsBytes(digest));
}

absl::Status CheckSubject(absl::string_view subject) {
  if (subject.empty() || subject.size() > kSubjectMaxBytes)
    return Error(Reason::FIELD_INVALID, "name of a vault subject");
  return absl::OkStatus();
}

struct Exported {
  std::vector<std::pair<std::string, std::string>> keys;
  std::vector<std::string> erased;
};

absl::StatusOr<std::string> ReadName(BigEndianReader& reader) {
  JCM_ASSIGN_OR_RETURN(const uint16_t size, reader.U16());
  JCM_ASSIGN_OR_RETURN(const absl::string_view name, reader.Bytes(size));
  if (!CheckSubject(name).ok()) return Error(Reason::MESSAGE_MALFORMED, "name of a vault subject");
  return std::string(name);
}

absl::StatusOr<Exported> DecodeExport(absl::string_view plaintext) {
  Exported exported;
  BigEndianReader reader(plaintext);
  JCM_ASSIGN_OR_RETURN(const uint32_t key_count, reader.U32());
  for (uint32_t i = 0; i < key_count; ++i) {
    JCM_ASSIGN_OR_RETURN(std::string subject, ReadName(reader));
    JCM_ASSIGN_OR_RETURN(const absl::string_view key, reader.Bytes(kSealKeyBytes));
    exported.keys.emplace_back(std::move(subject), std::string(key));
  }
  JCM_ASSIGN_OR_RETURN(const uint32_t erased_count, reader.U32());
  for (uint32_t i = 0; i < erased_count; ++i) {
    JCM_ASSIGN_OR_RETURN(std::string subject, ReadName(reader));
    exported.erased.push_back(std::move(subject));
  }
  JCM_RETURN_IF_ERROR(reader.ExpectEnd());
  return exported;
}

}  // namespace

Vault::Vault(std::shared_ptr<FileSystem> files, std::string directory)
    : files_(std::move(files)), directory_(std::move(directory)) {}

std::string Vault::KeyPath(absl::string_view subject) const {
  return absl::StrCat(directory_, "/", HexEncode(subject), kKeyEnding);
}

std::string Vault::ErasedPath(absl::string_view subject) const {
  return absl::StrCat(directory_, "/", HexEncode(subject), kErasedEnding);
}

absl::Status Vault::Put(absl::string_view subject, absl::string_view key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return PutLocked(subject, key);
}

absl::Status Vault::PutLocked(absl::string_view subject, absl::string_view key) {
  if (key.size() != kSealKeyBytes) return Error(Reason::FIELD_INVALID, "length of a vault key");
  const absl::StatusOr<std::string> present = GetLocked(subject);
  if (present.ok()) return *present == key ? absl::OkStatus() : Error(Reason::ALREADY_EXISTS, "a vault key");
  if (!HasReason(present.status(), Reason::NOT_FOUND)) return present.status();
  JCM_RETURN_IF_ERROR(files_->MakeDirs(directory_));
  return files_->WriteFileAtomically(KeyPath(subject), EncodeFile(subject, key), FileMode::OWNER);
}

absl::StatusOr<std::string> Vault::Get(absl::string_view subject) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return GetLocked(subject);
}

absl::StatusOr<std::string> Vault::GetLocked(absl::string_view subject) {
  JCM_RETURN_IF_ERROR(CheckSubject(subject));
  // The mark counts, whatever else is there: the key's file may have survived a crash.
  if (files_->Exists(ErasedPath(subject))) return Error(Reason::VAULT_KEY_ERASED);
  JCM_ASSIGN_OR_RETURN(const std::string file, files_->ReadFile(KeyPath(subject)));
  const size_t key_at = kFileTitle.size();
  if (file.size() < key_at + kSealKeyBytes) return Error(Reason::STORE_CORRUPT, "a vault key's file is too short");
  const std::string key = file.substr(key_at, kSealKeyBytes);
  if (file != EncodeFile(subject, key)) return Error(Reason::STORE_CORRUPT, "a vault key's file is damaged");
  return key;
}

absl::Status Vault::Erase(absl::string_view subject) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return EraseLocked(subject);
}

absl::Status Vault::EraseLocked(absl::string_view subject) {
  JCM_RETURN_IF_ERROR(CheckSubject(subject));
  JCM_RETURN_IF_ERROR(files_->MakeDirs(directory_));
  // The mark goes first: after a crash the erasure is finished, not forgotten.
  if (!files_->Exists(ErasedPath(subject))) {
    JCM_RETURN_IF_ERROR(files_->WriteFileAtomically(ErasedPath(subject), "erased\n", FileMode::OWNER));
  }
  if (!files_->Exists(KeyPath(subject))) return absl::OkStatus();
  return files_->Remove(KeyPath(subject));
}

absl::Status Vault::FinishErasures() {
  const std::lock_guard<std::mutex> lock(mutex_);
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> erased, NamesLocked(kErasedEnding));
  for (const std::string& subject : erased) JCM_RETURN_IF_ERROR(EraseLocked(subject));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Vault::NamesLocked(absl::string_view ending) {
  std::vector<std::string> names;
  const absl::StatusOr<std::vector<std::string>> files = files_->ListDir(directory_);
  if (HasReason(files.status(), Reason::NOT_FOUND)) return names;
  JCM_RETURN_IF_ERROR(files.status());
  for (const std::string& file : *files) {
    absl::string_view digits = file;
    if (!absl::ConsumeSuffix(&digits, ending)) continue;
    const absl::StatusOr<std::string> name = HexDecode(digits);
    if (name.ok() && CheckSubject(*name).ok()) names.push_back(*name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::vector<std::string>> Vault::List() {
  const std::lock_guard<std::mutex> lock(mutex_);
  JCM_ASSIGN_OR_RETURN(std::vector<std::string> names, NamesLocked(kKeyEnding));
  names.erase(std::remove_if(names.begin(), names.end(),
                             [this](const std::string& name) { return files_->Exists(ErasedPath(name)); }),
              names.end());
  return names;
}

absl::StatusOr<std::vector<std::string>> Vault::Erased() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return NamesLocked(kErasedEnding);
}

absl::StatusOr<std::string> Vault::Export(absl::string_view recovery_key, Random& random) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string keys;
  uint32_t key_count = 0;
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> subjects, NamesLocked(kKeyEnding));
  for (const std::string& subject : subjects) {
    const absl::StatusOr<std::string> key = GetLocked(subject);
    if (HasReason(key.status(), Reason::VAULT_KEY_ERASED)) continue;
    JCM_RETURN_IF_ERROR(key.status());
    BigEndianWriter(&keys).U16(static_cast<uint16_t>(subject.size())).Bytes(subject).Bytes(*key);
    ++key_count;
  }
  BigEndianWriter writer;
  writer.U32(key_count).Bytes(keys);
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> erased, NamesLocked(kErasedEnding));
  writer.U32(static_cast<uint32_t>(erased.size()));
  for (const std::string& subject : erased) writer.U16(static_cast<uint16_t>(subject.size())).Bytes(subject);
  const std::string nonce = random.Bytes(kSealNonceBytes);
  JCM_ASSIGN_OR_RETURN(const std::string sealed, Seal(recovery_key, nonce, kExportTitle, writer.str()));
  return absl::StrCat(nonce, sealed);
}

absl::Status Vault::Import(absl::string_view recovery_key, absl::string_view sealed) {
  if (sealed.size() < kSealNonceBytes) return Error(Reason::MESSAGE_MALFORMED, "vault export too short");
  JCM_ASSIGN_OR_RETURN(const std::string plaintext, Unseal(recovery_key, sealed.substr(0, kSealNonceBytes),
                                                           kExportTitle, sealed.substr(kSealNonceBytes)));
  JCM_ASSIGN_OR_RETURN(const Exported exported, DecodeExport(plaintext));
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& row : exported.keys) {
    const absl::StatusOr<std::string> present = GetLocked(row.first);
    if (present.ok() && *present != row.second) return Error(Reason::ALREADY_EXISTS, "another vault key");
  }
  for (const std::string& subject : exported.erased) JCM_RETURN_IF_ERROR(EraseLocked(subject));
  for (const auto& row : exported.keys) {
    const absl::Status put = PutLocked(row.first, row.second);
    if (!put.ok() && !HasReason(put, Reason::VAULT_KEY_ERASED)) return put;
  }
  return absl::OkStatus();
}

}  // namespace jcm::store
