// The named conditions of the project cycle's tables. Each is one check with a reason of its own; the refusal names the
// step and the rulebook that it was judged by.
//
//   JCM_RETURN_IF_ERROR(CheckCondition("pin_cleared", input));
//
// Inside ledger/rules. Sources: domain sheet §2.2–§2.9 and §3.3, of which the Joint Committees' procedures are the
// origin.
//
//   pin_in_rulebook          the rulebook has project idea notes
//   other_side_complete      where both secretariats check: the other one found the strand complete
//   pin_cleared              no objection to the idea, where the rulebook asks for one
//   methodology_proposed     each methodology named is approved, or proposed where the rulebook lets the PDD come first
//   methodology_approved     each methodology used is approved; an older version only in its days of grace
//   operation_not_too_early  the project began to operate on the rulebook's first day or later
//   one_scheme_only          the participants have undertaken that no other scheme credits the same reductions
//   design_submitted         there is a design document
//   inputs_closed            its call for public input has ended
//   entity_may_validate      on the report's date the TPE was designated to validate in each of the scopes
//   entity_may_verify        … to verify
//   validated                the validation was positive
//   assessment_in_rulebook   the rulebook has assessments of reference emissions
//   reference_assessed       the assessment was made, where the rulebook asks for one
//   safeguards_in_regime     the project's permanence regime has safeguards
//   safeguards_public        their call for public input has ended, where the regime has them
//   delivery_in_shares       shares add up to one, and public money gets its minimum
//   crediting_length         a crediting period of at most the rulebook's years
//   registered               the project is registered and not withdrawn
//   not_ended                the project is not withdrawn
//   renewal_possible         a further crediting period that follows the last one, as many and as long as allowed
//   may_monitor              registered; or before it, the first period, where the rulebook lets both run together
//   period_in_crediting      the monitoring period lies in the crediting period
//   period_free              it overlaps no other one of the project
//   period_not_straddling    it does not contain both 2020-12-31 and 2021-01-01
//   quantities_agree         the verified reductions are those that the emissions give, year by year
//   may_request_issuance     registered; or complete for registration, where both may be decided together
//   issued_here              this side has issued
//   first_version            no version of the methodology exists yet
//   earlier_version_approved a version is approved, and no revision is under way
//   designated               the entity is designated
#ifndef LEDGER_RULES_CYCLE_CONDITIONS_H_
#define LEDGER_RULES_CYCLE_CONDITIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ledger/base/rational.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/handlers.h"

namespace jcm::rules {

struct ConditionInput {
  const RuleInput& rule;
  const DossierView& dossier;
  absl::string_view strand;
  uint32_t instance;
  const v1::StrandRecord& before;  // empty if the strand has not begun
  const v1::StepFacts& facts;      // of the strand, with those of this step
  const v1::RulebookParameters& parameters;
  const state::StateReader& state;
};

// OK, or the condition's own reason.
absl::Status CheckCondition(absl::string_view name, const ConditionInput& input);

// All names, for tests and documentation.
absl::Span<const absl::string_view> ConditionNames();

// Whether the entity may do so in each of the scopes on that day. ENTITY_NOT_DESIGNATED, ENTITY_OUT_OF_SCOPE.
absl::Status CheckDesignation(const v1::DossierRecord& entity, const v1::Date& day, absl::Span<const int32_t> scopes,
                              bool verification);

// The shares add up to exactly one. SHARES_NOT_ONE, FIELD_INVALID, DELIVERY_BELOW_MINIMUM.
absl::Status CheckShares(const google::protobuf::RepeatedPtrField<v1::AllocationShare>& shares,
                         const v1::ProjectFacts& project, const v1::RulebookParameters& parameters);

// The least share of the Government of Japan: what the project agreed, and for public money what the rulebook says.
absl::StatusOr<Rational> DeliveryShareOf(const v1::ProjectFacts& project, const v1::RulebookParameters& parameters);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_CYCLE_CONDITIONS_H_
