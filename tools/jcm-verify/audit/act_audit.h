// What each act means for units, records and persons, by the auditor's own reading of the commands (design, sections 3
// and 4): no rule is executed, what the entry states is held against what its act may do.
#ifndef TOOLS_JCM_VERIFY_AUDIT_ACT_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_ACT_AUDIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/arena.h"
#include "jcm/ledger/v1/book.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"
#include "tools/jcm-verify/audit/attest_audit.h"
#include "tools/jcm-verify/audit/author_audit.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/record_audit.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/unit_audit.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

// One entry whose bytes are intact. `act` is set for commands.
struct EntryFacts {
  uint64_t sequence = 0;
  uint64_t time_us = 0;
  book::LeafKind kind = book::LeafKind::COMMAND;
  const std::vector<EffectBytes>* effects = nullptr;
  const SignedAct* act = nullptr;
};

class ActAudit {
 public:
  // All must outlive this.
  ActAudit(const BookId& book, const Tables& tables, AuthorAudit* authors, UnitAudit* units, BookReport* report);

  // `tables` already hold the entry's effects.
  void Audit(const EntryFacts& entry);

  const RecordAudit& records() const { return records_; }

 private:
  void CheckAuthority(const EntryFacts& entry);
  void CheckActsFor(uint64_t sequence, const SignedAct& act, absl::string_view handle);
  void CheckAccount(uint64_t sequence, const SignedAct& act, absl::string_view handle,
                    std::initializer_list<v1::AccountClass> classes, bool sends);
  uint32_t OperationSignatures(uint64_t time_us);
  uint32_t FindOperationSignatures(uint64_t time_us) const;

  void FindMoves(const EntryFacts& entry);
  template <typename Ranges>
  void MovesOfRanges(uint64_t sequence, const Ranges& ranges, const Move& pattern, std::vector<Move>* moves);
  void MovesOfCommand(const EntryFacts& entry, std::vector<Move>* moves);
  void MovesOfOperation(const EntryFacts& entry, std::vector<Move>* moves);
  void MovesOfIssuance(const EntryFacts& entry, std::vector<Move>* moves);
  void MovesOfMigration(const EntryFacts& entry, std::vector<Move>* moves);
  void MovesOfRestriction(const EntryFacts& entry, std::vector<Move>* moves);
  // A migrated act comes before its book's one opening statement is signed; that has the sums that were taken over.
  void CheckMigration(const EntryFacts& entry);
  void CheckStatement(uint64_t sequence, const v1::SignOpeningStatement& signed_statement);
  void CountMigrated(const EntryFacts& entry);
  void MovesOfTransferOut(const EntryFacts& entry, const EffectBytes& effect, std::vector<Move>* moves);
  void MovesOfTransferIn(const EntryFacts& entry, const EffectBytes& effect, std::vector<Move>* moves);
  void CheckMayDecide(const EntryFacts& entry, const v1::TransferOutRecord& transfer);

  const BookId book_;
  const Tables& tables_;
  AuthorAudit& authors_;
  UnitAudit& units_;
  BookReport& report_;
  RecordAudit records_;
  AttestAudit attests_;
  // Of the present entry; messages in the arena are those that moves point into.
  std::vector<const EffectBytes*> blocks_;
  std::vector<Move> moves_;
  std::unique_ptr<google::protobuf::Arena> arena_;
  // How many must sign an operation, as asked last: it changes with the rulebooks and, at most, with the minute.
  uint64_t signatures_minute_ = 0;
  uint64_t signatures_changes_ = 0;
  uint32_t signatures_ = 0;  // 0: not asked yet
  // Of the opening statement so far.
  struct TakenOver {
    uint64_t blocks = 0;
    uint64_t transfers = 0;
    Tonnes restricted = 0;
  };
  TakenOver taken_over_;
  bool statement_signed_ = false;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_ACT_AUDIT_H_
