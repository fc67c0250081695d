// What single records may say and how they may change: issuances and lots, authorizations and first transfers,
// transfers and their sums; of decisions and dossiers what DecisionAudit and DossierAudit say.
#ifndef TOOLS_JCM_VERIFY_AUDIT_RECORD_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_RECORD_AUDIT_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "google/protobuf/repeated_ptr_field.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"
#include "tools/jcm-verify/audit/decision_audit.h"
#include "tools/jcm-verify/audit/dossier_audit.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/plain.h"
#include "tools/jcm-verify/audit/signed_act.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

template <typename A, typename B>
bool SameRanges(const A& a, const B& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.lot_id() == y.lot_id() && x.first() == y.first() && x.last() == y.last();
  });
}

// Whether the blocks are the serials of the ranges, in their order.
bool SameUnits(const google::protobuf::RepeatedPtrField<v1::UnitRange>& ranges,
               const google::protobuf::RepeatedPtrField<v1::BlockRecord>& blocks);

class RecordAudit {
 public:
  // Both must outlive this.
  RecordAudit(const BookId& book, const Tables& tables, BookReport* report);

  // One effect of an entry, blocks of units apart. `act`: of a COMMAND entry, else null. The tables already hold the
  // entry's effects.
  void Check(uint64_t sequence, uint64_t time_us, book::LeafKind kind, const EffectBytes& effect, const SignedAct* act);

  // After the last effect of an entry: sums over several records, which one entry may change together.
  void FinishEntry(uint64_t sequence);

  const DecisionAudit& decisions() const { return decisions_; }

 private:
  void CheckOperation(uint64_t sequence, const EffectBytes& effect, const SignedAct* act);
  void CheckMigratedEnd(uint64_t sequence, const EffectBytes& effect, const v1::MigrateUnits& command);
  void CheckLot(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckIssuance(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckPeriod(uint64_t sequence, const EffectBytes& effect);
  void CheckAuthorization(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckFirstTransfer(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckFirstTransferRange(uint64_t sequence, const EffectBytes& effect);
  void CheckTransferOut(uint64_t sequence, const EffectBytes& effect, bool imported);
  void CheckTransferIn(uint64_t sequence, const EffectBytes& effect, bool imported);
  template <typename Ranges>
  void CheckSum(uint64_t sequence, const Ranges& ranges, Tonnes stated, absl::string_view what);
  int32_t VintageOf(absl::string_view lot_id) const;
  bool ParseBoth(uint64_t sequence, const EffectBytes& effect, google::protobuf::Message* before,
                 google::protobuf::Message* after);

  const BookId book_;
  const Tables& tables_;
  BookReport& report_;
  DecisionAudit decisions_;
  DossierAudit dossiers_;
  OperationView record_;  // of the present entry
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
