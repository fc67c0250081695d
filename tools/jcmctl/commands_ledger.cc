// What anybody may check: books, entries, checkpoints, receipts; books as files; the node itself; outcomes of requests.
#include "absl/strings/str_cat.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/base/types.h"
#include "tools/client/arguments.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;
using nlohmann::ordered_json;

struct NoFlags {};

absl::Status ListBooks(Session& session, const NoFlags&) {
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::LedgerService>(&api::LedgerService::Stub::ListBooks, api::ListBooksRequest()));
  Rows rows;
  for (const api::Book& book : response.books()) rows.push_back(client::ViewOf(book));
  session.PrintRows(client::Table({{"Book", "帳簿", "/name"},
                                   {"Size", "記録数", "/size", ColumnKind::NUMBER},
                                   {"Checkpoint", "署名済", "/checkpoint_size", ColumnKind::NUMBER},
                                   {"Cosigned", "連署済", "/cosigned_size", ColumnKind::NUMBER},
                                   {"Mirror", "写し", "/mirror"},
                                   {"Demonstration", "実演", "/demonstration"},
                                   {"Root", "根", "/root", ColumnKind::DIGEST}}),
                    rows);
  return absl::OkStatus();
}

struct BookFlags {
  std::string book;  // "JPN/TH"
  uint64_t sequence = 0;
  bool records = false;
  std::string out;
  uint64_t from = 0;
  std::string file;
};

std::string BookName(const BookFlags& flags) { return "books/" + flags.book; }
std::string EntryName(const BookFlags& flags) {
  return absl::StrCat("books/", flags.book, "/entries/", flags.sequence);
}

absl::Status WriteOut(Session& session, const std::string& path, const std::string& bytes) {
  if (path.empty()) {
    session.Print(bytes);
    return absl::OkStatus();
  }
  return session.files().WriteFileAtomically(path, bytes, FileMode::ALL);
}

absl::Status ListEntries(Session& session, const BookFlags& flags) {
  api::ListEntriesRequest request;
  request.set_parent(BookName(flags));
  request.set_with_records(flags.records);
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::LedgerService>(
                                      session, &api::LedgerService::Stub::ListEntries, request,
                                      [](const api::ListEntriesResponse& response) { return response.entries(); }));
  for (ordered_json& row : rows) {
    if (!row.contains("sequence")) row["sequence"] = 0u;  // entry 0 is Genesis; protobuf leaves zeros out
  }
  session.PrintRows(client::Table({{"Entry", "番号", "/sequence", ColumnKind::NUMBER},
                                   {"Recorded", "記録", "/batch_time"},
                                   {"Kind", "種類", "/kind"},
                                   {"What", "内容", "/summary"},
                                   {"Leaf hash", "葉ハッシュ", "/leaf_hash", ColumnKind::DIGEST}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ShowEntry(Session& session, const BookFlags& flags) {
  api::GetEntryRequest request;
  request.set_name(EntryName(flags));
  JCM_ASSIGN_OR_RETURN(auto response, session.Call<api::LedgerService>(&api::LedgerService::Stub::GetEntry, request));
  session.PrintView(client::ViewOf(response.entry()));
  return absl::OkStatus();
}

absl::Status ShowCheckpoint(Session& session, const BookFlags& flags) {
  api::GetCheckpointRequest request;
  request.set_name(BookName(flags));
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::LedgerService>(&api::LedgerService::Stub::GetCheckpoint, request));
  if (session.options().output == client::OutputFormat::JSON) {
    session.PrintView(client::ViewOf(response));
    return absl::OkStatus();
  }
  return WriteOut(session, flags.out, response.note());
}

absl::Status GetReceipt(Session& session, const BookFlags& flags) {
  api::GetReceiptRequest request;
  request.set_name(EntryName(flags));
  JCM_ASSIGN_OR_RETURN(auto response, session.Call<api::LedgerService>(&api::LedgerService::Stub::GetReceipt, request));
  JCM_RETURN_IF_ERROR(WriteOut(session, flags.out, response.receipt_json()));
  session.Say(response.cosigned() ? "Cosigned by the other government.\n"
                                  : "Not cosigned by the other government; ask again later.\n");
  return absl::OkStatus();
}

// ---- books as files
// -------------------------------------------------------------------------------------------------------

std::string PageName(const std::string& path, size_t page) { return page == 0 ? path : absl::StrCat(path, ".", page); }

absl::Status ExportMirror(Session& session, const BookFlags& flags) {
  api::ExportMirrorRequest request;
  request.set_book(flags.book);
  request.set_from(flags.from);
  constexpr size_t kFilesMax = 100'000;
  for (size_t page = 0; page < kFilesMax; ++page) {
    JCM_ASSIGN_OR_RETURN(auto response,
                         session.Call<api::LedgerService>(&api::LedgerService::Stub::ExportMirror, request));
    const std::string path = PageName(flags.out, page);
    JCM_RETURN_IF_ERROR(session.files().WriteFileAtomically(path, response.file(), FileMode::ALL));
    session.Say(absl::StrCat(path, ": entries ", request.from(), " to ", response.next(), " of ",
                             response.checkpoint_size(), "\n"));
    if (response.next() >= response.checkpoint_size() || response.next() <= request.from()) return absl::OkStatus();
    request.set_from(response.next());
  }
  return absl::OkStatus();
}

absl::Status ImportMirror(Session& session, const BookFlags& flags) {
  api::ImportMirrorRequest request;
  JCM_ASSIGN_OR_RETURN(*request.mutable_file(), session.files().ReadFile(flags.file));
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::LedgerService>(&api::LedgerService::Stub::ImportMirror, request));
  if (!flags.out.empty() && !response.cosigned_note().empty()) {
    JCM_RETURN_IF_ERROR(session.files().WriteFileAtomically(flags.out, response.cosigned_note(), FileMode::ALL));
  }
  session.PrintView(client::ViewOf(response));
  return absl::OkStatus();
}

// ---- the node
// -----------------------------------------------------------------------------------------------------------------

absl::Status NodeStatus(Session& session, const NoFlags&) {
  JCM_ASSIGN_OR_RETURN(auto response, session.Call<api::NodeService>(&api::NodeService::Stub::GetNodeStatus,
                                                                     api::GetNodeStatusRequest()));
  if (session.options().output == client::OutputFormat::JSON) {
    session.PrintView(client::ViewOf(response));
    return absl::OkStatus();
  }
  ordered_json head = client::ViewOf(response);
  Rows books;
  for (const api::BookStatus& book : response.books()) books.push_back(client::ViewOf(book));
  Rows partners;
  for (const api::PartnerStatus& partner : response.partners()) partners.push_back(client::ViewOf(partner));
  Rows lanes;
  for (const api::LaneStatus& lane : response.lanes()) lanes.push_back(client::ViewOf(lane));
  Rows siblings;
  for (const api::ReplicaStatus& sibling : response.siblings()) siblings.push_back(client::ViewOf(sibling));
  for (const char* nested : {"books", "partners", "lanes", "metrics", "siblings"}) head.erase(nested);
  session.Print(client::ViewAsText(head, 0) + "\n");
  if (!siblings.empty()) {
    session.PrintRows(client::Table({{"Replica", "複製", "/replica"},
                                     {"Reachable", "接続", "/reachable"},
                                     {"Orders", "順序付け", "/sequencing"},
                                     {"Applied", "適用済", "/applied_index", ColumnKind::NUMBER},
                                     {"Durable", "保存済", "/durable_index", ColumnKind::NUMBER},
                                     {"Quarantine", "隔離", "/quarantine"},
                                     {"Last error", "直近の誤り", "/last_error"}}),
                      siblings);
    session.Print("\n");
  }
  session.PrintRows(client::Table({{"Book", "帳簿", "/book"},
                                   {"State", "状態", "/state"},
                                   {"Size", "記録数", "/size", ColumnKind::NUMBER},
                                   {"Known", "既知", "/known_size", ColumnKind::NUMBER},
                                   {"Recovered", "回復", "/recovered_entries", ColumnKind::NUMBER},
                                   {"Checkpoint", "署名済", "/checkpoint_size", ColumnKind::NUMBER},
                                   {"Cosigned", "連署済", "/cosigned_size", ColumnKind::NUMBER},
                                   {"State root", "状態根", "/last_state_root_size", ColumnKind::NUMBER}}),
                    books);
  session.Print("\n");
  session.PrintRows(client::Table({{"Partner", "相手", "/registry"},
                                   {"Reachable", "接続", "/reachable"},
                                   {"Mirrored", "写し", "/mirror_size", ColumnKind::NUMBER},
                                   {"Executed", "再実行", "/executed_size", ColumnKind::NUMBER},
                                   {"Imported", "取込み", "/imported_size", ColumnKind::NUMBER},
                                   {"Cosigned", "連署", "/cosigned_size", ColumnKind::NUMBER},
                                   {"Their checkpoint", "先方署名", "/peer_checkpoint_size", ColumnKind::NUMBER},
                                   {"Refused", "拒否", "/refused_messages", ColumnKind::NUMBER},
                                   {"Halt", "停止", "/halt"},
                                   {"Last error", "直近の誤り", "/last_error"}}),
                    partners);
  session.Print("\n");
  session.PrintRows(client::Table({{"Lane", "待ち行列", "/lane"},
                                   {"Waiting", "件数", "/depth", ColumnKind::NUMBER},
                                   {"Limit", "上限", "/limit", ColumnKind::NUMBER}}),
                    lanes);
  return absl::OkStatus();
}

absl::Status NodeMetrics(Session& session, const NoFlags&) {
  JCM_ASSIGN_OR_RETURN(auto response, session.Call<api::NodeService>(&api::NodeService::Stub::GetNodeStatus,
                                                                     api::GetNodeStatusRequest()));
  session.Print(response.metrics());
  return absl::OkStatus();
}

absl::Status Backup(Session& session, const BookFlags& flags) {
  api::CreateBackupRequest request;
  request.set_directory(flags.out);
  JCM_ASSIGN_OR_RETURN(auto response, session.Call<api::NodeService>(&api::NodeService::Stub::CreateBackup, request));
  session.PrintView(client::ViewOf(response));
  return absl::OkStatus();
}

struct GenerationFlags {
  std::string agreement;
  std::string out;
  uint64_t generation = 0;
  std::vector<std::string> without;
};

absl::Status AgreeGeneration(Session& session, const GenerationFlags& flags) {
  api::AgreeGenerationRequest request;
  request.set_generation(flags.generation);
  if (!flags.agreement.empty()) {
    JCM_ASSIGN_OR_RETURN(*request.mutable_agreement(), session.files().ReadFile(flags.agreement));
  }
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::NodeService>(&api::NodeService::Stub::AgreeGeneration, request));
  session.Print(response.agreement());
  return session.files().WriteFileAtomically(flags.out, response.agreement(), FileMode::ALL);
}

absl::Status StartGeneration(Session& session, const GenerationFlags& flags) {
  api::StartGenerationRequest request;
  JCM_ASSIGN_OR_RETURN(*request.mutable_agreement(), session.files().ReadFile(flags.agreement));
  for (const std::string& replica : flags.without) request.add_without(replica);
  JCM_ASSIGN_OR_RETURN(auto response,
                       session.Call<api::NodeService>(&api::NodeService::Stub::StartGeneration, request));
  session.PrintView(client::ViewOf(response));
  return absl::OkStatus();
}

void AddGenerationCommands(CLI::App& node, Session& session) {
  CLI::App* group = AddGroup(node, "generation", "A log that lost what the replicas have begins anew");
  auto agree = std::make_shared<GenerationFlags>();
  CLI::App* command =
      AddCommand(group, session, "agree", "Lets the node sign that the log shall begin anew behind a batch", agree,
                 &AgreeGeneration);
  command->add_option("--add", agree->agreement, "What other replicas have signed; else a new one, about this node");
  command->add_option("--generation", agree->generation, "Number of a new one; default: the next");
  command->add_option("--out", agree->out, "The agreement with this node's signature")->required();
  auto start = std::make_shared<GenerationFlags>();
  command = AddCommand(group, session, "start", "Lets the log begin anew behind this node's last batch", start,
                       &StartGeneration);
  command->add_option("FILE", start->agreement, "The agreement, signed by k replicas")->required();
  command->add_option("--without", start->without,
                      "A replica that neither answers nor agreed; what it alone has is lost");
}

absl::Status RequestOutcome(Session& session, const BookFlags& flags) { return session.Resend(flags.file); }

void AddMirrorCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "mirror", "Books and cosignatures as files, where no link exists");
  auto out = std::make_shared<BookFlags>();
  CLI::App* command = AddCommand(group, session, "export", "Writes entries with their proof", out, &ExportMirror);
  command->add_option("--book", out->book, "JPN/TH")->required();
  command->add_option("--from", out->from, "First entry")->check(CLI::Range(uint64_t{0}, kSerialMax));
  command->add_option("--out", out->out, "File; further pages get .1, .2 …")->required();
  auto in = std::make_shared<BookFlags>();
  command =
      AddCommand(group, session, "import", "Verifies and mirrors the other government's entries", in, &ImportMirror);
  command->add_option("FILE", in->file, "A file that `mirror export` wrote")->required();
  command->add_option("--out", in->out, "Cosigned checkpoint, to be carried back");
}

void AddNodeCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "node", "The node itself");
  AddCommand(group, session, "status", "Books, partners, queues, warnings", std::make_shared<NoFlags>(), &NodeStatus);
  AddCommand(group, session, "metrics", "Prometheus text", std::make_shared<NoFlags>(), &NodeMetrics);
  auto backup = std::make_shared<BookFlags>();
  AddCommand(group, session, "backup",
             "Copies the store, unsealed, to a new directory of the node's machine; `backup create` seals it", backup,
             &Backup)
      ->add_option("DIRECTORY", backup->out)
      ->required();
  AddGenerationCommands(*group, session);
  group = AddGroup(app, "request", "Requests that were sent before");
  auto outcome = std::make_shared<BookFlags>();
  AddCommand(group, session, "outcome", "Sends a saved request again: the first outcome is returned, for ever", outcome,
             &RequestOutcome)
      ->add_option("FILE", outcome->file)
      ->required();
}

}  // namespace

void AddLedgerCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "ledger", "Books, entries, checkpoints and receipts");
  AddCommand(group, session, "books", "Lists books and mirrors", std::make_shared<NoFlags>(), &ListBooks);
  auto entries = std::make_shared<BookFlags>();
  CLI::App* command = AddCommand(group, session, "entries", "Lists entries of a book", entries, &ListEntries);
  command->add_option("BOOK", entries->book, "JPN/TH")->required();
  command->add_flag("--records", entries->records, "With their bytes (for --output json)");
  auto entry = std::make_shared<BookFlags>();
  command = AddCommand(group, session, "entry", "Shows one entry", entry, &ShowEntry);
  command->add_option("BOOK", entry->book, "JPN/TH")->required();
  command->add_option("SEQUENCE", entry->sequence, "Number of the entry")
      ->check(CLI::Range(uint64_t{0}, kSerialMax))
      ->required();
  auto checkpoint = std::make_shared<BookFlags>();
  command = AddCommand(group, session, "checkpoint", "The newest signed note, with cosignatures", checkpoint,
                       &ShowCheckpoint);
  command->add_option("BOOK", checkpoint->book, "JPN/TH")->required();
  command->add_option("--out", checkpoint->out, "File");
  auto receipt = std::make_shared<BookFlags>();
  command = AddCommand(group, session, "receipt", "An offline-verifiable receipt of one entry", receipt, &GetReceipt);
  command->add_option("BOOK", receipt->book, "JPN/TH")->required();
  command->add_option("SEQUENCE", receipt->sequence, "Number of the entry")
      ->check(CLI::Range(uint64_t{0}, kSerialMax))
      ->required();
  command->add_option("--out", receipt->out, "File");
  AddMirrorCommands(app, session);
  AddNodeCommands(app, session);
}

}  // namespace jcm::ctl
