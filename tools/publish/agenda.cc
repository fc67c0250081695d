#include "tools/publish/agenda.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "ledger/rules/cycle/tables.h"
#include "tools/publish/decision_text.h"
#include "tools/publish/public_view.h"

namespace jcm::publish {
namespace {

using StrandOfDossier = std::tuple<std::string, std::string, uint32_t>;  // dossier, strand, instance

Date ToDate(const v1::Date& date) { return Date{date.year(), date.month(), date.day()}; }

std::string FractionText(const v1::Fraction& fraction) {
  return fraction.denominator() == 1 ? std::to_string(fraction.numerator())
                                     : absl::StrCat(fraction.numerator(), "/", fraction.denominator());
}

std::vector<Words> ParticipantsOf(const v1::DossierRecord& record) {
  std::vector<Words> names;
  for (const v1::Participant& participant : record.project().participants()) {
    const std::string& ja = participant.name_ja().empty() ? participant.name_en() : participant.name_ja();
    names.push_back({absl::StrCat(participant.name_en(), " (", participant.country(), ")"),
                     absl::StrCat(ja, "（", participant.country(), "）")});
  }
  if (names.empty() && !record.applicant_en().empty()) {
    names.push_back(
        {record.applicant_en(), record.applicant_ja().empty() ? record.applicant_en() : record.applicant_ja()});
  }
  return names;
}

void AddQuantities(const v1::StepFacts& facts, std::vector<Words>* lines) {
  const v1::Quantification& quantification = facts.quantification();
  for (int i = 0; i < quantification.years_size() && i < quantification.reductions_size(); ++i) {
    const std::string tonnes = WithCommas(quantification.reductions(i));
    const int32_t vintage = quantification.years(i).vintage();
    lines->push_back({absl::StrCat("Verified, vintage ", vintage, ": ", tonnes, " t-CO2e"),
                      absl::StrCat("検証量、ビンテージ", vintage, "：", tonnes, " t-CO2e")});
  }
}

std::vector<Words> FactsOf(const BookAt& book, const DossierAt& dossier, const v1::StrandRecord& strand) {
  std::vector<Words> lines;
  const v1::DossierRecord& record = dossier.record;
  if (record.kind() == v1::DOSSIER_KIND_PROJECT) {
    const Words type = ProjectTypeName(record.project().type());
    const Words programme = ProgrammeName(record.project().programme());
    lines.push_back({absl::StrCat(type.en, "; ", programme.en), absl::StrCat(type.ja, "、", programme.ja)});
  }
  for (const v1::MethodologyUse& use : record.methodologies()) {
    const std::string text =
        absl::StrCat(use.reference(), use.version().empty() ? "" : absl::StrCat(" Ver", use.version()));
    lines.push_back({absl::StrCat("Methodology ", text), absl::StrCat("方法論 ", text)});
  }
  if (strand.facts().has_period()) {
    const v1::Period& period = strand.facts().period();
    const std::string text = absl::StrCat(IsoDate(period.start()), " – ", IsoDate(period.end()));
    lines.push_back({absl::StrCat("Period ", text), absl::StrCat("期間 ", text)});
  }
  AddQuantities(strand.facts(), &lines);
  for (const v1::AllocationShare& share : record.shares()) {
    const std::string text = absl::StrCat(share.party(), " ", FractionText(share.share()));
    lines.push_back({absl::StrCat("Share as requested: ", text), absl::StrCat("申請された配分：", text)});
  }
  if (!strand.facts().third_party_entity().empty()) {
    const std::string entity = ReferenceOf(book, strand.facts().third_party_entity());
    lines.push_back({absl::StrCat("Third-party entity ", entity), absl::StrCat("第三者機関 ", entity)});
  }
  if (!strand.remark().empty())
    lines.push_back({absl::StrCat("Remark: ", strand.remark()), absl::StrCat("注記：", strand.remark())});
  lines.push_back({absl::StrCat("Under the rules ", strand.rulebook_version()),
                   absl::StrCat("適用規則 ", strand.rulebook_version())});
  return lines;
}

// Strands on which a decision is open or was taken and waits for the other side: they are not ripe.
std::set<StrandOfDossier> StrandsInDecisions(const std::vector<const DecisionAt*>& decisions) {
  std::set<StrandOfDossier> strands;
  for (const DecisionAt* decision : decisions) {
    for (const v1::DecisionSubject& subject : decision->text.subjects()) {
      strands.insert({subject.dossier_id(), subject.strand(), std::max(1u, subject.instance())});
    }
    const v1::IssuanceText& issuance = decision->text.issuance();
    if (issuance.monitoring_instance() != 0) {
      strands.insert({issuance.project_id(), "MONITORING", issuance.monitoring_instance()});
    }
  }
  return strands;
}

bool Covered(const DossierAt& dossier, const v1::StrandRecord& strand, const std::set<StrandOfDossier>& strands) {
  if (strands.count({dossier.record.dossier_id(), strand.strand(), strand.instance()}) > 0) return true;
  const auto& references = dossier.record.references();
  return std::any_of(references.begin(), references.end(), [&](const std::string& reference) {
    return strands.count({reference, strand.strand(), strand.instance()}) > 0;
  });
}

// Nothing if the strand does not wait for the committee.
void AddStrand(const BookAt& book, const DossierAt& dossier, const v1::StrandRecord& strand,
               std::vector<AgendaItem>* items) {
  const rules::Strand* table = rules::CycleOf(dossier.record.kind()).Find(strand.strand());
  if (table == nullptr) return;
  AgendaItem item;
  for (const rules::Step* step : table->Awaited(strand.state())) {
    if (!step->Takes(rules::Who::kCommittee)) continue;
    if (item.kind == v1::DECISION_KIND_UNSPECIFIED) item.kind = step->decision;
    item.outcomes.push_back({step->text_en, step->text_ja});
  }
  if (item.outcomes.empty()) return;
  item.name = dossier.record.dossier_id();
  item.reference = dossier.BestReference();
  item.title = TitleOf(dossier);
  item.standing = StateName(strand.state());
  item.participants = ParticipantsOf(dossier.record);
  item.facts = FactsOf(book, dossier, strand);
  item.documents.assign(strand.documents().begin(), strand.documents().end());
  item.since_us = strand.since_us();
  item.due_us = strand.due_us();
  items->push_back(std::move(item));
}

AgendaItem ItemOf(const BookAt& book, const DecisionAt& decision, Ripeness ripeness) {
  AgendaItem item;
  item.ripeness = ripeness;
  item.kind = decision.text.kind();
  item.name = decision.record.decision_id();
  item.reference = decision.record.decision_id();
  item.title = {decision.text.title(), decision.text.title()};
  item.standing = StandingOf(decision);
  item.outcomes = LinesOf(book, decision);
  item.digests.emplace_back(Words{"Text", "決定文"}, decision.record.text_digest());
  if (!decision.record.report_digest().empty()) {
    item.digests.emplace_back(Words{"Meeting report", "会合報告書"}, decision.record.report_digest());
  }
  for (int i = 0; i < decision.record.annex_digests_size(); ++i) {
    item.digests.emplace_back(Words{absl::StrCat("Annex ", i + 1), absl::StrCat("附属書", i + 1)},
                              decision.record.annex_digests(i));
  }
  item.since_us = decision.record.opened_at_us();
  return item;
}

bool TakenOn(const DecisionAt& decision, Date day) {
  return decision.record.mode() == v1::DECISION_MODE_MEETING && decision.record.state() == v1::DECISION_STATE_ADOPTED &&
         ToDate(decision.record.meeting_date()) == day;
}

void AddInformation(const BookAt& book, Date day, Agenda* agenda) {
  for (const DecisionAt& decision : book.decisions) {
    if (TakenOn(decision, day) || decision.record.state() == v1::DECISION_STATE_OPEN) continue;
    const bool waits = decision.record.state() == v1::DECISION_STATE_ADOPTED && !decision.Confirmed();
    if (!waits && !decision.Disputed()) continue;
    const Words standing = StandingOf(decision);
    const std::string name = absl::StrCat(decision.record.decision_id(), " ", decision.text.title());
    agenda->for_information.push_back({{absl::StrCat(name, ": ", standing.en), absl::StrCat(name, "：", standing.ja)}});
  }
  for (const DossierAt& dossier : book.dossiers) {
    for (const v1::StrandRecord& strand : dossier.strands) {
      const bool due = strand.strand() == "MONITORING" && (strand.state() == "DECIDED" || strand.state() == "NOTIFIED");
      if (!due) continue;
      const Words state = StateName(strand.state());
      const std::string name = absl::StrCat(dossier.BestReference(), " ", strand.instance());
      agenda->for_information.push_back({{absl::StrCat(name, ": ", state.en, "; not yet issued by both sides"),
                                          absl::StrCat(name, "：", state.ja, "、双方の発行は未了")}});
    }
  }
}

void AddMandates(const BookAt& book, Date day, Agenda* agenda) {
  for (const bool peer : {false, true}) {
    const std::string& registry = peer ? book.checkpoint.peer_registry() : book.checkpoint.registry();
    const Words country = CountryOfRegistry(registry);
    bool chair = false;
    bool known = false;
    for (const MemberAt& member : book.members) {
      if (member.peer != peer) continue;
      known = true;
      if (member.record.until_us() != 0) continue;
      chair = chair || member.record.co_chair();
      if (!member.record.has_term_end() || AddDays(day, kTermNoticeDays) < ToDate(member.record.term_end())) continue;
      const std::string end = IsoDate(member.record.term_end());
      const bool over = ToDate(member.record.term_end()) < day;
      agenda->mandates.push_back({{absl::StrCat(country.en, ": the term of ", member.record.member_id(),
                                                over ? " ended on " : " ends on ", end),
                                   absl::StrCat(country.ja, "：", member.record.member_id(), "の任期は", end,
                                                over ? "に満了した" : "に満了する")}});
    }
    if (known && !chair) {
      agenda->mandates.push_back(
          {{absl::StrCat(country.en, ": no co-chair is in office"), absl::StrCat(country.ja, "：共同議長が空席")}});
    }
  }
}

}  // namespace

Words RipenessName(Ripeness ripeness) {
  switch (ripeness) {
    case Ripeness::kRipe:
      return {"to be decided", "決定待ち"};
    case Ripeness::kOpen:
      return {"decision open", "審議中"};
    case Ripeness::kTaken:
      break;
  }
  return {"decided at this meeting", "本会合で決定"};
}

Agenda AgendaOf(const BookAt& book, Date day) {
  Agenda agenda;
  std::vector<const DecisionAt*> decisions;
  for (const DecisionAt& decision : book.decisions) {
    const bool taken = TakenOn(decision, day);
    const bool open = decision.record.state() == v1::DECISION_STATE_OPEN;
    const bool pending =
        decision.record.state() == v1::DECISION_STATE_ADOPTED && !decision.Confirmed() && !decision.Disputed();
    if (taken || open || pending) decisions.push_back(&decision);
    if (!taken && !open) continue;
    agenda.items.push_back(ItemOf(book, decision, taken ? Ripeness::kTaken : Ripeness::kOpen));
  }
  const std::set<StrandOfDossier> covered = StrandsInDecisions(decisions);
  for (const DossierAt& dossier : book.dossiers) {
    for (const v1::StrandRecord& strand : dossier.strands) {
      if (!Covered(dossier, strand, covered)) AddStrand(book, dossier, strand, &agenda.items);
    }
  }
  std::stable_sort(agenda.items.begin(), agenda.items.end(), [](const AgendaItem& a, const AgendaItem& b) {
    return std::tie(a.kind, a.reference, a.name) < std::tie(b.kind, b.reference, b.name);
  });
  for (size_t i = 0; i < agenda.items.size(); ++i) agenda.items[i].number = i + 1;
  AddInformation(book, day, &agenda);
  AddMandates(book, day, &agenda);
  return agenda;
}

}  // namespace jcm::publish
