#include "tools/jcm-verify/audit/attest_audit.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/jcm-verify/audit/decision_audit.h"
#include "tools/jcm-verify/audit/record_audit.h"
#include "tools/jcm-verify/audit/unit_audit.h"

namespace jcm::verify {
namespace {

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

bool SameDay(const v1::Date& a, const v1::Date& b) {
  return a.year() == b.year() && a.month() == b.month() && a.day() == b.day();
}

template <typename Numbers>
bool SameNumbers(const Numbers& a, const Numbers& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

bool AttestAudit::PartnerKeepsNoBook() const {
  v1::PartnershipRecord partnership;
  return Parse(tables_.Get(v1::TABLE_PARTNERSHIP, "partnership"), &partnership) &&
         partnership.mode() == v1::PARTNERSHIP_MODE_ATTESTED;
}

std::string AttestAudit::ObjectOf(uint64_t sequence, const v1::Attest& attest) const {
  v1::DecisionRecord decision;
  switch (attest.stage()) {
    case v1::ATTESTED_STAGE_DISTRIBUTED:
      if (!Parse(tables_.Get(v1::TABLE_DECISION, attest.distributed().decision_id()), &decision)) return "";
      return absl::StrCat(attest.distributed().decision_id(), "/", decision.text_version());
    case v1::ATTESTED_STAGE_VOTE:
      return absl::StrCat(attest.vote().decision_id(), "/", attest.vote().member_id(), "/", sequence);
    case v1::ATTESTED_STAGE_OUTCOME_CONFIRMED:
      return attest.confirmed().decision_id();
    case v1::ATTESTED_STAGE_ISSUED:
      return attest.issued().decision_id();
    case v1::ATTESTED_STAGE_AUTHORIZED:
      return attest.authorized().authorization_id();
    case v1::ATTESTED_STAGE_FIRST_TRANSFERRED:
      return attest.first_transferred().first_transfer_id();
    default:
      return "";
  }
}

bool AttestAudit::IsAttestation(uint64_t time_us, const SignedAct& act, const std::string& object_id,
                                const EffectBytes& effect) const {
  const v1::Attest& attest = act.command.attest();
  v1::AttestationRecord record;
  return effect.old_value.empty() && !effect.new_value.empty() && Parse(effect.new_value, &record) &&
         effect.key == absl::StrCat(attest.stage(), "/", object_id) && record.stage() == attest.stage() &&
         record.object_id() == object_id && record.document_digest() == attest.document_digest() &&
         !record.document_digest().empty() && SameDay(record.legal_date(), act.command.legal_date()) &&
         record.at_us() == time_us;
}

uint64_t AttestAudit::LegalInstant(const SignedAct& act, const std::string& decision_id) const {
  v1::DecisionRecord decision;
  if (!Parse(tables_.Get(v1::TABLE_DECISION, decision_id), &decision)) return 0;
  return StartOfDayIn(/*japan=*/false, act.command.legal_date(), decision.parameters()).value_or(0);
}

bool AttestAudit::SaysReaction(uint64_t time_us, const SignedAct& act, const EffectBytes& effect) const {
  const v1::Attest& attest = act.command.attest();
  v1::ReactionRecord record;
  if (!Parse(effect.new_value, &record) || effect.key != record.decision_id() ||
      record.provenance() != v1::PROVENANCE_ATTESTED || !SameDay(record.legal_date(), act.command.legal_date())) {
    return false;
  }
  if (attest.stage() == v1::ATTESTED_STAGE_DISTRIBUTED) {
    return record.state() == v1::REACTION_STATE_DISTRIBUTED &&
           record.decision_id() == attest.distributed().decision_id() &&
           record.text_digest() == attest.distributed().text_digest() && record.distributed_at_us() != 0 &&
           record.distributed_at_us() == LegalInstant(act, record.decision_id()) &&
           record.distributed_at_us() <= time_us;
  }
  return attest.stage() == v1::ATTESTED_STAGE_OUTCOME_CONFIRMED && record.state() == v1::REACTION_STATE_CONFIRMED &&
         record.decision_id() == attest.confirmed().decision_id() &&
         record.text_digest() == attest.confirmed().text_digest() && record.outcome() == attest.confirmed().outcome();
}

bool AttestAudit::SaysVote(uint64_t sequence, const SignedAct& act, const EffectBytes& effect) const {
  const v1::Attest& attest = act.command.attest();
  const v1::CastVote& vote = attest.vote();
  v1::VoteRecord record;
  return attest.stage() == v1::ATTESTED_STAGE_VOTE && Parse(effect.new_value, &record) &&
         effect.key == RangeKey(vote.decision_id(), sequence) && record.decision_id() == vote.decision_id() &&
         record.text_digest() == vote.text_digest() && record.member_id() == vote.member_id() &&
         record.vote() == vote.vote() && record.co_chair() == attest.vote_by_co_chair() &&
         record.document_digest() == attest.document_digest() && record.provenance() == v1::PROVENANCE_ATTESTED &&
         record.at_us() == LegalInstant(act, vote.decision_id());
}

bool AttestAudit::SaysAuthorization(const SignedAct& act, const EffectBytes& effect) const {
  const v1::Attest& attest = act.command.attest();
  v1::AuthorizationRecord before, record;
  if (!Parse(effect.old_value, &before) || !Parse(effect.new_value, &record)) return false;
  if (attest.stage() == v1::ATTESTED_STAGE_FIRST_TRANSFERRED) {
    // Only what has been used of it rises; by how much, RecordAudit adds up.
    return effect.key == attest.first_transferred().authorization_id() && !effect.old_value.empty() &&
           record.first_transferred() > before.first_transferred() && record.quantity() == before.quantity();
  }
  const v1::AuthorizeItmo& stated = attest.authorized();
  return attest.stage() == v1::ATTESTED_STAGE_AUTHORIZED && effect.key == stated.authorization_id() &&
         effect.old_value.empty() && record.authorization_id() == stated.authorization_id() &&
         record.project_id() == stated.project_id() && SameNumbers(record.purposes(), stated.purposes()) &&
         record.authorized_party() == stated.authorized_party() && record.quantity() == stated.quantity() &&
         record.vintage_first() == stated.vintage_first() && record.vintage_last() == stated.vintage_last() &&
         record.first_transfer_trigger() == stated.first_transfer_trigger() && record.first_transferred() == 0 &&
         record.held() == 0 && record.provenance() == v1::PROVENANCE_ATTESTED &&
         record.document_digest() == attest.document_digest();
}

bool AttestAudit::SaysFirstTransfer(const SignedAct& act, const EffectBytes& effect) const {
  const v1::RecordFirstTransfer& stated = act.command.attest().first_transferred();
  v1::FirstTransferRecord record;
  return act.command.attest().stage() == v1::ATTESTED_STAGE_FIRST_TRANSFERRED && Parse(effect.new_value, &record) &&
         effect.key == stated.first_transfer_id() && record.first_transfer_id() == stated.first_transfer_id() &&
         record.authorization_id() == stated.authorization_id() && SameRanges(record.ranges(), stated.ranges()) &&
         SameDay(record.action_date(), stated.action_date()) && record.provenance() == v1::PROVENANCE_ATTESTED;
}

bool AttestAudit::Says(uint64_t sequence, uint64_t time_us, const SignedAct& act, const EffectBytes& effect) const {
  const bool issued = act.command.attest().stage() == v1::ATTESTED_STAGE_ISSUED;
  const std::string& decision_id = act.command.attest().issued().decision_id();
  v1::LotRecord lot;
  v1::IssuanceRecord issuance;
  switch (effect.table - kShadowOffset) {
    case v1::TABLE_REACTION:
      return SaysReaction(time_us, act, effect);
    case v1::TABLE_VOTE:
      return SaysVote(sequence, act, effect);
    case v1::TABLE_AUTHORIZATION:
      return SaysAuthorization(act, effect);
    case v1::TABLE_FIRST_TRANSFER:
      return SaysFirstTransfer(act, effect);
    case v1::TABLE_LOT:  // and RecordAudit: as the decision has it
      return issued && Parse(effect.new_value, &lot) && lot.decision_id() == decision_id;
    case v1::TABLE_ISSUANCE:
      return issued && effect.key == decision_id && Parse(effect.new_value, &issuance) &&
             issuance.provenance() == v1::PROVENANCE_ATTESTED && issuance.decision_id() == decision_id;
    default:
      return false;
  }
}

void AttestAudit::Audit(uint64_t sequence, uint64_t time_us, const SignedAct& act,
                        const std::vector<EffectBytes>& effects) {
  JCM_AUDIT_REQUIRE(report_, PartnerKeepsNoBook(), Check::ATTESTED, sequence, "a partner that keeps no book",
                    "one that states its acts itself");
  const std::string object_id = ObjectOf(sequence, act.command.attest());
  size_t attestations = 0;
  size_t records = 0;
  for (const EffectBytes& effect : effects) {
    if (effect.table == v1::TABLE_ATTESTATION) {
      ++attestations;
      JCM_AUDIT_REQUIRE(report_, IsAttestation(time_us, act, object_id, effect), Check::ATTESTED, sequence,
                        absl::StrCat("an attestation of ", object_id, ", written once, with its document"), "another");
    } else if (effect.table > kShadowOffset) {
      ++records;
      JCM_AUDIT_REQUIRE(report_, Says(sequence, time_us, act, effect), Check::ATTESTED, sequence,
                        absl::StrCat("the partner's record of ", object_id, " as the act states it"),
                        absl::StrCat("another one of table ", effect.table - kShadowOffset));
    }
  }
  JCM_AUDIT_REQUIRE(report_, attestations == 1 && records > 0, Check::ATTESTED, sequence,
                    absl::StrCat("one attestation of ", object_id, " and the partner's record"),
                    absl::StrCat(attestations, " and ", records, " records"));
}

}  // namespace jcm::verify
