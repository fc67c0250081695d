// Partnerships as files: listed, shown, compared with a node, and the acts that bring a node to what a file says.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ledger/base/status.h"
#include "tools/client/partner_file.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

constexpr char kFolder[] = "deploy/rulebooks/partners";

struct PartnerFlags {
  std::string folder = kFolder;
  std::string file;
  std::string mode = "node";
  bool of_node = false;
};

absl::Status ListOfNode(Session& session);

absl::Status ListFiles(Session& session, const PartnerFlags& flags) {
  if (flags.of_node) return ListOfNode(session);
  JCM_ASSIGN_OR_RETURN(const auto partners, client::ReadPartners(session.files(), flags.folder));
  Rows rows;
  for (const client::PartnerFile& partner : partners) {
    rows.push_back({{"partnership", partner.partnership},
                    {"registry", partner.registry},
                    {"name_en", partner.name_en},
                    {"name_ja", partner.name_ja},
                    {"status", partner.status},
                    {"signed", partner.signed_date() == nullptr ? nlohmann::ordered_json()
                                                                : client::ViewOf(*partner.signed_date())},
                    {"rulebooks", absl::StrJoin(partner.rulebooks, ", ",
                                                [](std::string* out, const client::RulebookFile& one) {
                                                  absl::StrAppend(out, one.version);
                                                })},
                    {"events", partner.events.size()}});
  }
  session.PrintRows(client::Table({{"Partner", "二国間", "/partnership"},
                                   {"Registry", "登録簿", "/registry"},
                                   {"Name", "英語名", "/name_en"},
                                   {"Japanese name", "国名", "/name_ja"},
                                   {"Status", "状況", "/status"},
                                   {"Signed", "署名日", "/signed"},
                                   {"Rulebooks", "規則集", "/rulebooks"},
                                   {"Events", "経緯", "/events", client::ColumnKind::NUMBER}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ListOfNode(Session& session) {
  constexpr size_t kPagesMax = 100;
  api::ListPartnershipsRequest request;
  Rows rows;
  for (size_t page = 0; page < kPagesMax; ++page) {
    JCM_ASSIGN_OR_RETURN(const auto response,
                         session.Call<api::RulebookService>(&api::RulebookService::Stub::ListPartnerships, request));
    for (const v1::PartnershipRecord& record : response.partnerships()) rows.push_back(client::ViewOf(record));
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  session.PrintRows(client::Table({{"Partner", "二国間", "/partnership"},
                                   {"Other registry", "相手登録簿", "/peer_registry"},
                                   {"Mode", "方式", "/mode"},
                                   {"Signed", "署名日", "/signed_date"},
                                   {"Opened", "開始", "/opened_at_us"}}),
                    rows);
  return absl::OkStatus();
}

absl::StatusOr<client::PartnerFile> Read(Session& session, const PartnerFlags& flags) {
  return client::ReadPartner(session.files(), flags.file);
}

absl::Status ShowFile(Session& session, const PartnerFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const client::PartnerFile partner, Read(session, flags));
  nlohmann::ordered_json view = {{"partnership", partner.partnership}, {"registry", partner.registry},
                                 {"name_en", partner.name_en},         {"name_ja", partner.name_ja},
                                 {"status", partner.status},           {"partner_minutes", partner.partner_minutes}};
  for (const std::string& path : partner.rulebook_paths) view["rulebooks"].push_back(path);
  for (const auto& event : partner.events) view["events"].push_back(client::ViewOf(event));
  session.PrintView(view);
  return absl::OkStatus();
}

// What the node has; a partnership that was not opened yet is no error.
absl::StatusOr<client::NodeState> NodeStateOf(Session& session, const std::string& partnership) {
  client::NodeState node;
  api::GetPartnershipRequest request;
  request.set_name("partnerships/" + partnership);
  auto answer = session.Call<api::RulebookService>(&api::RulebookService::Stub::GetPartnership, request);
  if (HasReason(answer.status(), Reason::NOT_FOUND) || HasReason(answer.status(), Reason::BOOK_UNKNOWN)) return node;
  JCM_RETURN_IF_ERROR(answer.status());
  node.opened = true;
  node.partnership = answer->partnership();
  api::ListRequest list;
  list.set_parent(request.name());
  list.set_page_size(1'000);
  JCM_ASSIGN_OR_RETURN(const auto rulebooks,
                       session.Call<api::RulebookService>(&api::RulebookService::Stub::ListRulebooks, list));
  node.rulebooks.assign(rulebooks.rulebooks().begin(), rulebooks.rulebooks().end());
  return node;
}

absl::Status DiffFile(Session& session, const PartnerFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const client::PartnerFile partner, Read(session, flags));
  JCM_ASSIGN_OR_RETURN(const client::NodeState node, NodeStateOf(session, partner.partnership));
  Rows rows;
  for (const client::PartnerDifference& one : client::DiffPartner(partner, node)) {
    rows.push_back({{"what", one.what}, {"file", one.file}, {"node", one.node}});
  }
  session.PrintRows(
      client::Table({{"What", "項目", "/what"}, {"File", "ファイル", "/file"}, {"Node", "登録簿", "/node"}}), rows);
  if (rows.empty()) session.Say("The node has what the file says.\n");
  return absl::OkStatus();
}

absl::Status PlanFile(Session& session, const PartnerFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const client::PartnerFile partner, Read(session, flags));
  client::NodeState node;
  if (flags.of_node) {
    JCM_ASSIGN_OR_RETURN(node, NodeStateOf(session, partner.partnership));
  }
  if (!node.opened) {
    session.Print(absl::StrCat("# The node's configuration first names the book ", session.options().registry, "/",
                               partner.partnership, "; then:\n"));
  }
  for (const std::string& act : client::ActsToOpen(partner, node, flags.mode)) session.Print(act + "\n");
  return absl::OkStatus();
}

// The events and rulebooks that the node does not have yet, as one bundle: all of them or none.
absl::Status ApplyFile(Session& session, const PartnerFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const client::PartnerFile partner, Read(session, flags));
  JCM_ASSIGN_OR_RETURN(const client::NodeState node, NodeStateOf(session, partner.partnership));
  if (!node.opened) {
    return Error(Reason::OBJECT_UNKNOWN, "the partnership is opened first, by two persons: jcmctl partnership plan");
  }
  const auto events = client::MissingEvents(partner, node);
  const auto rulebooks = client::MissingRulebooks(partner, node);
  if (events.empty() && rulebooks.empty()) {
    session.Say("The node has what the file says.\n");
    return absl::OkStatus();
  }
  JCM_RETURN_IF_ERROR(session.BeginCollecting());
  for (const v1::RecordPartnershipEvent& event : events) {
    v1::Command command;
    *command.mutable_record_partnership_event() = event;
    JCM_RETURN_IF_ERROR(session.Act(partner.partnership, std::move(command)));
  }
  for (const size_t i : rulebooks) {
    const client::RulebookFile& rulebook = partner.rulebooks[i];
    v1::Command command;
    v1::AdoptRulebook* adopt = command.mutable_adopt_rulebook();
    adopt->set_version(rulebook.version);
    *adopt->mutable_parameters() = rulebook.parameters;
    *adopt->mutable_effective_date() = rulebook.effective_date;
    adopt->set_in_flight(rulebook.in_flight);
    adopt->set_supersedes(rulebook.supersedes);
    JCM_RETURN_IF_ERROR(session.Act(partner.partnership, std::move(command)));
  }
  return session.SendCollected();
}

}  // namespace

void AddPartnerFileCommands(CLI::App* group, Session& session) {
  auto list = std::make_shared<PartnerFlags>();
  CLI::App* command = AddCommand(group, session, "list", "Lists the partners' files of a folder", list, &ListFiles);
  command->add_option("--files", list->folder, "Folder of NAME.partner; deploy/rulebooks/partners");
  command->add_flag("--of-node", list->of_node, "Those that the node has opened, instead");
  const auto add = [&](const std::string& name, const std::string& what,
                       absl::Status (*run)(Session&, const PartnerFlags&)) {
    auto flags = std::make_shared<PartnerFlags>();
    CLI::App* made = AddCommand(group, session, name, what, flags, run);
    made->add_option("--file", flags->file, "NAME.partner")->required();
    return std::make_pair(made, flags);
  };
  add("file", "Shows a partner's file", &ShowFile);
  add("diff", "Where the node differs from a partner's file", &DiffFile);
  add("apply", "Records the events and rulebooks of a file that the node does not have", &ApplyFile);
  const auto [plan, flags] = add("plan", "The acts that open a partnership, as command lines", &PlanFile);
  plan->add_option("--mode", flags->mode, "How the partner is known at first: node, hosted or attested");
  plan->add_flag("--of-node", flags->of_node, "Leaves out what the node has");
}

}  // namespace jcm::ctl
