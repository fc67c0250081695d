#include "services/node_admin/backup_runner.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "ledger/backup/durable_file.h"
#include "ledger/base/status.h"
#include "ledger/book/merkle.h"
#include "ledger/registry/keys.h"
#include "ledger/store/rocksdb_store.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

constexpr char kProgram[] = "jcm-node";
constexpr size_t kBlockCacheBytes = 8 * 1024 * 1024;
constexpr size_t kPathBytesMax = 1'024;

}  // namespace

BackupRunner::BackupRunner(Options options, registry::RegistryHost* host, Clock* clock, Random* random)
    : options_(std::move(options)), host_(host), clock_(clock), random_(random) {
  // Remains cost space and nothing else; the next backup says so if they cannot be removed.
  backup::RemoveTree(options_.staging).IgnoreError();
}

BackupRunner::~BackupRunner() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

absl::Status BackupRunner::Start(const Request& request) {
  if (!absl::StartsWith(request.set_directory, "/") || request.set_directory.size() > kPathBytesMax) {
    return Error(Reason::FIELD_INVALID, "set_directory must be an absolute path");
  }
  if (!request.name.empty()) JCM_RETURN_IF_ERROR(backup::CheckName(request.name));
  std::lock_guard<std::mutex> lock(mutex_);
  if (run_.has_value() && !run_->ended) return Error(Reason::BACKUP_RUNNING, run_->request.set_directory);
  JCM_ASSIGN_OR_RETURN(backup::BackupSet set,
                       backup::BackupSet::OpenOrCreate(request.set_directory, options_.owner, options_.key));
  if (!request.name.empty() && set.Show(request.name).ok()) return Error(Reason::ALREADY_EXISTS, request.name);
  if (thread_.joinable()) thread_.join();  // of the run that has ended
  run_.emplace();
  run_->request = request;
  run_->started = clock_->Now();
  thread_ = std::thread([this, set = std::move(set), request]() mutable {
    absl::Status status = Make(set, request);
    const absl::Status cleaned = backup::RemoveTree(options_.staging);
    if (status.ok()) status = cleaned;
    Update([&](Run& run) {
      run.ended = true;
      run.ended_at = clock_->Now();
      run.status = status;
    });
  });
  return absl::OkStatus();
}

absl::optional<BackupRunner::Run> BackupRunner::Last() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return run_;
}

absl::Status BackupRunner::Make(backup::BackupSet& set, const Request& request) {
  backup::v1::Manifest manifest;
  JCM_RETURN_IF_ERROR(Copy(request, &manifest));
  JCM_RETURN_IF_ERROR(Seal(set, manifest));
  if (request.keep == 0) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(const backup::Pruned pruned, set.Prune(request.keep, ProgressOf(Step::kVerifyNewest)));
  Update([&](Run& run) { run.removed = pruned.backups; });
  return absl::OkStatus();
}

absl::Status BackupRunner::Copy(const Request& request, backup::v1::Manifest* manifest) {
  JCM_RETURN_IF_ERROR(backup::RemoveTree(options_.staging));
  JCM_RETURN_IF_ERROR(backup::MakeDirectory(options_.staging));
  const BookTime made_at = clock_->Now();
  const uint64_t begun = clock_->MonotonicMicros();
  JCM_RETURN_IF_ERROR(host_->Backup(absl::StrCat(options_.staging, "/store")));
  const uint64_t copy_micros = clock_->MonotonicMicros() - begun;
  manifest->set_made_at_us(static_cast<int64_t>(made_at.micros));
  manifest->set_program(kProgram);
  manifest->set_store_format(store::kStoreFormat);
  JCM_RETURN_IF_ERROR(ReadFacts(manifest));
  manifest->set_name(request.name.empty()
                         ? backup::DefaultName(made_at, options_.owner.registry, backup::OwnEntriesOf(*manifest))
                         : request.name);
  Update([&](Run& run) {
    run.copy_micros = copy_micros;
    run.request.name = manifest->name();
    run.applied_index = manifest->applied_index();
  });
  return absl::OkStatus();
}

absl::Status BackupRunner::Seal(backup::BackupSet& set, const backup::v1::Manifest& manifest) {
  const std::string source = absl::StrCat(options_.staging, "/store");
  JCM_ASSIGN_OR_RETURN(const backup::Added added, set.Add(manifest, source, *random_, ProgressOf(Step::kSeal)));
  Update([&](Run& run) {
    run.bytes = backup::BytesOf(added.manifest);
    run.bytes_written = added.bytes_written;
  });
  return absl::OkStatus();
}

// From the copy itself: the registry has gone on since. That it can be opened and read is seen here as well.
absl::Status BackupRunner::ReadFacts(backup::v1::Manifest* manifest) const {
  store::RocksDbOptions options;
  options.path = absl::StrCat(options_.staging, "/store");
  options.identity = {options_.owner.registry, options_.owner.domain};
  options.block_cache_bytes = kBlockCacheBytes;
  JCM_ASSIGN_OR_RETURN(const std::unique_ptr<store::RocksDbStore> copy,
                       store::RocksDbStore::OpenReadOnly(options, false));
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> applied, copy->Get(store::Family::kMeta, registry::kAppliedKey));
  v1::AppliedPosition position;
  if (applied.has_value() && !position.ParseFromString(*applied)) {
    return Error(Reason::STORE_CORRUPT, "applied position");
  }
  manifest->set_generation(position.generation());
  manifest->set_applied_index(position.index());
  manifest->set_applied_at_us(static_cast<int64_t>(position.time_us()));
  const std::unique_ptr<store::Iterator> heads =
      copy->NewIterator(store::Family::kMeta, registry::kHeadPrefix, registry::AfterPrefix(registry::kHeadPrefix));
  for (heads->SeekToFirst(); heads->Valid(); heads->Next()) {
    v1::BookHead head;
    if (!head.ParseFromArray(heads->value().data(), static_cast<int>(heads->value().size()))) {
      return Error(Reason::STORE_CORRUPT, "the head of a book");
    }
    backup::v1::Book* book = manifest->add_books();
    book->set_book(absl::StrCat(head.registry(), "/", head.partnership()));
    book->set_mirror(head.registry() != options_.owner.registry);
    book->set_size(head.size());
    book::Frontier frontier;
    if (head.size() > 0) {
      JCM_ASSIGN_OR_RETURN(frontier, book::Frontier::Decode(head.frontier()));
    }
    book->set_root(std::string(AsBytes(frontier.Root())));
  }
  return heads->status();
}

backup::Progress BackupRunner::ProgressOf(Step step) {
  return [this, step](uint64_t done, uint64_t total) -> absl::Status {
    if (stopping_) return absl::CancelledError("the node stops");
    Update([&](Run& run) {
      run.step = step;
      run.bytes_done = done;
      run.bytes_total = total;
    });
    return absl::OkStatus();
  };
}

}  // namespace jcm::services
