#include "ledger/rules/cycle/decided_steps.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/rules/allocation.h"
#include "ledger/rules/cycle/conditions.h"
#include "ledger/rules/cycle/quantification.h"
#include "ledger/rules/cycle/step.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

constexpr char kMonitoring[] = "MONITORING";

// Kinds of decisions whose text says all there is: they change no dossier.
bool HasNoSubjects(v1::DecisionKind kind) {
  return kind == v1::DECISION_KIND_ISSUANCE || kind == v1::DECISION_KIND_DOCUMENT || kind == v1::DECISION_KIND_RULES ||
         kind == v1::DECISION_KIND_INTERIM_MEASURE;
}

StepRequest RequestOf(const v1::DecisionSubject& subject, const std::string& decision_id, const v1::Date& legal_date) {
  StepRequest request;
  request.strand = subject.strand();
  request.instance = subject.instance();
  request.step = subject.step();
  request.facts = subject.facts();
  request.decision_id = decision_id;
  request.legal_date = legal_date;
  return request;
}

// The steps of a text: its subjects; of an issuance, the monitoring period that it is about.
absl::StatusOr<std::vector<v1::DecisionSubject>> SubjectsOf(const v1::DecisionText& text,
                                                            const state::StateReader& state) {
  std::vector<v1::DecisionSubject> subjects(text.subjects().begin(), text.subjects().end());
  if (!text.has_issuance() || text.issuance().monitoring_instance() == 0) return subjects;
  JCM_ASSIGN_OR_RETURN(auto dossier, FindDossierByReference(text.issuance().project_id(), state));
  if (!dossier.has_value()) return Error(Reason::DOSSIER_UNKNOWN, text.issuance().project_id());
  v1::DecisionSubject subject;
  subject.set_dossier_id(dossier->record.dossier_id());
  subject.set_strand(kMonitoring);
  subject.set_instance(text.issuance().monitoring_instance());
  subject.set_step("decide");
  subjects.push_back(std::move(subject));
  return subjects;
}

absl::Status CheckSubject(const RuleInput& input, v1::DecisionKind kind, const v1::DecisionSubject& subject,
                          const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(DossierView dossier, FindDossier(subject.dossier_id(), state));
  if (dossier.collides) {
    return Error(Reason::DECISION_SUBJECT_INVALID, absl::StrCat("both sides opened ", subject.dossier_id()));
  }
  JCM_ASSIGN_OR_RETURN(const Step* step, FindStep(dossier.record, subject.strand(), subject.step()));
  if (step->decision != kind) {
    return Error(Reason::DECISION_SUBJECT_INVALID,
                 absl::StrCat(subject.strand(), "/", subject.step(), " takes another kind of decision"));
  }
  return CheckStep(input, dossier, *step, RequestOf(subject, "", input.legal_date), state);
}

// The day on which the Joint Committee decided: of a meeting, its day; of an electronic decision, the day in the later
// capital in which it was adopted. One that lapses at 24:00 was adopted on the day that ends then.
v1::Date DayOfDecision(const v1::DecisionRecord& decision) {
  if (decision.mode() == v1::DECISION_MODE_MEETING) return decision.meeting_date();
  const BookTime last = BookTime::FromMicros(decision.adopted_at_us() - 1);
  return FromDate(DayInLaterCapital(last, decision.parameters()));
}

absl::Status RemarkRefusal(const v1::DecisionSubject& subject, const std::string& decision_id,
                           const absl::Status& refusal, Transition& transition) {
  const std::string key = StrandKey(subject.dossier_id(), subject.strand(), subject.instance());
  JCM_ASSIGN_OR_RETURN(auto strand, transition.Get<v1::StrandRecord>(v1::TABLE_STRAND, key));
  if (!strand.has_value()) return absl::OkStatus();
  strand->set_remark(absl::StrCat("NO_EFFECT decision ", decision_id, ": ", ToText(refusal)));
  return transition.Put(v1::TABLE_STRAND, key, *strand);
}

absl::Status CheckDelivery(const v1::IssuanceText& text, const v1::ProjectFacts& project,
                           const v1::RulebookParameters& parameters) {
  JCM_ASSIGN_OR_RETURN(const Rational least, DeliveryShareOf(project, parameters));
  Tonnes total = 0;
  Tonnes government = 0;
  for (const v1::AllocationRow& row : text.rows()) {
    const Tonnes tonnes = row.range().last() - row.range().first() + 1;
    total += tonnes;
    if (row.party() == v1::PARTY_KIND_GOVERNMENT_OF_JAPAN) government += tonnes;
  }
  // At least that share: government / total >= least, compared without rounding.
  JCM_ASSIGN_OR_RETURN(const Rational floor,
                       Rational::Of(static_cast<int64_t>(government), static_cast<int64_t>(total)));
  if (floor >= least) return absl::OkStatus();
  return Error(Reason::DELIVERY_BELOW_MINIMUM,
               absl::StrCat(government, " t of ", total, " t to the Government of Japan, at least ", least.ToString()));
}

// What the method gives of each lot from the shares that were requested, by party. Left-over tonnes go to the
// Government of Japan first, then in the order of the request. JC members who want other figures type them: method
// "explicit".
absl::Status CheckMethod(const v1::IssuanceText& text,
                         const google::protobuf::RepeatedPtrField<v1::AllocationShare>& requested) {
  if (text.allocation_method() == kExplicitAllocation) return absl::OkStatus();
  if (requested.empty()) {
    return Error(Reason::ALLOCATION_DIFFERS, "the project's request has no shares; type the figures (\"explicit\")");
  }
  std::vector<Share> shares;
  std::vector<PartyId> priority;
  for (const v1::AllocationShare& one : requested) {
    JCM_ASSIGN_OR_RETURN(const Rational fraction, ToRational(one.share()));
    shares.push_back({one.party(), fraction});
    priority.insert(one.government_of_japan() ? priority.begin() : priority.end(), one.party());
  }
  for (const v1::LotText& lot : text.lots()) {
    std::map<PartyId, Tonnes> given;
    for (const v1::AllocationRow& row : text.rows()) {
      if (row.range().lot_id() != lot.lot_id() || row.range().last() < row.range().first()) continue;
      given[row.party_label()] += row.range().last() - row.range().first() + 1;
    }
    JCM_ASSIGN_OR_RETURN(const std::vector<AllocatedShare> computed, Allocate(lot.tonnes(), shares, priority));
    for (const AllocatedShare& share : computed) {
      if (given[share.party] != share.tonnes) {
        return Error(Reason::ALLOCATION_DIFFERS, absl::StrCat(lot.lot_id(), ", ", share.party, ": ", share.tonnes,
                                                              " t by the method, ", given[share.party], " t stated"));
      }
    }
    if (given.size() != computed.size()) {
      return Error(Reason::ALLOCATION_DIFFERS, absl::StrCat(lot.lot_id(), " names a party that has no share"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckVerified(const v1::IssuanceText& text, const v1::StrandRecord& period) {
  const v1::Period& verified = period.facts().period();
  if (ToDate(verified.start()) != ToDate(text.monitoring_start()) ||
      ToDate(verified.end()) != ToDate(text.monitoring_end())) {
    return Error(Reason::PERIOD_DIFFERS, absl::StrCat(FormatDate(ToDate(verified.start())), "..",
                                                      FormatDate(ToDate(verified.end())), " was verified"));
  }
  const v1::Quantification& quantification = period.facts().quantification();
  std::map<int32_t, Tonnes> by_year;
  Tonnes total = 0;
  for (int i = 0; i < quantification.years_size() && i < quantification.reductions_size(); ++i) {
    by_year[quantification.years(i).vintage()] = quantification.reductions(i);
    total += quantification.reductions(i);
  }
  if (text.verified_tonnes() != total) {
    return Error(Reason::VERIFIED_AMOUNT_EXCEEDED,
                 absl::StrCat("the text says ", text.verified_tonnes(), " t verified, the report ", total, " t"));
  }
  for (const v1::LotText& lot : text.lots()) {
    if (lot.tonnes() > by_year[lot.vintage()]) {
      return Error(Reason::VERIFIED_AMOUNT_EXCEEDED, absl::StrCat(lot.lot_id(), ": ", lot.tonnes(), " t of ",
                                                                  by_year[lot.vintage()], " t of ", lot.vintage()));
    }
  }
  return absl::OkStatus();
}

// The monitoring period that a text is about; nullopt for a project without a dossier.
struct Monitored {
  DossierView dossier;
  v1::StrandRecord period;
};
absl::StatusOr<absl::optional<Monitored>> FindMonitored(const v1::IssuanceText& text, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto dossier, FindDossierByReference(text.project_id(), state));
  if (!dossier.has_value()) {
    if (text.monitoring_instance() == 0) return absl::optional<Monitored>();
    return Error(Reason::DOSSIER_UNKNOWN, absl::StrCat(text.project_id(), " has no dossier"));
  }
  if (text.monitoring_instance() == 0) {
    return Error(Reason::DOSSIER_REQUIRED,
                 absl::StrCat(text.project_id(), " has a dossier; name the monitoring period"));
  }
  JCM_ASSIGN_OR_RETURN(auto period, FindStrand(*dossier, kMonitoring, text.monitoring_instance(), state));
  if (!period.has_value()) return Error(Reason::STEP_NOT_POSSIBLE, "there is no such monitoring period");
  return absl::make_optional(Monitored{*std::move(dossier), *std::move(period)});
}

}  // namespace

absl::Status CheckSubjects(const RuleInput& input, const v1::DecisionText& text, const state::StateReader& state) {
  if (HasNoSubjects(text.kind())) {
    if (text.subjects().empty()) return absl::OkStatus();
    return Error(Reason::DECISION_SUBJECT_INVALID, "a decision of this kind has no subjects");
  }
  if (text.subjects().empty()) return Error(Reason::FIELD_REQUIRED, "subjects");
  if (text.subjects_size() > kSubjectsMax) return Error(Reason::FIELD_INVALID, "too many subjects");
  std::set<std::string> strands;
  std::set<std::string> references;
  for (const v1::DecisionSubject& subject : text.subjects()) {
    if (!strands.insert(StrandKey(subject.dossier_id(), subject.strand(), subject.instance())).second ||
        (!subject.facts().reference().empty() && !references.insert(subject.facts().reference()).second)) {
      return Error(Reason::DECISION_SUBJECT_INVALID, absl::StrCat(subject.dossier_id(), " twice"));
    }
    JCM_NOTE_REFUSAL(input, absl::StrCat("decision/subject/", subject.dossier_id()),
                     CheckSubject(input, text.kind(), subject, state));
  }
  return absl::OkStatus();
}

absl::Status CheckIssuanceOfDossier(const RuleInput& input, const v1::IssuanceText& text,
                                    const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto monitored, FindMonitored(text, state));
  if (!monitored.has_value()) return absl::OkStatus();
  v1::DecisionSubject subject;
  subject.set_dossier_id(monitored->dossier.record.dossier_id());
  subject.set_strand(kMonitoring);
  subject.set_instance(text.monitoring_instance());
  subject.set_step("decide");
  JCM_NOTE_REFUSAL(input, "issuance/step", CheckSubject(input, v1::DECISION_KIND_ISSUANCE, subject, state));
  JCM_NOTE_REFUSAL(input, "issuance/verified", CheckVerified(text, monitored->period));
  JCM_ASSIGN_OR_RETURN(v1::RulebookRecord rulebook, RulebookOf(monitored->dossier.record, input.time, state));
  JCM_NOTE_REFUSAL(input, "issuance/delivery",
                   CheckDelivery(text, monitored->dossier.record.project(), rulebook.parameters()));
  JCM_NOTE_REFUSAL(input, "issuance/allocation", CheckMethod(text, monitored->dossier.record.shares()));
  return absl::OkStatus();
}

absl::Status TakeDecidedSteps(const RuleInput& input, const v1::DecisionRecord& decision, Transition& transition) {
  v1::DecisionText text;
  if (!text.ParseFromString(decision.text())) return Error(Reason::STORE_CORRUPT, "a decision's text");
  auto subjects = SubjectsOf(text, transition);
  if (HasReason(subjects.status(), Reason::DOSSIER_UNKNOWN)) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(subjects.status());
  // What has become impossible is remarked; it refuses nothing, in a dry run neither.
  RuleInput quiet = input;
  quiet.refusals = nullptr;
  for (const v1::DecisionSubject& subject : *subjects) {
    auto dossier = FindDossier(subject.dossier_id(), transition);
    // One that the other side keeps takes its step there.
    if (!dossier.ok() || !dossier->own) continue;
    Transition attempt(static_cast<const state::StateReader&>(transition));
    const absl::Status taken = TakeOneStep(
        quiet, subject.dossier_id(), RequestOf(subject, decision.decision_id(), DayOfDecision(decision)), attempt);
    if (taken.ok()) {
      transition.Adopt(std::move(attempt));
      continue;
    }
    if (HasReason(taken, Reason::STORE_CORRUPT)) return taken;
    JCM_RETURN_IF_ERROR(RemarkRefusal(subject, decision.decision_id(), taken, transition));
  }
  return absl::OkStatus();
}

absl::Status CheckMayIssue(const v1::IssuanceText& text, const state::StateReader& state) {
  JCM_ASSIGN_OR_RETURN(auto monitored, FindMonitored(text, state));
  if (!monitored.has_value()) return absl::OkStatus();
  const std::string& period = monitored->period.state();
  if (period != "NOTIFIED" && period != "ISSUED" && period != "CLOSED") {
    return Error(Reason::NOT_NOTIFIED, absl::StrCat("monitoring period ", text.monitoring_instance(), " is ", period));
  }
  JCM_ASSIGN_OR_RETURN(std::string registration, StateOf(monitored->dossier, "REGISTRATION", 1, state));
  if (registration == "REGISTERED" || registration == "CREDITING_ENDED") return absl::OkStatus();
  return Error(Reason::NOT_REGISTERED, absl::StrCat("REGISTRATION is ", registration));
}

absl::Status RecordSideIssuance(const RuleInput& input, const v1::IssuanceText& text,
                                const v1::IssuanceRecord& issuance, Transition& transition) {
  auto monitored = FindMonitored(text, transition);
  if (!monitored.ok() || !monitored->has_value() || !(*monitored)->dossier.own) return absl::OkStatus();
  v1::StrandRecord& period = (*monitored)->period;
  v1::SideIssuance* issued = period.add_issued();
  issued->set_registry(issuance.registry());
  issued->set_tonnes(issuance.tonnes());
  issued->set_issued_at_us(issuance.issued_at_us());
  *issued->mutable_legal_date() = issuance.legal_date();
  // What a partner without a book issued is known from the document that reported it.
  issued->set_reported(issuance.provenance() == v1::PROVENANCE_ATTESTED);
  const std::string dossier_id = period.dossier_id();
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_STRAND, StrandKey(dossier_id, kMonitoring, period.instance()), period));
  std::set<std::string> waiting;
  for (const v1::AllocationRow& row : text.rows()) waiting.insert(row.issuing_registry());
  for (const v1::SideIssuance& side : period.issued()) waiting.erase(side.registry());
  if (!waiting.empty() || period.state() != "NOTIFIED") return absl::OkStatus();
  StepRequest request;
  request.strand = kMonitoring;
  request.instance = period.instance();
  request.step = "issue";
  request.decision_id = period.decision_id();
  request.legal_date = issuance.legal_date();
  return TakeOneStep(input, dossier_id, request, transition);
}

absl::Status OnImportedDossierReaction(const RuleInput& input, const v1::Effect& imported, Transition& transition) {
  v1::DossierReactionRecord reaction;
  if (imported.new_value().empty()) return absl::OkStatus();
  if (!reaction.ParseFromString(imported.new_value())) return Error(Reason::IMPOSSIBLE_ACT, "a reaction");
  if (reaction.kind() != v1::REACTION_KIND_ISSUANCE_REPORTED) return absl::OkStatus();
  const std::string key = StrandKey(reaction.dossier_id(), reaction.strand(), reaction.instance());
  JCM_ASSIGN_OR_RETURN(auto period, transition.Get<v1::StrandRecord>(v1::TABLE_STRAND, key));
  if (!period.has_value()) return absl::OkStatus();
  bool all = !period->issued().empty();
  for (v1::SideIssuance& issued : *period->mutable_issued()) {
    if (issued.registry() != input.book.registry) issued.set_reported(true);
    all = all && issued.reported();
  }
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_STRAND, key, *period));
  if (!all || period->state() != "ISSUED") return absl::OkStatus();
  StepRequest request;
  request.strand = reaction.strand();
  request.instance = reaction.instance();
  request.step = "close";
  request.decision_id = period->decision_id();
  request.legal_date = input.legal_date;
  return TakeOneStep(input, reaction.dossier_id(), request, transition);
}

}  // namespace jcm::rules
