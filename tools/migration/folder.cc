#include "tools/migration/folder.h"

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/hash.h"
#include "tools/migration/csv.h"
#include "tools/migration/format.h"
#include "tools/migration/row_reader.h"

namespace jcm::migration {
namespace {

constexpr int32_t kYearMin = 2013;
constexpr int32_t kYearMax = 2100;
constexpr uint64_t kInstanceMax = 9'999;

std::string ObjectOf(const RangeOfLot& range) { return absl::StrCat(range.lot_id, ":", range.first); }

Date DayOf(RowReader& row, absl::string_view column) { return row.Day(column).value_or(Date()); }

PartnershipRow ReadPartnership(RowReader& row) {
  PartnershipRow out;
  out.partnership = row.Partnership();
  out.statement_id = row.Id("statement_id");
  out.as_of = DayOf(row, "as_of");
  out.rulebook = row.Text("rulebook");
  out.origin = row.OriginOf(out.partnership);
  return out;
}

EventRow ReadEvent(RowReader& row) {
  EventRow out;
  out.partnership = row.Partnership();
  out.kind = static_cast<v1::PartnershipEventKind>(row.Enum("kind", v1::PartnershipEventKind_descriptor()));
  out.date = DayOf(row, "date");
  out.text = row.Text("text", kLongTextBytesMax);
  out.origin = row.OriginOf(absl::StrCat(v1::PartnershipEventKind_Name(out.kind), " ", FormatDate(out.date)));
  return out;
}

MemberRow ReadMember(RowReader& row) {
  MemberRow out;
  out.partnership = row.Partnership();
  out.member_id = row.Id("member_id");
  out.person_id = row.Id("person_id");
  out.co_chair = row.Flag("co_chair");
  out.title = row.Text("title");
  out.from = DayOf(row, "from");
  out.term_end = row.Day("term_end");
  out.alternate_of = row.Id("alternate_of");
  out.origin = row.OriginOf(out.member_id);
  return out;
}

AccountRow ReadAccount(RowReader& row) {
  AccountRow out;
  out.number = row.Id("account_number");
  out.account_class = static_cast<v1::AccountClass>(row.Enum("class", v1::AccountClass_descriptor()));
  out.state = static_cast<v1::AccountState>(row.Enum("state", v1::AccountState_descriptor()));
  out.partnerships = row.List("partnerships");
  out.existing = row.Flag("existing");
  out.holder = row.Text("holder");
  out.holder_en = row.Text("holder_en");
  out.corporate_number = row.Text("corporate_number");
  out.country = row.Text("country");
  out.representatives = row.List("representatives");
  out.opened = row.Day("opened");
  out.origin = row.OriginOf(out.number);
  return out;
}

DossierRow ReadMethodology(RowReader& row) {
  DossierRow out;
  out.kind = v1::DOSSIER_KIND_METHODOLOGY;
  out.partnership = row.Partnership();
  out.dossier_id = row.Id("dossier_id");
  out.title_en = row.Text("title_en");
  out.title_ja = row.Text("title_ja");
  out.scopes = row.Scopes("scopes");
  out.applicant_en = row.Text("proponent_en");
  out.applicant_ja = row.Text("proponent_ja");
  out.origin = row.OriginOf(out.dossier_id);
  return out;
}

DossierRow ReadEntity(RowReader& row) {
  DossierRow out;
  out.kind = v1::DOSSIER_KIND_THIRD_PARTY_ENTITY;
  out.partnership = row.Partnership();
  out.dossier_id = row.Id("dossier_id");
  out.title_en = row.Text("name_en");
  out.title_ja = row.Text("name_ja");
  out.from = DayOf(row, "from");
  std::map<int32_t, v1::ScopeGrant> grants;
  for (const int32_t scope : row.Scopes("validation_scopes")) grants[scope].set_validation(true);
  for (const int32_t scope : row.Scopes("verification_scopes")) grants[scope].set_verification(true);
  for (auto& [scope, grant] : grants) {
    grant.set_scope(scope);
    out.grants.push_back(grant);
  }
  out.applicant_en = out.title_en;
  out.applicant_ja = out.title_ja;
  out.origin = row.OriginOf(absl::StrCat(out.dossier_id, ":", FormatDate(out.from)));
  return out;
}

std::vector<v1::MethodologyUse> ReadUses(RowReader& row) {
  std::vector<v1::MethodologyUse> uses;
  for (const std::string& item : row.List("methodologies")) {
    const std::vector<std::string> sides = absl::StrSplit(item, absl::MaxSplits('@', 1));
    v1::MethodologyUse use;
    use.set_reference(sides[0]);
    if (sides.size() == 2) use.set_version(sides[1]);
    uses.push_back(std::move(use));
  }
  return uses;
}

DossierRow ReadProject(RowReader& row) {
  DossierRow out;
  out.kind = v1::DOSSIER_KIND_PROJECT;
  out.partnership = row.Partnership();
  out.project_id = row.Id("project_id");
  out.dossier_id = row.Id("dossier_id");
  out.title_en = row.Text("title_en");
  out.title_ja = row.Text("title_ja");
  out.type = static_cast<v1::ProjectType>(row.Enum("type", v1::ProjectType_descriptor()));
  out.programme = static_cast<v1::FundingProgramme>(row.Enum("programme", v1::FundingProgramme_descriptor()));
  out.scopes = row.Scopes("scopes");
  out.methodologies = ReadUses(row);
  out.operation_start = row.Day("operation_start");
  out.registration_date = row.Day("registration_date");
  out.crediting_start = row.Day("crediting_start");
  out.crediting_end = row.Day("crediting_end");
  out.location = row.Text("location");
  out.synthetic = row.Flag("synthetic");
  if (out.project_id.empty() && out.dossier_id.empty()) {
    row.Problem("project_id", Reason::FIELD_REQUIRED, "neither a project's number nor a dossier");
  }
  out.origin = row.OriginOf(out.project_id.empty() ? out.dossier_id : out.project_id);
  return out;
}

StrandRow ReadStrand(RowReader& row) {
  StrandRow out;
  out.partnership = row.Partnership();
  out.dossier_id = row.Id("dossier_id");
  out.strand = row.Text("strand");
  out.instance = static_cast<uint32_t>(row.Number("instance", 1, kInstanceMax));
  out.state = row.Text("state");
  out.since = DayOf(row, "since");
  out.references = row.List("references");
  out.version = row.Text("version");
  out.period_start = row.Day("period_start");
  out.period_end = row.Day("period_end");
  if (out.period_end.has_value() && !out.period_start.has_value()) {
    row.Problem("period_start", Reason::FIELD_REQUIRED, "a period has a beginning");
  }
  out.entity = row.Id("entity");
  out.decision = row.Text("decision", kLongTextBytesMax);
  out.origin = row.OriginOf(absl::StrCat(out.dossier_id, "/", out.strand, "/", out.instance));
  return out;
}

LotRow ReadLot(RowReader& row) {
  LotRow out;
  out.partnership = row.Partnership();
  out.lot_id = row.Id("lot_id");
  out.project_id = row.Id("project_id");
  out.vintage = static_cast<int32_t>(row.Number("vintage", kYearMin, kYearMax));
  out.first_serial = row.Number("first_serial", 1, kSerialMax);
  out.tonnes = row.Number("tonnes", 1, kSerialMax);
  if (out.tonnes > 0 && out.first_serial > kSerialMax - out.tonnes + 1) {
    row.Problem("tonnes", Reason::QUANTITY_OVERFLOW, "serials end above the largest one");
  }
  out.number_text = row.Text("number_text");
  out.monitoring_start = DayOf(row, "monitoring_start");
  out.monitoring_end = DayOf(row, "monitoring_end");
  if (out.monitoring_end < out.monitoring_start) {
    row.Problem("monitoring_end", Reason::FIELD_INVALID, "the period ends before it begins");
  }
  if (out.vintage != 0 && (out.vintage < out.monitoring_start.year || out.vintage > out.monitoring_end.year)) {
    row.Problem("vintage", Reason::VINTAGE_OUTSIDE_PERIOD, absl::StrCat(out.vintage));
  }
  out.decision = row.Text("decision", kLongTextBytesMax);
  out.origin = row.OriginOf(out.lot_id);
  return out;
}

AllotmentRow ReadAllotment(RowReader& row) {
  AllotmentRow out;
  out.partnership = row.Partnership();
  out.range = row.Range();
  out.account = row.Id("account_number");
  out.party = static_cast<v1::PartyKind>(row.Enum("party", v1::PartyKind_descriptor()));
  out.issuing_registry = row.Text("issuing_registry", 3);
  out.date = DayOf(row, "date");
  out.origin = row.OriginOf(ObjectOf(out.range));
  return out;
}

TransferRow ReadTransfer(RowReader& row) {
  TransferRow out;
  out.partnership = row.Partnership();
  out.transfer_id = row.Id("transfer_id");
  out.date = DayOf(row, "date");
  out.from_account = row.Id("from_account");
  out.to_account = row.Id("to_account");
  if (!out.to_account.empty() && out.from_account == out.to_account) {
    row.Problem("to_account", Reason::FIELD_INVALID, "both accounts are the same");
  }
  out.range = row.Range();
  out.origin = row.OriginOf(out.transfer_id);
  return out;
}

EndRow ReadEnd(RowReader& row, bool retirement) {
  EndRow out;
  out.partnership = row.Partnership();
  out.state = retirement ? v1::BLOCK_STATE_RETIRED : v1::BLOCK_STATE_CANCELLED;
  out.end_id = row.Id(retirement ? "retirement_id" : "cancellation_id");
  out.date = DayOf(row, "date");
  out.from_account = row.Id("from_account");
  out.final_account = row.Id(retirement ? "retirement_account" : "cancellation_account");
  if (!retirement) {
    out.purpose = static_cast<v1::CancellationPurpose>(row.Enum("purpose", v1::CancellationPurpose_descriptor()));
  }
  out.origin = row.OriginOf(out.end_id);
  return out;
}

BlockRow ReadBlock(RowReader& row) {
  BlockRow out;
  out.partnership = row.Partnership();
  out.range = row.Range();
  out.account = row.Id("account_number");
  out.end_id = row.Id("end_id");
  out.origin = row.OriginOf(ObjectOf(out.range));
  return out;
}

RestrictionRow ReadRestriction(RowReader& row) {
  RestrictionRow out;
  out.partnership = row.Partnership();
  out.range = row.Range();
  out.restriction = row.Text("restriction");
  out.origin = row.OriginOf(ObjectOf(out.range));
  return out;
}

BalanceRow ReadBalance(RowReader& row) {
  BalanceRow out;
  out.partnership = row.Partnership();
  out.account = row.Id("account_number");
  out.project_id = row.Id("project_id");
  out.vintage = static_cast<int32_t>(row.Number("vintage", kYearMin, kYearMax));
  out.tonnes = row.Number("tonnes", 0, kSerialMax);
  out.origin = row.OriginOf(absl::StrCat(out.account, " ", out.project_id, " ", out.vintage));
  return out;
}

using ReadRow = std::function<void(RowReader&)>;

// Reads a row by `read` and keeps it in `list` if nothing is wrong with it.
template <typename Row, typename Read>
ReadRow Into(std::vector<Row>* list, Read read) {
  return [list, read](RowReader& row) {
    Row out = read(row);
    if (row.good()) list->push_back(std::move(out));
  };
}

std::map<std::string, ReadRow> ReadersOf(Migration* m) {
  return {
      {"sources.csv",
       [m](RowReader& row) {
         const std::string id = row.Id("source");
         SourceRow source{row.Text("title"), row.Digest("sha256"), row.Text("file")};
         if (m->sources.count(id) > 0) row.Problem("source", Reason::ALREADY_EXISTS, id);
         if (row.good()) m->sources[id] = std::move(source);
       }},
      {"partnerships.csv", Into(&m->partnerships, &ReadPartnership)},
      {"events.csv", Into(&m->events, &ReadEvent)},
      {"members.csv", Into(&m->members, &ReadMember)},
      {"accounts.csv", Into(&m->accounts, &ReadAccount)},
      {"methodologies.csv", Into(&m->methodologies, &ReadMethodology)},
      {"entities.csv", Into(&m->entities, &ReadEntity)},
      {"projects.csv", Into(&m->projects, &ReadProject)},
      {"strands.csv", Into(&m->strands, &ReadStrand)},
      {"issuances.csv", Into(&m->lots, &ReadLot)},
      {"allotments.csv", Into(&m->allotments, &ReadAllotment)},
      {"transfers.csv", Into(&m->transfers, &ReadTransfer)},
      {"retirements.csv", Into(&m->ends, [](RowReader& row) { return ReadEnd(row, /*retirement=*/true); })},
      {"cancellations.csv", Into(&m->ends, [](RowReader& row) { return ReadEnd(row, /*retirement=*/false); })},
      {"blocks.csv", Into(&m->blocks, &ReadBlock)},
      {"restrictions.csv", Into(&m->restrictions, &ReadRestriction)},
      {"balances.csv", Into(&m->balances, &ReadBalance)},
  };
}

// False if the header names what the format does not have, or lacks what every row needs.
bool ReadHeader(const FileSpec& spec, const CsvTable& table, std::map<std::string, size_t>* columns,
                Problems* problems) {
  const uint64_t before = problems->count();
  for (size_t i = 0; i < table.header.size(); ++i) {
    const std::string& name = table.header[i];
    if (spec.Find(name) == nullptr) {
      problems->Add(spec.name, 1, name, Reason::FILE_MALFORMED, "the format has no such column");
    } else if (!columns->emplace(name, i).second) {
      problems->Add(spec.name, 1, name, Reason::FILE_MALFORMED, "the column is there twice");
    }
  }
  for (const ColumnSpec& column : spec.columns) {
    if (column.required && columns->count(column.name) == 0) {
      problems->Add(spec.name, 1, column.name, Reason::FILE_MALFORMED, "the column is missing");
    }
  }
  return problems->count() == before;
}

void ReadOne(FileSystem& files, const std::string& folder, const FileSpec& spec, const ReadRow& read,
             Migration* migration, Problems* problems) {
  const absl::StatusOr<std::string> text = files.ReadFile(absl::StrCat(folder, "/", spec.name));
  if (!text.ok()) {
    problems->Add(spec.name, 0, "", Reason::FILE_MALFORMED, "the file cannot be read");
    return;
  }
  migration->file_digests[spec.name] = std::string(AsBytes(Sha256(*text)));
  const CsvTable table = ReadCsv(spec.name, *text, problems);
  std::map<std::string, size_t> columns;
  if (table.header.empty() || !ReadHeader(spec, table, &columns, problems)) return;
  migration->rows_per_file[spec.name] = table.rows.size();
  for (const CsvRow& csv_row : table.rows) {
    RowReader row(spec, columns, csv_row, problems);
    read(row);
  }
}

void CheckNames(const std::vector<std::string>& names, Problems* problems) {
  std::set<std::string> known;
  for (const FileSpec& spec : Format()) known.insert(spec.name);
  for (const std::string& name : names) {
    if (known.count(name) > 0 || !absl::EndsWithIgnoreCase(name, ".csv")) continue;
    problems->Add(name, 0, "", Reason::FILE_MALFORMED, "the format has no such file");
  }
}

// Documents that lie in the folder are those whose digests are stated.
void CheckDocuments(FileSystem& files, const std::string& folder, const Migration& migration, Problems* problems) {
  for (const auto& [id, source] : migration.sources) {
    if (source.file.empty()) continue;
    const bool plain = source.file[0] != '/' && !absl::StrContains(source.file, "..");
    const absl::StatusOr<std::string> text =
        plain ? files.ReadFile(absl::StrCat(folder, "/", source.file)) : Error(Reason::FIELD_INVALID, "outside");
    if (!text.ok()) {
      problems->Add("sources.csv", 0, "file", Reason::NOT_FOUND, absl::StrCat(id, ": ", source.file));
    } else if (std::string(AsBytes(Sha256(*text))) != source.digest) {
      problems->Add("sources.csv", 0, "sha256", Reason::DIGEST_MISMATCH, absl::StrCat(id, ": ", source.file));
    }
  }
}

}  // namespace

Migration ReadFolder(FileSystem& files, const std::string& folder, Problems* problems) {
  Migration migration;
  const absl::StatusOr<std::vector<std::string>> names = files.ListDir(folder);
  if (!names.ok()) {
    problems->Add(folder, 0, "", Reason::NOT_FOUND, "the folder cannot be read");
    return migration;
  }
  CheckNames(*names, problems);
  const std::set<std::string> present(names->begin(), names->end());
  const std::map<std::string, ReadRow> readers = ReadersOf(&migration);
  for (const FileSpec& spec : Format()) {
    const std::string name = spec.name;
    const bool needed = name == "sources.csv" || name == "partnerships.csv";
    if (present.count(name) == 0 && !needed) continue;
    ReadOne(files, folder, spec, readers.at(name), &migration, problems);
  }
  CheckDocuments(files, folder, migration, problems);
  return migration;
}

}  // namespace jcm::migration
