#include "tools/jcm-verify/audit_tool.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/base/status.h"
#include "ledger/book/trust.h"
#include "ledger/store/rocksdb_store.h"
#include "tools/client/table.h"
#include "tools/jcm-verify/audit/audit.h"
#include "tools/jcm-verify/audit/export_source.h"
#include "tools/jcm-verify/audit/live_source.h"
#include "tools/jcm-verify/audit/report_text.h"
#include "tools/jcm-verify/audit/store_source.h"

namespace jcm::verify {
namespace {

using Clock = std::chrono::steady_clock;

// "  1,234,567 of 10,000,000 entries, 210,000/s, 41 s left"
class ProgressBar {
 public:
  ProgressBar(uint64_t expected, std::ostream* err) : expected_(expected), err_(err), start_(Clock::now()) {}
  ~ProgressBar() {
    if (shown_) *err_ << "\r\033[K" << std::flush;
  }

  void Add(uint64_t entries) {
    done_ += entries;
    const Clock::time_point now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now;
    shown_ = true;
    const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 1e-3);
    const double rate = static_cast<double>(done_) / seconds;
    *err_ << "\r\033[K" << Bar() << client::WithThousands(done_) << " / " << client::WithThousands(expected_)
          << absl::StrFormat("  %.0f/s", rate);
    if (expected_ > done_ && rate > 0) {
      *err_ << absl::StrFormat("  ETA %.0f s", static_cast<double>(expected_ - done_) / rate);
    }
    *err_ << std::flush;
  }

 private:
  std::string Bar() const {
    constexpr size_t kWidth = 24;
    if (expected_ == 0) return "";
    const size_t full = std::min<size_t>(kWidth, kWidth * done_ / expected_);
    return absl::StrCat("[", std::string(full, '#'), std::string(kWidth - full, '.'), "] ");
  }

  const uint64_t expected_;
  std::ostream* const err_;
  const Clock::time_point start_;
  Clock::time_point last_;
  uint64_t done_ = 0;
  bool shown_ = false;
};

absl::StatusOr<std::vector<book::Trust>> ReadTrust(const AuditOptions& options, FileSystem& files) {
  std::vector<std::string> paths = options.trust_paths;
  if (paths.empty() && files.Exists(options.configured_trust_path)) paths.push_back(options.configured_trust_path);
  std::vector<book::Trust> trust;
  for (const std::string& path : paths) {
    absl::StatusOr<std::string> text = files.ReadFile(path);
    if (!text.ok()) return Error(Reason::TRUST_MALFORMED, text.status().message());
    absl::StatusOr<book::Trust> parsed = book::Trust::Parse(*text);
    if (!parsed.ok()) return Error(Reason::TRUST_MALFORMED, absl::StrCat(path, ": ", parsed.status().message()));
    trust.push_back(*std::move(parsed));
  }
  return trust;
}

// Everything that was named, opened. Stores and the connection live as long as their sources.
class Inputs {
 public:
  Inputs(const AuditOptions& options, FileSystem& files, AuditReport* report)
      : options_(options), files_(files), report_(*report) {}

  absl::Status Open() {
    for (const std::vector<std::string>& group : GroupExports(options_.paths, files_)) {
      sources.push_back(std::make_unique<ExportSource>(group, files_));
    }
    for (const std::string& path : options_.store_paths) OpenStore(path);
    for (const std::string& path : options_.checkpoint_paths) {
      absl::StatusOr<std::string> note = files_.ReadFile(path);
      if (!note.ok()) return Error(Reason::NOTE_MALFORMED, note.status().message());
      SourcedNote sourced;
      sourced.note = *std::move(note);
      sourced.place = path;
      checkpoints.push_back(std::move(sourced));
    }
    return options_.connection.address.empty() ? absl::OkStatus() : OpenNode();
  }

  std::vector<std::unique_ptr<EntrySource>> sources;
  std::vector<SourcedNote> checkpoints;

 private:
  // A store that cannot be opened is a finding: that is what an audit is to find.
  void OpenStore(const std::string& path) {
    BookReport& report = report_.AddBook(path);
    report.source = path;
    report.keys_trusted = true;  // keys are a matter of the books in it
    store::RocksDbOptions options;
    options.path = path;
    absl::StatusOr<std::unique_ptr<store::RocksDbStore>> store = store::RocksDbStore::OpenReadOnly(options, true);
    if (!store.ok()) {
      report.FailBook(Check::STORE_FILES, path, "a store whose files and write-ahead log are whole",
                      ToText(store.status()));
      store = store::RocksDbStore::OpenReadOnly(options, false);
      if (!store.ok()) return;
    }
    const absl::Status verified = (*store)->Verify();
    if (verified.ok()) {
      report.Passed(Check::STORE_FILES);
    } else {
      report.FailBook(Check::STORE_FILES, path, "files that pass their checksums", ToText(verified));
    }
    if ((*store)->restored()) {
      report.Warn(Check::STORE_FILES, path, "a store in use", "a copy, or a store restored from one");
    }
    absl::StatusOr<std::vector<BookId>> books = BooksInStore(**store);
    if (!books.ok() || books->empty()) {
      report.FailBook(Check::STORE_FILES, path, "books", books.ok() ? "none" : ToText(books.status()));
      return;
    }
    for (const BookId& book : *books) sources.push_back(std::make_unique<StoreSource>(**store, book, path));
    stores_.push_back(*std::move(store));
  }

  absl::Status OpenNode() {
    JCM_ASSIGN_OR_RETURN(client::Connection connection, client::Connection::Open(options_.connection, files_));
    connection_ = std::make_unique<client::Connection>(std::move(connection));
    JCM_ASSIGN_OR_RETURN(std::vector<BookId> books, BooksOfNode(*connection_));
    for (const BookId& book : books) {
      JCM_ASSIGN_OR_RETURN(std::unique_ptr<LiveSource> source,
                           LiveSource::Open(*connection_, book, options_.connection.address));
      sources.push_back(std::move(source));
    }
    return absl::OkStatus();
  }

  const AuditOptions& options_;
  FileSystem& files_;
  AuditReport& report_;
  std::vector<std::unique_ptr<store::RocksDbStore>> stores_;
  std::unique_ptr<client::Connection> connection_;
};

}  // namespace

int RunAudit(const AuditOptions& options, FileSystem& files, std::ostream& out, std::ostream& err) {
  AuditReport report;
  Inputs inputs(options, files, &report);
  absl::StatusOr<std::vector<book::Trust>> trust = ReadTrust(options, files);
  absl::Status opened = trust.ok() ? inputs.Open() : trust.status();
  if (opened.ok() && inputs.sources.empty() && report.books().empty()) {
    opened = Error(Reason::FIELD_REQUIRED, "name a file, --store or --address");
  }
  if (!opened.ok()) {
    err << "jcm-verify: " << ToText(opened) << "\n";
    return kExitUsage;
  }
  AuditSettings settings;
  settings.author_signatures = options.author_signatures;
  settings.checkpoints = inputs.checkpoints;
  uint64_t expected = 0;
  for (const std::unique_ptr<EntrySource>& source : inputs.sources) expected += source->entries_expected();
  {
    ProgressBar bar(expected, &err);
    if (options.progress) settings.progress = [&](uint64_t entries) { bar.Add(entries); };
    settings.at_end = [](const EntrySource& source, const BookAudit& book, BookReport* book_report) {
      if (const auto* stored = dynamic_cast<const StoreSource*>(&source)) stored->CompareWithStore(book, book_report);
    };
    AuditBooks(std::move(inputs.sources), *trust, settings, &report);
  }
  if (options.json) {
    PrintAuditJson(report, out);
  } else {
    PrintAuditText(report, options.language, out);
  }
  switch (ResultOf(report)) {
    case AuditResult::CLEAN:
      return kExitValid;
    case AuditResult::UNKNOWN_KEY:
      return kExitUnknownKey;
    case AuditResult::INCOMPLETE:
      return kExitNotEnough;
    case AuditResult::FAILED:
      break;
  }
  return kExitInvalid;
}

}  // namespace jcm::verify
