#include "services/node_admin/restore_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/date.h"
#include "ledger/base/file_system.h"

namespace jcm::services {
namespace {

constexpr char kStore[] = "store";
constexpr char kLastRestore[] = "last-restore";
constexpr char kHome[] = "home";
constexpr std::chrono::milliseconds kLookInterval(200);

std::string SourceOf(const registry::OwnBookInfo& book, const std::map<std::string, std::string>& peers) {
  if (book.info.book.partnership == kHome) return "the off-site sink";
  const auto peer = peers.find(book.info.book.partnership);
  return peer == peers.end() ? "the partner's mirror" : absl::StrCat(peer->second, "'s mirror");
}

// What the book had when the registry began with it: of several replicas, once all that the log has is applied.
uint64_t SizeAtOpening(const registry::OwnBookInfo& book) {
  return book.state == "CATCHING_UP" ? book.info.size : book.opened_size;
}

// What the book had when it was restored; a node that crashed while it recovered has more by now.
uint64_t RestoredSize(const backup::RestoredFrom& from, const registry::OwnBookInfo& book) {
  for (const backup::RestoredFrom::Book& restored : from.books) {
    if (restored.book == book.info.book.ToString()) return std::min(restored.size, SizeAtOpening(book));
  }
  return SizeAtOpening(book);
}

std::string LineOf(const backup::RestoredFrom& from, const std::map<std::string, std::string>& peers, bool shared_log,
                   const registry::OwnBookInfo& book) {
  const uint64_t restored = RestoredSize(from, book);
  const uint64_t replayed = SizeAtOpening(book) - restored;
  std::string line = absl::StrCat(book.info.book.ToString(), " ", book.state, ": restored at size ", restored, ", ");
  if (shared_log) {
    absl::StrAppend(&line, replayed, " entries from the log (siblings), ", book.recovered_entries, " from ",
                    SourceOf(book, peers));
  } else {
    // What its own log had beyond the backup was recovered too, in a life that ended before it was done.
    absl::StrAppend(&line, replayed + book.recovered_entries, " entries recovered from ", SourceOf(book, peers));
  }
  if (book.known_size > book.info.size) {
    absl::StrAppend(&line, ", ", book.known_size - book.info.size, " of ", book.known_size, " still missing");
  }
  return line;
}

}  // namespace

RestoreReport ReportOf(const backup::RestoredFrom& from, const std::map<std::string, std::string>& peers,
                       const registry::RegistryStatus& status) {
  RestoreReport report;
  report.backup = from.name;
  report.complete = !status.books.empty() && std::all_of(status.books.begin(), status.books.end(),
                                                         [](const auto& book) { return book.state == "ORDERING"; });
  report.text = from.name.empty()
                    ? "restored from a copy of a store"
                    : absl::StrCat("restored from backup ", from.name, " of ",
                                   FormatRfc3339(BookTime::FromMicros(static_cast<uint64_t>(from.made_at_us))),
                                   " at log index ", from.applied_index);
  for (const registry::OwnBookInfo& book : status.books) {
    absl::StrAppend(&report.text, "; ", LineOf(from, peers, !status.siblings.empty(), book));
  }
  absl::StrAppend(&report.text, "; generation ", status.generation);
  return report;
}

RestoreWatch::RestoreWatch(std::string data_dir, std::map<std::string, std::string> peers, Log log)
    : data_dir_(std::move(data_dir)), peers_(std::move(peers)), log_(std::move(log)) {
  PosixFileSystem files;
  const absl::StatusOr<std::string> marker =
      files.ReadFile(absl::StrCat(data_dir_, "/", kStore, "/", backup::kRestoredFile));
  if (marker.ok()) {
    from_ = backup::ParseRestoredFrom(*marker);
    return;
  }
  // Of an earlier life: two lines, the backup's name and the text.
  const absl::StatusOr<std::string> kept = files.ReadFile(absl::StrCat(data_dir_, "/", kLastRestore));
  if (!kept.ok()) return;
  const size_t line = kept->find('\n');
  if (line == std::string::npos) return;
  RestoreReport report{kept->substr(0, line), true, kept->substr(line + 1)};
  while (!report.text.empty() && report.text.back() == '\n') report.text.pop_back();
  last_ = std::move(report);
}

RestoreWatch::~RestoreWatch() { Stop(); }

void RestoreWatch::Start(registry::RegistryHost* host) {
  if (from_.has_value()) thread_ = std::thread([this, host] { Follow(host); });
}

void RestoreWatch::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  bell_.notify_all();
  if (thread_.joinable()) thread_.join();
}

absl::optional<RestoreReport> RestoreWatch::Last() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return last_;
}

void RestoreWatch::Follow(registry::RegistryHost* host) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const RestoreReport report = ReportOf(*from_, peers_, host->Status());
    if (report.complete) Keep(report);
    lock.lock();
    const bool changed = !last_.has_value() || last_->text != report.text;
    last_ = report;
    if (changed) log_(report.text);
    if (report.complete) return;
    bell_.wait_for(lock, kLookInterval, [this] { return stopping_; });
  }
}

void RestoreWatch::Keep(const RestoreReport& report) {
  const absl::Status kept = PosixFileSystem().WriteFileAtomically(absl::StrCat(data_dir_, "/", kLastRestore),
                                                                  absl::StrCat(report.backup, "\n", report.text, "\n"));
  if (!kept.ok()) log_(absl::StrCat("the report of the restore could not be kept: ", kept.message()));
}

}  // namespace jcm::services
