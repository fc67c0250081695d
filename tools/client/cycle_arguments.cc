#include "tools/client/cycle_arguments.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/client/rulebook_file.h"

namespace jcm::client {
namespace {

absl::Status Not(absl::string_view text, absl::string_view form) {
  return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is not ", form));
}

std::string FileName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == absl::string_view::npos ? path : path.substr(slash + 1));
}

std::string MediaType(absl::string_view name) {
  static const std::map<std::string, std::string> kTypes = {
      {"pdf", "application/pdf"},
      {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"csv", "text/csv"},
      {"txt", "text/plain"}};
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos) return "application/octet-stream";
  const auto found = kTypes.find(absl::AsciiStrToLower(name.substr(dot + 1)));
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

absl::Status SetFact(absl::string_view text, v1::StepFacts* facts) {
  absl::string_view value = text;
  if (absl::ConsumePrefix(&value, "reference=")) {
    facts->set_reference(std::string(value));
  } else if (absl::ConsumePrefix(&value, "version=")) {
    facts->set_version(std::string(value));
  } else if (absl::ConsumePrefix(&value, "period=")) {
    JCM_ASSIGN_OR_RETURN(*facts->mutable_period(), ParsePeriod(value));
  } else if (absl::ConsumePrefix(&value, "scope=")) {
    JCM_ASSIGN_OR_RETURN(*facts->add_scopes(), ParseScopeGrant(value));
  } else if (text == "with-revisions") {
    facts->set_with_revisions(true);
  } else {
    return Not(text, "reference=, version=, period=, scope= or with-revisions");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Document> ParseDocument(absl::string_view text, FileSystem& files) {
  static constexpr absl::string_view kForm = "FORM=@FILE or FORM=SHA-256, then ,confidential=,reason=,version=";
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ',');
  const std::vector<absl::string_view> head = absl::StrSplit(fields[0], absl::MaxSplits('=', 1));
  if (head.size() != 2 || head[0].empty()) return Not(text, kForm);
  v1::Document document;
  document.set_form(std::string(head[0]));
  JCM_ASSIGN_OR_RETURN(*document.mutable_public_digest(), ParseDigest(head[1], files));
  document.set_name(absl::StartsWith(head[1], "@") ? FileName(head[1].substr(1)) : std::string(head[0]));
  document.set_media_type(MediaType(document.name()));
  for (size_t i = 1; i < fields.size(); ++i) {
    absl::string_view field = fields[i];
    if (absl::ConsumePrefix(&field, "confidential=")) {
      JCM_ASSIGN_OR_RETURN(*document.mutable_confidential_digest(), ParseDigest(field, files));
    } else if (absl::ConsumePrefix(&field, "reason=")) {
      document.set_redaction_reason(std::string(field));
    } else if (absl::ConsumePrefix(&field, "version=")) {
      document.set_version(std::string(field));
    } else {
      return Not(text, kForm);
    }
  }
  return document;
}

absl::StatusOr<v1::Period> ParsePeriod(absl::string_view text) {
  const std::vector<absl::string_view> days = absl::StrSplit(text, absl::MaxSplits("..", 1));
  if (days.size() != 2) return Not(text, "START..END");
  v1::Period period;
  JCM_ASSIGN_OR_RETURN(*period.mutable_start(), ParseDay(days[0]));
  if (!days[1].empty()) {
    JCM_ASSIGN_OR_RETURN(*period.mutable_end(), ParseDay(days[1]));
  }
  return period;
}

absl::StatusOr<v1::MethodologyUse> ParseMethodology(absl::string_view text) {
  const std::vector<std::string> fields = absl::StrSplit(text, absl::MaxSplits('@', 1));
  if (fields[0].empty()) return Not(text, "TH_AM001@1.0");
  v1::MethodologyUse use;
  use.set_reference(fields[0]);
  if (fields.size() == 2) use.set_version(fields[1]);
  return use;
}

absl::StatusOr<v1::ScopeGrant> ParseScopeGrant(absl::string_view text) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, absl::MaxSplits(':', 1));
  int32_t scope = 0;
  if (!absl::SimpleAtoi(fields[0], &scope)) return Not(text, "SCOPE:validation or SCOPE:verification");
  v1::ScopeGrant grant;
  grant.set_scope(scope);
  const bool both = fields.size() == 1;
  grant.set_validation(both || fields[1] == "validation");
  grant.set_verification(both || fields[1] == "verification");
  if (!grant.validation() && !grant.verification()) return Not(text, "SCOPE:validation or SCOPE:verification");
  return grant;
}

absl::StatusOr<v1::Participant> ParseParticipant(absl::string_view text) {
  const std::vector<std::string> fields = absl::StrSplit(text, '|');
  if (fields.size() < 3) return Not(text, "NAME|日本語名|CC[|representative or joint][|focal]");
  v1::Participant participant;
  participant.set_name_en(fields[0]);
  participant.set_name_ja(fields[1]);
  participant.set_country(fields[2]);
  participant.set_consortium(v1::CONSORTIUM_ROLE_NONE);
  for (size_t i = 3; i < fields.size(); ++i) {
    if (fields[i] == "focal") {
      participant.set_focal_point(true);
      continue;
    }
    JCM_ASSIGN_OR_RETURN(const v1::ConsortiumRole role,
                         ParseEnum<v1::ConsortiumRole>(v1::ConsortiumRole_descriptor(), fields[i]));
    participant.set_consortium(role);
  }
  return participant;
}

absl::StatusOr<v1::AllocationShare> ParseShare(absl::string_view text) {
  constexpr absl::string_view kForm =
      "PARTY=1/2[,government-of-japan][,financial=1/2][,technical=1/2][,operational=1/2]";
  // A party's name may have commas; what belongs to its share follows the equals sign.
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos || equals == 0) return Not(text, kForm);
  v1::AllocationShare share;
  share.set_party(std::string(text.substr(0, equals)));
  const std::vector<absl::string_view> fields = absl::StrSplit(text.substr(equals + 1), ',');
  JCM_ASSIGN_OR_RETURN(*share.mutable_share(), ParseFraction(fields[0]));
  for (size_t i = 1; i < fields.size(); ++i) {
    absl::string_view field = fields[i];
    v1::Fraction* contribution = nullptr;
    if (field == "government-of-japan") {
      share.set_government_of_japan(true);
      continue;
    }
    if (absl::ConsumePrefix(&field, "financial=")) {
      contribution = share.mutable_financial();
    } else if (absl::ConsumePrefix(&field, "technical=")) {
      contribution = share.mutable_technical();
    } else if (absl::ConsumePrefix(&field, "operational=")) {
      contribution = share.mutable_operational();
    } else {
      return Not(text, kForm);
    }
    JCM_ASSIGN_OR_RETURN(*contribution, ParseFraction(field));
  }
  return share;
}

absl::StatusOr<v1::YearlyEmissions> ParseEmissions(absl::string_view text) {
  const std::vector<absl::string_view> fields = absl::StrSplit(text, ':');
  v1::YearlyEmissions year;
  int32_t vintage = 0;
  if (fields.size() < 3 || fields.size() > 5 || !absl::SimpleAtoi(fields[0], &vintage)) {
    return Not(text, "YEAR:RE:PE[:BaU[:leakage]]");
  }
  year.set_vintage(vintage);
  JCM_ASSIGN_OR_RETURN(*year.mutable_reference(), ParseAmount(fields[1]));
  JCM_ASSIGN_OR_RETURN(*year.mutable_project(), ParseAmount(fields[2]));
  if (fields.size() > 3 && !fields[3].empty()) {
    JCM_ASSIGN_OR_RETURN(*year.mutable_business_as_usual(), ParseAmount(fields[3]));
  }
  if (fields.size() > 4) {
    JCM_ASSIGN_OR_RETURN(*year.mutable_leakage(), ParseAmount(fields[4]));
  }
  return year;
}

absl::StatusOr<v1::DecisionSubject> ParseSubject(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ';');
  const std::vector<std::string> names = absl::StrSplit(parts[0], '/');
  v1::DecisionSubject subject;
  uint32_t instance = 1;
  if (names.size() < 3 || names.size() > 4 || (names.size() == 4 && !absl::SimpleAtoi(names[2], &instance))) {
    return Not(parts[0], "DOSSIER/STRAND/STEP or DOSSIER/STRAND/NUMBER/STEP");
  }
  subject.set_dossier_id(names[0]);
  subject.set_strand(names[1]);
  subject.set_instance(instance);
  subject.set_step(names.back());
  for (size_t i = 1; i < parts.size(); ++i) {
    JCM_RETURN_IF_ERROR(SetFact(absl::StripAsciiWhitespace(parts[i]), subject.mutable_facts()));
  }
  return subject;
}

}  // namespace jcm::client
