// A rulebook enters a book: the first one of a track as it is, each later one by a decision of the Joint Committee on
// just this text.
#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

// The newest version of the track in this book; nullopt: there is none.
absl::StatusOr<absl::optional<v1::RulebookRecord>> NewestOfTrack(const std::string& track,
                                                                 const state::StateReader& state) {
  absl::optional<v1::RulebookRecord> newest;
  bool readable = true;
  JCM_RETURN_IF_ERROR(state.Scan(v1::TABLE_RULEBOOK, "", "", [&](absl::string_view, absl::string_view value) {
    v1::RulebookRecord record;
    readable = record.ParseFromArray(value.data(), static_cast<int>(value.size()));
    if (readable && record.parameters().track() == track && record.superseded_by().empty()) newest = std::move(record);
    return readable;
  }));
  if (!readable) return Error(Reason::STORE_CORRUPT, "a rulebook");
  return newest;
}

v1::InFlight InFlightOf(const v1::AdoptRulebook& command) {
  return command.in_flight() == v1::IN_FLIGHT_UNSPECIFIED ? v1::IN_FLIGHT_STAY : command.in_flight();
}

absl::Status CheckDecided(const RuleInput& input, const v1::AdoptRulebook& command, const std::string& digest,
                          const state::StateReader& state) {
  if (command.decision_id().empty()) return Error(Reason::RULES_NOT_DECIDED, "decision_id is missing");
  JCM_ASSIGN_OR_RETURN(const std::string text_digest, TextDigestOf(command.decision_id(), state));
  JCM_ASSIGN_OR_RETURN(v1::DecisionRecord decision,
                       RequireConfirmedDecision(input.book, state, command.decision_id(), text_digest));
  v1::DecisionText text;
  if (!text.ParseFromString(decision.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  const v1::RulesText& rules = text.rules();
  const bool same = text.kind() == v1::DECISION_KIND_RULES && rules.version() == command.version() &&
                    rules.track() == command.parameters().track() &&
                    ToDate(rules.effective_date()) == ToDate(command.effective_date()) &&
                    rules.parameters_digest() == digest && rules.in_flight() == InFlightOf(command);
  if (same) return absl::OkStatus();
  return Error(Reason::RULES_NOT_DECIDED, absl::StrCat(command.decision_id(), " is on another text"));
}

// Whom it supersedes: OK without a predecessor, or with the newest of its track and a decision on it.
absl::Status CheckPredecessor(const RuleInput& input, const v1::AdoptRulebook& command, const std::string& digest,
                              const absl::optional<v1::RulebookRecord>& newest, const state::StateReader& state) {
  if (!newest.has_value()) {
    if (!command.supersedes().empty()) return Error(Reason::RULEBOOK_UNKNOWN, command.supersedes());
    return command.decision_id().empty() ? absl::OkStatus() : CheckDecided(input, command, digest, state);
  }
  if (command.supersedes() != newest->version()) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("supersedes: the newest version is ", newest->version()));
  }
  if (ToDate(command.effective_date()) < ToDate(newest->effective_date())) {
    return Error(Reason::FIELD_INVALID, "it would be in force before the version that it supersedes");
  }
  return CheckDecided(input, command, digest, state);
}

}  // namespace

absl::Status ApplyAdoptRulebook(const RuleInput& input, const v1::AdoptRulebook& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckRulebookVersion(command.version()));
  JCM_RETURN_IF_ERROR(CheckDate(command.effective_date(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.document_digest(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckRulebookParameters(command.parameters()));
  if (!v1::InFlight_IsValid(command.in_flight())) return Error(Reason::FIELD_INVALID, "in_flight");
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_RULEBOOK, command.version()));
  if (present.has_value()) return Error(Reason::ALREADY_EXISTS, "this version is in the book already");
  const Digest digest = Sha256(state::Serialise(command.parameters()));
  const std::string digest_bytes(AsBytes(digest));
  JCM_ASSIGN_OR_RETURN(auto newest, NewestOfTrack(command.parameters().track(), transition));
  JCM_RETURN_IF_ERROR(CheckPredecessor(input, command, digest_bytes, newest, transition));

  v1::RulebookRecord record;
  record.set_version(command.version());
  *record.mutable_parameters() = command.parameters();
  *record.mutable_effective_date() = command.effective_date();
  record.set_parameters_digest(digest_bytes);
  record.set_adopted_at_us(input.time.micros);
  record.set_in_flight(InFlightOf(command));
  record.set_decision_id(command.decision_id());
  record.set_supersedes(command.supersedes());
  if (newest.has_value()) {
    newest->set_superseded_by(record.version());
    JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_RULEBOOK, newest->version(), *newest));
  }
  return transition.Put(v1::TABLE_RULEBOOK, record.version(), record);
}

}  // namespace jcm::rules
