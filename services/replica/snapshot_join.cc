#include "services/replica/snapshot_join.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/client_context.h"
#include "jcm/replica/v1/replica.grpc.pb.h"
#include "ledger/base/hash.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/genesis.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/registry/applier.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_view.h"
#include "ledger/registry/stored_entries.h"
#include "ledger/store/rocksdb_store.h"
#include "services/common/grpc_status.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::replica::v1;
namespace fs = std::filesystem;
namespace v1 = ::jcm::ledger::v1;

constexpr std::chrono::seconds kKeysTimeout{10};
constexpr std::chrono::hours kSnapshotTimeout{6};
constexpr uint64_t kProgressEveryEntries = 100'000;
constexpr uint64_t kProgressEveryBytes = uint64_t{256} << 20;

absl::Status Invalid(absl::string_view what) { return Error(Reason::SNAPSHOT_INVALID, what); }

// ---- proof ---------------------------------------------------------------------------------------------------------

// One book of the snapshot.
class BookProof {
 public:
  BookProof(const store::ReadView& records, const JoinOptions& options, BookId book)
      : records_(records), options_(options), book_(std::move(book)) {}

  absl::Status Prove(const std::function<void(absl::string_view)>& progress) {
    JCM_ASSIGN_OR_RETURN(v1::BookHead head, registry::ReadHead(records_, book_));
    JCM_RETURN_IF_ERROR(WalkEntries(head.size(), progress));
    if (head.size() == 0) return absl::OkStatus();
    if (head.frontier() != frontier_.Encode() || head.last_leaf_hash() != AsBytes(previous_)) {
      return Wrong(head.size(), "the head is not that of its entries");
    }
    JCM_RETURN_IF_ERROR(CompareState());
    return CheckNotes(head.size());
  }

 private:
  absl::Status Wrong(uint64_t sequence, absl::string_view what) const {
    return Invalid(absl::StrCat(book_.ToString(), " entry ", sequence, ": ", what));
  }

  absl::Status WalkEntries(uint64_t size, const std::function<void(absl::string_view)>& progress) {
    const std::string prefix = registry::BookPrefix(book_);
    std::unique_ptr<store::Iterator> it =
        records_.NewIterator(store::Family::kEntry, prefix, registry::AfterPrefix(prefix));
    uint64_t sequence = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      if (it->key() != registry::EntryKey(book_, sequence)) return Wrong(sequence, "missing");
      absl::StatusOr<std::vector<v1::EntryRecord>> entries = registry::UnpackEntries(it->value());
      if (!entries.ok()) return Wrong(sequence, "can't be read");
      for (const v1::EntryRecord& record : *entries) {
        JCM_RETURN_IF_ERROR(TakeEntry(record, sequence++));
        if (sequence % kProgressEveryEntries == 0) {
          progress(absl::StrCat(book_.ToString(), ": ", sequence, " of ", size, " entries proven"));
        }
      }
    }
    JCM_RETURN_IF_ERROR(it->status());
    if (sequence != size) return Wrong(sequence, absl::StrCat("the head says ", size));
    return absl::OkStatus();
  }

  absl::Status TakeEntry(const v1::EntryRecord& record, uint64_t sequence) {
    absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(record.leaf());
    if (!leaf.ok()) return Wrong(sequence, leaf.status().message());
    if (leaf->book != book_ || leaf->sequence != sequence || leaf->previous_hash != previous_) {
      return Wrong(sequence, "does not follow the one before it");
    }
    if (leaf->command_digest != Sha256(record.command()) || leaf->context_digest != Sha256(record.context()) ||
        leaf->effects_digest != Sha256(record.effects())) {
      return Wrong(sequence, "a body is not the one that its leaf names");
    }
    previous_ = book::LeafHash(record.leaf());
    frontier_.Append(previous_);
    v1::Effects effects;
    if (!effects.ParseFromString(record.effects())) return Wrong(sequence, "effects");
    for (const v1::Effect& effect : effects.effects()) {
      const std::string key = registry::StateKey(book_, effect.table(), effect.key());
      if (effect.new_value().empty()) {
        state_.erase(key);
      } else {
        state_[key] = Sha256(effect.new_value());
      }
    }
    return absl::OkStatus();
  }

  absl::Status CompareState() {
    const std::string prefix = registry::BookPrefix(book_);
    std::unique_ptr<store::Iterator> it =
        records_.NewIterator(store::Family::kState, prefix, registry::AfterPrefix(prefix));
    size_t seen = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next(), ++seen) {
      const auto expected = state_.find(std::string(it->key()));
      if (expected == state_.end() || expected->second != Sha256(it->value())) {
        return Invalid(absl::StrCat(book_.ToString(), ": a record is not what the effects add up to"));
      }
    }
    JCM_RETURN_IF_ERROR(it->status());
    if (seen != state_.size()) return Invalid(absl::StrCat(book_.ToString(), ": a record is missing"));
    return absl::OkStatus();
  }

  absl::Status CheckNotes(uint64_t size) {
    registry::RegistryView view(std::shared_ptr<const store::ReadView>(std::shared_ptr<void>(), &records_));
    JCM_ASSIGN_OR_RETURN(const std::string newest, view.NewestNote(book_));
    if (newest.empty()) return Invalid(absl::StrCat(book_.ToString(), ": no checkpoint"));
    absl::StatusOr<book::VerifiedCheckpoint> verified = book::VerifyCheckpoint(newest, options_.keys);
    if (!verified.ok()) return Invalid(absl::StrCat(book_.ToString(), ": ", ToText(verified.status())));
    JCM_RETURN_IF_ERROR(CheckRoot(view, verified->checkpoint, size));
    if (book_.is_home()) return absl::OkStatus();
    JCM_ASSIGN_OR_RETURN(const std::string cosigned, view.CosignedNote(book_));
    JCM_ASSIGN_OR_RETURN(auto cursor, view.State(book_)->Get<v1::CursorRecord>(v1::TABLE_CURSOR, "peer"));
    // Only where the partner keeps a book and has cosigned it at all.
    if (cosigned.empty() || !cursor.has_value() || cursor->peer_keys().keys().empty()) return absl::OkStatus();
    JCM_ASSIGN_OR_RETURN(const book::Note note, book::ParseNote(cosigned));
    JCM_ASSIGN_OR_RETURN(const book::Checkpoint checkpoint, book::ParseCheckpoint(note.text));
    JCM_ASSIGN_OR_RETURN(const book::KeySet peer, book::KeySetFromProto(cursor->peer_keys()));
    absl::StatusOr<book::Cosignatures> lines = book::VerifyCosignatures(note, peer);
    if (!lines.ok() || !lines->enough) return Invalid(absl::StrCat(book_.ToString(), ": the cosignature is not one"));
    return CheckRoot(view, checkpoint, size);
  }

  absl::Status CheckRoot(const registry::RegistryView& view, const book::Checkpoint& checkpoint, uint64_t size) {
    if (checkpoint.origin != book::OriginOf(options_.domain, book_) || checkpoint.size > size) {
      return Invalid(absl::StrCat(book_.ToString(), ": a checkpoint of something else"));
    }
    // The nodes of the snapshot are not proven by themselves: they must lead from the root that was to the one that is.
    JCM_ASSIGN_OR_RETURN(const std::vector<Digest> proof, view.ConsistencyProof(book_, checkpoint.size, size));
    absl::Status contained = book::VerifyConsistency(checkpoint.size, size, checkpoint.root, frontier_.Root(), proof);
    if (!contained.ok()) {
      return Invalid(absl::StrCat(book_.ToString(), " at ", checkpoint.size, ": the entries are not those signed"));
    }
    return absl::OkStatus();
  }

  const store::ReadView& records_;
  const JoinOptions& options_;
  const BookId book_;
  Digest previous_{};
  book::Frontier frontier_;
  std::unordered_map<std::string, Digest> state_;  // digests of the records, as the effects add up
};

// ---- transfer ------------------------------------------------------------------------------------------------------

absl::Status TakeVaultKeys(api::ReplicaService::Stub& stub, store::Vault& vault) {
  api::ReadVaultKeysRequest request;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kKeysTimeout);
    api::ReadVaultKeysResponse response;
    const grpc::Status status = stub.ReadVaultKeys(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status);
    for (const v1::OffsiteVaultKey& key : response.keys()) {
      absl::Status kept = key.key().empty() ? vault.Erase(key.subject()) : vault.Put(key.subject(), key.key());
      if (!kept.ok() && !HasReason(kept, Reason::VAULT_KEY_ERASED)) return kept;
    }
    if (!response.more() || response.keys().empty()) return absl::OkStatus();
    request.set_after_subject(response.keys().rbegin()->subject());
  }
}

bool IsFileName(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." && !absl::StrContains(name, "/") &&
         !absl::StrContains(name, std::string(1, '\0'));
}

absl::Status TakeFiles(api::ReplicaService::Stub& stub, const fs::path& directory,
                       const std::function<void(absl::string_view)>& progress) {
  std::error_code error;
  fs::remove_all(directory, error);
  fs::create_directories(directory, error);
  if (error) return Error(Reason::STORE_FAILED, absl::StrCat(directory.string(), ": ", error.message()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kSnapshotTimeout);
  auto stream = stub.ReadSnapshot(&context, api::ReadSnapshotRequest());
  api::ReadSnapshotResponse message;
  std::ofstream file;
  uint64_t bytes = 0;
  uint64_t told = 0;
  bool complete = false;
  while (!complete && stream->Read(&message)) {
    if (!message.file().empty()) {
      if (!IsFileName(message.file())) return Invalid("a file's name");
      file.open(directory / message.file(), std::ios::binary);
    }
    bytes += message.data().size();
    if (bytes > kSnapshotBytesMax) return Invalid("larger than any snapshot may be");
    if (!message.data().empty()) file.write(message.data().data(), static_cast<std::streamsize>(message.data().size()));
    if (message.file_ends()) file.close();
    if (!file) return Error(Reason::STORE_FAILED, absl::StrCat(directory.string(), ": a file can't be written"));
    complete = message.complete();
    if (bytes - told >= kProgressEveryBytes) {
      told = bytes;
      progress(absl::StrCat("received ", bytes >> 20, " MiB"));
    }
  }
  const grpc::Status status = stream->Finish();
  if (!complete) return status.ok() ? Invalid("it ended early") : FromGrpcStatus(status);
  return absl::OkStatus();
}

absl::Status ProveSnapshot(const JoinOptions& options, const fs::path& directory, log::Log& log,
                           const std::function<void(absl::string_view)>& progress) {
  store::RocksDbOptions store_options;
  store_options.path = directory.string();
  store_options.identity = {options.registry, options.domain};
  store_options.create_if_missing = false;
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<store::Store> store, store::RocksDbStore::Open(store_options));
  JCM_RETURN_IF_ERROR(ProveStore(*store, options, progress));
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> bytes, store->Get(store::Family::kMeta, registry::kAppliedKey));
  v1::AppliedPosition position;
  if (!bytes.has_value() || !position.ParseFromString(*bytes) || position.hash().size() != sizeof(Digest)) {
    return Invalid("no applied position");
  }
  log::LogPosition applied;
  applied.generation = position.generation();
  applied.index = position.index();
  applied.time = BookTime::FromMicros(position.time_us());
  std::copy(position.hash().begin(), position.hash().end(), applied.hash.begin());
  return log::CheckContinues(log, applied);
}

// The snapshot becomes the store; what was there is kept.
absl::Status PutInPlace(const fs::path& snapshot, const fs::path& store) {
  std::error_code error;
  if (fs::exists(store, error)) {
    fs::path kept;
    for (int i = 1; kept.empty() || fs::exists(kept, error); ++i) kept = absl::StrCat(store.string(), ".replaced-", i);
    fs::rename(store, kept, error);
    if (error) return Error(Reason::STORE_FAILED, absl::StrCat(store.string(), ": ", error.message()));
  }
  fs::rename(snapshot, store, error);
  if (error) return Error(Reason::STORE_FAILED, absl::StrCat(store.string(), ": ", error.message()));
  return absl::OkStatus();
}

}  // namespace

absl::Status ProveStore(const store::ReadView& records, const JoinOptions& options,
                        const std::function<void(absl::string_view)>& progress) {
  for (const std::string& partnership : options.books) {
    BookProof proof(records, options, {options.registry, partnership});
    JCM_RETURN_IF_ERROR(proof.Prove(progress));
  }
  return absl::OkStatus();
}

absl::Status JoinFromSiblings(const JoinOptions& options, store::Vault& vault, log::Log& log,
                              const std::function<void(absl::string_view)>& progress) {
  absl::Status last = absl::UnavailableError("no sibling is configured");
  const fs::path store(options.store_directory);
  const fs::path snapshot(options.store_directory + ".joining");
  for (const auto& [name, channel] : options.siblings) {
    progress(absl::StrCat("asking replica ", name, " for a snapshot"));
    const std::unique_ptr<api::ReplicaService::Stub> stub = api::ReplicaService::NewStub(channel);
    last = TakeVaultKeys(*stub, vault);
    if (last.ok()) last = TakeFiles(*stub, snapshot, progress);
    if (last.ok()) last = ProveSnapshot(options, snapshot, log, progress);
    if (last.ok()) last = PutInPlace(snapshot, store);
    if (last.ok()) {
      progress(absl::StrCat("joined from replica ", name));
      return absl::OkStatus();
    }
    progress(absl::StrCat("replica ", name, ": ", ToText(last)));
  }
  return last;
}

}  // namespace jcm::services
