// Acts on dossiers by persons, and steps that the clock takes.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/conditions.h"
#include "ledger/rules/cycle/facts.h"
#include "ledger/rules/cycle/step.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/policy.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

constexpr size_t kLocationBytesMax = 300;

bool IsOffice(const v1::SignerContext& author) {
  return HasRole(author, v1::ROLE_SECRETARIAT) || HasRole(author, v1::ROLE_DESIGNATED_ORGANIZATION);
}

bool IsRegistry(const v1::SignerContext& author) {
  return HasRole(author, v1::ROLE_SYSTEM_OPERATOR) || HasRole(author, v1::ROLE_DESIGNATED_ORGANIZATION);
}

template <typename List>
bool Contains(const List& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The third-party entity that the step or its strand names; where a strand names none, the validation's.
absl::StatusOr<std::string> EntityOf(const DossierView& dossier, const v1::TakeStep& command,
                                     const state::StateReader& state) {
  if (!command.facts().third_party_entity().empty()) return command.facts().third_party_entity();
  JCM_ASSIGN_OR_RETURN(auto strand, FindStrand(dossier, command.strand(), command.instance(), state));
  return strand.has_value() ? strand->facts().third_party_entity() : std::string();
}

absl::StatusOr<bool> IsOne(Who who, const RuleInput& input, const DossierView& dossier, const v1::TakeStep& command,
                           const state::StateReader& state) {
  const v1::SignerContext& author = input.context->signers(0);
  switch (who) {
    case Who::kParticipant:
      return HasRole(author, v1::ROLE_PROJECT_PARTICIPANT) && Contains(dossier.record.persons(), author.pseudonym());
    case Who::kApplicant:
      return HasRole(author, v1::ROLE_THIRD_PARTY_ENTITY) && Contains(dossier.record.persons(), author.pseudonym());
    case Who::kEntity: {
      if (!HasRole(author, v1::ROLE_THIRD_PARTY_ENTITY)) return false;
      JCM_ASSIGN_OR_RETURN(const std::string entity_id, EntityOf(dossier, command, state));
      if (entity_id.empty()) return false;
      JCM_ASSIGN_OR_RETURN(DossierView entity, FindDossier(entity_id, state));
      // Pseudonyms are those of this registry: persons of the other side's dossiers are not known here.
      return entity.own && Contains(entity.record.persons(), author.pseudonym());
    }
    case Who::kSecretariat:
      return IsOffice(author);
    case Who::kGovernment:
      return HasRole(author, v1::ROLE_AUTHORIZING_MINISTRY);
    case Who::kRegistry:
      return IsRegistry(author);
    case Who::kAnyone:
      return true;
    default:
      return false;
  }
}

bool MayBeActedFor(Who who) {
  return who == Who::kParticipant || who == Who::kApplicant || who == Who::kEntity || who == Who::kGovernment ||
         who == Who::kAnyone;
}

absl::Status CheckActor(const RuleInput& input, const DossierView& dossier, const Step& step,
                        const v1::TakeStep& command, const state::StateReader& state) {
  const bool for_another = !command.on_behalf_digest().empty();
  std::vector<absl::string_view> names;
  for (const Who who : step.who) {
    names.push_back(WhoName(who));
    if (for_another) {
      if (MayBeActedFor(who) && IsOffice(input.context->signers(0))) return absl::OkStatus();
      continue;
    }
    JCM_ASSIGN_OR_RETURN(const bool fits, IsOne(who, input, dossier, command, state));
    if (fits) return absl::OkStatus();
  }
  return Error(Reason::STEP_ACTOR_WRONG, absl::StrCat(command.dossier_id(), " ", command.strand(), " ", command.step(),
                                                      " is taken by: ", absl::StrJoin(names, ", ")));
}

absl::Status CheckProject(const v1::ProjectFacts& project, const v1::RulebookParameters& parameters) {
  if (!v1::ProjectType_IsValid(project.type()) || project.type() == v1::PROJECT_TYPE_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "the project's type");
  }
  if (!v1::FundingProgramme_IsValid(project.programme()) || project.programme() == v1::FUNDING_PROGRAMME_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "the project's funding programme");
  }
  if (project.scopes().empty()) return Error(Reason::FIELD_REQUIRED, "scopes");
  JCM_RETURN_IF_ERROR(CheckScopes(project.scopes(), parameters));
  JCM_RETURN_IF_ERROR(CheckParticipants(project.participants()));
  JCM_RETURN_IF_ERROR(CheckDate(project.operation_start(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(project.location(), kLocationBytesMax, /*required=*/false));
  JCM_ASSIGN_OR_RETURN(const Rational least, DeliveryShareOf(project, parameters));
  if (Rational(1) < least) return Error(Reason::FIELD_INVALID, "a delivery share above one");
  return absl::OkStatus();
}

absl::Status CheckOpened(const v1::OpenDossier& command, const v1::RulebookParameters& parameters) {
  if (!v1::DossierKind_IsValid(command.kind()) || command.kind() == v1::DOSSIER_KIND_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "the dossier's kind");
  }
  if (parameters.completeness_days() == 0) {
    return Error(Reason::STEP_NOT_IN_RULEBOOK, "this rulebook has no project cycle");
  }
  const bool project = command.kind() == v1::DOSSIER_KIND_PROJECT;
  if (project != command.has_project()) return Error(Reason::FIELD_INVALID, "project facts belong to a project");
  JCM_RETURN_IF_ERROR(CheckText(command.title_en(), kTitleBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(command.title_ja(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckText(command.applicant_en(), kTitleBytesMax, /*required=*/!project));
  JCM_RETURN_IF_ERROR(CheckText(command.applicant_ja(), kTitleBytesMax, /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckPersons(command.persons()));
  const bool methodology = command.kind() == v1::DOSSIER_KIND_METHODOLOGY;
  if (methodology == command.scopes().empty()) {
    return Error(methodology ? Reason::FIELD_REQUIRED : Reason::FIELD_INVALID, "scopes of a methodology");
  }
  JCM_RETURN_IF_ERROR(CheckScopes(command.scopes(), parameters));
  return project ? CheckProject(command.project(), parameters) : absl::OkStatus();
}

}  // namespace

absl::Status ApplyOpenDossier(const RuleInput& input, const v1::OpenDossier& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.dossier_id()));
  const auto present = FindDossier(command.dossier_id(), transition);
  if (present.ok()) return Error(Reason::ALREADY_EXISTS, "there is a dossier of this id");
  if (!HasReason(present.status(), Reason::DOSSIER_UNKNOWN)) return present.status();
  JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook,
                       RulebookInForce(command.rulebook_version(), input.time, transition));
  JCM_NOTE_REFUSAL(input, "dossier/facts", CheckOpened(command, rulebook.parameters()));
  const v1::SignerContext& author = input.context->signers(0);
  // Who opens a dossier for oneself acts for it; a secretariat names who does, or acts on paper alone.
  if (!IsOffice(author) && !Contains(command.persons(), author.pseudonym())) {
    return Error(Reason::STEP_ACTOR_WRONG, "the author is not among the persons who act for the dossier");
  }

  v1::DossierRecord record;
  record.set_dossier_id(command.dossier_id());
  record.set_kind(command.kind());
  record.set_rulebook_version(command.rulebook_version());
  record.set_title_en(command.title_en());
  record.set_title_ja(command.title_ja());
  if (command.has_project()) *record.mutable_project() = command.project();
  *record.mutable_scopes() = command.scopes();
  *record.mutable_persons() = command.persons();
  record.set_applicant_en(command.applicant_en());
  record.set_applicant_ja(command.applicant_ja());
  record.set_opened_at_us(input.time.micros);
  *record.mutable_legal_date() = input.legal_date;
  record.set_provenance(input.provenance);
  return transition.Put(v1::TABLE_DOSSIER, record.dossier_id(), record);
}

absl::Status ApplyTakeStep(const RuleInput& input, const v1::TakeStep& command, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckId(command.dossier_id()));
  JCM_RETURN_IF_ERROR(CheckDigestField(command.on_behalf_digest(), /*required=*/false));
  JCM_ASSIGN_OR_RETURN(DossierView dossier, FindDossier(command.dossier_id(), transition));
  if (!dossier.own) return Error(Reason::WRONG_SIDE, "the other side keeps this dossier");
  JCM_ASSIGN_OR_RETURN(const Step* step, FindStep(dossier.record, command.strand(), command.step()));
  JCM_NOTE_REFUSAL(input, absl::StrCat("cycle/", command.strand(), "/", command.step(), "/who"),
                   CheckActor(input, dossier, *step, command, transition));
  StepRequest request;
  request.strand = command.strand();
  request.instance = command.instance();
  request.step = command.step();
  request.facts = command.facts();
  request.documents = command.documents();
  request.reason = command.reason();
  request.actor = input.context->signers(0).pseudonym();
  request.on_behalf_digest = command.on_behalf_digest();
  request.legal_date = input.legal_date;
  request.provenance = input.provenance;
  return TakeOneStep(input, command.dossier_id(), request, transition);
}

absl::Status ApplyReactToDossier(const RuleInput& input, const v1::ReactToDossier& command, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(DossierView dossier, FindDossier(command.dossier_id(), transition));
  if (dossier.own) return Error(Reason::WRONG_SIDE, "the side that keeps a dossier takes steps, it does not react");
  if (!v1::ReactionKind_IsValid(command.kind()) || command.kind() == v1::REACTION_KIND_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "the reaction's kind");
  }
  const bool reports = command.kind() == v1::REACTION_KIND_ISSUANCE_REPORTED;
  const v1::SignerContext& author = input.context->signers(0);
  if (reports ? !IsRegistry(author) : !IsOffice(author)) {
    return Error(Reason::STEP_ACTOR_WRONG, reports ? "the registry reports its issuance" : "the secretariat reacts");
  }
  JCM_ASSIGN_OR_RETURN(auto strand, FindStrand(dossier, command.strand(), command.instance(), transition));
  if (!strand.has_value()) return Error(Reason::STEP_NOT_POSSIBLE, "this strand has not begun");
  if (reports && command.strand() != "MONITORING") return Error(Reason::STEP_NOT_POSSIBLE, "nothing is issued here");
  JCM_RETURN_IF_ERROR(CheckText(
      command.text(), kReasonBytesMax,
      /*required=*/command.kind() == v1::REACTION_KIND_INCOMPLETE || command.kind() == v1::REACTION_KIND_REMARK));
  for (const absl::Status& shape : CheckDocuments(command.documents(), Step(), {}, v1::PROJECT_TYPE_UNSPECIFIED)) {
    JCM_RETURN_IF_ERROR(shape);
  }
  v1::DossierReactionRecord record;
  record.set_dossier_id(command.dossier_id());
  record.set_strand(command.strand());
  record.set_instance(command.instance());
  record.set_kind(command.kind());
  record.set_text(command.text());
  *record.mutable_documents() = command.documents();
  record.set_at_us(input.time.micros);
  record.set_actor(author.pseudonym());
  // A later word takes back the earlier one.
  const v1::ReactionKind opposite = command.kind() == v1::REACTION_KIND_COMPLETE     ? v1::REACTION_KIND_INCOMPLETE
                                    : command.kind() == v1::REACTION_KIND_INCOMPLETE ? v1::REACTION_KIND_COMPLETE
                                                                                     : v1::REACTION_KIND_UNSPECIFIED;
  if (opposite != v1::REACTION_KIND_UNSPECIFIED) {
    JCM_RETURN_IF_ERROR(
        transition.Delete(v1::TABLE_DOSSIER_REACTION,
                          DossierReactionKey(command.dossier_id(), command.strand(), command.instance(), opposite)));
  }
  return transition.Put(v1::TABLE_DOSSIER_REACTION,
                        DossierReactionKey(command.dossier_id(), command.strand(), command.instance(), command.kind()),
                        record);
}

absl::Status OnDossierDeadline(const RuleInput& input, const v1::DeadlineRecord& deadline, Transition& transition) {
  const std::vector<std::string> parts = absl::StrSplit(deadline.object_id(), '/');
  uint32_t instance = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[2], &instance)) {
    return Error(Reason::STORE_CORRUPT, "a dossier's deadline");
  }
  JCM_ASSIGN_OR_RETURN(auto strand, transition.Get<v1::StrandRecord>(v1::TABLE_STRAND, deadline.object_id()));
  // It is put away with the state that it belonged to.
  if (!strand.has_value() || !strand->due_by_clock() || strand->due_us() != deadline.due_us()) return absl::OkStatus();
  StepRequest request;
  request.strand = parts[1];
  request.instance = instance;
  request.step = strand->due_step();
  request.legal_date = input.legal_date;
  return TakeOneStep(input, parts[0], request, transition);
}

}  // namespace jcm::rules
