#include "ledger/rules/cycle/consequences.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

bool Is(const StepRequest& request, absl::string_view strand, absl::string_view step) {
  return request.strand == strand && request.step == step;
}

absl::Status ChangeProject(const RuleInput& input, const StepRequest& request, v1::DossierRecord* dossier,
                           v1::StrandRecord* strand, Transition& transition) {
  if (Is(request, "DESIGN", "submit")) {
    *dossier->mutable_methodologies() = request.facts.methodologies();
    dossier->set_document_version(1);
  } else if (Is(request, "REGISTRATION", "request")) {
    *dossier->mutable_shares() = request.facts.shares();
  } else if (Is(request, "REGISTRATION", "register")) {
    *dossier->mutable_crediting() = strand->facts().period();
    return PutProject(request.legal_date, *dossier, transition);
  } else if (Is(request, "CHANGE", "accept")) {
    dossier->set_document_version(dossier->document_version() + 1);
    if (!strand->facts().methodologies().empty()) *dossier->mutable_methodologies() = strand->facts().methodologies();
  } else if (Is(request, "PARTICIPANTS", "record")) {
    *dossier->mutable_project()->mutable_participants() = strand->facts().participants();
    if (!strand->facts().persons().empty()) *dossier->mutable_persons() = strand->facts().persons();
  } else if (Is(request, "RENEWAL", "renew")) {
    dossier->mutable_crediting()->clear_end();
    if (strand->facts().period().has_end()) {
      *dossier->mutable_crediting()->mutable_end() = strand->facts().period().end();
    }
    return PutProject(request.legal_date, *dossier, transition);
  } else if (Is(request, "MONITORING", "report_issuance")) {
    for (v1::SideIssuance& issued : *strand->mutable_issued()) {
      if (issued.registry() == input.book.registry) issued.set_reported(true);
    }
  }
  return absl::OkStatus();
}

// Days between the last monitoring period and this one are allowed, and said.
absl::Status RemarkGap(const StepRequest& request, const v1::DossierRecord& dossier, v1::StrandRecord* strand,
                       const Transition& transition) {
  if (!Is(request, "MONITORING", "report")) return absl::OkStatus();
  DossierView view;
  view.own = true;
  view.record = dossier;
  JCM_ASSIGN_OR_RETURN(std::vector<v1::StrandRecord> periods, FindInstances(view, "MONITORING", transition));
  absl::optional<Date> before;
  if (dossier.crediting().has_start()) before = AddDays(ToDate(dossier.crediting().start()), -1);
  for (const v1::StrandRecord& other : periods) {
    if (other.instance() == strand->instance() || other.state() == "WITHDRAWN" || other.state() == "REJECTED") continue;
    const Date end = ToDate(other.facts().period().end());
    if (end < ToDate(request.facts.period().start()) && (!before.has_value() || *before < end)) before = end;
  }
  if (!before.has_value()) return absl::OkStatus();
  const Date expected = AddDays(*before, 1);
  if (ToDate(request.facts.period().start()) > expected) {
    strand->set_remark(absl::StrCat("GAP ", FormatDate(expected), "..",
                                    FormatDate(AddDays(ToDate(request.facts.period().start()), -1))));
  }
  return absl::OkStatus();
}

void SetScopes(const StepRequest& request, std::map<int32_t, v1::ScopeGrant> grants, v1::DossierRecord* dossier) {
  v1::DatedScopes row;
  *row.mutable_from() = request.legal_date;
  row.set_decision_id(request.decision_id);
  for (auto& grant : grants) *row.add_scopes() = std::move(grant.second);
  // Two decisions of one day: the later one is what holds.
  if (!dossier->designations().empty() &&
      ToDate(dossier->designations().rbegin()->from()) >= ToDate(request.legal_date)) {
    *row.mutable_from() = dossier->designations().rbegin()->from();
    dossier->mutable_designations()->RemoveLast();
  }
  *dossier->add_designations() = std::move(row);
}

void ChangeEntity(const StepRequest& request, const v1::StrandRecord& strand, v1::DossierRecord* dossier) {
  std::map<int32_t, v1::ScopeGrant> grants;
  const bool adds = Is(request, "SCOPES", "add");
  if (adds && !dossier->designations().empty()) {
    for (const v1::ScopeGrant& grant : dossier->designations().rbegin()->scopes()) grants[grant.scope()] = grant;
  }
  for (const v1::ScopeGrant& grant : strand.facts().scopes()) {
    v1::ScopeGrant& granted = grants[grant.scope()];
    granted.set_scope(grant.scope());
    granted.set_validation(granted.validation() || grant.validation());
    granted.set_verification(granted.verification() || grant.verification());
  }
  const bool grants_scopes = adds || Is(request, "DESIGNATION", "designate") ||
                             Is(request, "DESIGNATION", "reinstate") || Is(request, "DESIGNATION", "reduce");
  if (grants_scopes) {
    SetScopes(request, std::move(grants), dossier);
  } else if (Is(request, "DESIGNATION", "suspend") || Is(request, "DESIGNATION", "withdraw")) {
    SetScopes(request, {}, dossier);
  }
}

// A step that the ledger takes because of another one, on the same ground.
absl::Status TakeByLedger(const RuleInput& input, const StepRequest& cause, const std::string& dossier_id,
                          const std::string& strand, uint32_t instance, const std::string& step,
                          Transition& transition) {
  StepRequest next;
  next.strand = strand;
  next.instance = instance;
  next.step = step;
  next.decision_id = cause.decision_id;
  next.legal_date = cause.legal_date;
  next.provenance = cause.provenance;
  return TakeOneStep(input, dossier_id, next, transition);
}

absl::Status SupersedeEarlier(const RuleInput& input, const StepRequest& request, const v1::DossierRecord& dossier,
                              Transition& transition) {
  DossierView view;
  view.own = true;
  view.record = dossier;
  JCM_ASSIGN_OR_RETURN(std::vector<v1::StrandRecord> versions, FindInstances(view, "VERSION", transition));
  for (const v1::StrandRecord& version : versions) {
    if (version.instance() == request.instance || version.state() != "APPROVED") continue;
    JCM_RETURN_IF_ERROR(
        TakeByLedger(input, request, dossier.dossier_id(), "VERSION", version.instance(), "supersede", transition));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PutProject(const v1::Date& registration, const v1::DossierRecord& dossier, Transition& transition) {
  std::string reference;
  for (const std::string& one : dossier.references()) {
    if (one.find('_') == std::string::npos) reference = one;  // neither a PIN's number nor a methodology's
  }
  if (reference.empty()) return Error(Reason::INTERNAL, "a registered project without its number");
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get<v1::ProjectRecord>(v1::TABLE_PROJECT, reference));
  v1::ProjectRecord record = present.value_or(v1::ProjectRecord());
  if (!present.has_value()) *record.mutable_registration_date() = registration;
  record.set_project_id(reference);
  record.set_title_en(dossier.title_en());
  record.set_title_ja(dossier.title_ja());
  if (dossier.crediting().has_start()) *record.mutable_crediting_start() = dossier.crediting().start();
  record.clear_crediting_end();
  if (dossier.crediting().has_end()) *record.mutable_crediting_end() = dossier.crediting().end();
  record.set_synthetic(dossier.project().synthetic());
  record.set_provenance(dossier.provenance());
  record.set_dossier_id(dossier.dossier_id());
  return transition.Put(v1::TABLE_PROJECT, reference, record);
}

absl::Status ChangeDossier(const RuleInput& input, const StepRequest& request, const Step&,
                           const v1::RulebookParameters&, v1::DossierRecord* dossier, v1::StrandRecord* strand,
                           Transition& transition) {
  switch (dossier->kind()) {
    case v1::DOSSIER_KIND_PROJECT:
      JCM_RETURN_IF_ERROR(RemarkGap(request, *dossier, strand, transition));
      return ChangeProject(input, request, dossier, strand, transition);
    case v1::DOSSIER_KIND_THIRD_PARTY_ENTITY:
      ChangeEntity(request, *strand, dossier);
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

absl::Status FollowUp(const RuleInput& input, const StepRequest& request, const v1::DossierRecord& dossier,
                      const v1::StrandRecord& strand, Transition& transition) {
  if (Is(request, "VERSION", "approve")) return SupersedeEarlier(input, request, dossier, transition);
  if (Is(request, "RENEWAL", "renew")) {
    return TakeByLedger(input, request, dossier.dossier_id(), "REGISTRATION", 1, "renew", transition);
  }
  if (Is(request, "WITHDRAWAL", "accept")) {
    return TakeByLedger(input, request, dossier.dossier_id(), "REGISTRATION", 1, "deregister", transition);
  }
  if (request.strand == "MONITORING" && strand.state() == "ISSUED") {
    const bool all = std::all_of(strand.issued().begin(), strand.issued().end(),
                                 [](const v1::SideIssuance& issued) { return issued.reported(); });
    if (all && !strand.issued().empty()) {
      return TakeByLedger(input, request, dossier.dossier_id(), "MONITORING", strand.instance(), "close", transition);
    }
  }
  return absl::OkStatus();
}

}  // namespace jcm::rules
