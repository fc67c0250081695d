#include "ledger/rules/system.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/keys.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/genesis.h"
#include "ledger/rules/command.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/policy.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/rulebook.h"

namespace jcm::rules {
namespace {

using book::LeafKind;

constexpr uint32_t kTickLimitMax = 100;

RuleInput SystemRuleInput(const EntryInput& input, const v1::Context& context) {
  RuleInput rule;
  rule.book = input.book;
  rule.sequence = input.sequence;
  rule.time = input.time;
  rule.legal_date = FromDate(DayInZone(input.time, 0));
  rule.context = &context;
  return rule;
}

absl::Status ExpectNoContext(const v1::Context& context) {
  if (context.signers().empty() && context.accounts().empty()) return absl::OkStatus();
  return Error(Reason::FIELD_INVALID, "an entry of this kind has no context");
}

absl::Status ExecuteGenesis(const EntryInput& input, const v1::Context& context, Transition& transition) {
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  JCM_ASSIGN_OR_RETURN(auto present, transition.Get(v1::TABLE_BOOK, kBookKey));
  if (present.has_value() || input.sequence != 0) return Error(Reason::ALREADY_EXISTS, "the book has a genesis");
  book::Leaf leaf;
  leaf.kind = input.kind;
  leaf.book = input.book;
  leaf.rules_version = input.rules_version;
  JCM_ASSIGN_OR_RETURN(const book::GenesisFacts facts, book::CheckGenesis(input.command, leaf));
  const v1::Genesis& genesis = facts.genesis;
  if (input.book.is_home() == genesis.persons().empty()) {
    return Error(Reason::FIELD_INVALID, "home, and home alone, begins with persons");
  }
  v1::BookRecord record;
  record.set_origin(genesis.origin());
  record.set_rules_version(genesis.rules_version());
  record.set_demonstration(genesis.demonstration());
  *record.mutable_keys() = genesis.keys();
  *record.mutable_recovery_key() = genesis.recovery_key();
  JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_BOOK, kBookKey, record));
  const RuleInput rule = SystemRuleInput(input, context);
  for (const v1::EnrolPerson& person : genesis.persons()) {
    JCM_RETURN_IF_ERROR(ApplyEnrolPerson(rule, person, transition));
  }
  return absl::OkStatus();
}

absl::Status RunDeadline(const RuleInput& rule, const v1::DeadlineRecord& deadline, Transition& transition) {
  switch (deadline.kind()) {
    case v1::DEADLINE_KIND_VOTES_CLOSE:
      return OnVotesCloseDeadline(rule, deadline, transition);
    case v1::DEADLINE_KIND_LONG_STOP:
      return OnLongStopDeadline(rule, deadline, transition);
    case v1::DEADLINE_KIND_TRANSFER_EXPIRY:
      return OnTransferExpiryDeadline(rule, deadline, transition);
    case v1::DEADLINE_KIND_TERM_END:
      return OnTermEndDeadline(rule, deadline, transition);
    case v1::DEADLINE_KIND_DOSSIER:
      return OnDossierDeadline(rule, deadline, transition);
    default:
      return Error(Reason::STORE_CORRUPT, "a deadline of an unknown kind");
  }
}

absl::Status ExecuteTick(const EntryInput& input, const v1::Context& context, Transition& transition) {
  v1::Tick tick;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &tick));
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  if (tick.limit() < 1 || tick.limit() > kTickLimitMax) return Error(Reason::FIELD_INVALID, "limit is not 1 to 100");
  std::vector<v1::DeadlineRecord> due;
  absl::Status failed;
  JCM_RETURN_IF_ERROR(transition.Scan(v1::TABLE_DEADLINE, "", "", [&](absl::string_view, absl::string_view value) {
    v1::DeadlineRecord record;
    if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      failed = Error(Reason::STORE_CORRUPT, "a deadline cannot be parsed");
      return false;
    }
    if (record.due_us() > input.time.micros || due.size() >= tick.limit()) return false;
    due.push_back(std::move(record));
    return true;
  }));
  JCM_RETURN_IF_ERROR(failed);
  if (due.empty()) return Error(Reason::FIELD_INVALID, "nothing is due");
  const RuleInput rule = SystemRuleInput(input, context);
  for (const v1::DeadlineRecord& deadline : due) {
    // Removed first: a handler may set the same deadline anew.
    JCM_RETURN_IF_ERROR(
        RemoveDeadline(BookTime::FromMicros(deadline.due_us()), deadline.kind(), deadline.object_id(), transition));
    JCM_RETURN_IF_ERROR(RunDeadline(rule, deadline, transition));
  }
  return absl::OkStatus();
}

absl::Status ExecuteStateRoot(const EntryInput& input, const v1::Context& context, Transition& transition) {
  v1::StateRoot root;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &root));
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  JCM_RETURN_IF_ERROR(CheckDigestField(root.root(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckDigestField(root.home_root(), /*required=*/!input.book.is_home()));
  JCM_ASSIGN_OR_RETURN(v1::BookRecord record, GetBook(transition));
  if (root.size() > input.sequence || root.size() <= record.last_state_root_size()) {
    return Error(Reason::FIELD_INVALID, "the state root's size is not between the last one's and the book's");
  }
  record.set_last_state_root_size(root.size());
  return transition.Put(v1::TABLE_BOOK, kBookKey, record);
}

absl::Status ExecuteHalt(const EntryInput& input, const v1::Context& context, Transition& transition) {
  v1::Halt halt;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &halt));
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  JCM_ASSIGN_OR_RETURN(v1::CursorRecord cursor, GetCursor(transition));
  if (cursor.halted()) return Error(Reason::PARTNERSHIP_STOPPED, "importing has stopped already");
  if (halt.mismatch() != v1::MISMATCH_CLASS_INVALID_ACT && halt.mismatch() != v1::MISMATCH_CLASS_FORK) {
    return Error(Reason::FIELD_INVALID, "only an impossible act or a fork stops importing");
  }
  JCM_RETURN_IF_ERROR(CheckDigestField(halt.peer_leaf_hash(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(halt.evidence_digest(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(halt.detail(), kReasonBytesMax, /*required=*/false));
  if (halt.mismatch() == v1::MISMATCH_CLASS_INVALID_ACT && halt.peer_sequence() < cursor.imported_size()) {
    return Error(Reason::FIELD_INVALID, "the disputed entry has been imported");
  }
  cursor.set_halted(true);
  cursor.set_mismatch(halt.mismatch());
  cursor.set_halted_sequence(halt.peer_sequence());
  cursor.set_evidence_digest(halt.evidence_digest());
  return transition.Put(v1::TABLE_CURSOR, kCursorKey, cursor);
}

// For a partnership book with a partner that keeps one: after its Supports, or after one's own notice has run.
absl::Status CheckMayActivate(const EntryInput& input, uint32_t version, const state::StateReader& state) {
  if (input.book.is_home()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto partnership, state.Get<v1::PartnershipRecord>(v1::TABLE_PARTNERSHIP, kPartnershipKey));
  if (!partnership.has_value() || partnership->mode() == v1::PARTNERSHIP_MODE_ATTESTED) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto peer, state.Get<v1::RulesRecord>(state::Shadow(v1::TABLE_RULES), kRulesKey));
  if (peer.has_value() && peer->supported_version() >= version) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(auto own, state.Get<v1::RulesRecord>(v1::TABLE_RULES, kRulesKey));
  if (!own.has_value() || own->noticed_version() < version) {
    return Error(Reason::FIELD_INVALID, "no notice of this version was given and the partner does not support it");
  }
  JCM_ASSIGN_OR_RETURN(uint32_t days, RulesNoticeDays(input.time, state));
  if (input.time.micros < own->noticed_at_us() + days * kMicrosPerDay) {
    return Error(Reason::FIELD_INVALID, "the notice has not run yet");
  }
  return absl::OkStatus();
}

absl::Status ExecuteActivateRules(const EntryInput& input, const v1::Context& context, Transition& transition) {
  v1::ActivateRules activate;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &activate));
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  JCM_ASSIGN_OR_RETURN(v1::BookRecord record, GetBook(transition));
  if (activate.rules_version() != record.rules_version() + 1) {
    return Error(Reason::FIELD_INVALID, "rules versions follow one another");
  }
  JCM_RETURN_IF_ERROR(CheckMayActivate(input, activate.rules_version(), transition));
  record.set_rules_version(activate.rules_version());
  return transition.Put(v1::TABLE_BOOK, kBookKey, record);
}

absl::Status ExecuteKeyChange(const EntryInput& input, const v1::Context& context, Transition& transition) {
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  JCM_ASSIGN_OR_RETURN(v1::BookRecord record, GetBook(transition));
  KeyState known;
  known.origin = record.origin();
  known.keys = record.keys();
  known.keys_from_size = record.keys_from_size();
  known.recovery_key = record.recovery_key();
  JCM_ASSIGN_OR_RETURN(auto cursor, transition.Get<v1::CursorRecord>(v1::TABLE_CURSOR, kCursorKey));
  if (cursor.has_value()) known.partner_recovery_key = cursor->peer_recovery_key();
  JCM_RETURN_IF_ERROR(ChangeKeys(input.command, input.book, input.sequence, &known));
  *record.mutable_keys() = known.keys;
  *record.mutable_previous_keys() = known.previous_keys;
  *record.mutable_recovery_key() = known.recovery_key;
  record.set_keys_from_size(known.keys_from_size);
  return transition.Put(v1::TABLE_BOOK, kBookKey, record);
}

// Effects of a compensation, agreed by both governments, in this book's own state.
absl::Status Compensate(const v1::DisputedLeaf& leaf, Transition& transition) {
  v1::Effects effects;
  JCM_RETURN_IF_ERROR(ParseStrict(leaf.effects(), &effects));
  for (const v1::Effect& effect : effects.effects()) {
    if (state::IsShadow(effect.table())) return Error(Reason::FIELD_INVALID, "a compensation changes own records");
    JCM_ASSIGN_OR_RETURN(auto present, transition.Get(effect.table(), effect.key()));
    if (present.value_or("") != effect.old_value()) {
      return Error(Reason::DIGEST_MISMATCH, "a compensation's old value is not the present one");
    }
    if (effect.new_value().empty()) {
      JCM_RETURN_IF_ERROR(transition.Delete(effect.table(), effect.key()));
    } else {
      JCM_RETURN_IF_ERROR(transition.Put(effect.table(), effect.key(), effect.new_value()));
    }
  }
  return absl::OkStatus();
}

absl::Status RecordDisputedLeaf(const EntryInput& input, const std::string& peer_book, const std::string& resolution_id,
                                const v1::DisputedLeaf& leaf, Transition& transition) {
  JCM_RETURN_IF_ERROR(CheckDigestField(leaf.leaf_hash(), /*required=*/true));
  if (!v1::ResolutionAction_IsValid(leaf.action()) || leaf.action() == v1::RESOLUTION_ACTION_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, "what to do with a disputed leaf is not stated");
  }
  const bool own = leaf.book() == input.book.ToString();
  if (!own && leaf.book() != peer_book) return Error(Reason::FIELD_INVALID, "a disputed leaf is of another book");
  if (own && leaf.sequence() >= input.sequence) return Error(Reason::FIELD_INVALID, "a disputed leaf does not exist");
  if (own && leaf.action() == v1::RESOLUTION_ACTION_COMPENSATE) JCM_RETURN_IF_ERROR(Compensate(leaf, transition));
  v1::ResolutionRecord record;
  record.set_resolution_id(resolution_id);
  record.set_book(leaf.book());
  record.set_sequence(leaf.sequence());
  record.set_leaf_hash(leaf.leaf_hash());
  record.set_action(leaf.action());
  return transition.Put(v1::TABLE_RESOLUTION, ResolutionKey(leaf.book(), leaf.sequence()), record);
}

absl::Status ExecuteResolution(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                               Transition& transition) {
  v1::Resolution resolution;
  v1::ResolutionBody body;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &resolution));
  JCM_RETURN_IF_ERROR(ParseStrict(resolution.resolution(), &body));
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  JCM_RETURN_IF_ERROR(CheckId(body.resolution_id()));
  JCM_RETURN_IF_ERROR(CheckDigestField(body.document_digest(), /*required=*/false));
  JCM_RETURN_IF_ERROR(CheckDigestField(body.kept_root(), /*required=*/!body.kept_origin().empty()));
  JCM_ASSIGN_OR_RETURN(v1::BookRecord own, GetBook(transition));
  JCM_ASSIGN_OR_RETURN(v1::CursorRecord cursor, GetCursor(transition));
  const std::string message = PreAuthEncode(kResolutionType, resolution.resolution());
  JCM_RETURN_IF_ERROR(CheckSignedBy(own.recovery_key(), message, resolution.signatures(), verifier));
  JCM_RETURN_IF_ERROR(CheckSignedBy(cursor.peer_recovery_key(), message, resolution.signatures(), verifier));
  if (body.leaves().empty() && body.kept_origin().empty()) {
    return Error(Reason::FIELD_REQUIRED, "a resolution resolves nothing");
  }
  const std::string peer_book = absl::StrCat(cursor.peer_registry(), "/", input.book.partnership);
  for (const v1::DisputedLeaf& leaf : body.leaves()) {
    JCM_RETURN_IF_ERROR(RecordDisputedLeaf(input, peer_book, body.resolution_id(), leaf, transition));
  }
  if (absl::EndsWith(body.kept_origin(), absl::StrCat("/", peer_book)) && body.kept_size() < cursor.imported_size()) {
    return Error(Reason::FIELD_INVALID, "the branch kept does not contain what has been imported");
  }
  cursor.set_halted(false);
  cursor.set_mismatch(0);
  cursor.set_halted_sequence(0);
  cursor.clear_evidence_digest();
  return transition.Put(v1::TABLE_CURSOR, kCursorKey, cursor);
}

bool IsOfficer(const v1::SignerContext& signer) {
  return HasRole(signer, v1::ROLE_RECOVERY_OFFICER) ||
         (HasRole(signer, v1::ROLE_SYSTEM_OPERATOR) && !HasRole(signer, v1::ROLE_DESIGNATED_ORGANIZATION));
}

absl::Status CheckOfficers(const EntryInput& input, const v1::Context& context, const state::StateReader& state,
                           size_t persons) {
  JCM_RETURN_IF_ERROR(CheckContextOfHome(input, context, state));
  for (const v1::SignerContext& signer : context.signers()) {
    if (!IsOfficer(signer)) return Error(Reason::ROLE_NOT_ALLOWED, "only recovery officers and operators sign this");
  }
  if (SystemRuleInput(input, context).DistinctPersons() < persons) {
    return Error(Reason::TWO_PERSONS_REQUIRED, "two different officers must sign");
  }
  return absl::OkStatus();
}

absl::Status ExecuteResumeAlone(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                                Transition& transition) {
  v1::ResumeAlone resume;
  v1::ResumeAloneBody body;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &resume));
  JCM_RETURN_IF_ERROR(ParseStrict(resume.statement(), &body));
  JCM_ASSIGN_OR_RETURN(v1::BookRecord record, GetBook(transition));
  if (body.origin() != record.origin()) return Error(Reason::FIELD_INVALID, "the statement is for another book");
  if (body.size() != input.sequence) return Error(Reason::FIELD_INVALID, "the statement is for another size");
  JCM_RETURN_IF_ERROR(CheckDigestField(body.root(), /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckText(body.reason(), kReasonBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckSigners(resume.signatures(), context, input.time,
                                   PreAuthEncode(kResumeAloneType, resume.statement()), verifier));
  JCM_RETURN_IF_ERROR(CheckOfficers(input, context, transition, 2));
  record.set_resumed_alone_at_size(body.size());
  return transition.Put(v1::TABLE_BOOK, kBookKey, record);
}

absl::Status ExecuteAcceptTime(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                               Transition& transition) {
  v1::AcceptTime accept;
  v1::AcceptTimeBody body;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &accept));
  JCM_RETURN_IF_ERROR(ParseStrict(accept.statement(), &body));
  if (body.registry() != input.book.registry) return Error(Reason::WRONG_REGISTRY, "signed for another registry");
  if (body.wall_time_us() == 0) return Error(Reason::FIELD_REQUIRED, "wall_time_us");
  JCM_RETURN_IF_ERROR(CheckText(body.reason(), kReasonBytesMax, /*required=*/true));
  JCM_RETURN_IF_ERROR(CheckSigners(accept.signatures(), context, input.time,
                                   PreAuthEncode(kAcceptTimeType, accept.statement()), verifier));
  return CheckOfficers(input, context, transition, 1);
}

absl::Status FreezeAccount(const EntryInput& input, const std::string& number, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto account, transition.Get<v1::AccountRecord>(v1::TABLE_ACCOUNT, number));
  if (!account.has_value()) return Error(Reason::OBJECT_UNKNOWN, "there is no such account");
  if (account->state() == v1::ACCOUNT_STATE_CLOSED) return absl::OkStatus();
  account->set_state(v1::ACCOUNT_STATE_FROZEN);
  account->set_sequence(input.sequence);
  return transition.Put(v1::TABLE_ACCOUNT, number, *account);
}

// A frozen person acts again only with a key enrolled after the reset.
absl::Status FreezePerson(const EntryInput& input, const std::string& person_id, Transition& transition) {
  JCM_ASSIGN_OR_RETURN(auto person, transition.Get<v1::PersonRecord>(v1::TABLE_PERSON, person_id));
  if (!person.has_value()) return Error(Reason::OBJECT_UNKNOWN, "there is no such person");
  for (const std::string& key_id : person->key_ids()) {
    JCM_ASSIGN_OR_RETURN(auto key, transition.Get<v1::KeyRecord>(v1::TABLE_KEY, key_id));
    if (!key.has_value()) return Error(Reason::STORE_CORRUPT, "a person's key is missing");
    if (key->revoked_at_us() != 0) continue;
    key->set_revoked_at_us(input.time.micros);
    key->set_sequence(input.sequence);
    JCM_RETURN_IF_ERROR(transition.Put(v1::TABLE_KEY, key_id, *key));
  }
  return absl::OkStatus();
}

absl::Status ExecuteHomeReset(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                              Transition& transition) {
  v1::HomeReset reset;
  v1::HomeResetBody body;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &reset));
  JCM_RETURN_IF_ERROR(ParseStrict(reset.statement(), &body));
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  if (!input.book.is_home()) return Error(Reason::FIELD_INVALID, "only home is reset");
  if (body.kept_size() != input.sequence || body.lost_size() <= body.kept_size()) {
    return Error(Reason::FIELD_INVALID, "the statement is not about the range after this book's end");
  }
  JCM_ASSIGN_OR_RETURN(v1::BookRecord record, GetBook(transition));
  JCM_RETURN_IF_ERROR(CheckSignedBy(record.recovery_key(), PreAuthEncode(kHomeResetType, reset.statement()),
                                    reset.signatures(), verifier));
  for (const std::string& number : body.frozen_accounts())
    JCM_RETURN_IF_ERROR(FreezeAccount(input, number, transition));
  for (const std::string& person : body.frozen_persons()) JCM_RETURN_IF_ERROR(FreezePerson(input, person, transition));
  return absl::OkStatus();
}

absl::Status ExecuteLateStamped(const EntryInput& input, const v1::Context& context, const Transition& transition) {
  v1::LateStamped late;
  JCM_RETURN_IF_ERROR(ParseStrict(input.command, &late));
  JCM_RETURN_IF_ERROR(ExpectNoContext(context));
  JCM_RETURN_IF_ERROR(GetCursor(transition).status());
  if (late.from() >= late.to()) return Error(Reason::FIELD_INVALID, "an empty range");
  if (late.stamped_at_us() >= late.cosigned_at_us()) return Error(Reason::FIELD_INVALID, "nothing was stamped late");
  return absl::OkStatus();
}

}  // namespace

std::string ResolutionKey(absl::string_view book, uint64_t sequence) {
  return absl::StrCat(book, "/", state::SortableNumber(sequence));
}

absl::Status ExecuteSystem(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                           Transition& transition) {
  switch (input.kind) {
    case LeafKind::GENESIS:
      return ExecuteGenesis(input, context, transition);
    case LeafKind::TICK:
      return ExecuteTick(input, context, transition);
    case LeafKind::STATE_ROOT:
      return ExecuteStateRoot(input, context, transition);
    case LeafKind::HALT:
      return ExecuteHalt(input, context, transition);
    case LeafKind::ACTIVATE_RULES:
      return ExecuteActivateRules(input, context, transition);
    case LeafKind::KEY_CHANGE:
      return ExecuteKeyChange(input, context, transition);
    case LeafKind::RESOLUTION:
      return ExecuteResolution(input, context, verifier, transition);
    case LeafKind::RESUME_ALONE:
      return ExecuteResumeAlone(input, context, verifier, transition);
    case LeafKind::ACCEPT_TIME:
      return ExecuteAcceptTime(input, context, verifier, transition);
    case LeafKind::HOME_RESET:
      return ExecuteHomeReset(input, context, verifier, transition);
    case LeafKind::LATE_STAMPED:
      return ExecuteLateStamped(input, context, transition);
    default:
      return Error(Reason::MESSAGE_MALFORMED, "an entry of an unknown kind");
  }
}

}  // namespace jcm::rules
