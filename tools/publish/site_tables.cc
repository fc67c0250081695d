#include "tools/publish/site_tables.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/bytes.h"
#include "ledger/base/country.h"
#include "tools/publish/csv.h"
#include "tools/publish/names.h"
#include "tools/publish/public_view.h"

namespace jcm::publish {
namespace {

constexpr char kSeparator[] = "; ";

using Cells = std::vector<std::string>;

// Rows that wait for their order.
struct SortedRow {
  std::string key;
  Cells cells;
};

std::string Write(const Cells& header, std::vector<SortedRow> rows, TableForm form) {
  CsvWriter csv(header, form == TableForm::kSite ? ByteOrderMark::kYes : ByteOrderMark::kNo);
  std::stable_sort(rows.begin(), rows.end(), [](const SortedRow& a, const SortedRow& b) { return a.key < b.key; });
  for (const SortedRow& row : rows) csv.AddRow(row.cells);
  return csv.Take();
}

std::string DateIn(TableForm form, const v1::Date& date) {
  return form == TableForm::kSite ? SiteDate(date) : IsoDate(date);
}

v1::Date ToProto(Date day) {
  v1::Date date;
  date.set_year(day.year);
  date.set_month(day.month);
  date.set_day(day.day);
  return date;
}

// ---- projects
// --------------------------------------------------------------------------------------------------------

std::string Participants(const v1::ProjectFacts& project, bool japanese) {
  Cells names;
  for (const v1::Participant& participant : project.participants()) {
    if ((participant.country() == kJapanAlpha2) == japanese) names.push_back(participant.name_en());
  }
  return absl::StrJoin(names, kSeparator);
}

// By each official number of a methodology.
using Titles = std::map<std::string, std::string>;

Titles MethodologyTitles(const BookAt& book) {
  Titles titles;
  for (const DossierAt& dossier : book.dossiers) {
    if (dossier.record.kind() != v1::DOSSIER_KIND_METHODOLOGY) continue;
    for (const std::string& reference : dossier.record.references()) titles[reference] = dossier.record.title_en();
  }
  return titles;
}

std::string TitlesOf(const v1::DossierRecord& project, const Titles& titles) {
  Cells found;
  for (const v1::MethodologyUse& use : project.methodologies()) {
    const auto title = titles.find(use.reference());
    if (title != titles.end()) found.push_back(title->second);
  }
  return absl::StrJoin(found, kSeparator);
}

std::string Methodologies(const v1::DossierRecord& project) {
  return absl::StrJoin(project.methodologies(), kSeparator, [](std::string* out, const v1::MethodologyUse& use) {
    absl::StrAppend(out, use.reference(), use.version().empty() ? "" : absl::StrCat(" Ver", use.version()));
  });
}

std::string Scopes(const google::protobuf::RepeatedField<int32_t>& scopes) { return absl::StrJoin(scopes, kSeparator); }

v1::Date RegisteredOn(const DossierAt& dossier) {
  const v1::DossierStepRecord* step = dossier.LastStep("REGISTRATION", 1, "register");
  return step == nullptr ? v1::Date() : step->legal_date();
}

std::string PinOf(const DossierAt& dossier) {
  for (const std::string& reference : dossier.record.references()) {
    if (absl::StrContains(reference, "_PIN")) return reference;
  }
  return "";
}

std::string KeeperOf(const BookAt& book, bool peer) {
  return peer ? book.checkpoint.peer_registry() : book.checkpoint.registry();
}

SortedRow ProjectRow(const BookAt& book, const DossierAt& dossier, const Titles& titles, TableForm form) {
  const v1::DossierRecord& record = dossier.record;
  const v1::ProjectFacts& project = record.project();
  const std::string& partnership = book.checkpoint.partnership();
  const Words country = PartnerName(partnership);
  const Words status = ProjectStatus(dossier);
  const std::string key = absl::StrCat(partnership, "/", dossier.BestReference(), "/", record.dossier_id());
  if (form == TableForm::kSite) {
    return {key,
            {dossier.BestReference(), country.en, record.title_en(), status.en, SiteDate(RegisteredOn(dossier)),
             Participants(project, false), Participants(project, true), Methodologies(record), TitlesOf(record, titles),
             book.CheckpointText()}};
  }
  return {key,
          {dossier.BestReference(),
           partnership,
           country.en,
           country.ja,
           record.title_en(),
           record.title_ja(),
           status.en,
           status.ja,
           IsoDate(RegisteredOn(dossier)),
           Participants(project, false),
           Participants(project, true),
           Methodologies(record),
           TitlesOf(record, titles),
           PinOf(dossier),
           Scopes(project.scopes()),
           ProjectTypeName(project.type()).en,
           ProjectTypeName(project.type()).ja,
           ProgrammeName(project.programme()).en,
           ProgrammeName(project.programme()).ja,
           IsoDate(record.crediting().start()),
           IsoDate(record.crediting().end()),
           record.rulebook_version(),
           KeeperOf(book, dossier.peer),
           project.synthetic() ? "yes" : "",
           book.CheckpointText()}};
}

// A project that was registered before it could have a dossier.
SortedRow ProjectRow(const BookAt& book, bool peer, const v1::ProjectRecord& project, TableForm form) {
  const std::string& partnership = book.checkpoint.partnership();
  const Words country = PartnerName(partnership);
  const Words status = StateName("REGISTERED");
  const std::string key = absl::StrCat(partnership, "/", project.project_id());
  if (form == TableForm::kSite) {
    return {key,
            {project.project_id(), country.en, project.title_en(), status.en, SiteDate(project.registration_date()), "",
             "", "", "", book.CheckpointText()}};
  }
  return {key,
          {project.project_id(),
           partnership,
           country.en,
           country.ja,
           project.title_en(),
           project.title_ja(),
           status.en,
           status.ja,
           IsoDate(project.registration_date()),
           "",
           "",
           "",
           "",
           "",
           "",
           "",
           "",
           "",
           "",
           IsoDate(project.crediting_start()),
           IsoDate(project.crediting_end()),
           "",
           KeeperOf(book, peer),
           project.synthetic() ? "yes" : "",
           book.CheckpointText()}};
}

// ---- methodologies
// ---------------------------------------------------------------------------------------------------

std::string NumberOf(const DossierAt& dossier, const v1::StrandRecord& version, const char* kind) {
  for (const v1::ReferenceRecord& reference : dossier.references) {
    if (reference.instance() == version.instance() && absl::StrContains(reference.reference(), kind)) {
      return reference.reference();
    }
  }
  return "";
}

// The number under which an earlier version was approved.
std::string ApprovedNumber(const DossierAt& dossier) {
  for (const std::string& reference : dossier.record.references()) {
    if (absl::StrContains(reference, "_AM")) return reference;
  }
  return "";
}

std::string ScopesWithNames(const BookAt& book, const v1::DossierRecord& record) {
  const v1::RulebookParameters* parameters = book.ParametersOf(record.rulebook_version());
  return absl::StrJoin(record.scopes(), kSeparator, [&](std::string* out, int32_t number) {
    absl::StrAppend(out, number);
    if (parameters == nullptr) return;
    for (const v1::SectoralScope& scope : parameters->sectoral_scopes()) {
      if (scope.number() == number) absl::StrAppend(out, " ", scope.name_en());
    }
  });
}

SortedRow VersionRow(const BookAt& book, const DossierAt& dossier, const v1::StrandRecord& version, TableForm form) {
  const v1::DossierRecord& record = dossier.record;
  const std::string& partnership = book.checkpoint.partnership();
  const Words country = PartnerName(partnership);
  const Words status = MethodologyStatus(version);
  const bool approved = version.state() == "APPROVED" || version.state() == "SUPERSEDED";
  const std::string number = approved ? ApprovedNumber(dossier) : "";
  const std::string proposal = NumberOf(dossier, version, "_PM");
  const std::string version_number = approved ? version.facts().version() : "";
  const v1::DossierStepRecord* approval = dossier.LastStep(version.strand(), version.instance(), "approve");
  const std::string approved_on = approved && approval != nullptr ? DateIn(form, approval->legal_date()) : "";
  bool known = false;
  const InputCall call = CallOf(book, dossier, version, &known);
  const std::string from = DateIn(form, ToProto(call.first_day));
  const std::string to = call.last_day_known ? DateIn(form, ToProto(call.last_day)) : "";
  const std::string key = absl::StrCat(partnership, "/", proposal, "/", record.dossier_id());
  if (form == TableForm::kSite) {
    return {key,
            {number, proposal, country.en, ScopesWithNames(book, record), record.title_en(), version_number, status.en,
             record.applicant_en(), from, to, approved_on, book.CheckpointText()}};
  }
  return {key,
          {number,
           proposal,
           number.empty() ? ApprovedNumber(dossier) : "",
           partnership,
           country.en,
           country.ja,
           ScopesWithNames(book, record),
           record.title_en(),
           record.title_ja(),
           version_number,
           status.en,
           status.ja,
           record.applicant_en(),
           record.applicant_ja(),
           from,
           to,
           approved_on,
           version.facts().with_revisions() ? "yes" : "",
           approved ? version.decision_id() : "",
           record.rulebook_version(),
           KeeperOf(book, dossier.peer),
           book.CheckpointText()}};
}

// ---- credits
// ---------------------------------------------------------------------------------------------------------

// Tonnes of a lot that the rows give, if `counts` holds for the row.
uint64_t TonnesOf(const v1::IssuanceText& issuance, const std::string& lot_id,
                  const std::function<bool(const v1::AllocationRow&)>& counts) {
  uint64_t tonnes = 0;
  for (const v1::AllocationRow& row : issuance.rows()) {
    if (row.range().lot_id() == lot_id && counts(row)) tonnes += row.range().last() - row.range().first() + 1;
  }
  return tonnes;
}

Words ProjectTitle(const BookAt& book, const std::string& project_id) {
  for (const auto& [peer, project] : book.projects) {
    if (project.project_id() == project_id) return {project.title_en(), project.title_ja()};
  }
  return {};
}

struct SideOfIssuance {
  std::string issued;  // tonnes; empty: nothing was issued yet, or nothing is this side's
  std::string issued_on;
};

SideOfIssuance SideOf(const absl::optional<v1::IssuanceRecord>& record, uint64_t share, TableForm form) {
  if (!record.has_value() || share == 0) return {};
  return {std::to_string(share), DateIn(form, record->legal_date())};
}

SortedRow CreditRow(const BookAt& book, const DecisionAt& decision, const v1::LotText& lot, TableForm form) {
  const v1::IssuanceText& text = decision.text.issuance();
  const std::string& partnership = book.checkpoint.partnership();
  const auto by_japan = [](const v1::AllocationRow& row) { return row.issuing_registry() == kJapanAlpha3; };
  const auto by_host = [](const v1::AllocationRow& row) { return row.issuing_registry() != kJapanAlpha3; };
  const uint64_t japan = TonnesOf(text, lot.lot_id(), by_japan);
  const uint64_t host = TonnesOf(text, lot.lot_id(), by_host);
  const uint64_t government = TonnesOf(text, lot.lot_id(), [](const v1::AllocationRow& row) {
    return row.party() == v1::PARTY_KIND_GOVERNMENT_OF_JAPAN;
  });
  const auto found = book.issuances.find(decision.record.decision_id());
  const IssuanceAt issuance = found == book.issuances.end() ? IssuanceAt() : found->second;
  const bool own_is_japan = book.checkpoint.registry() == kJapanAlpha3;
  const SideOfIssuance of_japan = SideOf(own_is_japan ? issuance.own : issuance.peer, japan, form);
  const SideOfIssuance of_host = SideOf(own_is_japan ? issuance.peer : issuance.own, host, form);
  const Words country = PartnerName(partnership);
  const Words title = ProjectTitle(book, text.project_id());
  const std::string key = absl::StrCat(partnership, "/", text.project_id(), "/", IsoDate(text.monitoring_start()), "/",
                                       lot.vintage(), "/", decision.record.decision_id());
  Cells cells = {text.project_id(), country.en, title.en};
  if (form == TableForm::kIso) cells = {text.project_id(), partnership, country.en, country.ja, title.en, title.ja};
  for (std::string cell :
       {DateIn(form, text.monitoring_start()), DateIn(form, text.monitoring_end()), std::to_string(lot.vintage()),
        DateIn(form, decision.Day()), std::to_string(lot.tonnes()), std::to_string(japan), std::to_string(host),
        std::to_string(government), of_japan.issued, of_japan.issued_on, of_host.issued, of_host.issued_on}) {
    cells.push_back(std::move(cell));
  }
  if (form == TableForm::kIso) {
    for (std::string cell :
         {lot.lot_id(), decision.record.decision_id(), DecisionModeName(decision.record.mode()).en,
          DecisionModeName(decision.record.mode()).ja, decision.record.meeting_name(), text.allocation_method(),
          HexEncode(decision.record.text_digest()), decision.record.rulebook_version()}) {
      cells.push_back(std::move(cell));
    }
  }
  cells.push_back(book.CheckpointText());
  return {key, std::move(cells)};
}

}  // namespace

std::string ProjectsCsv(const std::vector<BookAt>& books, TableForm form) {
  const Cells site = {"Reference No.",        "Host country",
                      "Project title",        "Status",
                      "Registration date",    "Host-country participant",
                      "Japanese participant", "Methodology No.",
                      "Methodology title",    "Checkpoint"};
  const Cells iso = {"reference",
                     "partnership",
                     "country_en",
                     "country_ja",
                     "title_en",
                     "title_ja",
                     "status_en",
                     "status_ja",
                     "registered_on",
                     "host_participants",
                     "japanese_participants",
                     "methodologies",
                     "methodology_titles",
                     "pin",
                     "sectoral_scopes",
                     "type_en",
                     "type_ja",
                     "programme_en",
                     "programme_ja",
                     "crediting_start",
                     "crediting_end",
                     "rulebook",
                     "kept_by",
                     "synthetic",
                     "checkpoint"};
  std::vector<SortedRow> rows;
  for (const BookAt& book : books) {
    const Titles titles = MethodologyTitles(book);
    for (const DossierAt& dossier : book.dossiers) {
      if (IsPublicProject(dossier)) rows.push_back(ProjectRow(book, dossier, titles, form));
    }
    std::set<std::string> seen;  // both sides may have recorded it
    for (const auto& [peer, project] : book.projects) {
      if (project.dossier_id().empty() && seen.insert(project.project_id()).second) {
        rows.push_back(ProjectRow(book, peer, project, form));
      }
    }
  }
  return Write(form == TableForm::kSite ? site : iso, std::move(rows), form);
}

std::string MethodologiesCsv(const std::vector<BookAt>& books, TableForm form) {
  const Cells site = {"Methodology No.",
                      "Proposed methodology No.",
                      "Host country",
                      "Sectoral scope",
                      "Title",
                      "Version",
                      "Status",
                      "Proponent",
                      "Public inputs from",
                      "Public inputs to",
                      "Date of approval",
                      "Checkpoint"};
  const Cells iso = {"methodology",      "proposal",        "revises",        "partnership",  "country_en",
                     "country_ja",       "sectoral_scopes", "title_en",       "title_ja",     "version",
                     "status_en",        "status_ja",       "proponent_en",   "proponent_ja", "public_inputs_from",
                     "public_inputs_to", "approved_on",     "with_revisions", "decision",     "rulebook",
                     "kept_by",          "checkpoint"};
  std::vector<SortedRow> rows;
  for (const BookAt& book : books) {
    for (const DossierAt& dossier : book.dossiers) {
      for (const v1::StrandRecord& version : dossier.strands) {
        if (IsPublicVersion(dossier, version)) rows.push_back(VersionRow(book, dossier, version, form));
      }
    }
  }
  return Write(form == TableForm::kSite ? site : iso, std::move(rows), form);
}

std::string CreditsCsv(const std::vector<BookAt>& books, TableForm form) {
  const Cells site = {"Reference No.",
                      "Host country",
                      "Project title",
                      "Monitoring period from",
                      "Monitoring period to",
                      "Vintage",
                      "Date of decision",
                      "Amount notified",
                      "Japan",
                      "Host country's side",
                      "Government of Japan",
                      "Issued by Japan",
                      "Date of issuance by Japan",
                      "Issued by host country",
                      "Date of issuance by host country",
                      "Checkpoint"};
  const Cells iso = {"project",
                     "partnership",
                     "country_en",
                     "country_ja",
                     "title_en",
                     "title_ja",
                     "monitoring_start",
                     "monitoring_end",
                     "vintage",
                     "decided_on",
                     "tonnes",
                     "tonnes_japan",
                     "tonnes_host",
                     "tonnes_government_of_japan",
                     "issued_japan",
                     "issued_japan_on",
                     "issued_host",
                     "issued_host_on",
                     "lot",
                     "decision",
                     "mode_en",
                     "mode_ja",
                     "meeting",
                     "allocation_method",
                     "text_sha256",
                     "rulebook",
                     "checkpoint"};
  std::vector<SortedRow> rows;
  for (const BookAt& book : books) {
    for (const DecisionAt& decision : book.decisions) {
      if (!decision.text.has_issuance() || !decision.Confirmed()) continue;
      for (const v1::LotText& lot : decision.text.issuance().lots()) {
        rows.push_back(CreditRow(book, decision, lot, form));
      }
    }
  }
  return Write(form == TableForm::kSite ? site : iso, std::move(rows), form);
}

}  // namespace jcm::publish
