// Mode ATTESTED: what an act of one's own secretariat may write in place of the partner, which keeps no book.
//
// Each such act states one stage of one object: it is recorded as an attestation, once and for ever, with its document,
// and the partner's record of that stage says exactly what the act says, dated to the beginning of the legal date in
// the partner's capital.
#ifndef TOOLS_JCM_VERIFY_AUDIT_ATTEST_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_ATTEST_AUDIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "jcm/ledger/v1/records.pb.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/signed_act.h"
#include "tools/jcm-verify/audit/tables.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

class AttestAudit {
 public:
  // Both must outlive this.
  AttestAudit(const Tables& tables, BookReport* report) : tables_(tables), report_(*report) {}

  // An entry with such an act. The tables already hold its effects.
  void Audit(uint64_t sequence, uint64_t time_us, const SignedAct& act, const std::vector<EffectBytes>& effects);

 private:
  bool IsAttestation(uint64_t time_us, const SignedAct& act, const std::string& object_id,
                     const EffectBytes& effect) const;
  // Whether a record of the partner is what the act says of it.
  bool Says(uint64_t sequence, uint64_t time_us, const SignedAct& act, const EffectBytes& effect) const;
  bool SaysReaction(uint64_t time_us, const SignedAct& act, const EffectBytes& effect) const;
  bool SaysVote(uint64_t sequence, const SignedAct& act, const EffectBytes& effect) const;
  bool SaysAuthorization(const SignedAct& act, const EffectBytes& effect) const;
  bool SaysFirstTransfer(const SignedAct& act, const EffectBytes& effect) const;
  std::string ObjectOf(uint64_t sequence, const v1::Attest& attest) const;
  // When the act's legal date begins in the partner's capital, by the decision's rulebook; 0 if that is not known.
  uint64_t LegalInstant(const SignedAct& act, const std::string& decision_id) const;
  bool PartnerKeepsNoBook() const;

  const Tables& tables_;
  BookReport& report_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_ATTEST_AUDIT_H_
