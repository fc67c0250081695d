#include "tools/migration/format.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::migration {
namespace {

constexpr ColumnSpec kPartnership = {"partnership", true, "two letters, `TH`", "the partnership, by its partner"};
constexpr ColumnSpec kLot = {"lot_id", true, "id", "the lot, as in issuances.csv"};
constexpr ColumnSpec kFirst = {"first", true, "serial",
                               "first serial of the range, as the earlier registry numbered it"};
constexpr ColumnSpec kLast = {"last", true, "serial", "last serial of the range; it belongs to the range"};
constexpr ColumnSpec kDossier = {"dossier_id", true, "id", "the dossier, chosen here for ever"};
constexpr ColumnSpec kTitleEn = {"title_en", true, "text", "title in English"};
constexpr ColumnSpec kTitleJa = {"title_ja", false, "text", "title in Japanese"};
constexpr ColumnSpec kScopes = {"scopes", false, "numbers, `1;3`", "sectoral scopes of the rulebook, ascending"};
constexpr ColumnSpec kSource = {"source", true, "id", "the document that says so, as in sources.csv"};
constexpr ColumnSpec kSourceRow = {"source_row", false, "number", "row or page in that document"};

std::vector<FileSpec> MakePeople() {
  return {
      {"sources.csv",
       "documents from which the facts come",
       {{"source", true, "id", "short name, used in the other files"},
        {"title", true, "text", "the document, by name and date; the other government reads it"},
        {"sha256", true, "64 hexadecimal digits", "SHA-256 of the document"},
        {"file", false, "file name", "the document itself, if it lies in the folder: its SHA-256 is checked then"}}},
      {"partnerships.csv",
       "the books into which something is taken over; each ends with one opening statement",
       {kPartnership,
        {"statement_id", true, "id", "of the opening statement, one per book for ever"},
        {"as_of", true, "date", "the day whose balances are stated; nothing in the files is later"},
        {"rulebook", false, "`TH/2024-07-08`", "version, adopted before, that governs dossiers from here on"},
        kSource,
        kSourceRow}},
      {"events.csv",
       "the life of a partnership; of one kind and day, one row",
       {kPartnership,
        {"kind", true,
         "SIGNED, FIRST_COMMITTEE, RULES_ADOPTED, ARTICLE_6_RULES, EXTENDED, MUTUAL_RECOGNITION, ENDED, DECISION",
         "what happened"},
        {"date", true, "date", "legal date"},
        {"text", false, "text", "place, number of the meeting, what was decided"},
        kSource,
        kSourceRow}},
      {"members.csv",
       "members of this side of the Joint Committee who are in office",
       {kPartnership,
        {"member_id", true, "id", "of this term of office"},
        {"person_id", true, "id", "the person, enrolled before with a pseudonym in the partnership"},
        {"co_chair", false, "yes or no", "whether co-chair"},
        {"title", false, "text", "office held, public"},
        {"from", true, "date", "first day of the term"},
        {"term_end", false, "date", "last day of the term, if one is set"},
        {"alternate_of", false, "id", "member for whom this one stands in"},
        kSource,
        kSourceRow}},
      {"accounts.csv",
       "accounts of the account book",
       {{"account_number", true, "id", "the number, kept verbatim"},
        {"class", true, "GOVERNMENT_HOLDING, ENTITY_HOLDING, RETIREMENT, CANCELLATION, PENDING, SUSPENSE",
         "政府保有口座, 法人等保有口座, 無効化口座, 取消口座 …"},
        {"state", true, "ACTIVE, FROZEN, CLOSED", "state on the day of the statement"},
        {"partnerships", true, "`TH;MN`", "partnerships in which it holds or held units"},
        {"existing", false, "yes or no", "opened in this registry already, with a handle in these partnerships"},
        {"holder", false, "text", "legal name (口座名義人); sealed, never in a book"},
        {"holder_en", false, "text", "name in English; sealed"},
        {"corporate_number", false, "13 digits", "法人番号; sealed"},
        {"country", false, "two letters", "of the holder; sealed"},
        {"representatives", false, "ids, `a;b`", "persons, enrolled before, who act for it"},
        {"opened", false, "date", "the day on which the account was opened"},
        kSource,
        kSourceRow}},
  };
}

std::vector<FileSpec> MakeCycle() {
  return {
      {"methodologies.csv",
       "methodologies, one row per dossier; their versions are strands",
       {kPartnership,
        kDossier,
        kTitleEn,
        kTitleJa,
        kScopes,
        {"proponent_en", false, "text", "who proposed it, in English"},
        {"proponent_ja", false, "text", "who proposed it, in Japanese"},
        kSource,
        kSourceRow}},
      {"entities.csv",
       "third-party entities; one row for each day on which what they may do changed",
       {kPartnership,
        kDossier,
        {"name_en", true, "text", "name in English"},
        {"name_ja", false, "text", "name in Japanese"},
        {"from", true, "date", "from this day the scopes of this row hold"},
        {"validation_scopes", false, "numbers, `1;3`",
         "scopes for validation; none in either column: it may do nothing"},
        {"verification_scopes", false, "numbers, `1;3`", "scopes for verification"},
        kSource,
        kSourceRow}},
      {"projects.csv",
       "projects; those with a dossier go on in the project cycle",
       {kPartnership,
        {"project_id", false, "`TH014`", "official number; empty before registration"},
        {"dossier_id", false, "id", "its dossier; empty: only the registered project is taken over"},
        kTitleEn,
        kTitleJa,
        {"type", false,
         "ENERGY, INDUSTRY, TRANSPORT, WASTE, AGRICULTURE, F_GAS, REDD_PLUS, AFFORESTATION, BIOCHAR, PEAT, CCS",
         "of activity; of a dossier"},
        {"programme", false, "PRIVATE, MODEL_PROJECT, DEMONSTRATION, TRUST_FUND, OTHER_PUBLIC",
         "funding programme; of a dossier"},
        kScopes,
        {"methodologies", false, "`TH_AM001@1.0;…`", "methodologies used, with version; of a dossier"},
        {"operation_start", false, "date", "first day of operation; of a dossier"},
        {"registration_date", false, "date", "legal date of registration"},
        {"crediting_start", false, "date", "first day of the crediting period"},
        {"crediting_end", false, "date", "last day of it"},
        {"location", false, "text", "of a dossier"},
        {"synthetic", false, "yes or no", "made up for a demonstration"},
        kSource,
        kSourceRow}},
      {"strands.csv",
       "in which state each strand of a dossier is: PIN, DESIGN, REGISTRATION, MONITORING, VERSION, DESIGNATION …",
       {kPartnership,
        kDossier,
        {"strand", true, "a strand of the project cycle", "which (ledger/rules/cycle/*.md)"},
        {"instance", true, "number", "1, 2 … without gaps; 1 for a strand that exists once"},
        {"state", true, "a state of the strand", "where it stands"},
        {"since", true, "date", "historic legal date of the step that led there"},
        {"references", false, "`TH_PM001;TH_AM001`", "official numbers that the strand was given"},
        {"version", false, "`1.0`", "of an approved methodology"},
        {"period_start", false, "date", "of the monitoring or crediting period"},
        {"period_end", false, "date", "of the monitoring or crediting period"},
        {"entity", false, "id", "dossier of the third-party entity that validated or verified"},
        {"decision", false, "text", "what the Joint Committee decided, in which meeting"},
        kSource,
        kSourceRow}},
  };
}

std::vector<FileSpec> MakeUnits() {
  return {
      {"issuances.csv",
       "lots: what one decision issued of one project and vintage, on both sides",
       {kPartnership,
        {"lot_id", true, "id", "the lot, chosen here for ever"},
        {"project_id", true, "`TH014`", "the project"},
        {"vintage", true, "year", "calendar year of the mitigation"},
        {"first_serial", true, "serial", "where the earlier registry began to number; need not be 1"},
        {"tonnes", true, "t-CO2e, whole", "of the whole lot, both sides"},
        {"number_text", false, "text", "the printed number, verbatim, with {first} and {last} for the serials"},
        {"monitoring_start", true, "date", "first day of the monitoring period"},
        {"monitoring_end", true, "date", "last day of it"},
        {"decision", false, "text", "decision of the Joint Committee and its date"},
        kSource,
        kSourceRow}},
      {"allotments.csv",
       "history: to which account each range was issued in this registry",
       {kPartnership,
        kLot,
        kFirst,
        kLast,
        {"account_number", true, "id", "account that was credited"},
        {"party", true, "GOVERNMENT_OF_JAPAN, GOVERNMENT_OF_PARTNER, PARTICIPANT", "whose share it was"},
        {"issuing_registry", true, "three letters, `JPN`", "the registry that issued the range"},
        {"date", true, "date", "day of issuance"},
        kSource,
        kSourceRow}},
      {"transfers.csv",
       "history: past transfers inside this registry; several rows of one transfer_id are its ranges",
       {kPartnership,
        {"transfer_id", true, "id", "the transfer, kept verbatim"},
        {"date", true, "date", "day of the transfer; of one day, earlier rows come first"},
        {"from_account", true, "id", "account that was debited"},
        {"to_account", true, "id", "account that was credited"},
        kLot,
        kFirst,
        kLast,
        kSource,
        kSourceRow}},
      {"retirements.csv",
       "past retirements (無効化); their units are the blocks that name them",
       {kPartnership,
        {"retirement_id", true, "id", "the retirement, kept verbatim"},
        {"date", true, "date", "day of the retirement"},
        {"from_account", true, "id", "whose units they were"},
        {"retirement_account", true, "id", "account in which they are for ever"},
        kSource,
        kSourceRow}},
      {"cancellations.csv",
       "past cancellations (取消し); their units are the blocks that name them",
       {kPartnership,
        {"cancellation_id", true, "id", "the cancellation, kept verbatim"},
        {"date", true, "date", "day of the cancellation"},
        {"from_account", true, "id", "whose units they were"},
        {"cancellation_account", true, "id", "account in which they are for ever"},
        {"purpose", true, "VOLUNTARY, OIMP, REVERSAL_COMPENSATION, ERROR, OMGE", "why"},
        kSource,
        kSourceRow}},
      {"blocks.csv",
       "where each range of serials is on the day of the statement",
       {kPartnership,
        kLot,
        kFirst,
        kLast,
        {"account_number", true, "id", "account that has it"},
        {"end_id", false, "id", "retirement or cancellation by which it is final; empty: it is held"},
        kSource,
        kSourceRow}},
      {"restrictions.csv",
       "disposal restrictions (処分の制限) on ranges that are held",
       {kPartnership,
        kLot,
        kFirst,
        kLast,
        {"restriction", true, "text", "court, file and kind; no names of persons: the other government reads it"},
        kSource,
        kSourceRow}},
      {"balances.csv",
       "balances as the earlier registry stated them: what blocks and history are compared with",
       {kPartnership,
        {"account_number", true, "id", "the account"},
        {"project_id", true, "`TH014`", "the project"},
        {"vintage", true, "year", "calendar year of the mitigation"},
        {"tonnes", true, "t-CO2e, whole", "stated balance"},
        kSource,
        kSourceRow}},
  };
}

std::vector<FileSpec> MakeFormat() {
  std::vector<FileSpec> files = MakePeople();
  for (std::vector<FileSpec> more : {MakeCycle(), MakeUnits()}) files.insert(files.end(), more.begin(), more.end());
  return files;
}

}  // namespace

const ColumnSpec* FileSpec::Find(absl::string_view column) const {
  for (const ColumnSpec& spec : columns) {
    if (column == spec.name) return &spec;
  }
  return nullptr;
}

const std::vector<FileSpec>& Format() {
  static const auto* const files = new std::vector<FileSpec>(MakeFormat());
  return *files;
}

const FileSpec& FormatOf(absl::string_view file) {
  const FileSpec* found = nullptr;
  for (const FileSpec& spec : Format()) {
    if (file == spec.name) found = &spec;
  }
  JCM_CHECK(found != nullptr);
  return *found;
}

std::string FormatAsMarkdown() {
  std::string text;
  for (const FileSpec& file : Format()) {
    absl::StrAppend(&text, "## ", file.name, "\n\nWhat it has: ", file.meaning, ".\n\n");
    absl::StrAppend(&text, "| column | needed | form and unit | meaning |\n|---|---|---|---|\n");
    for (const ColumnSpec& column : file.columns) {
      absl::StrAppend(&text, "| `", column.name, "` | ", column.required ? "yes" : "", " | ", column.form, " | ",
                      column.meaning, " |\n");
    }
    text += "\n";
  }
  return text;
}

}  // namespace jcm::migration
