// The rows of a migration, read: one struct per file of format.h, with the same names. Plain data.
#ifndef TOOLS_MIGRATION_ROWS_H_
#define TOOLS_MIGRATION_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/date.h"
#include "ledger/base/types.h"

namespace jcm::migration {

namespace v1 = ::jcm::ledger::v1;

// Where a row stands and what it is about.
struct Origin {
  std::string file;
  uint64_t row = 0;
  std::string object;   // its public name: "TH014", "LOT:50001"
  std::string content;  // all fields; what a row's commitment is made of
  std::string source;
  uint32_t source_row = 0;
};

struct SourceRow {
  std::string title;
  std::string digest;  // 32 bytes
  std::string file;
};

struct PartnershipRow {
  Origin origin;
  std::string partnership;
  std::string statement_id;
  Date as_of;
  std::string rulebook;
};

struct EventRow {
  Origin origin;
  std::string partnership;
  v1::PartnershipEventKind kind = v1::PARTNERSHIP_EVENT_KIND_UNSPECIFIED;
  Date date;
  std::string text;
};

struct MemberRow {
  Origin origin;
  std::string partnership;
  std::string member_id;
  std::string person_id;
  bool co_chair = false;
  std::string title;
  Date from;
  absl::optional<Date> term_end;
  std::string alternate_of;
};

struct AccountRow {
  Origin origin;
  std::string number;
  v1::AccountClass account_class = v1::ACCOUNT_CLASS_UNSPECIFIED;
  v1::AccountState state = v1::ACCOUNT_STATE_UNSPECIFIED;
  std::vector<std::string> partnerships;
  bool existing = false;
  std::string holder;
  std::string holder_en;
  std::string corporate_number;
  std::string country;
  std::vector<std::string> representatives;
  absl::optional<Date> opened;
};

// A methodology, a third-party entity (several rows with one id) or a project.
struct DossierRow {
  Origin origin;
  v1::DossierKind kind = v1::DOSSIER_KIND_UNSPECIFIED;
  std::string partnership;
  std::string dossier_id;
  std::string title_en;
  std::string title_ja;
  std::vector<int32_t> scopes;
  // Of a methodology.
  std::string applicant_en;
  std::string applicant_ja;
  // Of an entity.
  Date from;
  std::vector<v1::ScopeGrant> grants;
  // Of a project.
  std::string project_id;
  v1::ProjectType type = v1::PROJECT_TYPE_UNSPECIFIED;
  v1::FundingProgramme programme = v1::FUNDING_PROGRAMME_UNSPECIFIED;
  std::vector<v1::MethodologyUse> methodologies;
  absl::optional<Date> operation_start;
  absl::optional<Date> registration_date;
  absl::optional<Date> crediting_start;
  absl::optional<Date> crediting_end;
  std::string location;
  bool synthetic = false;
};

struct StrandRow {
  Origin origin;
  std::string partnership;
  std::string dossier_id;
  std::string strand;
  uint32_t instance = 0;
  std::string state;
  Date since;
  std::vector<std::string> references;
  std::string version;
  absl::optional<Date> period_start;
  absl::optional<Date> period_end;
  std::string entity;
  std::string decision;
};

struct LotRow {
  Origin origin;
  std::string partnership;
  std::string lot_id;
  std::string project_id;
  int32_t vintage = 0;
  Serial first_serial = 0;
  Tonnes tonnes = 0;
  std::string number_text;
  Date monitoring_start;
  Date monitoring_end;
  std::string decision;
};

// Serials of a lot.
struct RangeOfLot {
  std::string lot_id;
  Serial first = 0;
  Serial last = 0;
  Tonnes Count() const { return last - first + 1; }
};

struct AllotmentRow {
  Origin origin;
  std::string partnership;
  RangeOfLot range;
  std::string account;
  v1::PartyKind party = v1::PARTY_KIND_UNSPECIFIED;
  std::string issuing_registry;
  Date date;
};

struct TransferRow {
  Origin origin;
  std::string partnership;
  std::string transfer_id;
  Date date;
  std::string from_account;
  std::string to_account;
  RangeOfLot range;
};

// A retirement or cancellation.
struct EndRow {
  Origin origin;
  std::string partnership;
  std::string end_id;
  v1::BlockState state = v1::BLOCK_STATE_UNSPECIFIED;
  Date date;
  std::string from_account;
  std::string final_account;
  v1::CancellationPurpose purpose = v1::CANCELLATION_PURPOSE_UNSPECIFIED;
};

struct BlockRow {
  Origin origin;
  std::string partnership;
  RangeOfLot range;
  std::string account;
  std::string end_id;  // empty: held
};

struct RestrictionRow {
  Origin origin;
  std::string partnership;
  RangeOfLot range;
  std::string restriction;
};

struct BalanceRow {
  Origin origin;
  std::string partnership;
  std::string account;
  std::string project_id;
  int32_t vintage = 0;
  Tonnes tonnes = 0;
};

// The folder as a whole, each file in the order of its rows.
struct Migration {
  std::map<std::string, SourceRow> sources;
  std::vector<PartnershipRow> partnerships;
  std::vector<EventRow> events;
  std::vector<MemberRow> members;
  std::vector<AccountRow> accounts;
  std::vector<DossierRow> methodologies;
  std::vector<DossierRow> entities;
  std::vector<DossierRow> projects;
  std::vector<StrandRow> strands;
  std::vector<LotRow> lots;
  std::vector<AllotmentRow> allotments;
  std::vector<TransferRow> transfers;
  std::vector<EndRow> ends;
  std::vector<BlockRow> blocks;
  std::vector<RestrictionRow> restrictions;
  std::vector<BalanceRow> balances;
  // SHA-256 of each file that was read, by name.
  std::map<std::string, std::string> file_digests;
  std::map<std::string, uint64_t> rows_per_file;

  // SHA-256 over the lines "name SP SHA-256 in hexadecimal LF" of all files, sorted by name.
  std::string FilesDigest() const;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_ROWS_H_
