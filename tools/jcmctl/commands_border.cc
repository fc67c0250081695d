// Article 6 and the border: ITMO authorizations and first transfers of the host, cross-border transfers, attestations.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "tools/client/arguments.h"
#include "tools/jcmctl/commands.h"

namespace jcm::ctl {
namespace {

using client::ColumnKind;

struct AuthorizeFlags {
  std::string partnership;
  std::string id;
  std::string project;
  std::vector<std::string> purposes;
  std::string party;
  std::string quantity;
  std::string vintages;
  std::string trigger = "international-transfer";
  std::string document;
  std::string sector;
};

absl::Status FillAuthorization(Session& session, const AuthorizeFlags& flags, v1::AuthorizeItmo* body) {
  body->set_authorization_id(flags.id);
  body->set_project_id(flags.project);
  for (const std::string& text : flags.purposes) {
    JCM_ASSIGN_OR_RETURN(v1::AuthorizedPurpose purpose,
                         client::ParseEnum<v1::AuthorizedPurpose>(v1::AuthorizedPurpose_descriptor(), text));
    body->add_purposes(purpose);
  }
  std::sort(body->mutable_purposes()->begin(), body->mutable_purposes()->end());
  body->set_authorized_party(flags.party);
  JCM_ASSIGN_OR_RETURN(Tonnes quantity, client::ParseTonnes(flags.quantity));
  body->set_quantity(quantity);
  const std::vector<std::string> years = absl::StrSplit(flags.vintages, '-');
  int32_t first = 0;
  int32_t last = 0;
  if (years.size() > 2 || !absl::SimpleAtoi(years.front(), &first) || !absl::SimpleAtoi(years.back(), &last)) {
    return Error(Reason::FIELD_INVALID, "--vintages is YEAR or FIRST-LAST");
  }
  body->set_vintage_first(first);
  body->set_vintage_last(last);
  JCM_ASSIGN_OR_RETURN(v1::FirstTransferTrigger trigger, client::ParseEnum<v1::FirstTransferTrigger>(
                                                             v1::FirstTransferTrigger_descriptor(), flags.trigger));
  body->set_first_transfer_trigger(trigger);
  body->set_sector(flags.sector);
  if (!flags.document.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_document_digest(), client::ParseDigest(flags.document, session.files()));
  }
  return absl::OkStatus();
}

absl::Status Authorize(Session& session, const AuthorizeFlags& flags) {
  v1::Command command;
  JCM_RETURN_IF_ERROR(FillAuthorization(session, flags, command.mutable_authorize_itmo()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Revoke(Session& session, const AuthorizeFlags& flags) {
  v1::Command command;
  command.mutable_revoke_authorization()->set_authorization_id(flags.id);
  if (!flags.document.empty()) {
    JCM_ASSIGN_OR_RETURN(*command.mutable_revoke_authorization()->mutable_document_digest(),
                         client::ParseDigest(flags.document, session.files()));
  }
  return session.Act(flags.partnership, std::move(command));
}

struct FirstTransferFlags {
  std::string partnership;
  std::string id;
  std::string authorization;
  std::vector<std::string> ranges;
  std::string action_date;
};

absl::Status FillFirstTransfer(const FirstTransferFlags& flags, v1::RecordFirstTransfer* body) {
  body->set_first_transfer_id(flags.id);
  body->set_authorization_id(flags.authorization);
  for (const std::string& text : flags.ranges) {
    JCM_ASSIGN_OR_RETURN(*body->add_ranges(), client::ParseUnitRange(text));
  }
  JCM_ASSIGN_OR_RETURN(*body->mutable_action_date(), client::ParseDay(flags.action_date));
  return absl::OkStatus();
}

absl::Status FirstTransfer(Session& session, const FirstTransferFlags& flags) {
  v1::Command command;
  JCM_RETURN_IF_ERROR(FillFirstTransfer(flags, command.mutable_record_first_transfer()));
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListAuthorizations(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::Article6Service>(
                           session, &api::Article6Service::Stub::ListAuthorizations, request,
                           [](const api::ListAuthorizationsResponse& response) { return response.authorizations(); }));
  session.PrintRows(client::Table({{"Authorization", "承認", "/authorization_id"},
                                   {"Project", "プロジェクト", "/project_id"},
                                   {"Purposes", "用途", "/purposes"},
                                   {"Party", "相手国", "/authorized_party"},
                                   {"Quantity", "数量", "/quantity", ColumnKind::NUMBER},
                                   {"First transferred", "初回移転済", "/first_transferred", ColumnKind::NUMBER},
                                   {"Held", "移転中", "/held", ColumnKind::NUMBER},
                                   {"Trigger", "初回移転の時点", "/first_transfer_trigger"},
                                   {"Revoked", "撤回", "/revoked"},
                                   {"Legal date", "効力日", "/legal_date"}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ListFirstTransfers(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::Article6Service>(
                           session, &api::Article6Service::Stub::ListFirstTransfers, request,
                           [](const api::ListFirstTransfersResponse& response) { return response.first_transfers(); }));
  session.PrintRows(client::Table({{"First transfer", "初回移転", "/first_transfer_id"},
                                   {"Authorization", "承認", "/authorization_id"},
                                   {"Units", "識別番号", "/ranges"},
                                   {"t-CO2e", "t-CO2e", "/tonnes", ColumnKind::NUMBER},
                                   {"Action date", "行為日", "/action_date"},
                                   {"Recorded", "記録", "/recorded_at_us"}}),
                    rows);
  return absl::OkStatus();
}

// ---- the border
// -----------------------------------------------------------------------------------------------------------

struct BorderFlags {
  std::string partnership;
  std::string id;
  std::string from;
  std::string to;
  std::string suspense;
  UnitFlags units;
  std::string authorization;
  std::string expires;
  std::string action_date;
  std::string to_hint;
  std::string reason;
};

absl::Status Init(Session& session, const BorderFlags& flags) {
  v1::Command command;
  v1::InitTransfer* body = command.mutable_init_transfer();
  body->set_transfer_id(flags.id);
  JCM_ASSIGN_OR_RETURN(*body->mutable_from_account(), session.AccountHandle(flags.partnership, flags.from));
  JCM_ASSIGN_OR_RETURN(std::vector<v1::UnitRange> ranges,
                       ChooseUnits(session, flags.partnership, body->from_account(), flags.units));
  for (const v1::UnitRange& range : ranges) *body->add_ranges() = range;
  body->set_authorization_id(flags.authorization);
  JCM_ASSIGN_OR_RETURN(BookTime expires, ParseRfc3339(flags.expires));
  body->set_expires_at_us(expires.micros);
  if (!flags.action_date.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_action_date(), client::ParseDay(flags.action_date));
  }
  body->set_to_hint(flags.to_hint);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Accept(Session& session, const BorderFlags& flags) {
  v1::Command command;
  v1::AcceptTransfer* body = command.mutable_accept_transfer();
  body->set_transfer_id(flags.id);
  JCM_ASSIGN_OR_RETURN(*body->mutable_to_account(), session.AccountHandle(flags.partnership, flags.to));
  if (!flags.suspense.empty()) {
    JCM_ASSIGN_OR_RETURN(*body->mutable_suspense_account(), session.AccountHandle(flags.partnership, flags.suspense));
  }
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Refuse(Session& session, const BorderFlags& flags) {
  v1::Command command;
  command.mutable_refuse_transfer()->set_transfer_id(flags.id);
  command.mutable_refuse_transfer()->set_reason(flags.reason);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status Withdraw(Session& session, const BorderFlags& flags) {
  v1::Command command;
  command.mutable_withdraw_transfer()->set_transfer_id(flags.id);
  return session.Act(flags.partnership, std::move(command));
}

absl::Status ListOutgoing(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::Article6Service>(
                           session, &api::Article6Service::Stub::ListOutgoingTransfers, request,
                           [](const api::ListOutgoingTransfersResponse& response) { return response.transfers(); }));
  session.PrintRows(client::Table({{"Transfer", "移転", "/transfer_id"},
                                   {"State", "状態", "/state"},
                                   {"t-CO2e", "t-CO2e", "/tonnes", ColumnKind::NUMBER},
                                   {"Units", "識別番号", "/ranges"},
                                   {"Authorization", "承認", "/authorization_id"},
                                   {"Action date", "行為日", "/action_date"},
                                   {"Initiated", "開始", "/initiated_at_us"},
                                   {"Decided", "確定", "/decided_at_us"},
                                   {"Void", "不成立", "/void_cause"}}),
                    rows);
  return absl::OkStatus();
}

absl::Status ListIncoming(Session& session, const ListFlags& flags) {
  JCM_ASSIGN_OR_RETURN(const api::ListRequest request, ListRequestOf(flags));
  JCM_ASSIGN_OR_RETURN(Rows rows,
                       ListAll<api::Article6Service>(
                           session, &api::Article6Service::Stub::ListIncomingTransfers, request,
                           [](const api::ListIncomingTransfersResponse& response) { return response.transfers(); }));
  session.PrintRows(client::Table({{"Transfer", "移転", "/transfer_id"},
                                   {"State", "状態", "/state"},
                                   {"t-CO2e", "t-CO2e", "/tonnes", ColumnKind::NUMBER},
                                   {"Account", "口座", "/credited_account"},
                                   {"Action date", "行為日", "/action_date"},
                                   {"Answered", "回答", "/answered_at_us"},
                                   {"Credited", "入庫", "/credited_at_us"}}),
                    rows);
  return absl::OkStatus();
}

// ---- attestations
// -----------------------------------------------------------------------------------------------------------

struct AttestFlags {
  std::string partnership;
  std::string stage;
  std::string document;
  std::string decision;
  std::string text_digest;
  std::string member;
  std::string vote = "yes";
  bool co_chair = false;
  std::vector<std::string> rows;
  AuthorizeFlags authorization;
  FirstTransferFlags first_transfer;
};

absl::Status FillAttestedDecision(Session& session, const AttestFlags& flags, v1::Attest* body) {
  JCM_ASSIGN_OR_RETURN(std::string digest, client::ParseDigest(flags.text_digest, session.files()));
  switch (body->stage()) {
    case v1::ATTESTED_STAGE_DISTRIBUTED:
      body->mutable_distributed()->set_decision_id(flags.decision);
      body->mutable_distributed()->set_text_digest(digest);
      return absl::OkStatus();
    case v1::ATTESTED_STAGE_VOTE: {
      v1::CastVote* vote = body->mutable_vote();
      vote->set_decision_id(flags.decision);
      vote->set_text_digest(digest);
      vote->set_member_id(flags.member);
      JCM_ASSIGN_OR_RETURN(v1::Vote choice, client::ParseEnum<v1::Vote>(v1::Vote_descriptor(), flags.vote));
      vote->set_vote(choice);
      vote->set_form(v1::VOTE_FORM_RECORDED_BY_SECRETARIAT);
      vote->set_document_digest(body->document_digest());
      body->set_vote_by_co_chair(flags.co_chair);
      return absl::OkStatus();
    }
    case v1::ATTESTED_STAGE_OUTCOME_CONFIRMED:
      body->mutable_confirmed()->set_decision_id(flags.decision);
      body->mutable_confirmed()->set_text_digest(digest);
      body->mutable_confirmed()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
      return absl::OkStatus();
    default:
      body->mutable_issued()->set_decision_id(flags.decision);
      body->mutable_issued()->set_text_digest(digest);
      break;
  }
  for (const std::string& text : flags.rows) {
    const std::vector<std::string> sides = absl::StrSplit(text, absl::MaxSplits('=', 1));
    uint32_t row = 0;
    if (!absl::SimpleAtoi(sides.front(), &row)) return Error(Reason::FIELD_INVALID, "--row is ROW or ROW=HANDLE");
    v1::IssueTarget* target = body->mutable_issued()->add_targets();
    target->set_row(row);
    if (sides.size() == 2) target->set_account(sides[1]);
  }
  return absl::OkStatus();
}

absl::Status Attest(Session& session, const AttestFlags& flags) {
  v1::Command command;
  v1::Attest* body = command.mutable_attest();
  JCM_ASSIGN_OR_RETURN(v1::AttestedStage stage,
                       client::ParseEnum<v1::AttestedStage>(v1::AttestedStage_descriptor(), flags.stage));
  body->set_stage(stage);
  JCM_ASSIGN_OR_RETURN(*body->mutable_document_digest(), client::ParseDigest(flags.document, session.files()));
  if (stage == v1::ATTESTED_STAGE_AUTHORIZED) {
    JCM_RETURN_IF_ERROR(FillAuthorization(session, flags.authorization, body->mutable_authorized()));
  } else if (stage == v1::ATTESTED_STAGE_FIRST_TRANSFERRED) {
    JCM_RETURN_IF_ERROR(FillFirstTransfer(flags.first_transfer, body->mutable_first_transferred()));
  } else {
    JCM_RETURN_IF_ERROR(FillAttestedDecision(session, flags, body));
  }
  return session.Act(flags.partnership, std::move(command));
}

void AddAttestCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<AttestFlags>();
  CLI::App* command =
      app.add_subcommand("attest", "A document stands for an act of a partner that keeps no node (two persons)");
  command->fallthrough();
  command->callback([&session, flags] { session.SetAction([&session, flags] { return Attest(session, *flags); }); });
  command->add_option("--partnership", flags->partnership)->required();
  command
      ->add_option("--stage", flags->stage,
                   "distributed, vote, outcome-confirmed, issued, authorized, first-transferred")
      ->required();
  command->add_option("--document", flags->document, "SHA-256 or @FILE")->required();
  command->add_option("--decision", flags->decision);
  command->add_option("--text-digest", flags->text_digest);
  command->add_option("--member", flags->member);
  command->add_option("--vote", flags->vote);
  command->add_flag("--co-chair", flags->co_chair);
  command->add_option("--row", flags->rows, "ROW, or ROW=HANDLE; repeatable");
  AuthorizeFlags& authorization = flags->authorization;
  command->add_option("--authorization", authorization.id);
  command->add_option("--project", authorization.project);
  command->add_option("--purpose", authorization.purposes);
  command->add_option("--party", authorization.party);
  command->add_option("--quantity", authorization.quantity);
  command->add_option("--vintages", authorization.vintages);
  command->add_option("--trigger", authorization.trigger);
  FirstTransferFlags& first = flags->first_transfer;
  command->add_option("--first-transfer", first.id);
  command->add_option("--under", first.authorization, "Authorization of the first transfer");
  command->add_option("--range", first.ranges, "LOT:first-last; repeatable");
  command->add_option("--action-date", first.action_date);
}

void AddItmoCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "itmo", "Authorizations and first transfers, in the host's book");
  auto authorize = std::make_shared<AuthorizeFlags>();
  CLI::App* command = AddCommand(group, session, "authorize", "Authorizes ITMOs (承認)", authorize, &Authorize);
  command->add_option("--partnership", authorize->partnership)->required();
  command->add_option("--id", authorize->id, "Authorization id")->required();
  command->add_option("--project", authorize->project)->required();
  command->add_option("--purpose", authorize->purposes, "ndc, imp, op; repeatable")->required();
  command->add_option("--party", authorize->party, "Authorized party, alpha-3")->required();
  command->add_option("--quantity", authorize->quantity, "t-CO2e")->required();
  command->add_option("--vintages", authorize->vintages, "YEAR or FIRST-LAST")->required();
  command->add_option("--trigger", authorize->trigger, "international-transfer, authorization, issuance, use");
  command->add_option("--document", authorize->document, "SHA-256 or @FILE");
  command->add_option("--sector", authorize->sector);
  auto revoke = std::make_shared<AuthorizeFlags>();
  command = AddCommand(group, session, "revoke", "Revokes what was not yet first transferred", revoke, &Revoke);
  command->add_option("--partnership", revoke->partnership)->required();
  command->add_option("--id", revoke->id)->required();
  command->add_option("--document", revoke->document, "SHA-256 or @FILE");
  auto first = std::make_shared<FirstTransferFlags>();
  command = AddCommand(group, session, "first-transfer", "Names units issued by the other side as first transferred",
                       first, &FirstTransfer);
  command->add_option("--partnership", first->partnership)->required();
  command->add_option("--id", first->id)->required();
  command->add_option("--authorization", first->authorization)->required();
  command->add_option("--range", first->ranges, "LOT:first-last; repeatable")->required();
  command->add_option("--action-date", first->action_date)->required();
  auto list = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists authorizations", list, &ListAuthorizations), list.get());
  auto firsts = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "first-transfers", "Lists first transfers", firsts, &ListFirstTransfers),
               firsts.get());
}

}  // namespace

void AddBorderCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, "border", "Cross-border transfers");
  auto init = std::make_shared<BorderFlags>();
  CLI::App* command =
      AddCommand(group, session, "init", "Offers units to the other registry and locks them", init, &Init);
  command->add_option("--partnership", init->partnership)->required();
  command->add_option("--id", init->id, "Transfer id")->required();
  command->add_option("--from", init->from, "Account number or handle")->required();
  AddUnitFlags(command, &init->units);
  command->add_option("--authorization", init->authorization, "The host's, for its units of 2021 or later");
  command->add_option("--expires", init->expires, "Instant, RFC 3339 in UTC")->required();
  command->add_option("--action-date", init->action_date, "Dates both sides' reports; default: the day of posting");
  command->add_option("--to-hint", init->to_hint, "Who shall receive, for people");
  auto accept = std::make_shared<BorderFlags>();
  command = AddCommand(group, session, "accept", "Promises to take the units; credited when the sender posts", accept,
                       &Accept);
  command->add_option("--partnership", accept->partnership)->required();
  command->add_option("--id", accept->id)->required();
  command->add_option("--to", accept->to, "Account number or handle")->required();
  command->add_option("--suspense", accept->suspense, "The government's, if the account is closed by then");
  auto refuse = std::make_shared<BorderFlags>();
  command = AddCommand(group, session, "refuse", "Refuses an offer", refuse, &Refuse);
  command->add_option("--partnership", refuse->partnership)->required();
  command->add_option("--id", refuse->id)->required();
  command->add_option("--reason", refuse->reason);
  auto withdraw = std::make_shared<BorderFlags>();
  command = AddCommand(group, session, "withdraw", "Takes back an offer that was not accepted", withdraw, &Withdraw);
  command->add_option("--partnership", withdraw->partnership)->required();
  command->add_option("--id", withdraw->id)->required();
  auto outgoing = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "list", "Lists outgoing transfers", outgoing, &ListOutgoing), outgoing.get());
  auto incoming = std::make_shared<ListFlags>();
  AddListFlags(AddCommand(group, session, "incoming", "Lists incoming transfers", incoming, &ListIncoming),
               incoming.get());
  AddItmoCommands(app, session);
  AddAttestCommand(app, session);
}

}  // namespace jcm::ctl
