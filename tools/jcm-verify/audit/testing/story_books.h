// Books to audit, for tests: a story of Japan and Thailand told through the real rules, with real keys, and the means
// to damage what came of it and to make hashes and signatures fit again.
//
//   StoryBooks story;
//   BookCopy copy = story.Copy("THA", "TH");
//   copy.entries[17] ...;             // an act that the rules would have refused
//   story.Rebuild(&copy);             // digests, chain, tree and checkpoint are true again
//   AuditReport report = story.Audit({copy}, settings);
#ifndef TOOLS_JCM_VERIFY_AUDIT_TESTING_STORY_BOOKS_H_
#define TOOLS_JCM_VERIFY_AUDIT_TESTING_STORY_BOOKS_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/book/trust.h"
#include "ledger/rules/testing.h"
#include "tools/jcm-verify/audit/audit.h"
#include "tools/jcm-verify/audit/findings.h"

namespace jcm::verify {

struct BookCopy {
  BookId id;
  std::vector<v1::EntryRecord> entries;
  std::string checkpoint;  // of all entries, cosigned; empty: none
};

class StoryBooks {
 public:
  // Issuance in Thailand, ITMOs moved to Japan and retired there; parallel issuance of 2022 with a first transfer; an
  // electronic decision; transfers that are withdrawn, refused, expired and in flight; retirement, cancellation; state
  // roots.
  // `more_tonnes`: of 2022 on top, issued in Japan to ENT, for books of many transfers.
  explicit StoryBooks(Tonnes more_tonnes = 0);
  // Two registries ready for decisions, in which a test tells its own story through pair().
  struct NothingYet {};
  StoryBooks(NothingYet, BookTime now) : StoryBooks(std::make_unique<rules::TestPair>(now), 0) {}
  // The books of a story that is told elsewhere; it must outlive this.
  explicit StoryBooks(rules::TestPair& pair) : pair_(pair), more_tonnes_(0) {}

  BookCopy Copy(const std::string& registry, const std::string& partnership);
  std::vector<BookCopy> All();
  book::Trust TrustFile();

  // Digests of the bodies, chain and checkpoint as the registry would have made them, from the entries as they are now.
  void Rebuild(BookCopy* copy);
  // Rewrites the effects of an entry.
  static void ChangeEffects(BookCopy* copy, uint64_t sequence, const std::function<void(v1::Effects*)>& change);
  // The first entry that holds this act.
  static uint64_t Find(const BookCopy& copy, v1::Command::BodyCase act, const std::string& id = "");
  static v1::Command CommandOf(const v1::EntryRecord& entry);
  // Rewrites the command and signs it anew, by `signers` of the registry.
  void ChangeCommand(BookCopy* copy, uint64_t sequence, const std::function<void(v1::Command*)>& change,
                     const std::vector<std::string>& signers);

  // The pages of an export.
  std::vector<std::string> Export(const BookCopy& copy, size_t entries_per_page);

  AuditReport Audit(const std::vector<BookCopy>& copies, AuditSettings settings = AuditSettings());

  rules::TestPair& pair() { return pair_; }
  std::string Handle(bool japan, const std::string& number) { return pair_.of(japan).AccountHandle(number, "TH"); }

 private:
  StoryBooks(std::unique_ptr<rules::TestPair> pair, Tonnes more_tonnes)
      : own_pair_(std::move(pair)), pair_(*own_pair_), more_tonnes_(more_tonnes) {}

  void Submit(bool japan, const v1::Command& command, const std::vector<std::string>& signers);
  void Settle();
  std::string Decide(bool japan, const std::string& decision_id, const v1::DecisionText& text, bool meeting);
  void Issue(bool japan, const std::string& decision_id, const std::string& digest,
             const std::vector<std::pair<uint32_t, std::string>>& targets);
  void Authorize(const std::string& id, uint64_t quantity, int vintage, v1::FirstTransferTrigger trigger);
  void Init(const std::string& id, const std::string& lot, Serial first, Serial last, const std::string& authorization,
            const std::string& account);
  void StateRoots();
  void FirstYear();
  void SecondYear();

  const std::unique_ptr<rules::TestPair> own_pair_;  // null: told elsewhere
  rules::TestPair& pair_;
  const Tonnes more_tonnes_;
};

// Entries in memory.
class MemorySource : public EntrySource {
 public:
  explicit MemorySource(BookCopy copy) : copy_(std::move(copy)), name_(copy_.id.ToString()) {}
  const BookId& book() const override { return copy_.id; }
  const std::string& name() const override { return name_; }
  bool Next(EntryBytes* entry, BookReport* report) override;
  std::vector<SourcedNote> TakeNotes() override;
  std::string PlaceOf(absl::string_view bytes) const override;
  uint64_t entries_expected() const override { return copy_.entries.size(); }

 private:
  const BookCopy copy_;
  const std::string name_;
  size_t next_ = 0;
};

// Names of the checks that failed, sorted, each once: "chain tree".
std::string FailedChecks(const AuditReport& report);
// All findings, for messages of tests.
std::string AllFindings(const AuditReport& report);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_TESTING_STORY_BOOKS_H_
