#include "tools/publish/pipeline.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/rules/cycle/tables.h"
#include "tools/publish/csv.h"

namespace jcm::publish {
namespace {

uint64_t DaysBetween(uint64_t from_us, uint64_t to_us) {
  return to_us <= from_us ? 0 : (to_us - from_us) / kMicrosPerDay;
}

// Position of strand and state in the table of a project's steps, so that rows come in the order of life.
struct Place {
  size_t strand = 0;
  size_t state = 0;
};
Place PlaceInTable(const std::string& strand, const std::string& state) {
  const auto& strands = rules::CycleOf(v1::DOSSIER_KIND_PROJECT).strands;
  for (size_t i = 0; i < strands.size(); ++i) {
    if (strands[i].name != strand) continue;
    const std::vector<std::string> states = strands[i].States();
    return {i, static_cast<size_t>(std::find(states.begin(), states.end(), state) - states.begin())};
  }
  return {strands.size(), 0};
}

std::string WaitsFor(const std::string& strand, const std::string& state) {
  const rules::Strand* table = rules::CycleOf(v1::DOSSIER_KIND_PROJECT).Find(strand);
  if (table == nullptr) return "";
  std::vector<std::string> names;
  for (const rules::Step* step : table->Awaited(state)) {
    for (const rules::Who who : step->who) {
      const std::string name(rules::WhoName(who));
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::string text;
  for (const std::string& name : names) absl::StrAppend(&text, text.empty() ? "" : "; ", name);
  return text;
}

struct Days {
  std::vector<uint64_t> now;
  std::vector<uint64_t> passed;
};
using Group = std::tuple<int, size_t, size_t, std::string, std::string>;  // programme, place, strand, state

// How long each strand stood in each state that it has left.
void AddPassed(const DossierAt& project, std::map<Group, Days>* groups) {
  struct Standing {
    std::string state;
    uint64_t since_us = 0;
  };
  std::map<std::pair<std::string, uint32_t>, Standing> standing;
  const int programme = project.record.project().programme();
  for (const v1::DossierStepRecord& step : project.steps) {
    Standing& strand = standing[{step.strand(), step.instance()}];
    if (step.to_state() == strand.state) continue;
    if (!strand.state.empty()) {
      const Place place = PlaceInTable(step.strand(), strand.state);
      (*groups)[{programme, place.strand, place.state, step.strand(), strand.state}].passed.push_back(
          DaysBetween(strand.since_us, step.at_us()));
    }
    strand = {step.to_state(), step.at_us()};
  }
}

void AddNow(const DossierAt& project, uint64_t now_us, std::map<Group, Days>* groups) {
  const int programme = project.record.project().programme();
  for (const v1::StrandRecord& strand : project.strands) {
    const Place place = PlaceInTable(strand.strand(), strand.state());
    (*groups)[{programme, place.strand, place.state, strand.strand(), strand.state()}].now.push_back(
        DaysBetween(strand.since_us(), now_us));
  }
}

bool IsOneOf(const std::string& state, std::initializer_list<const char*> states) {
  return std::any_of(states.begin(), states.end(), [&](const char* one) { return state == one; });
}

// Where a registered project stands with its monitoring periods.
Placed PlaceOfRegistered(const DossierAt& project, const v1::StrandRecord& registration) {
  Placed placed{Stage::kRegistered, registration.since_us()};
  for (const v1::StrandRecord& strand : project.strands) {
    if (strand.strand() != "MONITORING" || IsOneOf(strand.state(), {"WITHDRAWN", "REJECTED"})) continue;
    placed = {IsOneOf(strand.state(), {"ISSUED", "CLOSED"}) ? Stage::kIssued : Stage::kIssuing, strand.since_us()};
  }
  return placed;
}

}  // namespace

DaysOf Summarize(std::vector<uint64_t> days) {
  if (days.empty()) return {};
  std::sort(days.begin(), days.end());
  return {days.size(), days[days.size() / 2], days.back()};
}

std::vector<PipelineRow> PipelineOf(const std::vector<BookAt>& books) {
  std::vector<PipelineRow> rows;
  for (const BookAt& book : books) {
    std::map<Group, Days> groups;
    for (const DossierAt& dossier : book.dossiers) {
      if (dossier.record.kind() != v1::DOSSIER_KIND_PROJECT) continue;
      AddNow(dossier, book.time().micros, &groups);
      AddPassed(dossier, &groups);
    }
    for (auto& [group, days] : groups) {
      PipelineRow row;
      row.partnership = book.checkpoint.partnership();
      row.programme = static_cast<v1::FundingProgramme>(std::get<0>(group));
      row.strand = std::get<3>(group);
      row.state = std::get<4>(group);
      row.waits_for = WaitsFor(row.strand, row.state);
      row.now = Summarize(std::move(days.now));
      row.passed = Summarize(std::move(days.passed));
      row.checkpoint = book.CheckpointText();
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::string PipelineCsv(const std::vector<BookAt>& books) {
  CsvWriter csv({"partnership", "country_en", "country_ja", "programme_en", "programme_ja", "strand", "strand_en",
                 "strand_ja", "state", "state_en", "state_ja", "waits_for", "projects", "median_days", "longest_days",
                 "passed", "passed_median_days", "passed_longest_days", "checkpoint"},
                ByteOrderMark::kNo);
  for (const PipelineRow& row : PipelineOf(books)) {
    const Words country = PartnerName(row.partnership);
    const Words programme = ProgrammeName(row.programme);
    const Words strand = StrandName(v1::DOSSIER_KIND_PROJECT, row.strand);
    const Words state = StateName(row.state);
    const auto days = [](const DaysOf& of, uint64_t value) { return of.count == 0 ? "" : std::to_string(value); };
    csv.AddRow({row.partnership, country.en, country.ja, programme.en, programme.ja, row.strand, strand.en, strand.ja,
                row.state, state.en, state.ja, row.waits_for, std::to_string(row.now.count),
                days(row.now, row.now.median), days(row.now, row.now.longest), std::to_string(row.passed.count),
                days(row.passed, row.passed.median), days(row.passed, row.passed.longest), row.checkpoint});
  }
  return csv.Take();
}

Words StageName(Stage stage) {
  switch (stage) {
    case Stage::kIdea:
      return {"Idea", "PIN"};
    case Stage::kDesign:
      return {"Design, public input", "設計書・意見募集"};
    case Stage::kValidated:
      return {"Validated", "妥当性確認済"};
    case Stage::kRequested:
      return {"Registration requested", "登録申請中"};
    case Stage::kRegistered:
      return {"Registered", "登録済"};
    case Stage::kIssuing:
      return {"Monitoring to issuance", "モニタリング～発行"};
    case Stage::kIssued:
      return {"Credits issued", "クレジット発行済"};
    case Stage::kEnded:
      break;
  }
  return {"Ended", "終了"};
}

Placed PlaceOf(const DossierAt& project) {
  const v1::StrandRecord* registration = project.Find("REGISTRATION");
  if (registration != nullptr) {
    if (IsOneOf(registration->state(), {"REGISTERED", "CREDITING_ENDED"}))
      return PlaceOfRegistered(project, *registration);
    if (IsOneOf(registration->state(), {"DEREGISTERED", "REJECTED", "WITHDRAWN"})) {
      return {Stage::kEnded, registration->since_us()};
    }
    return {Stage::kRequested, registration->since_us()};
  }
  const v1::StrandRecord* validation = project.Find("VALIDATION");
  if (validation != nullptr && validation->state() == "POSITIVE") return {Stage::kValidated, validation->since_us()};
  if (const v1::StrandRecord* design = project.Find("DESIGN")) return {Stage::kDesign, design->since_us()};
  const v1::StrandRecord* pin = project.Find("PIN");
  if (pin == nullptr) return {Stage::kIdea, project.record.opened_at_us()};
  return {IsOneOf(pin->state(), {"OBJECTION", "WITHDRAWN"}) ? Stage::kEnded : Stage::kIdea, pin->since_us()};
}

PipelinePicture PictureOf(const std::vector<BookAt>& books) {
  PipelinePicture picture;
  std::array<std::vector<uint64_t>, kStages> days;
  for (const BookAt& book : books) {
    std::map<int, PipelineBar> bars;
    for (const DossierAt& dossier : book.dossiers) {
      if (dossier.record.kind() != v1::DOSSIER_KIND_PROJECT) continue;
      PipelineBar& bar = bars[dossier.record.project().programme()];
      bar.partnership = book.checkpoint.partnership();
      bar.programme = dossier.record.project().programme();
      const Placed placed = PlaceOf(dossier);
      ++bar.projects[static_cast<size_t>(placed.stage)];
      days[static_cast<size_t>(placed.stage)].push_back(DaysBetween(placed.since_us, book.time().micros));
    }
    for (auto& [programme, bar] : bars) picture.bars.push_back(bar);
  }
  for (size_t stage = 0; stage < kStages; ++stage) picture.waiting[stage] = Summarize(std::move(days[stage]));
  return picture;
}

}  // namespace jcm::publish
