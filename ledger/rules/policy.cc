#include "ledger/rules/policy.h"

#include <algorithm>
#include <cstdint>

#include "absl/types/span.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

using C = v1::Command;

constexpr uint32_t Bit(v1::Role role) { return 1u << role; }
constexpr uint32_t kOperator = Bit(v1::ROLE_SYSTEM_OPERATOR);
constexpr uint32_t kDesignated = Bit(v1::ROLE_DESIGNATED_ORGANIZATION);
constexpr uint32_t kSecretariat = Bit(v1::ROLE_SECRETARIAT);
constexpr uint32_t kMember = Bit(v1::ROLE_JC_MEMBER);
constexpr uint32_t kMinistry = Bit(v1::ROLE_AUTHORIZING_MINISTRY);
constexpr uint32_t kRepresentative = Bit(v1::ROLE_ACCOUNT_REPRESENTATIVE);
constexpr uint32_t kRecovery = Bit(v1::ROLE_RECOVERY_OFFICER);
constexpr uint32_t kParticipant = Bit(v1::ROLE_PROJECT_PARTICIPANT);
constexpr uint32_t kEntity = Bit(v1::ROLE_THIRD_PARTY_ENTITY);

constexpr uint32_t kRegistry = kOperator | kDesignated;
constexpr uint32_t kOffice = kSecretariat | kDesignated;
constexpr uint32_t kRegistryOrOffice = kRegistry | kSecretariat;
// Who of them takes which step, the tables of the project cycle say.
constexpr uint32_t kInCycle = kParticipant | kEntity | kRegistryOrOffice | kMinistry | kRepresentative;
constexpr uint32_t kHolder = kRepresentative | kOperator | kDesignated;

struct Row {
  C::BodyCase act;
  uint32_t author;  // any of these roles
  uint32_t second;  // any of these; 0: one person is enough
};

constexpr Row kRows[] = {
    {C::kEnrolPerson, kRegistry, 0},
    {C::kEnrolKey, kRegistry, 0},
    {C::kRevokeKey, kRegistry, 0},
    {C::kOpenAccount, kRegistry, 0},
    {C::kSetAccountState, kRegistry, 0},
    {C::kAssignHandle, kRegistry, 0},
    {C::kOpenPartnership, kOperator, kOperator | kSecretariat | kRecovery},
    {C::kSetPartnershipMode, kOperator, 0},
    {C::kAdoptRulebook, kRegistryOrOffice, 0},
    {C::kAppointMember, kRegistryOrOffice, 0},
    {C::kEndMember, kRegistryOrOffice, 0},
    {C::kRegisterProject, kRegistryOrOffice, 0},
    {C::kRulesNotice, kRegistry, 0},
    {C::kSupportsRules, kRegistry, 0},
    {C::kOpenDecision, kOffice, 0},
    {C::kAmendDecision, kOffice, 0},
    {C::kWithdrawDecision, kOffice, 0},
    {C::kDistributeDecision, kOffice, 0},
    {C::kConfirmOutcome, kSecretariat | kMember, 0},
    {C::kDisputeOutcome, kSecretariat | kMember, 0},
    {C::kRecordPartnershipEvent, kRegistryOrOffice, 0},
    {C::kMigrateUnits, kRegistry, 0},
    {C::kSignOpeningStatement, kOperator, kOperator | kSecretariat | kRecovery},
    {C::kMigrateDossier, kRegistryOrOffice, 0},
    {C::kOpenDossier, kParticipant | kEntity | kOffice | kMinistry, 0},
    {C::kTakeStep, kInCycle, 0},
    {C::kReactToDossier, kRegistryOrOffice, 0},
    {C::kIssueCredits, kRegistry, 0},
    {C::kTransferCredits, kHolder, 0},
    {C::kRetireCredits, kHolder, 0},
    {C::kCancelCredits, kHolder, 0},
    {C::kRestrictUnits, kRegistry, kOperator | kSecretariat | kRecovery | kDesignated},
    {C::kAuthorizeItmo, kMinistry, 0},
    {C::kRevokeAuthorization, kMinistry, 0},
    {C::kRecordFirstTransfer, kMinistry, 0},
    {C::kInitTransfer, kHolder, 0},
    {C::kAcceptTransfer, kHolder, 0},
    {C::kRefuseTransfer, kHolder, 0},
    {C::kWithdrawTransfer, kHolder, 0},
};

// Acts whose row depends on what they say.
Row RowOfVote(const v1::CastVote& vote) {
  if (vote.form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT) {
    return {C::kCastVote, kSecretariat, kSecretariat | kOperator | kMember};
  }
  return {C::kCastVote, kMember, 0};
}

Row RowOfConflict(const v1::DeclareConflict& conflict) {
  if (conflict.form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT) {
    return {C::kDeclareConflict, kSecretariat, kSecretariat | kOperator | kMember};
  }
  return {C::kDeclareConflict, kMember, 0};
}

Row RowOfAttest(const v1::Attest& attest) {
  const uint32_t second = kSecretariat | kOperator | kMember | kMinistry;
  if (attest.stage() == v1::ATTESTED_STAGE_DISTRIBUTED || attest.stage() == v1::ATTESTED_STAGE_ISSUED) {
    return {C::kAttest, kRegistryOrOffice, second | kDesignated};
  }
  return {C::kAttest, kSecretariat | kOperator, second};
}

const Row* RowOf(C::BodyCase act) {
  for (const Row& row : kRows) {
    if (row.act == act) return &row;
  }
  return nullptr;
}

uint32_t RolesOf(const v1::SignerContext& signer) {
  uint32_t roles = 0;
  for (int role : signer.roles()) {
    if (role > 0 && role < 32) roles |= 1u << role;
  }
  return roles;
}

// Where the designated organization is shut out, no other role of the same person lets it in.
bool Allows(uint32_t allowed, const v1::SignerContext& signer) {
  const uint32_t roles = RolesOf(signer);
  if ((roles & kDesignated) != 0 && (allowed & kDesignated) == 0) return false;
  return (roles & allowed) != 0;
}

}  // namespace

bool HasRole(const v1::SignerContext& signer, v1::Role role) { return (RolesOf(signer) & Bit(role)) != 0; }

bool BelongsInHome(C::BodyCase body) {
  switch (body) {
    case C::kEnrolPerson:
    case C::kEnrolKey:
    case C::kRevokeKey:
    case C::kOpenAccount:
    case C::kSetAccountState:
    case C::kAssignHandle:
      return true;
    default:
      return false;
  }
}

absl::Status CheckPolicy(const v1::Command& command, const v1::Context& context) {
  if (command.body_case() == C::BODY_NOT_SET) return Error(Reason::FIELD_REQUIRED, "the command has no body");
  if (context.signers().empty()) return Error(Reason::SIGNATURE_MISSING, "nobody signed");
  Row row;
  if (command.body_case() == C::kCastVote) {
    row = RowOfVote(command.cast_vote());
  } else if (command.body_case() == C::kDeclareConflict) {
    row = RowOfConflict(command.declare_conflict());
  } else if (command.body_case() == C::kAttest) {
    row = RowOfAttest(command.attest());
  } else {
    const Row* found = RowOf(command.body_case());
    JCM_CHECK(found != nullptr);
    row = *found;
  }
  const v1::SignerContext& author = context.signers(0);
  if (!Allows(row.author, author)) return Error(Reason::ROLE_NOT_ALLOWED, "the author's roles do not allow this act");
  if (row.second == 0) return absl::OkStatus();

  bool other_person = false;
  for (const v1::SignerContext& signer : context.signers()) {
    if (signer.pseudonym() == author.pseudonym()) continue;
    other_person = true;
    if (Allows(row.second, signer)) return absl::OkStatus();
  }
  if (!other_person) return Error(Reason::TWO_PERSONS_REQUIRED, "one person signed");
  return Error(Reason::ROLE_NOT_ALLOWED, "the second person's roles do not allow this act");
}

}  // namespace jcm::rules
