// Credits inside one registry: issuing, transferring, retiring (無効化), cancelling (取消し), and where they are.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/jcmctl/commands.h"
#include "tools/jcmctl/salts_file.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;
using nlohmann::ordered_json;

constexpr int kPageSize = 1'000;
constexpr size_t kPagesMax = 100'000;

// ---- issuance
// ---------------------------------------------------------------------------------------------------------

struct IssueFlags {
  std::string partnership;
  std::string decision;
  std::string text_digest;
  std::vector<std::string> targets;
};

absl::Status Issue(Session& session, const IssueFlags& flags) {
  v1::Command command;
  v1::IssueCredits* body = command.mutable_issue_credits();
  body->set_decision_id(flags.decision);
  JCM_ASSIGN_OR_RETURN(*body->mutable_text_digest(),
                       DecisionDigest(session, flags.partnership, flags.decision, flags.text_digest));
  for (const std::string& text : flags.targets) {
    const std::vector<std::string> sides = absl::StrSplit(text, absl::MaxSplits('=', 1));
    uint32_t row = 0;
    if (sides.size() != 2 || !absl::SimpleAtoi(sides[0], &row)) {
      return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is not ROW=ACCOUNT"));
    }
    v1::IssueTarget* target = body->add_targets();
    target->set_row(row);
    JCM_ASSIGN_OR_RETURN(*target->mutable_account(), session.AccountHandle(flags.partnership, sides[1]));
  }
  return session.Act(flags.partnership, std::move(command));
}

// ---- operations
// -----------------------------------------------------------------------------------------------------------

struct MoveFlags {
  std::string partnership;
  std::string id;
  std::string from;
  std::string to;
  UnitFlags units;
  std::string beneficiary;
  std::string scheme;
  std::string salts;
  std::string purpose = "voluntary";
};

// What every operation needs to know about accounts and units.
struct Move {
  std::string from;
  std::string to;
  std::vector<v1::UnitRange> ranges;
};

absl::StatusOr<Move> ReadMove(Session& session, const MoveFlags& flags) {
  Move move;
  JCM_ASSIGN_OR_RETURN(move.from, session.AccountHandle(flags.partnership, flags.from));
  JCM_ASSIGN_OR_RETURN(move.to, session.AccountHandle(flags.partnership, flags.to));
  JCM_ASSIGN_OR_RETURN(move.ranges, ChooseUnits(session, flags.partnership, move.from, flags.units));
  return move;
}

absl::Status Transfer(Session& session, const MoveFlags& flags) {
  JCM_ASSIGN_OR_RETURN(Move move, ReadMove(session, flags));
  v1::Command command;
  v1::TransferCredits* body = command.mutable_transfer_credits();
  body->set_transfer_id(flags.id);
  body->set_from_account(move.from);
  body->set_to_account(move.to);
  for (const v1::UnitRange& range : move.ranges) *body->add_ranges() = range;
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Retire(Session& session, const MoveFlags& flags) {
  JCM_ASSIGN_OR_RETURN(Move move, ReadMove(session, flags));
  v1::Command command;
  v1::RetireCredits* body = command.mutable_retire_credits();
  body->set_retirement_id(flags.id);
  body->set_from_account(move.from);
  body->set_retirement_account(move.to);
  for (const v1::UnitRange& range : move.ranges) *body->add_ranges() = range;
  SaltsFile salts(session, flags.partnership, flags.salts);
  body->set_beneficiary_commitment(salts.Commit("beneficiary", flags.beneficiary));
  body->set_scheme_commitment(salts.Commit("scheme", flags.scheme));
  JCM_RETURN_IF_ERROR(salts.Save());
  JCM_RETURN_IF_ERROR(session.Act(flags.partnership, std::move(command)));
  return salts.SaveWithSequence();
}

struct RestrictFlags {
  std::string partnership;
  std::string account;
  std::vector<std::string> ranges;
  std::string text;
  std::string document;
};

absl::Status SendRestriction(Session& session, const RestrictFlags& flags) {
  v1::Command command;
  v1::RestrictUnits* body = command.mutable_restrict_units();
  JCM_ASSIGN_OR_RETURN(std::string account, session.AccountHandle(flags.partnership, flags.account));
  body->set_account(account);
  for (const std::string& text : flags.ranges) {
    JCM_ASSIGN_OR_RETURN(*body->add_ranges(), client::ParseUnitRange(text));
  }
  body->set_restriction(flags.text);
  JCM_ASSIGN_OR_RETURN(*body->mutable_document_digest(), client::ParseDigest(flags.document, session.files()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Cancel(Session& session, const MoveFlags& flags) {
  JCM_ASSIGN_OR_RETURN(Move move, ReadMove(session, flags));
  v1::Command command;
  v1::CancelCredits* body = command.mutable_cancel_credits();
  body->set_cancellation_id(flags.id);
  body->set_from_account(move.from);
  body->set_cancellation_account(move.to);
  for (const v1::UnitRange& range : move.ranges) *body->add_ranges() = range;
  JCM_ASSIGN_OR_RETURN(v1::CancellationPurpose purpose,
                       client::ParseEnum<v1::CancellationPurpose>(v1::CancellationPurpose_descriptor(), flags.purpose));
  body->set_purpose(purpose);
  SaltsFile salts(session, flags.partnership, flags.salts);
  body->set_beneficiary_commitment(salts.Commit("beneficiary", flags.beneficiary));
  JCM_RETURN_IF_ERROR(salts.Save());
  JCM_RETURN_IF_ERROR(session.Act(flags.partnership, std::move(command)));
  return salts.SaveWithSequence();
}

// ---- lists
// ------------------------------------------------------------------------------------------------------------------

struct BlockFlags {
  std::string partnership;
  std::string account;
  std::string lot;
};

absl::Status ListBlocks(Session& session, const BlockFlags& flags) {
  api::ListUnitBlocksRequest request;
  request.set_parent("partnerships/" + flags.partnership);
  request.set_account(flags.account);
  request.set_lot_id(flags.lot);
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::OperationService>(
                                      session, &api::OperationService::Stub::ListUnitBlocks, request,
                                      [](const api::ListUnitBlocksResponse& response) { return response.blocks(); }));
  for (ordered_json& row : rows) {
    // By value: an ordered_json is a vector, so a new member of the row moves all the others.
    const ordered_json record = row["record"];
    const ordered_json held_by =
        row.contains("account_number") ? row["account_number"] : record.value("account", ordered_json(""));
    row["tonnes"] = record["last"].get<uint64_t>() - record["first"].get<uint64_t>() + 1;
    row["held_by"] = held_by;
  }
  session.PrintRows(client::Table({{"Account", "口座", "/held_by"},
                                   {"Lot", "ロット", "/record/lot_id"},
                                   {"First", "始", "/record/first", ColumnKind::NUMBER},
                                   {"Last", "終", "/record/last", ColumnKind::NUMBER},
                                   {"t-CO2e", "t-CO2e", "/tonnes", ColumnKind::NUMBER},
                                   {"Vintage", "ビンテージ", "/vintage"},
                                   {"State", "状態", "/record/state"},
                                   {"Authorization", "承認", "/record/authorization_id"},
                                   {"First transfer", "初回移転", "/record/first_transfer_id"},
                                   {"Issued by", "発行", "/record/issuing_registry"},
                                   {"Held by act", "根拠", "/record/end_id"}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ListLots(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(
      Rows rows, ListAll<api::IssuanceService>(session, &api::IssuanceService::Stub::ListLots, request,
                                               [](const api::ListLotsResponse& response) { return response.lots(); }));
  session.PrintRows(client::Table({{"Lot", "ロット", "/lot_id"},
                                   {"Project", "プロジェクト", "/project_id"},
                                   {"Vintage", "ビンテージ", "/vintage"},
                                   {"Decided t-CO2e", "決定量", "/tonnes", ColumnKind::NUMBER},
                                   {"Decision", "決定", "/decision_id"}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ListIssuances(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::IssuanceService>(
                                      session, &api::IssuanceService::Stub::ListIssuances, request,
                                      [](const api::ListIssuancesResponse& response) { return response.issuances(); }));
  session.PrintRows(client::Table({{"Decision", "決定", "/decision_id"},
                                   {"Registry", "登録簿", "/registry"},
                                   {"t-CO2e", "t-CO2e", "/tonnes", ColumnKind::NUMBER},
                                   {"Legal date", "効力日", "/legal_date"},
                                   {"Recorded", "記録", "/issued_at_us"},
                                   {"Provenance", "由来", "/provenance"}}),
                    rows);
  return absl::OkStatus();
}

// Transfers, retirements and cancellations look alike on paper.
client::Table MovesTable(const std::string& english, const std::string& japanese, const std::string& id) {
  return client::Table({{english, japanese, "/" + id},
                        {"t-CO2e", "t-CO2e", "/tonnes", ColumnKind::NUMBER},
                        {"Units", "識別番号", "/ranges"},
                        {"Legal date", "効力日", "/legal_date"},
                        {"Recorded", "記録", "/at_us"}});
}

absl::Status ListTransfers(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::OperationService>(
                                      session, &api::OperationService::Stub::ListTransfers, request,
                                      [](const api::ListTransfersResponse& response) { return response.transfers(); }));
  session.PrintRows(MovesTable("Transfer", "移転", "transfer_id"), rows);
  return absl::OkStatus();
}

absl::Status ListRetirements(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::OperationService>(
                           session, &api::OperationService::Stub::ListRetirements, request,
                           [](const api::ListRetirementsResponse& response) { return response.retirements(); }));
  session.PrintRows(MovesTable("Retirement", "無効化", "retirement_id"), rows);
  return absl::OkStatus();
}

absl::Status ListCancellations(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::OperationService>(
                           session, &api::OperationService::Stub::ListCancellations, request,
                           [](const api::ListCancellationsResponse& response) { return response.cancellations(); }));
  session.PrintRows(MovesTable("Cancellation", "取消し", "cancellation_id"), rows);
  return absl::OkStatus();
}

struct ReconcileFlags {
  std::string partnership;
  std::string recorded_at;
};

absl::Status Reconcile(Session& session, const ReconcileFlags& flags) {
  api::GetReconciliationRequest request;
  request.set_name("partnerships/" + flags.partnership);
  if (!flags.recorded_at.empty()) {
    JCM_RETURN_IF_ERROR(SetRecordedAt(flags.recorded_at, request.mutable_recorded_at()));
  }
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::IssuanceService>(&api::IssuanceService::Stub::GetReconciliation, request));
  if (session.options().output == client::OutputFormat::JSON) {
    session.PrintView(client::ViewOf(response));
    return absl::OkStatus();
  }
  Rows rows;
  for (const api::ReconciliationRow& row : response.rows()) rows.push_back(client::ViewOf(row));
  session.PrintRows(client::Table({{"Project", "プロジェクト", "/project_id"},
                                   {"Decided", "決定量", "/decided", ColumnKind::NUMBER},
                                   {"Gov. of Japan", "日本国政府", "/government_of_japan", ColumnKind::NUMBER},
                                   {"Other allottees", "その他", "/other_allottees", ColumnKind::NUMBER},
                                   {"Issued here", "自国発行", "/newly_issued_own", ColumnKind::NUMBER},
                                   {"Issued there", "相手国発行", "/newly_issued_peer", ColumnKind::NUMBER},
                                   {"Transferred in", "受入", "/transferred_in", ColumnKind::NUMBER},
                                   {"Transferred out", "払出", "/transferred_out", ColumnKind::NUMBER},
                                   {"Spendable", "利用可能", "/spendable", ColumnKind::NUMBER},
                                   {"In transit", "移転中", "/in_transit", ColumnKind::NUMBER},
                                   {"Retired", "無効化", "/retired", ColumnKind::NUMBER},
                                   {"Cancelled", "取消し", "/cancelled", ColumnKind::NUMBER},
                                   {"First transferred", "初回移転", "/first_transferred", ColumnKind::NUMBER},
                                   {"Notes", "注", "/provenance_notes"}}),
                    rows);
  session.PrintRows(ProgressTable(), ProgressRows(response.decisions()));
  if (!response.deliveries().empty()) {
    Rows deliveries;
    for (const api::Delivery& delivery : response.deliveries()) deliveries.push_back(client::ViewOf(delivery));
    session.PrintRows(client::Table({{"Project", "プロジェクト", "/project_id"},
                                     {"Programme", "事業", "/programme"},
                                     {"Decided", "決定量", "/decided", ColumnKind::NUMBER},
                                     {"Owed to Gov. of Japan", "政府納入義務", "/owed", ColumnKind::NUMBER},
                                     {"Allotted", "配分", "/allotted", ColumnKind::NUMBER},
                                     {"Delivered", "納入済み", "/delivered", ColumnKind::NUMBER},
                                     {"Outstanding", "未納入", "/outstanding", ColumnKind::NUMBER}}),
                      deliveries);
  }
  session.Say(absl::StrCat("At entry ", response.own_size(), " of this book and ", response.peer_size(),
                           " of the other side's.\n"));
  return absl::OkStatus();
}

void AddMoveFlags(CLI::App* command, MoveFlags* flags) {
  command->add_option("--partnership", flags->partnership)->required();
  command->add_option("--id", flags->id, "Names this act for ever")->required();
  command->add_option("--from", flags->from, "Account number or handle")->required();
  command->add_option("--to", flags->to, "Account number or handle")->required();
  AddUnitFlags(command, &flags->units);
}

void AddEndCommands(CLI::App* group, Session& session) {
  auto retire = std::make_shared<MoveFlags>();
  CLI::App* command = AddCommand(group, session, "retire", "Retires for the NDC (無効化); final", retire, &Retire);
  AddMoveFlags(command, retire.get());
  command->add_option("--beneficiary", retire->beneficiary, "Whom it is for; enters the book as a salted commitment");
  command->add_option("--scheme", retire->scheme,
                      "Scheme and fiscal year, e.g. \"GX-ETS FY2026\"; a salted commitment");
  command->add_option("--salts", retire->salts, "Keeps here what opens the commitments; needed for certificates");
  auto cancel = std::make_shared<MoveFlags>();
  command = AddCommand(group, session, "cancel", "Cancels for another purpose (取消し); final", cancel, &Cancel);
  AddMoveFlags(command, cancel.get());
  command->add_option("--purpose", cancel->purpose, "voluntary, oimp, reversal-compensation, error, omge");
  command->add_option("--beneficiary", cancel->beneficiary, "Whom it is for; enters the book as a salted commitment");
  command->add_option("--salts", cancel->salts, "Keeps here what opens the commitment");
}

void AddRestrictionCommands(CLI::App* group, Session& session) {
  for (const bool lifts : {false, true}) {
    auto flags = std::make_shared<RestrictFlags>();
    CLI::App* command =
        AddCommand(group, session, lifts ? "lift" : "restrict",
                   lifts ? "Lifts a disposal restriction; two persons"
                         : "A disposal restriction (処分の制限): the units stay where they are; two persons",
                   flags, &SendRestriction);
    command->add_option("--partnership", flags->partnership)->required();
    command->add_option("--account", flags->account, "Account that holds the units")->required();
    command->add_option("--range", flags->ranges, "LOT:first-last; repeatable")->required();
    command->add_option("--document", flags->document, "The order: @FILE or its SHA-256")->required();
    if (!lifts) command->add_option("--text", flags->text, "Court, file and kind; no names of persons")->required();
  }
}

template <typename Run>
void AddList(CLI::App* group, Session& session, const std::string& name, const std::string& what, Run run) {
  auto flags = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, name, what, flags, run), flags.get());
}

}  // namespace

void AddUnitFlags(CLI::App* command, UnitFlags* flags) {
  CLI::Option* ranges = command->add_option("--range", flags->ranges, "LOT:first-last; repeatable");
  command->add_option("--tonnes", flags->tonnes, "So many from the account's oldest units")->excludes(ranges);
}

absl::StatusOr<std::vector<v1::UnitRange>> ChooseUnits(Session& session, const std::string& partnership,
                                                       const std::string& account_handle, const UnitFlags& flags) {
  std::vector<v1::UnitRange> ranges;
  for (const std::string& text : flags.ranges) {
    JCM_ASSIGN_OR_RETURN(v1::UnitRange range, client::ParseUnitRange(text));
    ranges.push_back(std::move(range));
  }
  if (!ranges.empty()) return ranges;
  if (flags.tonnes.empty()) return Error(Reason::FIELD_REQUIRED, "--range or --tonnes");
  JCM_ASSIGN_OR_RETURN(Tonnes tonnes, client::ParseTonnes(flags.tonnes));
  api::ListUnitBlocksRequest request;
  request.set_parent("partnerships/" + partnership);
  request.set_account(account_handle);
  request.set_page_size(kPageSize);
  std::vector<client::SpendableBlock> blocks;
  for (size_t page = 0; page < kPagesMax; ++page) {
    JCM_ASSIGN_OR_RETURN(auto response,
                         session.Call<api::OperationService>(&api::OperationService::Stub::ListUnitBlocks, request));
    for (const api::UnitBlock& block : response.blocks()) blocks.push_back({block.record(), block.vintage()});
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  return client::SelectOldestFirst(std::move(blocks), account_handle, tonnes);
}

void AddCreditsCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "credits", "Credits inside this registry");
  auto issue = std::make_shared<IssueFlags>();
  CLI::App* command = AddCommand(group, session, "issue", "Issues this side's share of a decision", issue, &Issue);
  command->add_option("--partnership", issue->partnership)->required();
  command->add_option("--decision", issue->decision)->required();
  command->add_option("--text-digest", issue->text_digest, "Default: of the decision's present text");
  command->add_option("--target", issue->targets, "ROW=ACCOUNT; one per row of this registry, repeatable")->required();
  auto transfer = std::make_shared<MoveFlags>();
  AddMoveFlags(AddCommand(group, session, "transfer", "Moves credits to another account", transfer, &Transfer),
               transfer.get());
  AddEndCommands(group, session);
  AddRestrictionCommands(group, session);
  auto blocks = std::make_shared<BlockFlags>();
  command = AddCommand(group, session, "list", "Where the units are", blocks, &ListBlocks);
  command->add_option("--partnership", blocks->partnership)->required();
  command->add_option("--account", blocks->account, "Account number or handle");
  command->add_option("--lot", blocks->lot);
  AddList(group, session, "lots", "Lists lots", &ListLots);
  AddList(group, session, "issuances", "Lists issuances", &ListIssuances);
  AddList(group, session, "transfers", "Lists domestic transfers", &ListTransfers);
  AddList(group, session, "retirements", "Lists retirements", &ListRetirements);
  AddList(group, session, "cancellations", "Lists cancellations", &ListCancellations);
  auto reconcile = std::make_shared<ReconcileFlags>();
  command = AddCommand(&app, session, "reconcile",
                       "Decided, notified, issued and reported per side, what is owed, and where the units are now",
                       reconcile, &Reconcile);
  command->alias("reconciliation");
  command->add_option("--partnership", reconcile->partnership)->required();
  command->add_option("--recorded-at", reconcile->recorded_at, "As it was recorded then: 2026-03-02T00:00:00Z");
}

client::Table ProgressTable() {
  return client::Table({{"Decision", "決定", "/decision_id"},
                        {"Project", "プロジェクト", "/project_id"},
                        {"Period", "期間", "/days"},
                        {"Decided", "決定量", "/decided", ColumnKind::NUMBER},
                        {"Adopted", "採択", "/adopted_at"},
                        {"Notified", "通知", "/notified_date"},
                        {"Issued by each side", "双方の発行", "/issued"},
                        {"Not issued", "未発行", "/not_issued", ColumnKind::NUMBER},
                        {"Stands", "状況", "/stands"},
                        {"Difference", "差異", "/difference"}});
}

nlohmann::ordered_json ProgressRow(const api::DecisionProgress& progress) {
  using nlohmann::ordered_json;
  ordered_json row = client::ViewOf(progress);
  row["days"] = absl::StrCat(row["period"].value("start", ""), "..", row["period"].value("end", ""));
  std::vector<std::string> issued;
  for (const ordered_json& side : row.value("sides", ordered_json::array())) {
    issued.push_back(absl::StrCat(side.value("registry", ""), " ", side.value("issued", uint64_t{0}), "/",
                                  side.value("allotted", uint64_t{0}), " t",
                                  side.contains("issued_date") ? " " + side.value("issued_date", "") : "",
                                  side.value("reported", false) ? " reported" : ""));
  }
  row["issued"] = absl::StrJoin(issued, ", ");
  return row;
}

}  // namespace jcm::ctl
