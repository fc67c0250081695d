// Backups: made by a running node, looked at and restored from their folder, which may be on any machine.
#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ledger/backup/backup_set.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;
using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kAskInterval(300);
constexpr uint64_t kPercent = 100;

struct BackupFlags {
  std::string set;
  std::string key_file;
  std::string name;
  std::string into;
  uint64_t keep = 0;
};

// A line on standard error whenever another tenth is done.
class ProgressLine {
 public:
  ProgressLine(Session& session, std::string what) : session_(session), what_(std::move(what)) {}

  void Show(uint64_t done, uint64_t total) {
    const uint64_t tenth = total == 0 ? 0 : done / std::max<uint64_t>(total / 10, 1);
    if (tenth == shown_) return;
    shown_ = tenth;
    session_.Say(absl::StrCat(what_, ": ", std::min(done * kPercent / std::max<uint64_t>(total, 1), kPercent), " % of ",
                              client::WithThousands(total), " bytes\n"));
  }
  backup::Progress AsProgress() {
    return [this](uint64_t done, uint64_t total) {
      Show(done, total);
      return absl::OkStatus();
    };
  }

 private:
  Session& session_;
  const std::string what_;
  uint64_t shown_ = 0;
};

absl::StatusOr<backup::BackupSet> OpenSet(Session& session, const BackupFlags& flags) {
  absl::StatusOr<std::string> hex = session.files().ReadFile(flags.key_file);
  if (!hex.ok()) return Error(Reason::KEY_FILE_INVALID, hex.status().message());
  const absl::StatusOr<std::string> bytes = HexDecode(absl::StripAsciiWhitespace(*hex));
  if (!bytes.ok()) return Error(Reason::KEY_FILE_INVALID, absl::StrCat(flags.key_file, ": 64 hexadecimal digits"));
  JCM_ASSIGN_OR_RETURN(const backup::BackupKey key, backup::BackupKey::FromBytes(*bytes));
  return backup::BackupSet::Open(flags.set, session.options().registry, key);
}

std::string TimeText(int64_t micros) { return FormatRfc3339(BookTime::FromMicros(static_cast<uint64_t>(micros))); }

ordered_json RowOf(const backup::v1::Manifest& manifest) {
  ordered_json row;
  row["name"] = manifest.name();
  row["registry"] = manifest.registry();
  row["domain"] = manifest.domain();
  row["made_at"] = TimeText(manifest.made_at_us());
  row["generation"] = manifest.generation();
  row["applied_index"] = manifest.applied_index();
  row["own_entries"] = backup::OwnEntriesOf(manifest);
  row["files"] = manifest.files_size();
  row["bytes"] = backup::BytesOf(manifest);
  return row;
}

absl::Status List(Session& session, const BackupFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const backup::BackupSet set, OpenSet(session, flags));
  JCM_ASSIGN_OR_RETURN(const std::vector<backup::Listed> all, set.List());
  Rows rows;
  for (const backup::Listed& listed : all) {
    ordered_json row = RowOf(listed.manifest);
    row["name"] = listed.name;
    if (listed.manifest.name().empty()) row = {{"name", listed.name}};
    row["problem"] = listed.problem.ok() ? "" : ToText(listed.problem);
    rows.push_back(std::move(row));
  }
  session.PrintRows(client::Table({{"Backup", "バックアップ", "/name"},
                                   {"Made", "作成", "/made_at"},
                                   {"Registry", "登録簿", "/registry"},
                                   {"Log index", "ログ番号", "/applied_index", ColumnKind::NUMBER},
                                   {"Own entries", "自簿の記録数", "/own_entries", ColumnKind::NUMBER},
                                   {"Bytes", "バイト数", "/bytes", ColumnKind::NUMBER},
                                   {"Problem", "問題", "/problem"}}),
                    rows);
  return absl::OkStatus();
}

absl::Status Show(Session& session, const BackupFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const backup::BackupSet set, OpenSet(session, flags));
  JCM_ASSIGN_OR_RETURN(const backup::v1::Manifest manifest, set.Show(flags.name));
  ordered_json view = RowOf(manifest);
  view["program"] = manifest.program();
  view["store_format"] = manifest.store_format();
  view["applied_at"] = TimeText(manifest.applied_at_us());
  view["books"] = ordered_json::array();
  for (const backup::v1::Book& book : manifest.books()) {
    view["books"].push_back(
        {{"book", book.book()}, {"mirror", book.mirror()}, {"size", book.size()}, {"root", HexEncode(book.root())}});
  }
  if (session.options().output == client::OutputFormat::JSON) {
    view["store_files"] = ordered_json::array();
    for (const backup::v1::File& file : manifest.files()) {
      view["store_files"].push_back({{"name", file.name()},
                                     {"size", file.size()},
                                     {"sha256", HexEncode(file.sha256())},
                                     {"object", file.object()}});
    }
  }
  session.PrintView(view);
  return absl::OkStatus();
}

absl::Status Verify(Session& session, const BackupFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const backup::BackupSet set, OpenSet(session, flags));
  ProgressLine line(session, "read");
  JCM_RETURN_IF_ERROR(set.Verify(flags.name, line.AsProgress()));
  JCM_ASSIGN_OR_RETURN(const backup::v1::Manifest manifest, set.Show(flags.name));
  ordered_json view = RowOf(manifest);
  view["whole"] = true;
  session.PrintView(view);
  return absl::OkStatus();
}

absl::Status Restore(Session& session, const BackupFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const backup::BackupSet set, OpenSet(session, flags));
  ProgressLine line(session, "restored");
  JCM_RETURN_IF_ERROR(set.Restore(flags.name, flags.into, line.AsProgress()));
  JCM_ASSIGN_OR_RETURN(const backup::v1::Manifest manifest, set.Show(flags.name));
  ordered_json view = RowOf(manifest);
  view["store"] = absl::StrCat(flags.into, "/store");
  session.PrintView(view);
  session.Say(session.options().language == client::Language::JA
                  ? "ノードは、他の複製ノードまたは相手側の写しから続きを取り戻すまで記録も署名も行いません。\n"
                  : "The node will neither record nor sign until it has its tail back from siblings or partners.\n");
  return absl::OkStatus();
}

absl::Status Create(Session& session, const BackupFlags& flags) {
  api::StartBackupRequest request;
  request.set_set_directory(flags.set);
  request.set_name(flags.name);
  request.set_keep(flags.keep);
  JCM_ASSIGN_OR_RETURN(api::BackupRun run,
                       session.Call<api::NodeService>(&api::NodeService::Stub::StartBackup, request));
  ProgressLine sealing(session, "sealed");
  ProgressLine verifying(session, "verified");
  // Ends with the run; the node does not wait for this program, and goes on if it is ended.
  while (run.state() == api::BackupRun::STATE_RUNNING) {
    std::this_thread::sleep_for(kAskInterval);
    JCM_ASSIGN_OR_RETURN(
        run, session.Call<api::NodeService>(&api::NodeService::Stub::GetBackupRun, api::GetBackupRunRequest()));
    (run.step() == "VERIFY_NEWEST" ? verifying : sealing).Show(run.bytes_done(), run.bytes_total());
  }
  if (run.state() != api::BackupRun::STATE_DONE) {
    return FromNode(Error(static_cast<Reason>(run.error()), absl::StrCat(run.name(), ": ", run.error_detail())));
  }
  session.PrintView(client::ViewOf(run));
  return absl::OkStatus();
}

// Flags of what works on the folder itself.
void AddSetFlags(CLI::App* command, BackupFlags* flags, bool named) {
  command->add_option("--set", flags->set, "Folder of the backup set")->required();
  command
      ->add_option("--backup-key", flags->key_file,
                   "File with 64 hexadecimal digits: the node's backup_key, or its offsite_key if it has none")
      ->envname("JCMCTL_BACKUP_KEY")
      ->required();
  if (named) command->add_option("NAME", flags->name, "The backup")->required();
}

}  // namespace

void AddBackupCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "backup", "Sealed backups of a node's store");
  auto create = std::make_shared<BackupFlags>();
  CLI::App* command =
      AddCommand(group, session, "create", "Lets the running node make one; it goes on meanwhile", create, &Create);
  command->add_option("--set", create->set, "Folder of the backup set on the node's machine")->required();
  command->add_option("--name", create->name, "Default: when, whose, and how many entries");
  command->add_option("--keep", create->keep, "Remove the oldest beyond so many, once the newest is verified")
      ->check(CLI::Range(uint64_t{1}, uint64_t{backup::kBackupsMax}));
  auto list = std::make_shared<BackupFlags>();
  AddSetFlags(AddCommand(group, session, "list", "The backups of a set, by time", list, &List), list.get(), false);
  auto show = std::make_shared<BackupFlags>();
  AddSetFlags(AddCommand(group, session, "show", "Books, sizes and roots of one", show, &Show), show.get(), true);
  auto verify = std::make_shared<BackupFlags>();
  AddSetFlags(AddCommand(group, session, "verify", "Reads all of it and names what is damaged", verify, &Verify),
              verify.get(), true);
  auto restore = std::make_shared<BackupFlags>();
  command = AddCommand(group, session, "restore", "Writes the store into an empty data_dir", restore, &Restore);
  AddSetFlags(command, restore.get(), true);
  command->add_option("--into", restore->into, "The node's data_dir: empty, or not there yet")->required();
}

}  // namespace jcm::ctl
