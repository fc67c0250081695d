// Taking over what an earlier registry had: files are checked, reconciled to the tonne, recorded row by row, and closed
// by an opening statement of two persons. Formats and steps: tools/migration/README.md.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "tools/jcmctl/commands.h"
#include "tools/migration/checks.h"
#include "tools/migration/folder.h"
#include "tools/migration/format.h"
#include "tools/migration/node_link.h"
#include "tools/migration/reconciliation.h"
#include "tools/migration/runner.h"
#include "tools/migration/statement.h"

namespace jcm::ctl {
namespace {

namespace mg = ::jcm::migration;
using client::ColumnKind;
using nlohmann::ordered_json;

constexpr uint32_t kPatienceSeconds = 60;
constexpr int kBarWidth = 40;

struct MigrationFlags {
  std::string folder;
  std::string results;
  std::string add;
  std::string out;
  std::string statement;
  bool send = false;
  uint32_t patience = kPatienceSeconds;
};

bool IsJapanese(Session& session) { return session.options().language == client::Language::JA; }

const char* TextOf(Session& session, Reason reason) {
  return IsJapanese(session) ? Describe(reason).japanese : Describe(reason).english;
}

// ---- check ----------------------------------------------------------------------------------------------------------

client::Table ProblemTable() {
  return client::Table({{"File", "ファイル", "/file"},
                        {"Row", "行", "/row"},
                        {"Column", "列", "/column"},
                        {"Reason", "理由", "/reason"},
                        {"No.", "番号", "/reason_number"},
                        {"Text", "説明", "/text"},
                        {"Detail", "詳細", "/detail"}});
}

void PrintProblems(Session& session, const mg::Problems& problems) {
  Rows rows;
  for (const mg::Problem& problem : problems.list()) {
    ordered_json row;
    row["file"] = problem.file;
    row["row"] = problem.row;
    row["column"] = problem.column;
    row["reason"] = Describe(problem.reason).name;
    row["reason_number"] = static_cast<int>(problem.reason);
    row["text"] = TextOf(session, problem.reason);
    row["detail"] = problem.detail;
    rows.push_back(std::move(row));
  }
  session.PrintRows(ProblemTable(), rows);
}

// The folder, if nothing is wrong with it; else every problem is printed.
absl::StatusOr<mg::Migration> ReadChecked(Session& session, const std::string& folder) {
  mg::Problems problems;
  mg::Migration migration = mg::ReadFolder(session.files(), folder, &problems);
  mg::CheckRows(migration, &problems);
  if (!problems.any()) return migration;
  PrintProblems(session, problems);
  return Error(Reason::FILE_MALFORMED, absl::StrCat(problems.count(), IsJapanese(session) ? " 件の問題" : " problems"));
}

absl::Status Check(Session& session, const MigrationFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const mg::Migration migration, ReadChecked(session, flags.folder));
  Rows rows;
  for (const auto& [file, count] : migration.rows_per_file) {
    ordered_json row;
    row["file"] = file;
    row["rows"] = count;
    row["sha256"] = HexEncode(migration.file_digests.at(file));
    rows.push_back(std::move(row));
  }
  session.PrintRows(client::Table({{"File", "ファイル", "/file"},
                                   {"Rows", "行数", "/rows", ColumnKind::NUMBER},
                                   {"SHA-256", "SHA-256", "/sha256", ColumnKind::DIGEST}}),
                    rows);
  return absl::OkStatus();
}

// ---- dry run --------------------------------------------------------------------------------------------------------

Rows DifferencesOf(const mg::Reconciliation& reconciliation) {
  Rows rows;
  for (const mg::SerialDifference& difference : reconciliation.serials) {
    ordered_json row;
    row["partnership"] = difference.partnership;
    row["units"] = absl::StrCat(difference.range.lot_id, ":", difference.range.first, "-", difference.range.last);
    row["blocks"] = difference.blocks_say;
    row["history"] = difference.history_says;
    rows.push_back(std::move(row));
  }
  for (const mg::Contradiction& contradiction : reconciliation.contradictions) {
    ordered_json row;
    row["partnership"] = contradiction.partnership;
    row["row"] = absl::StrCat(contradiction.origin.file, " ", contradiction.origin.row);
    row["object"] = contradiction.origin.object;
    row["text"] = contradiction.text;
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::Status DryRun(Session& session, const MigrationFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const mg::Migration migration, ReadChecked(session, flags.folder));
  const mg::Reconciliation reconciliation = mg::Reconcile(migration);
  Rows rows;
  size_t differing = 0;
  for (const mg::ReconciledRow& one : reconciliation.rows) {
    ordered_json row;
    row["partnership"] = one.partnership;
    row["per"] = mg::NameOf(one.dimension);
    row["key"] = one.key;
    row["stated"] = one.stated;
    row["blocks"] = one.blocks;
    row["history"] = one.history;
    row["differs"] = one.differs() ? "DIFFERS" : "";
    differing += one.differs() ? 1 : 0;
    rows.push_back(std::move(row));
  }
  const Rows differences = DifferencesOf(reconciliation);
  if (session.options().output == client::OutputFormat::JSON) {
    ordered_json view;
    view["rows"] = rows;
    view["differences"] = differences;
    session.PrintView(view);
  } else {
    session.PrintRows(client::Table({{"Partnership", "二国間", "/partnership"},
                                     {"Per", "区分", "/per"},
                                     {"", "", "/key"},
                                     {"Stated", "申告残高", "/stated", ColumnKind::NUMBER},
                                     {"Blocks", "番号範囲", "/blocks", ColumnKind::NUMBER},
                                     {"History", "履歴", "/history", ColumnKind::NUMBER},
                                     {"", "", "/differs"}}),
                      rows);
    if (!differences.empty()) {
      session.PrintRows(client::Table({{"Partnership", "二国間", "/partnership"},
                                       {"Units", "識別番号", "/units"},
                                       {"Blocks have it in", "番号範囲の口座", "/blocks"},
                                       {"History has it in", "履歴の口座", "/history"},
                                       {"Row", "行", "/row"},
                                       {"Object", "対象", "/object"},
                                       {"What", "内容", "/text"}}),
                        differences);
    }
  }
  if (!reconciliation.differs()) return absl::OkStatus();
  return Error(Reason::MIGRATION_DIFFERS,
               absl::StrCat(differing, " sums and ", differences.size(), " ranges or acts differ"));
}

// ---- run, status ----------------------------------------------------------------------------------------------------

client::Table ResultTable() {
  return client::Table({{"File", "ファイル", "/file"},
                        {"Row", "行", "/row"},
                        {"Object", "対象", "/object"},
                        {"Outcome", "結果", "/outcome"},
                        {"Book", "帳簿", "/book"},
                        {"Entry", "記録番号", "/sequence", ColumnKind::NUMBER},
                        {"Reason", "理由", "/text"}});
}

Rows RowsOf(Session& session, const mg::RunReport& report, bool all) {
  Rows rows;
  for (const mg::RowResult& result : report.rows) {
    const bool told = result.outcome == mg::RowOutcome::REFUSED || result.outcome == mg::RowOutcome::NOT_SENT;
    if (!all && !told) continue;
    ordered_json row;
    row["file"] = result.file;
    row["row"] = result.row;
    row["object"] = result.object;
    row["outcome"] = mg::NameOf(result.outcome);
    row["book"] = result.book;
    if (!result.leaf_hash.empty()) {
      row["sequence"] = result.sequence;
      row["leaf_hash"] = HexEncode(result.leaf_hash);
    }
    if (result.outcome == mg::RowOutcome::REFUSED) {
      row["reason"] = Describe(result.reason).name;
      row["reason_number"] = static_cast<int>(result.reason);
      row["text"] = absl::StrCat(Describe(result.reason).name, " (", static_cast<int>(result.reason),
                                 "): ", TextOf(session, result.reason),
                                 result.detail.empty() ? "" : absl::StrCat(" — ", result.detail));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// A bar on a terminal; elsewhere a line for each tenth.
class ProgressBar {
 public:
  explicit ProgressBar(Session& session) : session_(session), terminal_(isatty(STDERR_FILENO) != 0) {}
  void Show(uint64_t done, uint64_t total) {
    const uint64_t tenth = done * 10 / total;
    if (terminal_) {
      const auto filled = static_cast<size_t>(done * kBarWidth / total);
      session_.Say(absl::StrCat("\r[", std::string(filled, '#'), std::string(kBarWidth - filled, '.'), "] ",
                                client::WithThousands(done), " / ", client::WithThousands(total),
                                done == total ? "\n" : ""));
    } else if (tenth != shown_ || done == total) {
      session_.Say(absl::StrCat(client::WithThousands(done), " / ", client::WithThousands(total), "\n"));
    }
    shown_ = tenth;
  }

 private:
  Session& session_;
  const bool terminal_;
  uint64_t shown_ = 0;
};

absl::Status ReportRun(Session& session, const mg::RunReport& report, const MigrationFlags& flags) {
  if (!flags.results.empty()) {
    const std::string csv =
        ResultTable().Render(RowsOf(session, report, true), client::OutputFormat::CSV, session.options().language);
    JCM_RETURN_IF_ERROR(session.files().WriteFileAtomically(flags.results, csv));
  }
  ordered_json summary;
  summary["recorded"] = report.Count(mg::RowOutcome::RECORDED);
  summary["recorded_before"] = report.Count(mg::RowOutcome::RECORDED_BEFORE);
  summary["refused"] = report.Count(mg::RowOutcome::REFUSED);
  summary["not_sent"] = report.Count(mg::RowOutcome::NOT_SENT);
  summary["bundles"] = report.bundles;
  if (session.options().output == client::OutputFormat::JSON) {
    ordered_json view;
    view["summary"] = summary;
    view["rows"] = RowsOf(session, report, true);
    session.PrintView(view);
  } else {
    const Rows rows = RowsOf(session, report, session.options().output == client::OutputFormat::CSV);
    if (!rows.empty()) session.PrintRows(ResultTable(), rows);
    if (session.options().output == client::OutputFormat::TABLE) session.PrintView(summary);
  }
  for (const mg::RowResult& result : report.rows) {
    if (result.outcome == mg::RowOutcome::REFUSED) {
      return FromNode(Error(result.reason, absl::StrCat(result.file, " row ", result.row, ": ", result.detail)));
    }
  }
  return absl::OkStatus();
}

absl::Status RunOrLook(Session& session, const MigrationFlags& flags, bool send) {
  JCM_ASSIGN_OR_RETURN(const mg::Migration migration, ReadChecked(session, flags.folder));
  // Without the secret of the run nobody can tell a row that has changed from one that has not.
  JCM_ASSIGN_OR_RETURN(const mg::Secret secret,
                       send ? mg::Secret::LoadOrCreate(session.files(), flags.folder, session.random())
                            : mg::Secret::Load(session.files(), flags.folder));
  std::vector<PrivateKey> signers;
  if (send) {
    JCM_ASSIGN_OR_RETURN(signers, session.Signers());
  }
  JCM_ASSIGN_OR_RETURN(client::Connection * connection, session.Link());
  mg::NodeLink link(*connection, session.options().registry, {flags.patience});
  ProgressBar bar(session);
  mg::Runner runner(link, signers, secret, [&](uint64_t done, uint64_t total) {
    if (send) bar.Show(done, total);
  });
  absl::StatusOr<mg::RunReport> report = send ? runner.Run(migration) : runner.Look(migration);
  if (!report.ok()) return FromNode(report.status());
  return ReportRun(session, *report, flags);
}

absl::Status Run(Session& session, const MigrationFlags& flags) { return RunOrLook(session, flags, /*send=*/true); }
absl::Status Status(Session& session, const MigrationFlags& flags) { return RunOrLook(session, flags, /*send=*/false); }

// ---- statement ------------------------------------------------------------------------------------------------------

struct Words {
  const char *title, *registry, *book, *statement, *as_of, *lots, *blocks, *held, *restricted, *retired, *cancelled,
      *transfers, *files, *file_digest, *signed_by, *closing;
};
constexpr Words kEnglish = {"OPENING STATEMENT",
                            "Registry",
                            "Book",
                            "Statement",
                            "As of",
                            "Lots",
                            "Blocks",
                            "Held",
                            "of which under a disposal restriction",
                            "Retired",
                            "Cancelled",
                            "Past transfers",
                            "Files",
                            "SHA-256 over the files",
                            "Signed by key",
                            "Once two persons have signed this, nothing more is taken over into these books."};
constexpr Words kJapanese = {"開始残高報告書", "登録簿",
                             "帳簿",           "報告書番号",
                             "基準日",         "ロット数",
                             "番号範囲の数",   "保有",
                             "うち処分の制限", "無効化",
                             "取消し",         "過去の振替",
                             "ファイル",       "全ファイルのSHA-256",
                             "署名鍵",         "二名の署名後は、これらの帳簿への引継ぎは行われません。"};

void AppendLine(std::string* text, const char* name, const std::string& value) {
  absl::StrAppend(text, "  ", name, std::string(40 - std::min<size_t>(39, client::DisplayWidth(name)), ' '), value,
                  "\n");
}

void AppendStatement(const std::string& partnership, const v1::SignOpeningStatement& body, const Words& words,
                     std::string* text) {
  const auto tonnes = [](uint64_t value) { return absl::StrCat(client::WithThousands(value), " t-CO2e"); };
  absl::StrAppend(text, "\n", words.book, " ", partnership, "\n");
  AppendLine(text, words.statement, body.statement_id());
  AppendLine(text, words.as_of, FormatDate({body.as_of().year(), body.as_of().month(), body.as_of().day()}));
  AppendLine(text, words.lots, client::WithThousands(body.lots()));
  AppendLine(text, words.blocks, client::WithThousands(body.blocks()));
  AppendLine(text, words.held, tonnes(body.held()));
  AppendLine(text, words.restricted, tonnes(body.restricted()));
  AppendLine(text, words.retired, tonnes(body.retired()));
  AppendLine(text, words.cancelled, tonnes(body.cancelled()));
  AppendLine(text, words.transfers, client::WithThousands(body.transfers()));
  AppendLine(text, words.file_digest, HexEncode(body.files_digest()));
}

// What the signers read: all sums, and the digest of every file behind them.
std::string StatementText(Session& session, const std::vector<std::pair<std::string, v1::Command>>& acts,
                          const mg::Migration* migration, const v1::SignedBundle* bundle) {
  const Words& words = IsJapanese(session) ? kJapanese : kEnglish;
  std::string text = absl::StrCat(words.title, "\n", words.registry, " ", session.options().registry, "\n");
  for (const auto& [partnership, command] : acts) {
    AppendStatement(partnership, command.sign_opening_statement(), words, &text);
  }
  if (migration != nullptr) {
    absl::StrAppend(&text, "\n", words.files, "\n");
    for (const auto& [file, digest] : migration->file_digests) {
      absl::StrAppend(&text, "  ", HexEncode(digest), "  ", file, "\n");
    }
  }
  if (bundle != nullptr) {
    text += "\n";
    for (const v1::Signature& signature : bundle->signatures()) {
      absl::StrAppend(&text, words.signed_by, " ", HexEncode(signature.key_id()), "\n");
    }
  }
  absl::StrAppend(&text, "\n", words.closing, "\n");
  return text;
}

absl::StatusOr<v1::SignedBundle> ReadStatementFile(Session& session, const std::string& path) {
  absl::StatusOr<std::string> bytes = session.files().ReadFile(path);
  if (!bytes.ok()) return Error(Reason::NOT_FOUND, absl::StrCat("cannot read ", path));
  v1::SignedBundle bundle;
  JCM_RETURN_IF_ERROR(ParseStrict(*bytes, &bundle));
  return bundle;
}

absl::Status SendStatement(Session& session, const v1::SignedBundle& bundle, uint32_t patience) {
  JCM_ASSIGN_OR_RETURN(client::Connection * connection, session.Link());
  mg::NodeLink link(*connection, session.options().registry, {patience});
  api::SubmitBundleRequest request;
  request.set_signed_bundle(bundle.SerializeAsString());
  request.set_wait_for(session.options().wait_cosigned ? api::WAIT_FOR_COSIGNED : api::WAIT_FOR_COMMITTED);
  absl::StatusOr<api::SubmitBundleResponse> response = link.Submit(request);
  if (!response.ok()) return FromNode(response.status());
  Rows rows;
  absl::Status refused;
  for (const api::PartResult& result : response->results()) {
    ordered_json row = client::ViewOf(result);
    row["outcome"] = result.accepted() ? "ACCEPTED" : "REFUSED";
    row["text"] =
        result.accepted() ? "" : absl::StrCat(result.reason(), " (", result.reason_number(), "): ", result.detail());
    if (!result.accepted() && refused.ok())
      refused = Error(static_cast<Reason>(result.reason_number()), result.detail());
    rows.push_back(std::move(row));
  }
  session.PrintRows(client::Table({{"Book", "帳簿", "/book"},
                                   {"Outcome", "結果", "/outcome"},
                                   {"Entry", "記録番号", "/sequence", ColumnKind::NUMBER},
                                   {"Reason", "理由", "/text"}}),
                    rows);
  return FromNode(refused);
}

absl::Status Statement(Session& session, const MigrationFlags& flags) {
  if (flags.out.empty() && !flags.send) {
    return Error(Reason::FIELD_REQUIRED, "--out FILE, for the next who signs, or --send");
  }
  JCM_ASSIGN_OR_RETURN(const mg::Migration migration, ReadChecked(session, flags.folder));
  if (mg::Reconcile(migration).differs()) {
    return Error(Reason::MIGRATION_DIFFERS, "nobody signs what does not agree; see: jcmctl migration dry-run");
  }
  session.Say(StatementText(session, mg::StatementActs(migration), &migration, nullptr));
  JCM_ASSIGN_OR_RETURN(const std::vector<PrivateKey> signers, session.Signers());
  v1::SignedBundle bundle;
  if (flags.add.empty()) {
    JCM_ASSIGN_OR_RETURN(bundle, mg::BeginStatement(migration, session.options().registry, signers, session.random()));
  } else {
    JCM_ASSIGN_OR_RETURN(bundle, ReadStatementFile(session, flags.add));
    JCM_RETURN_IF_ERROR(mg::AddSignature(migration, signers, &bundle));
  }
  if (!flags.out.empty()) {
    JCM_RETURN_IF_ERROR(session.files().WriteFileAtomically(flags.out, bundle.SerializeAsString(), FileMode::ALL));
  }
  return flags.send ? SendStatement(session, bundle, flags.patience) : absl::OkStatus();
}

absl::Status Show(Session& session, const MigrationFlags& flags) {
  if (flags.folder.empty() == flags.statement.empty()) {
    return Error(Reason::FIELD_REQUIRED, "a folder, or --statement FILE");
  }
  if (!flags.statement.empty()) {
    JCM_ASSIGN_OR_RETURN(const v1::SignedBundle bundle, ReadStatementFile(session, flags.statement));
    JCM_ASSIGN_OR_RETURN(const auto acts, mg::ReadStatement(bundle));
    session.Print(StatementText(session, acts, nullptr, &bundle));
    return absl::OkStatus();
  }
  JCM_ASSIGN_OR_RETURN(const mg::Migration migration, ReadChecked(session, flags.folder));
  session.Print(StatementText(session, mg::StatementActs(migration), &migration, nullptr));
  return absl::OkStatus();
}

absl::Status PrintFormat(Session& session, const MigrationFlags&) {
  session.Print(mg::FormatAsMarkdown());
  return absl::OkStatus();
}

CLI::App* AddFolderCommand(CLI::App* group, Session& session, const std::string& name, const std::string& what,
                           const std::shared_ptr<MigrationFlags>& flags,
                           absl::Status (*run)(Session&, const MigrationFlags&), bool required = true) {
  CLI::App* command = AddCommand(group, session, name, what, flags, run);
  CLI::Option* folder = command->add_option("DIR", flags->folder, "the folder with the files");
  if (required) folder->required();
  return command;
}

}  // namespace

void AddMigrationCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "migration", "Takes over what an earlier registry had (tools/migration/README.md)");
  AddFolderCommand(group, session, "check", "Every row that is not right, with its reason; asks no node",
                   std::make_shared<MigrationFlags>(), &Check);
  AddFolderCommand(group, session, "dry-run", "Stated balances, blocks and history, to the tonne; asks no node",
                   std::make_shared<MigrationFlags>(), &DryRun);
  auto run = std::make_shared<MigrationFlags>();
  CLI::App* command = AddFolderCommand(group, session, "run",
                                       "Records every row exactly once; may be cut off and run again", run, &Run);
  command->add_option("--patience", run->patience, "Seconds to go on asking a node that does not answer");
  command->add_option("--results", run->results, "Writes the outcome of every row here, as CSV");
  auto status = std::make_shared<MigrationFlags>();
  command = AddFolderCommand(group, session, "status", "Which rows are in the books already", status, &Status);
  command->add_option("--patience", status->patience, "Seconds to go on asking a node that does not answer");
  command->add_option("--results", status->results, "Writes the state of every row here, as CSV");
  auto statement = std::make_shared<MigrationFlags>();
  command = AddFolderCommand(group, session, "statement", "Signs the opening statement with each --key", statement,
                             &Statement);
  command->add_option("--add", statement->add, "a statement that somebody else has signed already");
  command->add_option("--out", statement->out, "where the signed statement goes, for the next who signs");
  command->add_flag("--send", statement->send, "hands it to the node; two persons must have signed");
  auto show = std::make_shared<MigrationFlags>();
  command = AddFolderCommand(group, session, "show", "The opening statement as its signers read it", show, &Show,
                             /*required=*/false);
  command->add_option("--statement", show->statement, "a signed statement, instead of the folder");
  AddCommand(group, session, "format", "The files, column by column", std::make_shared<MigrationFlags>(), &PrintFormat);
}

}  // namespace jcm::ctl
