#include "ledger/rules/cycle/conditions.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/quantification.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

using In = ConditionInput;

absl::StatusOr<std::string> StateOf(const In& in, absl::string_view strand, uint32_t instance = 1) {
  return StateOf(in.dossier, strand, instance, in.state);
}

// The strand's state must be one of those.
absl::Status RequireState(const In& in, absl::string_view strand, std::initializer_list<absl::string_view> wanted,
                          Reason reason) {
  JCM_ASSIGN_OR_RETURN(std::string state, StateOf(in, strand));
  if (std::find(wanted.begin(), wanted.end(), state) != wanted.end()) return absl::OkStatus();
  return Error(reason, absl::StrCat(strand, " is ", state.empty() ? "not begun" : state));
}

absl::Status RequireSwitch(bool on, absl::string_view what) {
  if (on) return absl::OkStatus();
  return Error(Reason::STEP_NOT_IN_RULEBOOK, absl::StrCat("this rulebook has no ", what));
}

bool IsRegisteredState(absl::string_view state) { return state == "REGISTERED" || state == "CREDITING_ENDED"; }

absl::Status PinInRulebook(const In& in) { return RequireSwitch(in.parameters.pin_required(), "project idea notes"); }

absl::Status OtherSideComplete(const In& in) {
  if (!in.parameters.completeness_by_both() || !in.dossier.own) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(v1::PartnershipRecord partnership, GetPartnership(in.state));
  if (partnership.mode() == v1::PARTNERSHIP_MODE_ATTESTED) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto reaction, in.state.Get(state::Shadow(v1::TABLE_DOSSIER_REACTION),
                                                   DossierReactionKey(in.dossier.record.dossier_id(), in.strand,
                                                                      in.instance, v1::REACTION_KIND_COMPLETE)));
  if (reaction.has_value()) return absl::OkStatus();
  return Error(Reason::OTHER_SIDE_NOT_COMPLETE, "completeness_by_both");
}

absl::Status PinCleared(const In& in) {
  if (!in.parameters.pin_required()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(std::string state, StateOf(in, "PIN"));
  if (state == "NO_OBJECTION") return absl::OkStatus();
  if (state == "PLANNED" && in.parameters.planned_project_clears()) return absl::OkStatus();
  return Error(Reason::PIN_NOT_CLEARED, absl::StrCat("PIN is ", state.empty() ? "not begun" : state));
}

// The version of a methodology dossier that has this number, in the state APPROVED or SUPERSEDED.
absl::StatusOr<absl::optional<v1::StrandRecord>> VersionOf(const DossierView& methodology, absl::string_view version,
                                                           const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::StrandRecord> versions, FindInstances(methodology, "VERSION", state));
  for (v1::StrandRecord& one : versions) {
    const bool approved = one.state() == "APPROVED" || one.state() == "SUPERSEDED";
    if (approved && one.facts().version() == version) return absl::make_optional(std::move(one));
  }
  return absl::optional<v1::StrandRecord>();
}

absl::Status CheckMethodology(const In& in, const v1::MethodologyUse& use, bool proposed_is_enough) {
  const std::string name = absl::StrCat(use.reference(), " Ver", use.version());
  JCM_ASSIGN_OR_RETURN(auto methodology, FindDossierByReference(use.reference(), in.state));
  if (!methodology.has_value() || methodology->record.kind() != v1::DOSSIER_KIND_METHODOLOGY) {
    return Error(Reason::METHODOLOGY_NOT_APPROVED, absl::StrCat(use.reference(), " is not known"));
  }
  JCM_ASSIGN_OR_RETURN(auto version, VersionOf(*methodology, use.version(), in.state));
  if (!version.has_value()) {
    if (proposed_is_enough && in.parameters.pdd_before_methodology_approval()) return absl::OkStatus();
    return Error(Reason::METHODOLOGY_NOT_APPROVED, name);
  }
  if (version->state() == "APPROVED") return absl::OkStatus();
  const BookTime end =
      EndOfDayAfter(BookTime::FromMicros(version->since_us()), in.parameters.methodology_grace_days(), in.parameters);
  if (in.rule.time < end) return absl::OkStatus();
  return Error(Reason::METHODOLOGY_NOT_APPROVED, absl::StrCat(name, " was superseded, and its days of grace are over"));
}

absl::Status CheckMethodologies(const In& in, const google::protobuf::RepeatedPtrField<v1::MethodologyUse>& uses,
                                bool proposed_is_enough) {
  if (uses.empty()) return Error(Reason::METHODOLOGY_NOT_APPROVED, "the project names no methodology");
  for (const v1::MethodologyUse& use : uses) JCM_RETURN_IF_ERROR(CheckMethodology(in, use, proposed_is_enough));
  return absl::OkStatus();
}

absl::Status MethodologyProposed(const In& in) { return CheckMethodologies(in, in.facts.methodologies(), true); }

absl::Status MethodologyApproved(const In& in) {
  return CheckMethodologies(in, in.dossier.record.methodologies(), false);
}

absl::Status OperationNotTooEarly(const In& in) {
  if (!in.parameters.has_operation_start_not_before()) return absl::OkStatus();
  const v1::ProjectFacts& project = in.dossier.record.project();
  if (!project.has_operation_start()) return Error(Reason::FIELD_REQUIRED, "operation_start");
  if (ToDate(project.operation_start()) >= ToDate(in.parameters.operation_start_not_before())) return absl::OkStatus();
  return Error(Reason::OPERATION_TOO_EARLY, FormatDate(ToDate(project.operation_start())));
}

absl::Status OneSchemeOnly(const In& in) {
  if (in.dossier.record.project().not_under_other_scheme()) return absl::OkStatus();
  return Error(Reason::OTHER_SCHEME_NOT_EXCLUDED, "not_under_other_scheme");
}

absl::Status DesignSubmitted(const In& in) {
  return RequireState(in, "DESIGN", {"SUBMITTED", "PUBLIC", "INPUTS_CLOSED"}, Reason::DESIGN_MISSING);
}

absl::Status InputsClosed(const In& in) {
  return RequireState(in, "DESIGN", {"INPUTS_CLOSED"}, Reason::PUBLIC_INPUT_NOT_CLOSED);
}

absl::Status EntityMay(const In& in, bool verification) {
  JCM_ASSIGN_OR_RETURN(DossierView entity, FindDossier(in.facts.third_party_entity(), in.state));
  if (entity.record.kind() != v1::DOSSIER_KIND_THIRD_PARTY_ENTITY) {
    return Error(Reason::ENTITY_NOT_DESIGNATED, "the dossier is not a third-party entity's");
  }
  // The scopes of the methodologies used; before there are any, the project's own.
  std::set<int32_t> scopes;
  for (const v1::MethodologyUse& use : in.dossier.record.methodologies()) {
    JCM_ASSIGN_OR_RETURN(auto methodology, FindDossierByReference(use.reference(), in.state));
    if (methodology.has_value())
      scopes.insert(methodology->record.scopes().begin(), methodology->record.scopes().end());
  }
  if (scopes.empty()) {
    const auto& own = in.dossier.record.project().scopes();
    scopes.insert(own.begin(), own.end());
  }
  const std::vector<int32_t> list(scopes.begin(), scopes.end());
  return CheckDesignation(entity.record, in.facts.document_date(), list, verification);
}

absl::Status EntityMayValidate(const In& in) { return EntityMay(in, false); }
absl::Status EntityMayVerify(const In& in) { return EntityMay(in, true); }

absl::Status Validated(const In& in) { return RequireState(in, "VALIDATION", {"POSITIVE"}, Reason::NOT_VALIDATED); }

absl::Status AssessmentInRulebook(const In& in) {
  return RequireSwitch(in.parameters.reference_assessment_required(), "assessment of reference emissions");
}

absl::Status ReferenceAssessed(const In& in) {
  if (!in.parameters.reference_assessment_required()) return absl::OkStatus();
  return RequireState(in, "REFERENCE", {"ASSESSED"}, Reason::REFERENCE_NOT_ASSESSED);
}

bool HasSafeguards(const In& in) {
  return PermanenceOf(in.parameters, in.dossier.record.project().type()).safeguards_required();
}

absl::Status SafeguardsInRegime(const In& in) { return RequireSwitch(HasSafeguards(in), "safeguards for this type"); }

absl::Status SafeguardsPublic(const In& in) {
  if (!HasSafeguards(in)) return absl::OkStatus();
  return RequireState(in, "SAFEGUARDS", {"INPUTS_CLOSED"}, Reason::SAFEGUARDS_MISSING);
}

absl::Status DeliveryInShares(const In& in) {
  return CheckShares(in.facts.shares(), in.dossier.record.project(), in.parameters);
}

absl::Status CreditingLength(const In& in) {
  const uint32_t years = in.parameters.crediting_period_years_max();
  const v1::Period& period = in.facts.period();
  if (years == 0 || !period.has_end()) return absl::OkStatus();
  v1::Date limit = period.start();
  limit.set_year(limit.year() + static_cast<int32_t>(years));
  // A period that begins on 29 February ends where 1 March would begin.
  if (limit.month() == 2 && limit.day() == 29 && !IsLeapYear(limit.year())) {
    limit.set_month(3);
    limit.set_day(1);
  }
  if (ToDate(period.end()) < ToDate(limit)) return absl::OkStatus();
  return Error(Reason::CREDITING_TOO_LONG, absl::StrCat("at most ", years, " years"));
}

absl::Status Registered(const In& in) {
  return RequireState(in, "REGISTRATION", {"REGISTERED", "CREDITING_ENDED"}, Reason::NOT_REGISTERED);
}

absl::Status NotEnded(const In& in) {
  JCM_ASSIGN_OR_RETURN(std::string state, StateOf(in, "REGISTRATION"));
  if (state != "DEREGISTERED" && state != "REJECTED") return absl::OkStatus();
  return Error(Reason::NOT_REGISTERED, absl::StrCat("REGISTRATION is ", state));
}

absl::Status RenewalPossible(const In& in) {
  JCM_RETURN_IF_ERROR(Registered(in));
  const v1::Period& old = in.dossier.record.crediting();
  const v1::Period& next = in.facts.period();
  if (!old.has_end()) return Error(Reason::RENEWAL_NOT_ALLOWED, "the crediting period has no end");
  JCM_ASSIGN_OR_RETURN(std::vector<v1::StrandRecord> renewals, FindInstances(in.dossier, "RENEWAL", in.state));
  const auto renewed = std::count_if(renewals.begin(), renewals.end(),
                                     [](const v1::StrandRecord& renewal) { return renewal.state() == "RENEWED"; });
  if (static_cast<uint32_t>(renewed) >= in.parameters.crediting_renewals_max()) {
    return Error(Reason::RENEWAL_NOT_ALLOWED, absl::StrCat("after ", renewed, " renewals"));
  }
  if (ToDate(next.start()) != AddDays(ToDate(old.end()), 1)) {
    return Error(Reason::RENEWAL_NOT_ALLOWED, "the new period does not begin on the day after the last one");
  }
  return absl::OkStatus();
}

absl::Status MayMonitor(const In& in) {
  JCM_ASSIGN_OR_RETURN(std::string registration, StateOf(in, "REGISTRATION"));
  if (!IsRegisteredState(registration)) {
    const bool together = in.parameters.validation_with_first_verification() && in.instance == 1;
    if (!together || registration == "DEREGISTERED" || registration == "REJECTED") {
      return Error(Reason::NOT_REGISTERED,
                   absl::StrCat("REGISTRATION is ", registration.empty() ? "not begun" : registration));
    }
    JCM_RETURN_IF_ERROR(DesignSubmitted(in));
  }
  if (!in.parameters.implementation_report_required()) return absl::OkStatus();
  return RequireState(in, "IMPLEMENTATION", {"REPORTED"}, Reason::IMPLEMENTATION_NOT_REPORTED);
}

absl::Status PeriodInCrediting(const In& in) {
  v1::Period crediting = in.dossier.record.crediting();
  if (!crediting.has_start()) {
    // Not registered yet: what the registration request asks for, if there is one.
    JCM_ASSIGN_OR_RETURN(auto request, FindStrand(in.dossier, "REGISTRATION", 1, in.state));
    if (request.has_value()) crediting = request->facts().period();
    if (!crediting.has_start()) return absl::OkStatus();
  }
  const v1::Period& period = in.facts.period();
  const bool inside = ToDate(period.start()) >= ToDate(crediting.start()) &&
                      (!crediting.has_end() || ToDate(period.end()) <= ToDate(crediting.end()));
  if (inside) return absl::OkStatus();
  return Error(Reason::PERIOD_OUTSIDE_CREDITING,
               absl::StrCat(FormatDate(ToDate(period.start())), "..", FormatDate(ToDate(period.end()))));
}

absl::Status PeriodFree(const In& in) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::StrandRecord> periods, FindInstances(in.dossier, "MONITORING", in.state));
  const v1::Period& period = in.facts.period();
  for (const v1::StrandRecord& other : periods) {
    if (other.instance() == in.instance || other.state() == "WITHDRAWN" || other.state() == "REJECTED") continue;
    const v1::Period& taken = other.facts().period();
    if (ToDate(period.start()) <= ToDate(taken.end()) && ToDate(taken.start()) <= ToDate(period.end())) {
      return Error(Reason::PERIOD_OVERLAPS, absl::StrCat("with monitoring period ", other.instance()));
    }
  }
  return absl::OkStatus();
}

absl::Status PeriodNotStraddling(const In& in) {
  const v1::Period& period = in.facts.period();
  const bool straddles = ToDate(period.start()) < Date{2021, 1, 1} && ToDate(period.end()) >= Date{2021, 1, 1};
  if (!straddles || !in.parameters.straddle_2021_forbidden()) return absl::OkStatus();
  return Error(Reason::PERIOD_STRADDLES_2021,
               absl::StrCat(FormatDate(ToDate(period.start())), "..", FormatDate(ToDate(period.end()))));
}

absl::Status QuantitiesAgree(const In& in) {
  const v1::Quantification& stated = in.facts.quantification();
  const auto& allowed = in.parameters.net_reduction_methods();
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), stated.method()) == allowed.end()) {
    return Error(Reason::QUANTITY_DIFFERS, "the rulebook does not have this method of net reduction");
  }
  JCM_ASSIGN_OR_RETURN(const Rational discount,
                       ToRational(PermanenceOf(in.parameters, in.dossier.record.project().type()).discount()));
  JCM_ASSIGN_OR_RETURN(std::vector<YearResult> years, Quantify(stated, discount));
  const v1::Period& period = in.facts.period();
  const int first = period.start().year();
  if (years.size() != static_cast<size_t>(period.end().year() - first + 1)) {
    return Error(Reason::QUANTITY_DIFFERS, "not one row for each calendar year of the period");
  }
  if (static_cast<size_t>(stated.reductions_size()) != years.size()) {
    return Error(Reason::QUANTITY_DIFFERS, "not one stated reduction for each year");
  }
  for (size_t i = 0; i < years.size(); ++i) {
    if (years[i].vintage != first + static_cast<int>(i)) {
      return Error(Reason::QUANTITY_DIFFERS, absl::StrCat("no row for ", first + static_cast<int>(i)));
    }
    const uint64_t claimed = stated.reductions(static_cast<int>(i));
    if (claimed != years[i].reductions) {
      return Error(Reason::QUANTITY_DIFFERS,
                   absl::StrCat(years[i].vintage, ": stated ", claimed, " t, computed ", years[i].reductions, " t"));
    }
  }
  return absl::OkStatus();
}

absl::Status MayRequestIssuance(const In& in) {
  JCM_ASSIGN_OR_RETURN(std::string state, StateOf(in, "REGISTRATION"));
  if (IsRegisteredState(state)) return absl::OkStatus();
  if (state == "COMPLETE" && in.parameters.registration_with_issuance()) return absl::OkStatus();
  return Error(Reason::NOT_REGISTERED, absl::StrCat("REGISTRATION is ", state.empty() ? "not begun" : state));
}

absl::Status IssuedHere(const In& in) {
  for (const v1::SideIssuance& issued : in.before.issued()) {
    if (issued.registry() != in.rule.book.registry) continue;
    if (issued.reported()) return Error(Reason::ALREADY_EXISTS, "this side has reported its issuance");
    return absl::OkStatus();
  }
  return Error(Reason::NOT_ISSUED, "this side has not issued");
}

absl::Status FirstVersion(const In& in) {
  if (in.instance == 1) return absl::OkStatus();
  return Error(Reason::STEP_NOT_POSSIBLE, "a further version is a revision");
}

absl::Status EarlierVersionApproved(const In& in) {
  JCM_ASSIGN_OR_RETURN(std::vector<v1::StrandRecord> versions, FindInstances(in.dossier, "VERSION", in.state));
  bool approved = false;
  for (const v1::StrandRecord& version : versions) {
    if (version.instance() == in.instance) continue;
    approved = approved || version.state() == "APPROVED";
    const bool ended = version.state() == "APPROVED" || version.state() == "SUPERSEDED" ||
                       version.state() == "REJECTED" || version.state() == "RETURNED" || version.state() == "WITHDRAWN";
    if (!ended) return Error(Reason::STEP_NOT_POSSIBLE, absl::StrCat("version ", version.instance(), " is under way"));
  }
  if (approved) return absl::OkStatus();
  return Error(Reason::METHODOLOGY_NOT_APPROVED, "no version of this methodology is approved");
}

absl::Status Designated(const In& in) {
  return RequireState(in, "DESIGNATION", {"DESIGNATED"}, Reason::ENTITY_NOT_DESIGNATED);
}

struct Named {
  absl::string_view name;
  absl::Status (*check)(const In&);
};

constexpr Named kConditions[] = {
    {"pin_in_rulebook", PinInRulebook},
    {"other_side_complete", OtherSideComplete},
    {"pin_cleared", PinCleared},
    {"methodology_proposed", MethodologyProposed},
    {"methodology_approved", MethodologyApproved},
    {"operation_not_too_early", OperationNotTooEarly},
    {"one_scheme_only", OneSchemeOnly},
    {"design_submitted", DesignSubmitted},
    {"inputs_closed", InputsClosed},
    {"entity_may_validate", EntityMayValidate},
    {"entity_may_verify", EntityMayVerify},
    {"validated", Validated},
    {"assessment_in_rulebook", AssessmentInRulebook},
    {"reference_assessed", ReferenceAssessed},
    {"safeguards_in_regime", SafeguardsInRegime},
    {"safeguards_public", SafeguardsPublic},
    {"delivery_in_shares", DeliveryInShares},
    {"crediting_length", CreditingLength},
    {"registered", Registered},
    {"not_ended", NotEnded},
    {"renewal_possible", RenewalPossible},
    {"may_monitor", MayMonitor},
    {"period_in_crediting", PeriodInCrediting},
    {"period_free", PeriodFree},
    {"period_not_straddling", PeriodNotStraddling},
    {"quantities_agree", QuantitiesAgree},
    {"may_request_issuance", MayRequestIssuance},
    {"issued_here", IssuedHere},
    {"first_version", FirstVersion},
    {"earlier_version_approved", EarlierVersionApproved},
    {"designated", Designated},
};

}  // namespace

absl::Status CheckCondition(absl::string_view name, const ConditionInput& input) {
  for (const Named& condition : kConditions) {
    if (condition.name == name) return condition.check(input);
  }
  return Error(Reason::INTERNAL, absl::StrCat("no condition ", name));
}

absl::Span<const absl::string_view> ConditionNames() {
  static const auto* const kNames = [] {
    auto* names = new std::vector<absl::string_view>();
    for (const Named& condition : kConditions) names->push_back(condition.name);
    return names;
  }();
  return *kNames;
}

absl::Status CheckDesignation(const v1::DossierRecord& entity, const v1::Date& day, absl::Span<const int32_t> scopes,
                              bool verification) {
  const v1::DatedScopes* valid = nullptr;
  for (const v1::DatedScopes& row : entity.designations()) {
    if (ToDate(row.from()) <= ToDate(day)) valid = &row;
  }
  const std::string on = absl::StrCat(entity.dossier_id(), " on ", FormatDate(ToDate(day)));
  if (valid == nullptr || valid->scopes().empty()) return Error(Reason::ENTITY_NOT_DESIGNATED, on);
  for (const int32_t scope : scopes) {
    const bool granted = std::any_of(valid->scopes().begin(), valid->scopes().end(), [&](const v1::ScopeGrant& grant) {
      return grant.scope() == scope && (verification ? grant.verification() : grant.validation());
    });
    if (!granted) {
      return Error(Reason::ENTITY_OUT_OF_SCOPE,
                   absl::StrCat(on, ": scope ", scope, " for ", verification ? "verification" : "validation"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Rational> DeliveryShareOf(const v1::ProjectFacts& project, const v1::RulebookParameters& parameters) {
  JCM_ASSIGN_OR_RETURN(Rational least, ToRational(project.delivery_share()));
  const bool public_money =
      project.programme() != v1::FUNDING_PROGRAMME_PRIVATE && project.programme() != v1::FUNDING_PROGRAMME_UNSPECIFIED;
  if (!public_money) return least;
  JCM_ASSIGN_OR_RETURN(const Rational by_rule, ToRational(parameters.subsidised_delivery_share()));
  return std::max(least, by_rule);
}

absl::Status CheckShares(const google::protobuf::RepeatedPtrField<v1::AllocationShare>& shares,
                         const v1::ProjectFacts& project, const v1::RulebookParameters& parameters) {
  if (shares.empty()) return Error(Reason::FIELD_REQUIRED, "shares");
  Rational total;
  Rational government;
  Rational contributed[3];  // financial, technical, operational
  std::set<std::string> parties;
  for (const v1::AllocationShare& share : shares) {
    JCM_RETURN_IF_ERROR(CheckText(share.party(), kTitleBytesMax, /*required=*/true));
    if (!parties.insert(share.party()).second)
      return Error(Reason::FIELD_INVALID, absl::StrCat(share.party(), " twice"));
    JCM_ASSIGN_OR_RETURN(const Rational part, ToRational(share.share()));
    JCM_ASSIGN_OR_RETURN(total, total.Plus(part));
    if (share.government_of_japan()) {
      JCM_ASSIGN_OR_RETURN(government, government.Plus(part));
    }
    const v1::Fraction contributions[] = {share.financial(), share.technical(), share.operational()};
    for (size_t i = 0; i < 3; ++i) {
      JCM_ASSIGN_OR_RETURN(const Rational of_whole, ToRational(contributions[i]));
      JCM_ASSIGN_OR_RETURN(contributed[i], contributed[i].Plus(of_whole));
      if (Rational(1) < contributed[i]) return Error(Reason::FIELD_INVALID, "contributions above the whole");
    }
  }
  if (total != Rational(1)) return Error(Reason::SHARES_NOT_ONE, total.ToString());
  JCM_ASSIGN_OR_RETURN(const Rational least, DeliveryShareOf(project, parameters));
  if (government >= least) return absl::OkStatus();
  return Error(Reason::DELIVERY_BELOW_MINIMUM,
               absl::StrCat("Government of Japan ", government.ToString(), ", at least ", least.ToString()));
}

}  // namespace jcm::rules
