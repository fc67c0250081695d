// What single records may say and how they may change: decisions and votes, issuances and lots, authorizations and
// first transfers, transfers and their sums.
#ifndef TOOLS_JCM_VERIFY_AUDIT_RECORD_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_RECORD_AUDIT_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/types/optional.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

class RecordAudit {
 public:
  // Both must outlive this.
  RecordAudit(const BookId& book, const Tables& tables, BookReport* report);

  // One effect of an entry, blocks of units apart. `command`: of a COMMAND entry, else null. The tables already hold
  // the entry's effects.
  void Check(uint64_t sequence, uint64_t time_us, book::LeafKind kind, const EffectBytes& effect,
             const v1::Command* command);

  // After the last effect of an entry: sums over several records, which one entry may change together.
  void FinishEntry(uint64_t sequence);

  // The text from which this registry may issue: of a decision that is adopted and confirmed, with that digest. None,
  // with a finding, if there is no such decision.
  absl::optional<v1::IssuanceText> ConfirmedIssuance(uint64_t sequence, const std::string& decision_id,
                                                     const std::string& text_digest) const;
  // The text of an adopted decision of this or the other side.
  absl::optional<v1::IssuanceText> AdoptedText(const std::string& decision_id) const;

  using Ranges = google::protobuf::RepeatedPtrField<v1::UnitRange>;
  bool SameRanges(const Ranges& a, const Ranges& b) const;
  // Whether the blocks are the serials of the ranges, in their order.
  bool SameUnits(const Ranges& ranges, const google::protobuf::RepeatedPtrField<v1::BlockRecord>& blocks) const;

 private:
  void CheckOperation(uint64_t sequence, const EffectBytes& effect, const v1::Command* command);
  void CheckDecision(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckVotes(uint64_t sequence, const v1::DecisionRecord& decision);
  bool SideAgrees(const v1::DecisionRecord& decision, bool imported, std::string* why) const;
  void CheckReaction(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckVote(uint64_t sequence, uint64_t time_us, const EffectBytes& effect, bool imported);
  void CheckVotesClosed(uint64_t sequence, const EffectBytes& effect);
  void CheckAllocation(uint64_t sequence, const v1::IssuanceText& text);
  void CheckLot(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckIssuance(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckPeriod(uint64_t sequence, const EffectBytes& effect);
  void CheckAuthorization(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckFirstTransfer(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckFirstTransferRange(uint64_t sequence, const EffectBytes& effect);
  void CheckTransferOut(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckTransferIn(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckSum(uint64_t sequence, const Ranges& ranges, Tonnes stated, absl::string_view what);
  int32_t VintageOf(absl::string_view lot_id) const;
  bool ParseBoth(uint64_t sequence, const EffectBytes& effect, google::protobuf::Message* before,
                 google::protobuf::Message* after);

  const BookId book_;
  const Tables& tables_;
  BookReport& report_;
  // By authorization (imported or own, id): as first transfers, and transfers in flight, add up.
  struct Used {
    Tonnes first_transferred = 0;
    Tonnes held = 0;
  };
  std::map<std::pair<bool, std::string>, Used> used_;
  std::set<std::pair<bool, std::string>> touched_;  // by the present entry
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_RECORD_AUDIT_H_
