#include "tools/jcm-verify/audit/audit.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/note.h"
#include "tools/jcm-verify/audit/book_audit.h"
#include "tools/jcm-verify/audit/cpu_clock.h"
#include "tools/jcm-verify/audit/home_index.h"

namespace jcm::verify {
namespace {

std::string OriginOf(const SourcedNote& sourced) {
  absl::StatusOr<book::Note> note = book::ParseNote(sourced.note);
  if (!note.ok()) return "";
  absl::StatusOr<book::Checkpoint> checkpoint = book::ParseCheckpoint(note->text);
  return checkpoint.ok() ? checkpoint->origin : "";
}

class Audit {
 public:
  Audit(std::vector<std::unique_ptr<EntrySource>> sources, const std::vector<book::Trust>& trust,
        const AuditSettings& settings, AuditReport* report)
      : trust_(trust), settings_(settings), report_(*report) {
    for (std::unique_ptr<EntrySource>& source : sources) by_book_[source->book()].push_back(std::move(source));
  }

  void Run() {
    CheckNotes();
    for (auto& [id, sources] : by_book_) {
      if (id.is_home() || id == BookId()) RunGroup(id, nullptr);
    }
    for (auto& [id, sources] : by_book_) {
      if (id.is_home() || sources.empty() || done_.count(id) > 0) continue;
      const BookId* other = nullptr;
      for (auto& [candidate, candidates] : by_book_) {
        if (candidate.partnership == id.partnership && candidate.registry != id.registry) other = &candidate;
      }
      RunGroup(id, other);
    }
  }

 private:
  using Sources = std::vector<std::unique_ptr<EntrySource>>;

  const book::TrustedBook* TrustedOf(const BookId& id) const {
    for (const book::Trust& trust : trust_) {
      for (const book::TrustedBook& book : trust.books()) {
        if (book.book == id) return &book;
      }
    }
    return nullptr;
  }

  // A checkpoint of a book that is not there at all must not go by in silence.
  void CheckNotes() {
    for (const SourcedNote& note : settings_.checkpoints) {
      const std::string origin = OriginOf(note);
      const absl::StatusOr<book::Origin> parsed = book::ParseOrigin(origin);
      if (parsed.ok() && by_book_.count(parsed->book) > 0) continue;
      BookReport& report = report_.AddBook(origin.empty() ? note.place : origin);
      report.FailBook(origin.empty() ? Check::CHECKPOINT : Check::COMPLETE, note.place,
                      origin.empty() ? "a signed checkpoint" : "the book of this checkpoint", "none");
    }
  }

  BookSettings SettingsOf(const BookId& id, bool paired, bool copied) {
    BookSettings settings;
    settings.author_signatures = settings_.author_signatures;
    settings.keep_window = paired;
    settings.keep_hashes = copied;
    if (id.is_home()) {
      settings.fill_home = &homes_[id.registry];
    } else if (homes_.count(id.registry) > 0) {
      settings.home = &homes_[id.registry];
    }
    for (const SourcedNote& note : settings_.checkpoints) {
      const absl::StatusOr<book::Origin> origin = book::ParseOrigin(OriginOf(note));
      if (origin.ok() && origin->book == id) settings.checkpoints.push_back(note);
    }
    return settings;
  }

  std::unique_ptr<BookAudit> Begin(std::unique_ptr<EntrySource> source, bool paired, bool copied) {
    const BookId id = source->book();
    BookReport& report = report_.AddBook(id == BookId() ? source->name() : id.ToString());
    report.source = source->name();
    return std::make_unique<BookAudit>(std::move(source), TrustedOf(id), SettingsOf(id, paired, copied), &report);
  }

  // The book and, if given, the other side's; then the copies of both.
  void RunGroup(const BookId& id, const BookId* other) {
    Sources& own = by_book_[id];
    Sources none;
    Sources& others = other == nullptr ? none : by_book_[*other];
    std::unique_ptr<BookAudit> first = Begin(std::move(own.front()), other != nullptr, own.size() > 1);
    std::unique_ptr<BookAudit> second;
    if (other != nullptr) second = Begin(std::move(others.front()), true, others.size() > 1);
    PairAudit(first.get(), second.get()).Run(settings_.progress);
    End(*first, own);
    done_.insert(id);
    if (second == nullptr) return;
    End(*second, others);
    done_.insert(*other);
  }

  void End(BookAudit& book, Sources& sources) {
    settings_.at_end(book.source(), book, &book.report());
    if (sources.size() == 1) book.report().NotCheckable(Check::COPY, "no second copy given");
    for (size_t i = 1; i < sources.size(); ++i) RunCopy(book, std::move(sources[i]));
  }

  void RunCopy(const BookAudit& original, std::unique_ptr<EntrySource> source) {
    HomeIndex home;
    const BookId id = source->book();
    BookReport& report = report_.AddBook(absl::StrCat(id.ToString(), " (copy)"));
    report.source = source->name();
    BookSettings settings = SettingsOf(id, /*paired=*/false, /*copied=*/true);
    if (id.is_home()) settings.fill_home = &home;
    BookAudit copy(std::move(source), TrustedOf(id), std::move(settings), &report);
    PairAudit(&copy, nullptr).Run(settings_.progress);
    settings_.at_end(copy.source(), copy, &report);
    const size_t common = std::min(original.hashes().size(), copy.hashes().size());
    for (size_t i = 0; i < common; ++i) {
      if (original.hashes()[i] == copy.hashes()[i]) continue;
      report.Fail(Check::COPY, i, "",
                  absl::StrCat("leaf hash ", HexEncode(original.hashes()[i]), " as in ", original.source().name()),
                  HexEncode(copy.hashes()[i]));
      return;
    }
    report.Passed(Check::COPY, common);
  }

  const std::vector<book::Trust>& trust_;
  const AuditSettings& settings_;
  AuditReport& report_;
  std::map<BookId, Sources> by_book_;
  std::map<std::string, HomeIndex> homes_;
  std::set<BookId> done_;
};

}  // namespace

void AuditBooks(std::vector<std::unique_ptr<EntrySource>> sources, const std::vector<book::Trust>& trust,
                const AuditSettings& settings, AuditReport* report) {
  const auto start = std::chrono::steady_clock::now();
  {
    CpuStopwatch stopwatch(&report->cpu_seconds);
    Audit(std::move(sources), trust, settings, report).Run();
  }
  report->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const BookReport& book : report->books()) report->author_cpu_seconds += book.author_cpu_seconds;
}

}  // namespace jcm::verify
