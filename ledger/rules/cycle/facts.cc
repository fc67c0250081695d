#include "ledger/rules/cycle/facts.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

constexpr size_t kShortTextBytesMax = 100;
constexpr size_t kNameBytesMax = 300;
constexpr size_t kReferenceDigitsMin = 3;
constexpr size_t kReferenceDigitsMax = 6;

absl::Status CheckDocument(const v1::Document& document) {
  JCM_RETURN_IF_ERROR(CheckText(document.form(), kShortTextBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(document.name(), kNameBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(document.media_type(), kShortTextBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(document.version(), kShortTextBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(document.public_digest(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDigestField(document.confidential_digest(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(document.redaction_reason(), kReasonBytesMax, /*required=*/false));
  if (document.confidential_digest().empty() != document.redaction_reason().empty()) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(document.form(), ": what is withheld needs its reason"));
  }
  if (document.confidential_digest() == document.public_digest()) {
    return Error(Reason::FIELD_INVALID, absl::StrCat(document.form(), ": both versions are the same"));
  }
  return absl::OkStatus();
}

absl::Status CheckPeriod(const v1::Period& period, bool open_end_allowed) {
  JCM_RETURN_IF_ERROR(CheckDate(period.start(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDate(period.end(), /*required=*/!open_end_allowed));
  if (period.has_end() && ToDate(period.end()) < ToDate(period.start())) {
    return Error(Reason::FIELD_INVALID, "a period ends before it begins");
  }
  return absl::OkStatus();
}

absl::Status CheckMethodologies(const google::protobuf::RepeatedPtrField<v1::MethodologyUse>& uses,
                                absl::string_view partnership) {
  if (uses.size() > kMethodologiesMax) return Error(Reason::FIELD_INVALID, "too many methodologies");
  for (const v1::MethodologyUse& use : uses) {
    const bool proposed = absl::StrContains(use.reference(), "_PM");
    JCM_RETURN_IF_ERROR(CheckReference(proposed ? "PM" : "AM", partnership, use.reference()));
    JCM_RETURN_IF_ERROR(CheckText(use.version(), kShortTextBytesMax, /*required=*/!proposed));
  }
  return absl::OkStatus();
}

absl::Status CheckVersionText(absl::string_view version) {
  const size_t dot = version.find('.');
  const bool good =
      dot != absl::string_view::npos && dot >= 1 && dot <= 2 && version.size() == dot + 2 &&
      std::all_of(version.begin(), version.end(), [](char c) { return c == '.' || absl::ascii_isdigit(c); }) &&
      absl::ascii_isdigit(version.back());
  if (good) return absl::OkStatus();
  return Error(Reason::FIELD_INVALID, absl::StrCat("a version is written 1.0: ", version));
}

absl::Status CheckGrants(const google::protobuf::RepeatedPtrField<v1::ScopeGrant>& grants,
                         const v1::RulebookParameters& parameters) {
  google::protobuf::RepeatedField<int32_t> scopes;
  for (const v1::ScopeGrant& grant : grants) {
    if (!grant.validation() && !grant.verification()) {
      return Error(Reason::FIELD_INVALID, absl::StrCat("scope ", grant.scope(), " for no function"));
    }
    scopes.Add(grant.scope());
  }
  return CheckScopes(scopes, parameters);
}

struct Fact {
  absl::string_view name;
  bool (*stated)(const v1::StepFacts&);
};

constexpr Fact kFacts[] = {
    {"reference", [](const v1::StepFacts& f) { return !f.reference().empty(); }},
    {"version", [](const v1::StepFacts& f) { return !f.version().empty(); }},
    {"document_date", [](const v1::StepFacts& f) { return f.has_document_date(); }},
    {"third_party_entity", [](const v1::StepFacts& f) { return !f.third_party_entity().empty(); }},
    {"period", [](const v1::StepFacts& f) { return f.has_period(); }},
    {"quantification", [](const v1::StepFacts& f) { return f.has_quantification(); }},
    {"methodologies", [](const v1::StepFacts& f) { return !f.methodologies().empty(); }},
    {"scopes", [](const v1::StepFacts& f) { return !f.scopes().empty(); }},
    {"participants", [](const v1::StepFacts& f) { return !f.participants().empty(); }},
    {"persons", [](const v1::StepFacts& f) { return !f.persons().empty(); }},
    {"with_revisions", [](const v1::StepFacts& f) { return f.with_revisions(); }},
    {"shares", [](const v1::StepFacts& f) { return !f.shares().empty(); }},
};

absl::string_view NameOf(const Need& need) { return absl::string_view(need.name).substr(0, need.name.find(':')); }

absl::Status CheckPresence(const v1::StepFacts& facts, const Step& step, absl::string_view reason) {
  for (const Need& need : step.facts) {
    if (need.optional) continue;
    if (need.name == "reason") {
      if (reason.empty()) return Error(Reason::STEP_FACT_MISSING, "reason");
      continue;
    }
    const auto* fact = std::find_if(std::begin(kFacts), std::end(kFacts),
                                    [&](const Fact& known) { return known.name == NameOf(need); });
    JCM_CHECK(fact != std::end(kFacts));
    if (!fact->stated(facts)) return Error(Reason::STEP_FACT_MISSING, fact->name);
  }
  for (const Fact& fact : kFacts) {
    const bool taken =
        std::any_of(step.facts.begin(), step.facts.end(), [&](const Need& need) { return NameOf(need) == fact.name; });
    if (fact.stated(facts) && !taken) {
      return Error(Reason::FIELD_INVALID, absl::StrCat("this step states no ", fact.name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<absl::Status> CheckDocuments(const google::protobuf::RepeatedPtrField<v1::Document>& documents,
                                         const Step& step, const v1::RulebookParameters& parameters,
                                         v1::ProjectType type) {
  if (documents.size() > kDocumentsPerStepMax) return {Error(Reason::FIELD_INVALID, "too many documents")};
  std::vector<absl::Status> refusals;
  for (const v1::Document& document : documents) {
    const absl::Status shape = CheckDocument(document);
    if (!shape.ok()) refusals.push_back(shape);
  }
  for (const Need& need : step.documents) {
    if (!IsSwitchedOn(need.condition, parameters, type)) continue;
    const bool there = std::any_of(documents.begin(), documents.end(),
                                   [&](const v1::Document& document) { return document.form() == need.name; });
    if (!there) refusals.push_back(Error(Reason::DOCUMENT_MISSING, need.name));
  }
  return refusals;
}

absl::Status CheckFacts(const v1::StepFacts& facts, const Step& step, const FactsInput& input) {
  JCM_RETURN_IF_ERROR(CheckPresence(facts, step, input.reason));
  for (const Need& need : step.facts) {
    const size_t colon = need.name.find(':');
    if (colon == std::string::npos) continue;
    JCM_RETURN_IF_ERROR(
        CheckReference(absl::string_view(need.name).substr(colon + 1), input.partnership, facts.reference()));
  }
  return CheckStatedFacts(facts, /*monitored=*/step.name == "report", input);
}

absl::Status CheckStatedFacts(const v1::StepFacts& facts, bool monitored, const FactsInput& input) {
  if (!facts.version().empty()) JCM_RETURN_IF_ERROR(CheckVersionText(facts.version()));
  if (facts.has_document_date()) {
    JCM_RETURN_IF_ERROR(CheckDate(facts.document_date(), /*required=*/true));
    if (ToDate(facts.document_date()) > input.today) {
      return Error(Reason::FIELD_INVALID, "the document's date has not come yet");
    }
  }
  if (!facts.third_party_entity().empty()) JCM_RETURN_IF_ERROR(CheckId(facts.third_party_entity()));
  if (facts.has_period()) {
    // A crediting period may be open; what is monitored has ended.
    JCM_RETURN_IF_ERROR(CheckPeriod(facts.period(), /*open_end_allowed=*/!monitored));
    if (monitored && ToDate(facts.period().end()) > input.today) {
      return Error(Reason::FIELD_INVALID, "the monitoring period has not ended yet");
    }
  }
  JCM_RETURN_IF_ERROR(CheckMethodologies(facts.methodologies(), input.partnership));
  JCM_RETURN_IF_ERROR(CheckGrants(facts.scopes(), input.parameters));
  if (!facts.participants().empty()) JCM_RETURN_IF_ERROR(CheckParticipants(facts.participants()));
  if (facts.shares_size() > kSharesPerRequestMax) return Error(Reason::FIELD_INVALID, "too many shares");
  return CheckPersons(facts.persons());
}

void MergeFacts(const v1::StepFacts& later, v1::StepFacts* facts) {
  const google::protobuf::Reflection* reflection = later.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> stated;
  reflection->ListFields(later, &stated);
  for (const google::protobuf::FieldDescriptor* field : stated) reflection->ClearField(facts, field);
  facts->MergeFrom(later);
}

absl::Status CheckReference(absl::string_view kind, absl::string_view partnership, absl::string_view reference) {
  std::string prefix;
  if (kind == "PROJECT") {
    prefix = std::string(partnership);
  } else if (kind == "TPE") {
    prefix = absl::StrCat("TPE-", partnership, "-");
  } else {
    JCM_CHECK(kind == "PIN" || kind == "PM" || kind == "AM");
    prefix = absl::StrCat(partnership, "_", kind);
  }
  absl::string_view digits = reference;
  const bool good = absl::ConsumePrefix(&digits, prefix) && digits.size() >= kReferenceDigitsMin &&
                    digits.size() <= kReferenceDigitsMax &&
                    std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit);
  if (good) return absl::OkStatus();
  return Error(Reason::REFERENCE_INVALID, absl::StrCat(reference, " is not ", prefix, "001 or the like"));
}

absl::Status CheckParticipants(const google::protobuf::RepeatedPtrField<v1::Participant>& participants) {
  if (participants.size() > kParticipantsMax) return Error(Reason::FIELD_INVALID, "too many participants");
  int focal_points = 0;
  int representatives = 0;
  for (const v1::Participant& participant : participants) {
    JCM_RETURN_IF_ERROR(CheckText(participant.name_en(), kNameBytesMax, /*required=*/true));
    JCM_RETURN_IF_ERROR(CheckText(participant.name_ja(), kNameBytesMax, /*required=*/false));
    const bool country = participant.country().size() == 2 &&
                         std::all_of(participant.country().begin(), participant.country().end(), absl::ascii_isupper);
    if (!country) return Error(Reason::FIELD_INVALID, "a participant's country is not two letters");
    if (!v1::ConsortiumRole_IsValid(participant.consortium())) return Error(Reason::FIELD_INVALID, "consortium");
    focal_points += participant.focal_point() ? 1 : 0;
    representatives += participant.consortium() == v1::CONSORTIUM_ROLE_REPRESENTATIVE ? 1 : 0;
  }
  if (focal_points != 1) return Error(Reason::FIELD_INVALID, "exactly one participant is the focal point");
  if (representatives > 1) return Error(Reason::FIELD_INVALID, "a consortium has one representative");
  return absl::OkStatus();
}

absl::Status CheckPersons(const google::protobuf::RepeatedPtrField<std::string>& persons) {
  if (persons.size() > kPersonsMax) return Error(Reason::FIELD_INVALID, "too many persons");
  for (int i = 0; i < persons.size(); ++i) {
    JCM_RETURN_IF_ERROR(CheckHandleText(persons.Get(i)));
    if (i > 0 && persons.Get(i) <= persons.Get(i - 1)) return Error(Reason::FIELD_INVALID, "persons are not sorted");
  }
  return absl::OkStatus();
}

absl::Status CheckScopes(const google::protobuf::RepeatedField<int32_t>& scopes,
                         const v1::RulebookParameters& parameters) {
  if (scopes.size() > kScopesMax) return Error(Reason::FIELD_INVALID, "too many scopes");
  for (int i = 0; i < scopes.size(); ++i) {
    if (scopes.Get(i) < 1 || (i > 0 && scopes.Get(i) <= scopes.Get(i - 1))) {
      return Error(Reason::FIELD_INVALID, "scopes are not ascending");
    }
    const auto& listed = parameters.sectoral_scopes();
    const bool known = listed.empty() || std::any_of(listed.begin(), listed.end(), [&](const v1::SectoralScope& one) {
                         return one.number() == scopes.Get(i);
                       });
    if (!known) return Error(Reason::FIELD_INVALID, absl::StrCat("the rulebook has no scope ", scopes.Get(i)));
  }
  return absl::OkStatus();
}

}  // namespace jcm::rules
