// Decisions of the Joint Committee: what is decided, the votes of this side, the answer to the other side's outcome.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/state/state.h"
#include "tools/client/arguments.h"
#include "tools/client/cycle_arguments.h"
#include "tools/client/rulebook_file.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;

absl::StatusOr<api::GetDecisionResponse> Fetch(Session& session, const std::string& partnership, const std::string& id,
                                               const std::string& recorded_at = "") {
  api::GetDecisionRequest request;
  JCM_RETURN_IF_ERROR(SetRecordedAt(recorded_at, request.mutable_recorded_at()));
  if (recorded_at.empty()) request.clear_recorded_at();
  request.set_name(absl::StrCat("partnerships/", partnership, "/decisions/", id));
  return session.Call<api::JointCommitteeService>(&api::JointCommitteeService::Stub::GetDecision, request);
}

// ---- the text
// ---------------------------------------------------------------------------------------------------------

struct TextFlags {
  std::string kind = "issuance";
  std::string title;
  std::string document;
  std::string project;
  std::string monitoring;
  std::string verified;
  std::vector<std::string> lots;
  std::vector<std::string> rows;
  std::string method = "explicit";
  uint32_t monitoring_period = 0;
  std::vector<std::string> subjects;
  std::string rules;
  std::string rules_in_flight;
};

// LOT:VINTAGE:TONNES
absl::StatusOr<v1::LotText> ParseLot(const std::string& text) {
  const std::vector<std::string> fields = absl::StrSplit(text, ':');
  v1::LotText lot;
  int32_t vintage = 0;
  if (fields.size() != 3 || !absl::SimpleAtoi(fields[1], &vintage)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is not LOT:VINTAGE:TONNES"));
  }
  lot.set_lot_id(fields[0]);
  lot.set_vintage(vintage);
  JCM_ASSIGN_OR_RETURN(Tonnes tonnes, client::ParseTonnes(fields[2]));
  lot.set_tonnes(tonnes);
  return lot;
}

// PARTY,REGISTRY,LOT:first-last,label
absl::StatusOr<v1::AllocationRow> ParseRow(const std::string& text, uint32_t number) {
  const std::vector<std::string> fields = absl::StrSplit(text, absl::MaxSplits(',', 3));
  if (fields.size() < 3) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("\"", text, "\" is not PARTY,REGISTRY,LOT:first-last,label"));
  }
  v1::AllocationRow row;
  row.set_row(number);
  JCM_ASSIGN_OR_RETURN(v1::PartyKind party, client::ParseEnum<v1::PartyKind>(v1::PartyKind_descriptor(), fields[0]));
  row.set_party(party);
  row.set_issuing_registry(fields[1]);
  JCM_ASSIGN_OR_RETURN(*row.mutable_range(), client::ParseUnitRange(fields[2]));
  if (fields.size() == 4) row.set_party_label(fields[3]);
  return row;
}

absl::Status FillRules(Session& session, const TextFlags& flags, v1::RulesText* rules) {
  JCM_ASSIGN_OR_RETURN(client::RulebookFile rulebook, client::ReadRulebook(session.files(), flags.rules));
  if (!flags.rules_in_flight.empty()) {
    JCM_ASSIGN_OR_RETURN(rulebook.in_flight,
                         client::ParseEnum<v1::InFlight>(v1::InFlight_descriptor(), flags.rules_in_flight));
  }
  rules->set_version(rulebook.version);
  rules->set_track(rulebook.parameters.track());
  *rules->mutable_effective_date() = rulebook.effective_date;
  const Digest digest = Sha256(state::Serialise(rulebook.parameters));
  rules->set_parameters_digest(std::string(AsBytes(digest)));
  rules->set_in_flight(rulebook.in_flight);
  return absl::OkStatus();
}

absl::StatusOr<std::string> TextOf(Session& session, const TextFlags& flags) {
  v1::DecisionText text;
  JCM_ASSIGN_OR_RETURN(v1::DecisionKind kind,
                       client::ParseEnum<v1::DecisionKind>(v1::DecisionKind_descriptor(), flags.kind));
  text.set_kind(kind);
  text.set_title(flags.title);
  if (!flags.document.empty()) {
    JCM_ASSIGN_OR_RETURN(*text.mutable_document_digest(), client::ParseDigest(flags.document, session.files()));
  }
  for (const std::string& subject : flags.subjects) {
    JCM_ASSIGN_OR_RETURN(*text.add_subjects(), client::ParseSubject(subject));
  }
  if (kind == v1::DECISION_KIND_RULES) JCM_RETURN_IF_ERROR(FillRules(session, flags, text.mutable_rules()));
  if (kind != v1::DECISION_KIND_ISSUANCE) return text.SerializeAsString();
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id(flags.project);
  issuance->set_monitoring_instance(flags.monitoring_period);
  const std::vector<std::string> period = absl::StrSplit(flags.monitoring, absl::MaxSplits("..", 1));
  if (period.size() != 2) return Error(Reason::FIELD_INVALID, "--monitoring is START..END");
  JCM_ASSIGN_OR_RETURN(*issuance->mutable_monitoring_start(), client::ParseDay(period[0]));
  JCM_ASSIGN_OR_RETURN(*issuance->mutable_monitoring_end(), client::ParseDay(period[1]));
  JCM_ASSIGN_OR_RETURN(Tonnes verified, client::ParseTonnes(flags.verified));
  issuance->set_verified_tonnes(verified);
  for (const std::string& lot : flags.lots) {
    JCM_ASSIGN_OR_RETURN(*issuance->add_lots(), ParseLot(lot));
  }
  for (const std::string& row : flags.rows) {
    const uint32_t number = static_cast<uint32_t>(issuance->rows_size()) + 1;
    JCM_ASSIGN_OR_RETURN(*issuance->add_rows(), ParseRow(row, number));
  }
  issuance->set_allocation_method(flags.method);
  return text.SerializeAsString();
}

void AddTextFlags(CLI::App* command, TextFlags* flags) {
  command->add_option("--kind", flags->kind,
                      "issuance, document, rules, no-objection, planned-project, methodology, registration, "
                      "issuance-refusal, designation, designation-end, reference-assessment, change, renewal, "
                      "project-withdrawal, interim-measure");
  command->add_option("--title", flags->title)->required();
  command->add_option("--document", flags->document, "SHA-256 or @FILE");
  command->add_option("--project", flags->project, "TH014");
  command->add_option("--monitoring", flags->monitoring, "START..END, dates");
  command->add_option("--verified", flags->verified, "Verified amount in t-CO2e");
  command->add_option("--lot", flags->lots, "LOT:VINTAGE:TONNES; repeatable");
  command->add_option("--row", flags->rows,
                      "Allocation: PARTY,REGISTRY,LOT:first-last,label; in order, repeatable. "
                      "PARTY: government-of-japan, government-of-partner, participant");
  command->add_option("--method", flags->method, "How the allocation was computed");
  command->add_option("--monitoring-period", flags->monitoring_period, "Number of the project's monitoring period");
  command->add_option(
      "--subject", flags->subjects,
      "What it does to a dossier: DOSSIER/STRAND[/NUMBER]/STEP[;reference=TH014;version=1.0 …]; repeatable");
  command->add_option("--rules", flags->rules, "Rulebook file that is put to the vote");
  command->add_option("--rules-in-flight", flags->rules_in_flight, "stay, migrate or migrate-at-next-step");
}

// ---- acts of the owner
// ----------------------------------------------------------------------------------------------------

struct DecisionFlags {
  std::string partnership;
  std::string id;
  std::string mode = "electronic";
  std::string rulebook;
  std::string meeting_date;
  std::string meeting_name;
  std::string report;
  std::vector<std::string> annexes;
  std::string meeting_place;
  std::string minutes;
  std::vector<std::string> annex_titles;
  std::string reason;
  TextFlags text;
};

absl::Status OpenDecision(Session& session, const DecisionFlags& flags) {
  v1::Command command;
  v1::OpenDecision* body = command.mutable_open_decision();
  body->set_decision_id(flags.id);
  JCM_ASSIGN_OR_RETURN(v1::DecisionMode mode,
                       client::ParseEnum<v1::DecisionMode>(v1::DecisionMode_descriptor(), flags.mode));
  body->set_mode(mode);
  body->set_rulebook_version(flags.rulebook);
  JCM_ASSIGN_OR_RETURN(*body->mutable_text(), TextOf(session, flags.text));
  if (!flags.meeting_date.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_meeting_date(), client::ParseDay(flags.meeting_date));
  }
  body->set_meeting_name(flags.meeting_name);
  if (!flags.report.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_report_digest(), client::ParseDigest(flags.report, session.files()));
  }
  for (const std::string& annex : flags.annexes) {
    JCM_ASSIGN_OR_RETURN(*body->add_annex_digests(), client::ParseDigest(annex, session.files()));
  }
  body->set_meeting_place(flags.meeting_place);
  if (!flags.minutes.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_minutes_digest(), client::ParseDigest(flags.minutes, session.files()));
  }
  for (const std::string& title : flags.annex_titles) body->add_annex_titles(title);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status AmendDecision(Session& session, const DecisionFlags& flags) {
  v1::Command command;
  command.mutable_amend_decision()->set_decision_id(flags.id);
  JCM_ASSIGN_OR_RETURN(*command.mutable_amend_decision()->mutable_text(), TextOf(session, flags.text));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status WithdrawDecision(Session& session, const DecisionFlags& flags) {
  v1::Command command;
  command.mutable_withdraw_decision()->set_decision_id(flags.id);
  command.mutable_withdraw_decision()->set_reason(flags.reason);
  return session.Act(flags.partnership, std::move(command));
}

// ---- acts on a text
// ---------------------------------------------------------------------------------------------------------

struct AnswerFlags {
  std::string partnership;
  std::string id;
  std::string text_digest;
  std::string member;
  std::string vote;
  std::string form = "signed-by-member";
  std::string document;
  std::string opinion;
  std::string outcome = "adopted";
  std::string reason;
  std::string recorded_at;
};

absl::Status Distribute(Session& session, const AnswerFlags& flags) {
  v1::Command command;
  command.mutable_distribute_decision()->set_decision_id(flags.id);
  JCM_ASSIGN_OR_RETURN(*command.mutable_distribute_decision()->mutable_text_digest(),
                       DecisionDigest(session, flags.partnership, flags.id, flags.text_digest));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status CastVote(Session& session, const AnswerFlags& flags) {
  v1::Command command;
  v1::CastVote* body = command.mutable_cast_vote();
  body->set_decision_id(flags.id);
  body->set_member_id(flags.member);
  JCM_ASSIGN_OR_RETURN(v1::Vote vote, client::ParseEnum<v1::Vote>(v1::Vote_descriptor(), flags.vote));
  body->set_vote(vote);
  JCM_ASSIGN_OR_RETURN(v1::VoteForm form, client::ParseEnum<v1::VoteForm>(v1::VoteForm_descriptor(), flags.form));
  body->set_form(form);
  if (!flags.document.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_document_digest(), client::ParseDigest(flags.document, session.files()));
  }
  body->set_opinion(flags.opinion);
  JCM_ASSIGN_OR_RETURN(*body->mutable_text_digest(),
                       DecisionDigest(session, flags.partnership, flags.id, flags.text_digest));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Confirm(Session& session, const AnswerFlags& flags) {
  v1::Command command;
  v1::ConfirmOutcome* body = command.mutable_confirm_outcome();
  body->set_decision_id(flags.id);
  JCM_ASSIGN_OR_RETURN(v1::DecisionOutcome outcome,
                       client::ParseEnum<v1::DecisionOutcome>(v1::DecisionOutcome_descriptor(), flags.outcome));
  body->set_outcome(outcome);
  JCM_ASSIGN_OR_RETURN(*body->mutable_text_digest(),
                       DecisionDigest(session, flags.partnership, flags.id, flags.text_digest));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Dispute(Session& session, const AnswerFlags& flags) {
  v1::Command command;
  command.mutable_dispute_outcome()->set_decision_id(flags.id);
  command.mutable_dispute_outcome()->set_reason(flags.reason);
  JCM_ASSIGN_OR_RETURN(*command.mutable_dispute_outcome()->mutable_text_digest(),
                       DecisionDigest(session, flags.partnership, flags.id, flags.text_digest));
  return session.Act(flags.partnership, std::move(command));
}

client::Table ReplyTable(bool japanese) {
  return client::Table({{"Side", "側", "/registry"},
                        {"Member", "委員", "/member_id"},
                        {"Office", "役職", "/title"},
                        {"Co-chair", "共同議長", "/co_chair"},
                        {"Reply", "回答", "/vote"},
                        {"How it was given", "回答の方式", japanese ? "/form_ja" : "/form_en"},
                        {"When", "時刻", "/at"},
                        {"Counts", "有効", "/counts"},
                        {"Document", "文書", "/document_digest", ColumnKind::DIGEST},
                        {"Opinion", "意見", "/opinion"}});
}

// People see the text, who replied and how, where the sides differ, and what is waited for; JSON has it all.
absl::Status Show(Session& session, const AnswerFlags& flags) {
  JCM_ASSIGN_OR_RETURN(api::GetDecisionResponse response,
                       Fetch(session, flags.partnership, flags.id, flags.recorded_at));
  if (session.options().output == client::OutputFormat::JSON) {
    session.PrintView(client::ViewOf(response));
    return absl::OkStatus();
  }
  const bool japanese = session.options().language == client::Language::JA;
  nlohmann::ordered_json view = client::ViewOf(response);
  Rows replies;
  for (const api::MemberReply& reply : response.replies()) replies.push_back(client::ViewOf(reply));
  for (const char* shown_below : {"replies", "own_votes", "peer_votes", "text", "disagreements"}) {
    view.erase(shown_below);
  }
  if (view.contains("decision")) view["decision"].erase("parameters");
  session.PrintView(view);
  session.PrintRows(ReplyTable(japanese), replies);
  for (const api::Disagreement& one : response.disagreements()) {
    session.Print(
        absl::StrCat(japanese ? "不一致: " : "DISAGREEMENT: ", japanese ? one.text_ja() : one.text_en(), "\n"));
  }
  return absl::OkStatus();
}

struct ConflictFlags {
  std::string partnership;
  std::string member;
  std::string object;
  std::string text;
  std::string form = "signed-by-member";
  std::string document;
  bool ended = false;
};

absl::Status DeclareConflict(Session& session, const ConflictFlags& flags) {
  v1::Command command;
  v1::DeclareConflict* body = command.mutable_declare_conflict();
  body->set_member_id(flags.member);
  body->set_object(flags.object);
  body->set_text(flags.text);
  body->set_ended(flags.ended);
  JCM_ASSIGN_OR_RETURN(v1::VoteForm form, client::ParseEnum<v1::VoteForm>(v1::VoteForm_descriptor(), flags.form));
  body->set_form(form);
  if (!flags.document.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_document_digest(), client::ParseDigest(flags.document, session.files()));
  }
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListConflicts(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::JointCommitteeService>(
                                      session, &api::JointCommitteeService::Stub::ListConflicts, request,
                                      [](const api::ListConflictsResponse& response) { return response.conflicts(); }));
  session.PrintRows(client::Table({{"Member", "委員", "/member_id"},
                                   {"About", "対象", "/object"},
                                   {"Interest", "利害関係", "/text"},
                                   {"How it was declared", "申告の方式", "/form"},
                                   {"Declared", "申告", "/declared_at_us"},
                                   {"Ended", "終了", "/ended_at_us"},
                                   {"Document", "文書", "/document_digest", ColumnKind::DIGEST}}),
                    rows);
  return absl::OkStatus();
}

void AddConflictCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "conflict", "Conflicts of interest of this side's members (利益相反)");
  for (const bool ended : {false, true}) {
    auto flags = std::make_shared<ConflictFlags>();
    flags->ended = ended;
    CLI::App* command = ended ? AddCommand(group, session, "end", "The conflict holds no more", flags, &DeclareConflict)
                              : AddCommand(group, session, "declare",
                                           "Declares a conflict; the member is recused from electronic decisions "
                                           "about it",
                                           flags, &DeclareConflict);
    command->add_option("--partnership", flags->partnership)->required();
    command->add_option("--member", flags->member)->required();
    command->add_option("--about", flags->object, "Decision, dossier or official number")->required();
    command->add_option("--text", flags->text, "The interest; public")->required();
    command->add_option("--form", flags->form, "signed-by-member or recorded-by-secretariat (two persons)");
    command->add_option("--document", flags->document, "The declaration: SHA-256 or @FILE");
  }
  auto list = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists declared conflicts", list, &ListConflicts), list.get());
}

absl::Status List(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows, ListAll<api::JointCommitteeService>(
                                      session, &api::JointCommitteeService::Stub::ListDecisions, request,
                                      [](const api::ListDecisionsResponse& response) { return response.decisions(); }));
  session.PrintRows(client::Table({{"Decision", "決定", "/decision_id"},
                                   {"Kind", "種別", "/text/kind"},
                                   {"Mode", "方式", "/mode"},
                                   {"State", "状態", "/state"},
                                   {"Title", "件名", "/text/title"},
                                   {"Decided t-CO2e", "決定量", "/text/issuance/verified_tonnes", ColumnKind::NUMBER},
                                   {"Opened", "開始", "/opened_at_us"},
                                   {"Adopted", "採択", "/adopted_at_us"},
                                   {"Text", "文", "/text_digest", ColumnKind::DIGEST}}),
                    rows);
  return absl::OkStatus();
}

CLI::App* AddAnswer(CLI::App* group, Session& session, const std::string& name, const std::string& what,
                    const std::shared_ptr<AnswerFlags>& flags, absl::Status (*run)(Session&, const AnswerFlags&)) {
  CLI::App* command = AddCommand(group, session, name, what, flags, run);
  command->add_option("--partnership", flags->partnership)->required();
  command->add_option("--id", flags->id, "Decision id")->required();
  return command;
}

CLI::App* AddTextAnswer(CLI::App* group, Session& session, const std::string& name, const std::string& what,
                        const std::shared_ptr<AnswerFlags>& flags, absl::Status (*run)(Session&, const AnswerFlags&)) {
  CLI::App* command = AddAnswer(group, session, name, what, flags, run);
  command->add_option("--text-digest", flags->text_digest, "Default: of the text that the registry shows now");
  return command;
}

CLI::App* AddOwnerCommand(CLI::App* group, Session& session, const std::string& name, const std::string& what,
                          const std::shared_ptr<DecisionFlags>& flags,
                          absl::Status (*run)(Session&, const DecisionFlags&)) {
  CLI::App* command = AddCommand(group, session, name, what, flags, run);
  command->add_option("--partnership", flags->partnership)->required();
  command->add_option("--id", flags->id, "Decision id")->required();
  return command;
}

}  // namespace

absl::StatusOr<std::string> DecisionDigest(Session& session, const std::string& partnership, const std::string& id,
                                           const std::string& given) {
  if (!given.empty()) return client::ParseDigest(given, session.files());
  JCM_ASSIGN_OR_RETURN(api::GetDecisionResponse response, Fetch(session, partnership, id));
  v1::DecisionText text;
  if (!text.ParseFromString(response.decision().text())) return Error(Reason::MESSAGE_MALFORMED, "decision text");
  // The node says what the digest is; what is signed must be the digest of the text that is shown.
  const std::string digest(AsBytes(Sha256(response.decision().text())));
  if (digest != response.decision().text_digest()) return Error(Reason::DIGEST_MISMATCH, "decision text");
  session.Say(absl::StrCat("Text of ", id, ":\n", client::ViewAsText(client::ViewOf(text), 4)));
  return digest;
}

void AddDecisionCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "decision", "Decisions of the Joint Committee");
  auto open = std::make_shared<DecisionFlags>();
  CLI::App* command = AddOwnerCommand(group, session, "open", "Opens a decision", open, &OpenDecision);
  command->add_option("--mode", open->mode, "electronic or meeting");
  command->add_option("--rulebook", open->rulebook, "Version that both sides shall apply")->required();
  command->add_option("--meeting-date", open->meeting_date);
  command->add_option("--meeting-name", open->meeting_name);
  command->add_option("--report", open->report, "SHA-256 or @FILE of the meeting's report");
  command->add_option("--annex", open->annexes, "SHA-256 or @FILE; repeatable");
  command->add_option("--annex-title", open->annex_titles, "One for each annex, in order, or none; repeatable");
  command->add_option("--meeting-place", open->meeting_place, "\"Jakarta and online\"");
  command->add_option("--minutes", open->minutes, "SHA-256 or @FILE of the minutes");
  AddTextFlags(command, &open->text);
  auto amend = std::make_shared<DecisionFlags>();
  AddTextFlags(AddOwnerCommand(group, session, "amend", "Opens a new text; votes on the old one don't count", amend,
                               &AmendDecision),
               &amend->text);
  auto withdraw = std::make_shared<DecisionFlags>();
  command = AddOwnerCommand(group, session, "withdraw", "Withdraws a decision", withdraw, &WithdrawDecision);
  command->add_option("--reason", withdraw->reason);

  AddTextAnswer(group, session, "distribute", "This side has handed the text to its members",
                std::make_shared<AnswerFlags>(), &Distribute);
  auto vote = std::make_shared<AnswerFlags>();
  command = AddTextAnswer(group, session, "vote", "A member's vote; in a meeting, a co-chair's confirmation", vote,
                          &CastVote);
  command->add_option("--member", vote->member, "Member id")->required();
  command->add_option("--vote", vote->vote, "yes, no or recused")->required();
  command->add_option("--form", vote->form, "signed-by-member or recorded-by-secretariat (two persons)");
  command->add_option("--document", vote->document,
                      "SHA-256 or @FILE: of a recorded vote; in a meeting, the report or minutes that are confirmed");
  command->add_option("--opinion", vote->opinion);
  auto confirm = std::make_shared<AnswerFlags>();
  command = AddTextAnswer(group, session, "confirm", "Confirms the other side's outcome", confirm, &Confirm);
  command->add_option("--outcome", confirm->outcome, "adopted or not-adopted");
  auto dispute = std::make_shared<AnswerFlags>();
  command = AddTextAnswer(group, session, "dispute", "Ends the decision without effect", dispute, &Dispute);
  command->add_option("--reason", dispute->reason);
  auto show = std::make_shared<AnswerFlags>();
  command =
      AddAnswer(group, session, "show", "Text, replies of both sides, disagreements, what it waits for", show, &Show);
  command->add_option("--recorded-at", show->recorded_at, "As it was recorded then: 2026-03-02T00:00:00Z");
  auto list = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists decisions", list, &List), list.get());
  AddConflictCommands(app, session);
}

}  // namespace jcm::ctl
