#include "tools/jcm-verify/audit/act_tables.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>

#include "jcm/ledger/v1/records.pb.h"
#include "tools/jcm-verify/audit/tables.h"

namespace jcm::verify {
namespace {

using C = v1::Command;
using book::LeafKind;
using TableSet = std::set<uint32_t>;

constexpr uint32_t Imported(uint32_t table) { return table + kShadowOffset; }

// What a deadline, an answer or a revocation does to a transfer in flight.
const TableSet& Decided() {
  static const TableSet* const tables =
      new TableSet{v1::TABLE_TRANSFER_OUT, v1::TABLE_BLOCK, v1::TABLE_AUTHORIZATION, v1::TABLE_DEADLINE};
  return *tables;
}

TableSet Union(std::initializer_list<TableSet> sets) {
  TableSet all;
  for (const TableSet& set : sets) all.insert(set.begin(), set.end());
  return all;
}

// What a closing of votes changes.
const TableSet& Closed() {
  static const TableSet* const tables = new TableSet{v1::TABLE_DECISION, v1::TABLE_VOTES_CLOSED, v1::TABLE_DEADLINE};
  return *tables;
}

// What a step of a dossier changes, whoever takes it.
const TableSet& Stepped() {
  static const TableSet* const tables = new TableSet{v1::TABLE_DOSSIER,   v1::TABLE_STRAND,  v1::TABLE_DOSSIER_STEP,
                                                     v1::TABLE_REFERENCE, v1::TABLE_PROJECT, v1::TABLE_DEADLINE};
  return *tables;
}

const std::map<C::BodyCase, TableSet>& ActTables() {
  static const auto* const tables = new std::map<C::BodyCase, TableSet>{
      {C::kEnrolPerson, {v1::TABLE_PERSON, v1::TABLE_KEY, v1::TABLE_HANDLE}},
      {C::kEnrolKey, {v1::TABLE_PERSON, v1::TABLE_KEY}},
      {C::kRevokeKey, {v1::TABLE_KEY}},
      {C::kOpenAccount, {v1::TABLE_ACCOUNT, v1::TABLE_HANDLE}},
      {C::kSetAccountState, {v1::TABLE_ACCOUNT}},
      {C::kAssignHandle, {v1::TABLE_PERSON, v1::TABLE_ACCOUNT, v1::TABLE_HANDLE}},
      {C::kOpenPartnership, {v1::TABLE_PARTNERSHIP, v1::TABLE_CURSOR}},
      {C::kSetPartnershipMode, {v1::TABLE_PARTNERSHIP}},
      {C::kAdoptRulebook, {v1::TABLE_RULEBOOK}},
      {C::kAppointMember, {v1::TABLE_MEMBER, v1::TABLE_DEADLINE}},
      {C::kEndMember, {v1::TABLE_MEMBER, v1::TABLE_DEADLINE}},
      {C::kRegisterProject, {v1::TABLE_PROJECT}},
      {C::kRulesNotice, {v1::TABLE_RULES}},
      {C::kSupportsRules, {v1::TABLE_RULES}},
      // A vote: the recusal of a member who has declared a conflict of interest.
      {C::kOpenDecision, {v1::TABLE_DECISION, v1::TABLE_VOTE, v1::TABLE_DEADLINE}},
      {C::kAmendDecision, {v1::TABLE_DECISION, v1::TABLE_VOTE, v1::TABLE_DEADLINE}},
      {C::kWithdrawDecision, {v1::TABLE_DECISION, v1::TABLE_DEADLINE}},
      {C::kDistributeDecision, {v1::TABLE_REACTION, v1::TABLE_VOTE, v1::TABLE_DEADLINE}},
      {C::kDeclareConflict, {v1::TABLE_CONFLICT, v1::TABLE_VOTE, v1::TABLE_DEADLINE}},
      {C::kCastVote, {v1::TABLE_VOTE, v1::TABLE_DEADLINE}},
      {C::kConfirmOutcome, Union({Stepped(), {v1::TABLE_REACTION}})},
      {C::kDisputeOutcome, {v1::TABLE_REACTION}},
      {C::kIssueCredits,
       Union({Stepped(), {v1::TABLE_LOT, v1::TABLE_BLOCK, v1::TABLE_ISSUANCE, v1::TABLE_ISSUED_PERIOD}})},
      {C::kOpenDossier, {v1::TABLE_DOSSIER}},
      {C::kTakeStep, Stepped()},
      {C::kReactToDossier, {v1::TABLE_DOSSIER_REACTION}},
      {C::kRecordPartnershipEvent, {v1::TABLE_PARTNERSHIP}},
      {C::kMigrateUnits,
       {v1::TABLE_LOT, v1::TABLE_BLOCK, v1::TABLE_ISSUED_PERIOD, v1::TABLE_STATEMENT, v1::TABLE_TRANSFER,
        v1::TABLE_RETIREMENT, v1::TABLE_CANCELLATION}},
      {C::kMigrateDossier, Stepped()},
      {C::kSignOpeningStatement, {v1::TABLE_STATEMENT}},
      {C::kTransferCredits, {v1::TABLE_TRANSFER, v1::TABLE_BLOCK}},
      {C::kRetireCredits, {v1::TABLE_RETIREMENT, v1::TABLE_BLOCK}},
      {C::kCancelCredits, {v1::TABLE_CANCELLATION, v1::TABLE_BLOCK}},
      {C::kRestrictUnits, {v1::TABLE_BLOCK}},
      {C::kAuthorizeItmo, {v1::TABLE_AUTHORIZATION}},
      {C::kRevokeAuthorization, Decided()},
      {C::kRecordFirstTransfer,
       {v1::TABLE_AUTHORIZATION, v1::TABLE_FIRST_TRANSFER, v1::TABLE_FIRST_TRANSFER_RANGE, v1::TABLE_BLOCK}},
      {C::kInitTransfer, Decided()},
      {C::kAcceptTransfer, {v1::TABLE_TRANSFER_IN}},
      {C::kRefuseTransfer, {v1::TABLE_TRANSFER_IN}},
      {C::kWithdrawTransfer, Decided()},
      {C::kAttest,
       Union({Closed(),
              Stepped(),
              {v1::TABLE_ATTESTATION, v1::TABLE_ISSUED_PERIOD, v1::TABLE_FIRST_TRANSFER_RANGE, v1::TABLE_BLOCK,
               Imported(v1::TABLE_REACTION), Imported(v1::TABLE_VOTE), Imported(v1::TABLE_LOT),
               Imported(v1::TABLE_ISSUANCE), Imported(v1::TABLE_AUTHORIZATION), Imported(v1::TABLE_FIRST_TRANSFER)}})},
  };
  return *tables;
}

const std::map<LeafKind, TableSet>& KindTables() {
  static const auto* const tables = new std::map<LeafKind, TableSet>{
      {LeafKind::GENESIS, {v1::TABLE_BOOK, v1::TABLE_PERSON, v1::TABLE_KEY, v1::TABLE_HANDLE}},
      {LeafKind::IMPORT, Union({Closed(),
                                Decided(),
                                Stepped(),
                                {v1::TABLE_CURSOR, v1::TABLE_ISSUED_PERIOD, v1::TABLE_FIRST_TRANSFER_RANGE,
                                 v1::TABLE_FIRST_TRANSFER, v1::TABLE_LOT, v1::TABLE_TRANSFER_IN}})},
      {LeafKind::TICK, Union({Closed(), Decided(), Stepped(), {v1::TABLE_MEMBER}})},
      {LeafKind::STATE_ROOT, {v1::TABLE_BOOK}},
      {LeafKind::HALT, {v1::TABLE_CURSOR}},
      {LeafKind::ACTIVATE_RULES, {v1::TABLE_BOOK}},
      {LeafKind::KEY_CHANGE, {v1::TABLE_BOOK}},
      {LeafKind::RESUME_ALONE, {v1::TABLE_BOOK}},
      {LeafKind::ACCEPT_TIME, {}},
      {LeafKind::HOME_RESET, {v1::TABLE_ACCOUNT, v1::TABLE_PERSON, v1::TABLE_KEY}},
      {LeafKind::LATE_STAMPED, {}},
  };
  return *tables;
}

constexpr int kOperator = v1::ROLE_SYSTEM_OPERATOR;
constexpr int kDesignated = v1::ROLE_DESIGNATED_ORGANIZATION;
constexpr int kSecretariat = v1::ROLE_SECRETARIAT;
constexpr int kMember = v1::ROLE_JC_MEMBER;
constexpr int kMinistry = v1::ROLE_AUTHORIZING_MINISTRY;
constexpr int kRepresentative = v1::ROLE_ACCOUNT_REPRESENTATIVE;
constexpr int kParticipant = v1::ROLE_PROJECT_PARTICIPANT;
constexpr int kEntity = v1::ROLE_THIRD_PARTY_ENTITY;

std::set<int> AuthorsOf(C::BodyCase act, const C& command) {
  switch (act) {
    case C::kEnrolPerson:
    case C::kEnrolKey:
    case C::kRevokeKey:
    case C::kOpenAccount:
    case C::kSetAccountState:
    case C::kAssignHandle:
    case C::kIssueCredits:
    case C::kMigrateUnits:
    case C::kRestrictUnits:
    case C::kRulesNotice:
    case C::kSupportsRules:
      return {kOperator, kDesignated};
    case C::kOpenPartnership:
    case C::kSetPartnershipMode:
    case C::kSignOpeningStatement:
      return {kOperator};
    case C::kOpenDossier:
      return {kParticipant, kEntity, kSecretariat, kDesignated, kMinistry};
    case C::kTakeStep:
      return {kParticipant, kEntity, kSecretariat, kDesignated, kMinistry, kOperator, kRepresentative};
    case C::kAdoptRulebook:
    case C::kAppointMember:
    case C::kEndMember:
    case C::kRegisterProject:
    case C::kRecordPartnershipEvent:
    case C::kReactToDossier:
    case C::kMigrateDossier:
      return {kOperator, kDesignated, kSecretariat};
    case C::kOpenDecision:
    case C::kAmendDecision:
    case C::kWithdrawDecision:
    case C::kDistributeDecision:
      return {kSecretariat, kDesignated};
    case C::kCastVote:
      return {command.cast_vote().form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT ? kSecretariat : kMember};
    case C::kDeclareConflict:
      return {command.declare_conflict().form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT ? kSecretariat : kMember};
    case C::kConfirmOutcome:
    case C::kDisputeOutcome:
      return {kSecretariat, kMember};
    case C::kAuthorizeItmo:
    case C::kRevokeAuthorization:
    case C::kRecordFirstTransfer:
      return {kMinistry};
    case C::kAttest: {
      const bool routine = command.attest().stage() == v1::ATTESTED_STAGE_DISTRIBUTED ||
                           command.attest().stage() == v1::ATTESTED_STAGE_ISSUED;
      return routine ? std::set<int>{kOperator, kDesignated, kSecretariat} : std::set<int>{kOperator, kSecretariat};
    }
    default:
      return {kRepresentative, kOperator, kDesignated};
  }
}

// Acts of holders, which are most acts of a book: asked without building sets.
bool IsHoldersAct(C::BodyCase act) {
  return act == C::kTransferCredits || act == C::kRetireCredits || act == C::kCancelCredits ||
         act == C::kInitTransfer || act == C::kAcceptTransfer || act == C::kRefuseTransfer ||
         act == C::kWithdrawTransfer;
}

}  // namespace

bool MayChange(LeafKind kind, C::BodyCase act, uint32_t table) {
  if (kind == LeafKind::COMMAND) {
    if (table == v1::TABLE_BLOCK && (act == C::kTransferCredits || act == C::kRetireCredits)) return true;  // most are
    const auto tables = ActTables().find(act);
    return tables != ActTables().end() && tables->second.count(table) > 0;
  }
  // A resolution may compensate in any table; what it does to units is checked apart.
  if (kind == LeafKind::RESOLUTION) return table < kShadowOffset;
  if (kind == LeafKind::IMPORT && table > kShadowOffset) return IsPublished(table - kShadowOffset);
  const auto tables = KindTables().find(kind);
  return tables != KindTables().end() && tables->second.count(table) > 0;
}

size_t PersonsNeeded(const SignedAct& act) {
  if (act.body == C::kOpenPartnership || act.body == C::kAttest || act.body == C::kSignOpeningStatement ||
      act.body == C::kRestrictUnits) {
    return 2;
  }
  const bool recorded =
      (act.body == C::kCastVote && act.command.cast_vote().form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT) ||
      (act.body == C::kDeclareConflict &&
       act.command.declare_conflict().form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT);
  return recorded ? 2 : 1;
}

bool MayAuthor(const SignedAct& act, const google::protobuf::RepeatedField<int>& roles) {
  const bool designated = std::find(roles.begin(), roles.end(), kDesignated) != roles.end();
  if (IsHoldersAct(act.body)) {
    return designated || std::any_of(roles.begin(), roles.end(),
                                     [](int role) { return role == kRepresentative || role == kOperator; });
  }
  const std::set<int> authors = AuthorsOf(act.body, act.command);
  if (designated && authors.count(kDesignated) == 0) return false;
  return std::any_of(roles.begin(), roles.end(), [&](int role) { return authors.count(role) > 0; });
}

}  // namespace jcm::verify
