#include "ledger/rules/command.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/keys.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/merkle.h"
#include "ledger/rules/bundle_shape.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/policy.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

using C = v1::Command;

absl::Status CheckPartPath(const v1::SignedPart& part, const v1::BundleHeader& header) {
  if (part.part_path_size() > static_cast<int>(book::kProofHashesMax)) {
    return Error(Reason::PROOF_INVALID, "the part's path is too long");
  }
  std::vector<Digest> path;
  for (const std::string& hash : part.part_path()) {
    auto digest = DigestFromBytes(hash);
    if (!digest.ok()) return Error(Reason::PROOF_INVALID, "a hash of the part's path is not 32 bytes");
    path.push_back(*digest);
  }
  JCM_ASSIGN_OR_RETURN(Digest root, DigestFromBytes(header.parts_root()));
  return book::VerifyInclusion(book::LeafHash(part.part()), part.part_index(), header.part_count(), path, root);
}

absl::Status CheckKeyValidity(const v1::SignerContext& signer, BookTime time) {
  if (signer.revoked_at_us() != 0 && signer.revoked_at_us() <= time.micros) {
    return Error(Reason::KEY_REVOKED, "revoked before the batch time");
  }
  const bool begun = signer.valid_from_us() <= time.micros;
  const bool ended = signer.valid_until_us() != 0 && signer.valid_until_us() <= time.micros;
  if (!begun || ended) return Error(Reason::KEY_EXPIRED, "not valid at the batch time");
  return absl::OkStatus();
}

absl::Status CheckSignerContext(const v1::SignerContext& signer) {
  const Digest key_id = KeyIdOf(signer.key());
  if (signer.key_id() != AsBytes(key_id)) return Error(Reason::KEY_UNKNOWN, "the context's key has another id");
  if (signer.pseudonym().empty()) return Error(Reason::KEY_UNKNOWN, "the context names no person");
  return absl::OkStatus();
}

// The context's accounts are sorted, each once: a handle has one meaning.
absl::Status CheckAccountContexts(const v1::Context& context) {
  for (int i = 0; i < context.accounts_size(); ++i) {
    if (context.accounts(i).handle().empty() ||
        (i > 0 && context.accounts(i).handle() <= context.accounts(i - 1).handle())) {
      return Error(Reason::FIELD_INVALID, "the context's accounts are not sorted");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDates(const v1::Command& command) {
  // What is attested counts at its legal date, so that must be stated.
  JCM_RETURN_IF_ERROR(CheckDate(command.legal_date(), /*required=*/command.has_attest()));
  if (command.provenance() == v1::PROVENANCE_UNSPECIFIED) return Error(Reason::FIELD_REQUIRED, "provenance");
  if (!v1::Provenance_IsValid(command.provenance())) return Error(Reason::FIELD_INVALID, "no such provenance");
  // An attested act is recorded by Attest alone, which has its own checks.
  const bool attested = command.provenance() == v1::PROVENANCE_ATTESTED;
  if (attested != (command.body_case() == C::kAttest)) {
    return Error(Reason::FIELD_INVALID, "provenance ATTESTED belongs to Attest, and to it alone");
  }
  if (command.has_source() && command.provenance() != v1::PROVENANCE_MIGRATED) {
    return Error(Reason::FIELD_INVALID, "a source belongs to a migrated act");
  }
  return CheckText(command.note(), kReasonBytesMax, /*required=*/false);
}

absl::Status RunHome(const RuleInput& rule, const C& command, Transition& t) {
  switch (command.body_case()) {
    case C::kEnrolPerson:
      return ApplyEnrolPerson(rule, command.enrol_person(), t);
    case C::kEnrolKey:
      return ApplyEnrolKey(rule, command.enrol_key(), t);
    case C::kRevokeKey:
      return ApplyRevokeKey(rule, command.revoke_key(), t);
    case C::kOpenAccount:
      return ApplyOpenAccount(rule, command.open_account(), t);
    case C::kSetAccountState:
      return ApplySetAccountState(rule, command.set_account_state(), t);
    case C::kAssignHandle:
      return ApplyAssignHandle(rule, command.assign_handle(), t);
    default:
      return Error(Reason::FIELD_INVALID, "this act does not belong in home");
  }
}

absl::Status RunPartnership(const RuleInput& rule, const C& command, Transition& t) {
  switch (command.body_case()) {
    case C::kOpenPartnership:
      return ApplyOpenPartnership(rule, command.open_partnership(), t);
    case C::kSetPartnershipMode:
      return ApplySetPartnershipMode(rule, command.set_partnership_mode(), t);
    case C::kAdoptRulebook:
      return ApplyAdoptRulebook(rule, command.adopt_rulebook(), t);
    case C::kAppointMember:
      return ApplyAppointMember(rule, command.appoint_member(), t);
    case C::kEndMember:
      return ApplyEndMember(rule, command.end_member(), t);
    case C::kRegisterProject:
      return ApplyRegisterProject(rule, command.register_project(), t);
    case C::kRulesNotice:
      return ApplyRulesNotice(rule, command.rules_notice(), t);
    case C::kSupportsRules:
      return ApplySupportsRules(rule, command.supports_rules(), t);
    case C::kOpenDecision:
      return ApplyOpenDecision(rule, command.open_decision(), t);
    case C::kAmendDecision:
      return ApplyAmendDecision(rule, command.amend_decision(), t);
    case C::kWithdrawDecision:
      return ApplyWithdrawDecision(rule, command.withdraw_decision(), t);
    case C::kDistributeDecision:
      return ApplyDistributeDecision(rule, command.distribute_decision(), t);
    case C::kCastVote:
      return ApplyCastVote(rule, command.cast_vote(), t);
    case C::kConfirmOutcome:
      return ApplyConfirmOutcome(rule, command.confirm_outcome(), t);
    case C::kDisputeOutcome:
      return ApplyDisputeOutcome(rule, command.dispute_outcome(), t);
    case C::kDeclareConflict:
      return ApplyDeclareConflict(rule, command.declare_conflict(), t);
    case C::kRecordPartnershipEvent:
      return ApplyRecordPartnershipEvent(rule, command.record_partnership_event(), t);
    case C::kOpenDossier:
      return ApplyOpenDossier(rule, command.open_dossier(), t);
    case C::kTakeStep:
      return ApplyTakeStep(rule, command.take_step(), t);
    case C::kReactToDossier:
      return ApplyReactToDossier(rule, command.react_to_dossier(), t);
    case C::kMigrateDossier:
      return ApplyMigrateDossier(rule, command.migrate_dossier(), t);
    default:
      return Error(Reason::FIELD_INVALID, "this act does not belong in a partnership's book");
  }
}

absl::Status RunUnits(const RuleInput& rule, const C& command, Transition& t) {
  switch (command.body_case()) {
    case C::kIssueCredits:
      return ApplyIssueCredits(rule, command.issue_credits(), t);
    case C::kTransferCredits:
      return ApplyTransferCredits(rule, command.transfer_credits(), t);
    case C::kRetireCredits:
      return ApplyRetireCredits(rule, command.retire_credits(), t);
    case C::kCancelCredits:
      return ApplyCancelCredits(rule, command.cancel_credits(), t);
    case C::kRestrictUnits:
      return ApplyRestrictUnits(rule, command.restrict_units(), t);
    case C::kMigrateUnits:
      return ApplyMigrateUnits(rule, command.migrate_units(), t);
    case C::kSignOpeningStatement:
      return ApplySignOpeningStatement(rule, command.sign_opening_statement(), t);
    case C::kAuthorizeItmo:
      return ApplyAuthorizeItmo(rule, command.authorize_itmo(), t);
    case C::kRevokeAuthorization:
      return ApplyRevokeAuthorization(rule, command.revoke_authorization(), t);
    case C::kRecordFirstTransfer:
      return ApplyRecordFirstTransfer(rule, command.record_first_transfer(), t);
    case C::kInitTransfer:
      return ApplyInitTransfer(rule, command.init_transfer(), t);
    case C::kAcceptTransfer:
      return ApplyAcceptTransfer(rule, command.accept_transfer(), t);
    case C::kRefuseTransfer:
      return ApplyRefuseTransfer(rule, command.refuse_transfer(), t);
    case C::kWithdrawTransfer:
      return ApplyWithdrawTransfer(rule, command.withdraw_transfer(), t);
    case C::kAttest:
      return ApplyAttest(rule, command.attest(), t);
    default:
      return RunPartnership(rule, command, t);
  }
}

RuleInput MakeRuleInput(const EntryInput& input, const C& command, const v1::Context& context) {
  RuleInput rule;
  rule.book = input.book;
  rule.sequence = input.sequence;
  rule.time = input.time;
  rule.legal_date = command.has_legal_date() ? command.legal_date() : FromDate(DayInZone(input.time, 0));
  rule.provenance = command.provenance();
  rule.context = &context;
  rule.refusals = input.refusals;
  return rule;
}

absl::Status CheckAddress(const EntryInput& input, const v1::BundleHeader& header, const v1::BundlePart& part) {
  if (header.registry() != input.book.registry) return Error(Reason::WRONG_REGISTRY, "signed for another registry");
  if (part.partnership() != input.book.partnership) {
    return Error(Reason::FIELD_INVALID, "the part is for another book");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSigners(const google::protobuf::RepeatedPtrField<v1::Signature>& signatures,
                          const v1::Context& context, BookTime time, absl::string_view message,
                          SignatureVerifier& verifier) {
  if (signatures.empty()) return Error(Reason::SIGNATURE_MISSING, "nobody signed");
  if (signatures.size() != context.signers_size()) {
    return Error(Reason::KEY_UNKNOWN, "the context does not name each signer");
  }
  for (int i = 0; i < signatures.size(); ++i) {
    const v1::SignerContext& signer = context.signers(i);
    if (signatures.Get(i).key_id() != signer.key_id()) return Error(Reason::KEY_UNKNOWN, "the context has another key");
    JCM_RETURN_IF_ERROR(CheckSignerContext(signer));
    if (signatures.Get(i).type() != signer.key().type()) {
      return Error(Reason::SIGNATURE_INVALID, "the signature's type is not the key's");
    }
    JCM_RETURN_IF_ERROR(CheckKeyValidity(signer, time));
    JCM_RETURN_IF_ERROR(verifier.Verify(signer.key(), message, signatures.Get(i).signature()));
  }
  return absl::OkStatus();
}

absl::Status CheckContextOfHome(const EntryInput& input, const v1::Context& context, const state::StateReader& state) {
  if (!input.book.is_home()) return absl::OkStatus();
  for (const v1::SignerContext& signer : context.signers()) {
    JCM_ASSIGN_OR_RETURN(auto key, state.Get<v1::KeyRecord>(v1::TABLE_KEY, signer.key_id()));
    if (!key.has_value() || key->person_id() != signer.pseudonym() || key->valid_from_us() != signer.valid_from_us() ||
        key->valid_until_us() != signer.valid_until_us() || key->revoked_at_us() != signer.revoked_at_us()) {
      return Error(Reason::KEY_UNKNOWN, "home does not know the key as the context states it");
    }
    JCM_ASSIGN_OR_RETURN(auto person, state.Get<v1::PersonRecord>(v1::TABLE_PERSON, key->person_id()));
    if (!person.has_value() ||
        !std::equal(person->roles().begin(), person->roles().end(), signer.roles().begin(), signer.roles().end())) {
      return Error(Reason::KEY_UNKNOWN, "home does not know the person as the context states it");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ParsedCommand>> ParseCommand(absl::string_view command) {
  auto parsed = std::make_unique<ParsedCommand>();
  JCM_RETURN_IF_ERROR(ParseStrict(command, &parsed->signed_part));
  JCM_RETURN_IF_ERROR(ParseHeader(parsed->signed_part.header(), &parsed->header));
  JCM_RETURN_IF_ERROR(ParsePart(parsed->signed_part.part(), &parsed->part));
  JCM_RETURN_IF_ERROR(ParseStrict(parsed->part.command(), &parsed->command));
  return parsed;
}

absl::Status ExecuteCommand(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                            Transition& transition) {
  std::unique_ptr<ParsedCommand> own;
  if (input.parsed == nullptr) {
    JCM_ASSIGN_OR_RETURN(own, ParseCommand(input.command));
  }
  const ParsedCommand& parsed = input.parsed != nullptr ? *input.parsed : *own;
  const v1::SignedPart& signed_part = parsed.signed_part;
  const v1::BundleHeader& header = parsed.header;
  const v1::BundlePart& part = parsed.part;
  const v1::Command& command = parsed.command;
  JCM_RETURN_IF_ERROR(CheckAddress(input, header, part));
  JCM_RETURN_IF_ERROR(CheckPartPath(signed_part, header));
  JCM_RETURN_IF_ERROR(CheckDates(command));

  JCM_RETURN_IF_ERROR(CheckSignatureList(signed_part.signatures(), header));
  JCM_RETURN_IF_ERROR(CheckAccountContexts(context));
  JCM_RETURN_IF_ERROR(CheckContextOfHome(input, context, transition));
  JCM_RETURN_IF_ERROR(CheckSigners(signed_part.signatures(), context, input.time,
                                   PreAuthEncode(kBundleHeaderType, signed_part.header()), verifier));
  JCM_NOTE_REFUSAL(input, "policy", CheckPolicy(command, context));

  if (command.provenance() == v1::PROVENANCE_MIGRATED) JCM_RETURN_IF_ERROR(CheckMigrated(command, transition));
  const RuleInput rule = MakeRuleInput(input, command, context);
  if (input.book.is_home()) return RunHome(rule, command, transition);
  if (command.body_case() != C::kOpenPartnership) JCM_RETURN_IF_ERROR(GetPartnership(transition).status());
  return RunUnits(rule, command, transition);
}

}  // namespace jcm::rules
