#include "services/dossiers/object_view.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/rules/cycle/dossier_state.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"
#include "services/common/record_list.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

constexpr char kVersion[] = "VERSION";
constexpr char kDesignation[] = "DESIGNATION";

// The versions in order of proposal.
std::vector<const v1::StrandRecord*> StrandsOf(const IndexedDossier& dossier, absl::string_view name) {
  std::vector<const v1::StrandRecord*> strands;
  for (const auto& [key, strand] : dossier.strands) {
    if (strand.strand() == name) strands.push_back(&strand);
  }
  std::sort(strands.begin(), strands.end(), [](const auto* a, const auto* b) { return a->instance() < b->instance(); });
  return strands;
}

// A proposal keeps its number; the approval's number is another one of the same strand.
std::string ProposalNumber(const IndexedDossier& dossier, const v1::StrandRecord& version, size_t index) {
  if (absl::StrContains(version.facts().reference(), "_PM")) return version.facts().reference();
  size_t seen = 0;
  for (const std::string& reference : dossier.record.references()) {
    if (absl::StrContains(reference, "_PM") && seen++ == index) return reference;
  }
  return "";
}

bool IsApproved(const v1::StrandRecord& version) {
  return version.state() == "APPROVED" || version.state() == "SUPERSEDED";
}

}  // namespace

std::string StatusOfVersion(absl::string_view state) {
  if (state == "APPROVED") return "VALID";
  if (state == "PUBLIC") return "PUBLIC_INPUTS";
  if (state == "CONSIDERATION") return "INPUTS_CLOSED";
  return std::string(state);
}

api::Methodology MethodologyOf(const IndexedDossier& dossier) {
  const v1::DossierRecord& record = dossier.record;
  api::Methodology methodology;
  methodology.set_peer(dossier.peer);
  methodology.set_dossier_id(record.dossier_id());
  *methodology.mutable_references() = record.references();
  methodology.set_title_en(record.title_en());
  methodology.set_title_ja(record.title_ja());
  methodology.set_applicant_en(record.applicant_en());
  methodology.set_applicant_ja(record.applicant_ja());
  *methodology.mutable_scopes() = record.scopes();
  std::string number = record.references().empty() ? record.dossier_id() : record.references(0);
  for (const std::string& reference : record.references()) {
    if (absl::StrContains(reference, "_AM")) number = reference;
  }
  methodology.set_name(absl::StrCat("partnerships/", dossier.partnership, "/methodologies/", number));
  const std::vector<const v1::StrandRecord*> versions = StrandsOf(dossier, kVersion);
  bool valid = false;
  for (size_t i = 0; i < versions.size(); ++i) {
    const v1::StrandRecord& strand = *versions[i];
    api::MethodologyVersion* version = methodology.add_versions();
    version->set_instance(strand.instance());
    version->set_proposed_as(ProposalNumber(dossier, strand, i));
    if (IsApproved(strand)) version->set_version(strand.facts().version());
    version->set_state(strand.state());
    version->set_status(StatusOfVersion(strand.state()));
    *version->mutable_since() = strand.since_date();
    version->set_decision_id(strand.decision_id());
    version->set_with_revisions(strand.facts().with_revisions());
    // While a revision is under way, what is approved goes on being valid.
    valid = valid || strand.state() == "APPROVED";
    methodology.set_status(valid ? "VALID" : version->status());
  }
  return methodology;
}

absl::Status AddPublicInputs(const state::StateReader& book, api::Methodology* methodology) {
  const uint32_t table = methodology->peer() ? state::Shadow(v1::TABLE_DOSSIER_STEP) : uint32_t{v1::TABLE_DOSSIER_STEP};
  JCM_ASSIGN_OR_RETURN(const auto steps,
                       AllRecords<v1::DossierStepRecord>(book, table, absl::StrCat(methodology->dossier_id(), "/")));
  for (const v1::DossierStepRecord& step : steps) {
    if (step.strand() != kVersion) continue;
    for (api::MethodologyVersion& version : *methodology->mutable_versions()) {
      if (version.instance() != step.instance()) continue;
      if (step.step() == "publish") *version.mutable_inputs_from() = step.legal_date();
      if (step.step() != "close_inputs") continue;
      JCM_ASSIGN_OR_RETURN(auto rulebook, book.Get<v1::RulebookRecord>(v1::TABLE_RULEBOOK, step.rulebook_version()));
      // It closes at 24:00, which belongs to the day that ends then.
      *version.mutable_inputs_to() = rulebook.has_value()
                                         ? rules::FromDate(rules::DayInLaterCapital(
                                               BookTime::FromMicros(step.at_us() - 1), rulebook->parameters()))
                                         : step.legal_date();
    }
  }
  return absl::OkStatus();
}

api::ThirdPartyEntity EntityOf(const IndexedDossier& dossier, const Date& day) {
  const v1::DossierRecord& record = dossier.record;
  api::ThirdPartyEntity entity;
  entity.set_peer(dossier.peer);
  entity.set_dossier_id(record.dossier_id());
  if (!record.references().empty()) entity.set_number(record.references(record.references_size() - 1));
  entity.set_name(absl::StrCat("partnerships/", dossier.partnership, "/thirdPartyEntities/",
                               entity.number().empty() ? entity.dossier_id() : entity.number()));
  entity.set_name_en(record.applicant_en());
  entity.set_name_ja(record.applicant_ja());
  const std::vector<const v1::StrandRecord*> designation = StrandsOf(dossier, kDesignation);
  entity.set_status(designation.empty() ? "NOT_APPLIED" : designation.back()->state());
  *entity.mutable_designations() = record.designations();
  if (!record.designations().empty()) *entity.mutable_designated() = record.designations(0).from();
  const v1::DatedScopes* valid = nullptr;
  for (const v1::DatedScopes& row : record.designations()) {
    if (rules::ToDate(row.from()) <= day) valid = &row;
  }
  if (valid == nullptr) return entity;
  for (const v1::ScopeGrant& grant : valid->scopes()) {
    if (grant.validation()) entity.add_validation(grant.scope());
    if (grant.verification()) entity.add_verification(grant.scope());
  }
  return entity;
}

absl::StatusOr<IndexedDossier> FindObject(const state::StateReader& book, const std::string& partnership,
                                          const std::string& id_or_reference, v1::DossierKind kind) {
  absl::StatusOr<rules::DossierView> found = rules::FindDossier(id_or_reference, book);
  if (HasReason(found.status(), Reason::DOSSIER_UNKNOWN)) {
    JCM_ASSIGN_OR_RETURN(auto by_reference, rules::FindDossierByReference(id_or_reference, book));
    if (by_reference.has_value()) found = *std::move(by_reference);
  }
  if (HasReason(found.status(), Reason::DOSSIER_UNKNOWN) || (found.ok() && found->record.kind() != kind)) {
    return Error(Reason::NOT_FOUND, id_or_reference);
  }
  JCM_RETURN_IF_ERROR(found.status());
  IndexedDossier dossier;
  dossier.partnership = partnership;
  dossier.peer = !found->own;
  dossier.record = found->record;
  const uint32_t table = dossier.peer ? state::Shadow(v1::TABLE_STRAND) : uint32_t{v1::TABLE_STRAND};
  JCM_ASSIGN_OR_RETURN(auto strands,
                       AllRecords<v1::StrandRecord>(book, table, absl::StrCat(dossier.record.dossier_id(), "/")));
  for (v1::StrandRecord& strand : strands) {
    const std::string key = rules::StrandKey(strand.dossier_id(), strand.strand(), strand.instance());
    dossier.strands[key] = std::move(strand);
  }
  return dossier;
}

}  // namespace jcm::services
