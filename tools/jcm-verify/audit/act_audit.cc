#include "tools/jcm-verify/audit/act_audit.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "ledger/base/date.h"
#include "tools/jcm-verify/audit/act_tables.h"

namespace jcm::verify {
namespace {

using C = v1::Command;
using book::LeafKind;

constexpr char kJapan[] = "JPN";

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

const v1::AccountContext* FindAccount(const SignedAct& act, absl::string_view handle) {
  for (const KnownAccount* account : act.context.accounts) {
    if (account->context.handle() == handle) return &account->context;
  }
  return nullptr;
}

bool HasRole(const v1::SignerContext& signer, v1::Role role) {
  return std::find(signer.roles().begin(), signer.roles().end(), role) != signer.roles().end();
}

std::initializer_list<v1::AccountClass> Senders() {
  static constexpr std::initializer_list<v1::AccountClass> kSenders = {
      v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, v1::ACCOUNT_CLASS_ENTITY_HOLDING, v1::ACCOUNT_CLASS_PENDING,
      v1::ACCOUNT_CLASS_SUSPENSE};
  return kSenders;
}

bool IsUnitOperation(C::BodyCase act) {
  return act == C::kTransferCredits || act == C::kRetireCredits || act == C::kCancelCredits || act == C::kInitTransfer;
}

}  // namespace

ActAudit::ActAudit(const BookId& book, const Tables& tables, AuthorAudit* authors, UnitAudit* units, BookReport* report)
    : book_(book),
      tables_(tables),
      authors_(*authors),
      units_(*units),
      report_(*report),
      records_(book, tables, report),
      attests_(tables, report) {}

void ActAudit::Audit(const EntryFacts& entry) {
  const C::BodyCase act = entry.act == nullptr ? C::BODY_NOT_SET : entry.act->body;
  blocks_.clear();
  for (const EffectBytes& effect : *entry.effects) {
    JCM_AUDIT_REQUIRE(report_, MayChange(entry.kind, act, effect.table), Check::EFFECTS, entry.sequence,
                      absl::StrCat("only what ", book::KindName(entry.kind), " ", act, " may change"),
                      absl::StrCat("a change of table ", effect.table));
    if (effect.table == v1::TABLE_BLOCK) {
      blocks_.push_back(&effect);
    } else {
      records_.Check(entry.sequence, entry.time_us, entry.kind, effect, entry.act);
    }
  }
  records_.FinishEntry(entry.sequence);
  if (act == C::kAttest) attests_.Audit(entry.sequence, entry.time_us, *entry.act, *entry.effects);
  if (entry.act != nullptr) CheckAuthority(entry);
  if (entry.act != nullptr && !entry.act->is_operation && !book_.is_home()) CheckMigration(entry);
  FindMoves(entry);
  if (blocks_.empty() && moves_.empty()) return;
  units_.Apply(entry.sequence, blocks_, tables_, entry.kind == LeafKind::RESOLUTION, &moves_);
}

// ---- persons -------------------------------------------------------------------------------------------------------

// Asked for each act of a holder. Days of all zones begin on a whole minute.
uint32_t ActAudit::OperationSignatures(uint64_t time_us) {
  constexpr uint64_t kMicrosPerMinute = 60'000'000;
  const uint64_t minute = time_us / kMicrosPerMinute;
  const uint64_t changes = tables_.ChangesOf(v1::TABLE_RULEBOOK);
  if (signatures_ == 0 || minute != signatures_minute_ || changes != signatures_changes_) {
    signatures_ = FindOperationSignatures(time_us);
    signatures_minute_ = minute;
    signatures_changes_ = changes;
  }
  return signatures_;
}

// Of the rulebooks whose effective day has begun in this side's zone, the latest: how many must sign an operation.
uint32_t ActAudit::FindOperationSignatures(uint64_t time_us) const {
  uint32_t needed = 1;
  std::tuple<int, int, int, uint64_t> newest;
  for (const auto& [version, bytes] : tables_.Of(v1::TABLE_RULEBOOK)) {
    v1::RulebookRecord rulebook;
    if (!Parse(bytes, &rulebook)) continue;
    const Date utc = DayInZone(BookTime::FromMicros(time_us), 0);
    int minutes = 0;
    for (const v1::ZoneOffset& zone : rulebook.parameters().zone_offsets()) {
      if (utc < Date{zone.from().year(), zone.from().month(), zone.from().day()}) break;
      minutes = book_.registry == kJapan ? zone.japan_minutes() : zone.partner_minutes();
    }
    if (minutes < -kZoneOffsetMaxMinutes || minutes > kZoneOffsetMaxMinutes) continue;
    const Date today = DayInZone(BookTime::FromMicros(time_us), minutes);
    const v1::Date& from = rulebook.effective_date();
    if (today < Date{from.year(), from.month(), from.day()}) continue;
    const auto order = std::make_tuple(from.year(), from.month(), from.day(), rulebook.adopted_at_us());
    if (order < newest) continue;
    newest = order;
    needed = rulebook.parameters().operation_signatures();
  }
  return needed;
}

void ActAudit::CheckAuthority(const EntryFacts& entry) {
  const SignedAct& act = *entry.act;
  if (act.context.signers.empty()) return;  // AUTHOR_KEY says so
  const v1::SignerContext& author = act.context.signers[0]->context;
  JCM_AUDIT_REQUIRE(report_, MayAuthor(act, author.roles()), Check::AUTHORITY, entry.sequence,
                    absl::StrCat("an author whose roles allow act ", act.body),
                    absl::StrCat("roles of ", author.pseudonym(), " that don't"));
  size_t persons = PersonsNeeded(act);
  if (IsUnitOperation(act.body)) persons = std::max<size_t>(persons, OperationSignatures(entry.time_us));
  authors_.RequirePersons(entry.sequence, act.context, persons, "this act");
  const v1::CastVote& vote = act.command.cast_vote();
  const v1::DeclareConflict& conflict = act.command.declare_conflict();
  const bool voted = act.body == C::kCastVote && vote.form() == v1::VOTE_FORM_SIGNED_BY_MEMBER;
  const bool declared = act.body == C::kDeclareConflict && conflict.form() == v1::VOTE_FORM_SIGNED_BY_MEMBER;
  if (!voted && !declared) return;
  const std::string& member_id = voted ? vote.member_id() : conflict.member_id();
  v1::MemberRecord member;
  const bool same =
      Parse(tables_.Get(v1::TABLE_MEMBER, member_id), &member) && member.pseudonym() == author.pseudonym();
  JCM_AUDIT_REQUIRE(report_, same, Check::AUTHORITY, entry.sequence,
                    absl::StrCat("the reply of ", member_id, " signed by that member"), "another person");
}

void ActAudit::CheckActsFor(uint64_t sequence, const SignedAct& act, absl::string_view handle) {
  const v1::AccountContext* account = FindAccount(act, handle);
  if (account == nullptr || act.context.signers.empty()) return;
  const v1::SignerContext& author = act.context.signers[0]->context;
  const bool represents = std::find(account->representatives().begin(), account->representatives().end(),
                                    author.pseudonym()) != account->representatives().end();
  const v1::AccountClass account_class = account->account_class();
  const bool government = account_class == v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING ||
                          account_class == v1::ACCOUNT_CLASS_RESERVE || account_class == v1::ACCOUNT_CLASS_PENDING ||
                          account_class == v1::ACCOUNT_CLASS_SUSPENSE;
  const bool official = HasRole(author, v1::ROLE_SYSTEM_OPERATOR) || HasRole(author, v1::ROLE_DESIGNATED_ORGANIZATION);
  JCM_AUDIT_REQUIRE(report_, represents || (official && government), Check::AUTHORITY, sequence,
                    absl::StrCat("an author who acts for account ", handle), author.pseudonym());
}

void ActAudit::CheckAccount(uint64_t sequence, const SignedAct& act, absl::string_view handle,
                            std::initializer_list<v1::AccountClass> classes, bool sends) {
  const v1::AccountContext* account = FindAccount(act, handle);
  if (account == nullptr) {
    report_.Fail(Check::AUTHORITY, sequence, "", absl::StrCat("account ", handle, " in the context"), "none");
    return;
  }
  const bool fits = std::find(classes.begin(), classes.end(), account->account_class()) != classes.end();
  JCM_AUDIT_REQUIRE(report_, fits, Check::EFFECTS, sequence, absl::StrCat("another class of account ", handle),
                    v1::AccountClass_Name(account->account_class()));
  const bool open =
      account->state() == v1::ACCOUNT_STATE_ACTIVE || (!sends && account->state() == v1::ACCOUNT_STATE_FROZEN);
  JCM_AUDIT_REQUIRE(report_, open, Check::AUTHORITY, sequence,
                    absl::StrCat("account ", handle, sends ? " ACTIVE" : " ACTIVE or FROZEN"),
                    v1::AccountState_Name(account->state()));
}

// ---- units ---------------------------------------------------------------------------------------------------------

void ActAudit::FindMoves(const EntryFacts& entry) {
  moves_.clear();
  if (arena_ == nullptr || arena_->SpaceUsed() > 0) arena_ = std::make_unique<google::protobuf::Arena>();
  if (entry.act != nullptr) MovesOfCommand(entry, &moves_);
  for (const EffectBytes& effect : *entry.effects) {
    if (effect.table == v1::TABLE_TRANSFER_OUT) MovesOfTransferOut(entry, effect, &moves_);
    if (effect.table == v1::TABLE_TRANSFER_IN) MovesOfTransferIn(entry, effect, &moves_);
  }
}

template <typename Ranges>
void ActAudit::MovesOfRanges(uint64_t sequence, const Ranges& ranges, const Move& pattern, std::vector<Move>* moves) {
  for (const auto& range : ranges) {
    if (range.first() == 0 || range.first() > range.last() || range.last() > kSerialMax) {
      report_.Fail(Check::SUMS, sequence, "", "a range of serials",
                   absl::StrCat(range.lot_id(), " ", range.first(), "..", range.last()));
      continue;
    }
    for (const Move& other : *moves) {
      if (other.lot_id == range.lot_id() && other.first <= range.last() && range.first() <= other.last) {
        report_.Fail(Check::UNITS_ONCE, sequence, "", "each serial named once",
                     absl::StrCat(range.lot_id(), " ", range.first(), "..", range.last(), " and before"));
      }
    }
    Move move = pattern;
    move.lot_id = range.lot_id();
    move.first = range.first();
    move.last = range.last();
    moves->push_back(move);
  }
}

// A transfer, retirement or cancellation.
void ActAudit::MovesOfOperation(const EntryFacts& entry, std::vector<Move>* moves) {
  const SignedAct& act = *entry.act;
  const OperationView& operation = act.operation;
  CheckAccount(entry.sequence, act, operation.from_account, Senders(), /*sends=*/true);
  CheckActsFor(entry.sequence, act, operation.from_account);
  Move pattern;
  pattern.from_state = v1::BLOCK_STATE_HELD;
  pattern.from_account = operation.from_account;
  pattern.to_account = operation.to_account;
  if (act.body == C::kTransferCredits) {
    CheckAccount(entry.sequence, act, operation.to_account,
                 {v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, v1::ACCOUNT_CLASS_ENTITY_HOLDING}, /*sends=*/false);
    pattern.to_state = v1::BLOCK_STATE_HELD;
  } else {
    const bool retires = act.body == C::kRetireCredits;
    CheckAccount(entry.sequence, act, operation.to_account,
                 {retires ? v1::ACCOUNT_CLASS_RETIREMENT : v1::ACCOUNT_CLASS_CANCELLATION}, /*sends=*/false);
    pattern.to_state = retires ? v1::BLOCK_STATE_RETIRED : v1::BLOCK_STATE_CANCELLED;
    pattern.end_id = operation.id;
  }
  MovesOfRanges(entry.sequence, operation.ranges, pattern, moves);
}

void ActAudit::MovesOfCommand(const EntryFacts& entry, std::vector<Move>* moves) {
  const SignedAct& act = *entry.act;
  if (act.is_operation) return MovesOfOperation(entry, moves);
  switch (act.body) {
    case C::kIssueCredits:
      return MovesOfIssuance(entry, moves);
    case C::kMigrateUnits:
      return MovesOfMigration(entry, moves);
    case C::kRestrictUnits:
      return MovesOfRestriction(entry, moves);
    case C::kInitTransfer:
      CheckAccount(entry.sequence, act, act.command.init_transfer().from_account(), Senders(), /*sends=*/true);
      return CheckActsFor(entry.sequence, act, act.command.init_transfer().from_account());
    case C::kAcceptTransfer:
      return CheckActsFor(entry.sequence, act, act.command.accept_transfer().to_account());
    default:
      return;
  }
}

void ActAudit::MovesOfIssuance(const EntryFacts& entry, std::vector<Move>* moves) {
  const v1::IssueCredits& command = entry.act->command.issue_credits();
  absl::optional<v1::IssuanceText> found =
      records_.decisions().ConfirmedIssuance(entry.sequence, command.decision_id(), command.text_digest());
  if (!found.has_value()) return;
  auto* text = google::protobuf::Arena::CreateMessage<v1::IssuanceText>(arena_.get());
  *text = *std::move(found);
  for (const v1::AllocationRow& row : text->rows()) {
    if (row.issuing_registry() != book_.registry) continue;
    const v1::IssueTarget* target = nullptr;
    for (const v1::IssueTarget& candidate : command.targets()) {
      if (candidate.row() == row.row()) target = &candidate;
    }
    if (target == nullptr) {
      report_.Fail(Check::ISSUANCE, entry.sequence, "", absl::StrCat("an account for row ", row.row()), "none");
      continue;
    }
    const bool participant = row.party() == v1::PARTY_KIND_PARTICIPANT;
    CheckAccount(entry.sequence, *entry.act, target->account(),
                 {participant ? v1::ACCOUNT_CLASS_ENTITY_HOLDING : v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING},
                 /*sends=*/true);
    Move pattern;
    pattern.to_account = target->account();
    auto* attributes = google::protobuf::Arena::CreateMessage<v1::BlockRecord>(arena_.get());
    attributes->set_first_allottee(row.party());
    attributes->set_allocation_row(row.row());
    attributes->set_issuing_registry(book_.registry);
    pattern.appears_as = attributes;
    const RangeView range(row.range().lot_id(), row.range().first(), row.range().last());
    MovesOfRanges(entry.sequence, absl::MakeConstSpan(&range, 1), pattern, moves);
    units_.LotOf(row.range().lot_id()).issued += row.range().last() - row.range().first() + 1;
  }
}

// Units of an opening statement appear where it says.
void ActAudit::MovesOfMigration(const EntryFacts& entry, std::vector<Move>* moves) {
  for (const v1::MigratedBlock& block : entry.act->command.migrate_units().blocks()) {
    auto* attributes = google::protobuf::Arena::CreateMessage<v1::BlockRecord>(arena_.get());
    attributes->set_first_allottee(block.first_allottee());
    attributes->set_issuing_registry(block.issuing_registry());
    attributes->set_restriction(block.restriction());
    Move pattern;
    pattern.to_account = block.account();
    pattern.to_state = static_cast<v1::BlockState>(block.state());
    pattern.end_id = block.end_id();
    pattern.appears_as = attributes;
    const RangeView range(block.range().lot_id(), block.range().first(), block.range().last());
    MovesOfRanges(entry.sequence, absl::MakeConstSpan(&range, 1), pattern, moves);
    units_.LotOf(block.range().lot_id()).issued += block.range().last() - block.range().first() + 1;
  }
}

// Nothing moves: the account is where the units are and stay.
void ActAudit::MovesOfRestriction(const EntryFacts& entry, std::vector<Move>* moves) {
  const v1::RestrictUnits& command = entry.act->command.restrict_units();
  Move pattern;
  pattern.from_state = v1::BLOCK_STATE_HELD;
  pattern.from_account = command.account();
  pattern.restriction = &command.restriction();
  MovesOfRanges(entry.sequence, command.ranges(), pattern, moves);
}

void ActAudit::CheckMigration(const EntryFacts& entry) {
  if (entry.act->command.provenance() != v1::PROVENANCE_MIGRATED) return;
  const bool signs = entry.act->body == C::kSignOpeningStatement;
  const Records& statements = tables_.Of(v1::TABLE_STATEMENT);
  bool is_signed = false;
  for (const auto& [id, bytes] : statements) {
    v1::OpeningStatementRecord statement;
    is_signed = is_signed || (Parse(bytes, &statement) && statement.is_signed());
  }
  // The effects of this entry are in the tables already.
  JCM_AUDIT_REQUIRE(report_, is_signed == signs && !(signs && statement_signed_) && statements.size() <= 1,
                    Check::ISSUANCE, entry.sequence, "nothing migrated after the one opening statement was signed",
                    absl::StrCat("act ", entry.act->body));
  if (!signs) return CountMigrated(entry);
  statement_signed_ = true;
  CheckStatement(entry.sequence, entry.act->command.sign_opening_statement());
}

void ActAudit::CountMigrated(const EntryFacts& entry) {
  if (entry.act->body != C::kMigrateUnits) return;
  const v1::MigrateUnits& command = entry.act->command.migrate_units();
  taken_over_.blocks += static_cast<uint64_t>(command.blocks_size());
  taken_over_.transfers += static_cast<uint64_t>(command.transfers_size());
  for (const v1::MigratedBlock& block : command.blocks()) {
    if (!block.restriction().empty()) taken_over_.restricted += block.range().last() - block.range().first() + 1;
  }
  const auto recorded = std::count_if(entry.effects->begin(), entry.effects->end(),
                                      [](const EffectBytes& effect) { return effect.table == v1::TABLE_TRANSFER; });
  JCM_AUDIT_REQUIRE(report_, recorded == command.transfers_size(), Check::EFFECTS, entry.sequence,
                    absl::StrCat(command.transfers_size(), " past transfers"), absl::StrCat(recorded));
}

// Before it is signed nothing of it moves, so its lots are as they were taken over.
void ActAudit::CheckStatement(uint64_t sequence, const v1::SignOpeningStatement& signed_statement) {
  uint64_t lots = 0;
  Tonnes held = 0, retired = 0, cancelled = 0;
  for (const auto& [lot_id, bytes] : tables_.Of(v1::TABLE_LOT)) {
    v1::LotRecord lot;
    if (!Parse(bytes, &lot) || lot.statement_id() != signed_statement.statement_id()) continue;
    ++lots;
    const auto totals = units_.lots().find(lot_id);
    if (totals == units_.lots().end()) continue;
    held += totals->second.by_state[v1::BLOCK_STATE_HELD];
    retired += totals->second.by_state[v1::BLOCK_STATE_RETIRED];
    cancelled += totals->second.by_state[v1::BLOCK_STATE_CANCELLED];
  }
  const auto text = [](const auto&... figures) { return absl::StrJoin(std::make_tuple(figures...), ", "); };
  const std::string found =
      text(lots, taken_over_.blocks, held, taken_over_.restricted, retired, cancelled, taken_over_.transfers);
  const std::string stated =
      text(signed_statement.lots(), signed_statement.blocks(), signed_statement.held(), signed_statement.restricted(),
           signed_statement.retired(), signed_statement.cancelled(), signed_statement.transfers());
  JCM_AUDIT_REQUIRE(report_, found == stated, Check::SUMS, sequence,
                    absl::StrCat(found,
                                 ": lots, blocks, t held, t of them restricted, t retired, t cancelled and past "
                                 "transfers, as taken over"),
                    stated);
}

// Who may decide a transfer, and why now.
void ActAudit::CheckMayDecide(const EntryFacts& entry, const v1::TransferOutRecord& transfer) {
  const std::string& id = transfer.transfer_id();
  v1::TransferInRecord answer;
  const bool answered =
      entry.kind == LeafKind::IMPORT && Parse(tables_.Get(v1::TABLE_TRANSFER_IN + kShadowOffset, id), &answer);
  const C::BodyCase act = entry.act == nullptr ? C::BODY_NOT_SET : entry.act->body;
  bool may = false;
  if (transfer.state() == v1::TRANSFER_OUT_STATE_POSTED) {
    may = answered && answer.state() == v1::TRANSFER_IN_STATE_ACCEPTED;
  } else if (transfer.state() == v1::TRANSFER_OUT_STATE_VOIDED) {
    switch (transfer.void_cause()) {
      case v1::VOID_CAUSE_REFUSED:
        may = answered && answer.state() == v1::TRANSFER_IN_STATE_REFUSED;
        break;
      case v1::VOID_CAUSE_EXPIRED:
        may = entry.kind == LeafKind::TICK && transfer.expires_at_us() <= entry.time_us;
        break;
      case v1::VOID_CAUSE_REVOKED:
        may = act == C::kRevokeAuthorization &&
              entry.act->command.revoke_authorization().authorization_id() == transfer.authorization_id();
        break;
      case v1::VOID_CAUSE_WITHDRAWN:
        may = act == C::kWithdrawTransfer && entry.act->command.withdraw_transfer().transfer_id() == id;
        if (may) CheckActsFor(entry.sequence, *entry.act, transfer.from_account());
        break;
      default:
        break;
    }
  }
  JCM_AUDIT_REQUIRE(report_, may, Check::TRANSFER_PAIR, entry.sequence, absl::StrCat("a cause to decide transfer ", id),
                    absl::StrCat(v1::TransferOutState_Name(transfer.state()), " ",
                                 v1::VoidCause_Name(transfer.void_cause()), " without it"));
}

void ActAudit::MovesOfTransferOut(const EntryFacts& entry, const EffectBytes& effect, std::vector<Move>* moves) {
  v1::TransferOutRecord before;
  auto& after = *google::protobuf::Arena::CreateMessage<v1::TransferOutRecord>(arena_.get());
  if (!Parse(effect.old_value, &before) || !Parse(effect.new_value, &after)) return;  // RecordAudit says so
  if (entry.kind == LeafKind::RESOLUTION || before.state() == after.state()) return;
  Move pattern;
  if (before.state() == v1::TRANSFER_OUT_STATE_UNSPECIFIED) {
    const bool by_command = entry.act != nullptr && entry.act->body == C::kInitTransfer;
    const v1::InitTransfer* init = by_command ? &entry.act->command.init_transfer() : nullptr;
    const bool same =
        by_command && init->transfer_id() == after.transfer_id() && init->from_account() == after.from_account() &&
        init->authorization_id() == after.authorization_id() && SameRanges(init->ranges(), after.ranges());
    JCM_AUDIT_REQUIRE(report_, same && after.state() == v1::TRANSFER_OUT_STATE_INITIATED, Check::EFFECTS,
                      entry.sequence, "the transfer that the command starts", after.transfer_id());
    pattern.from_state = v1::BLOCK_STATE_HELD;
    pattern.from_account = after.from_account();
    pattern.to_state = v1::BLOCK_STATE_IN_TRANSIT;
    pattern.end_id = after.transfer_id();
  } else {
    CheckMayDecide(entry, after);
    const bool posted = after.state() == v1::TRANSFER_OUT_STATE_POSTED;
    pattern.from_state = v1::BLOCK_STATE_IN_TRANSIT;
    pattern.from_account = after.from_account();
    pattern.to_state = posted ? v1::BLOCK_STATE_SENT : v1::BLOCK_STATE_HELD;
    if (posted) pattern.end_id = after.transfer_id();
    if (posted) {
      for (const v1::UnitRange& range : after.ranges()) {
        units_.LotOf(range.lot_id()).posted += range.last() - range.first() + 1;
      }
    }
  }
  MovesOfRanges(entry.sequence, after.ranges(), pattern, moves);
}

void ActAudit::MovesOfTransferIn(const EntryFacts& entry, const EffectBytes& effect, std::vector<Move>* moves) {
  v1::TransferInRecord before;
  auto& after = *google::protobuf::Arena::CreateMessage<v1::TransferInRecord>(arena_.get());
  auto& transfer = *google::protobuf::Arena::CreateMessage<v1::TransferOutRecord>(arena_.get());
  if (!Parse(effect.old_value, &before) || !Parse(effect.new_value, &after)) return;
  if (entry.kind == LeafKind::RESOLUTION || after.state() != v1::TRANSFER_IN_STATE_CREDITED ||
      before.state() == v1::TRANSFER_IN_STATE_CREDITED) {
    return;
  }
  const bool known = Parse(tables_.Get(v1::TABLE_TRANSFER_OUT + kShadowOffset, after.transfer_id()), &transfer);
  const bool posted = known && transfer.state() == v1::TRANSFER_OUT_STATE_POSTED &&
                      transfer.tonnes() == after.tonnes() && entry.kind == LeafKind::IMPORT &&
                      before.state() == v1::TRANSFER_IN_STATE_ACCEPTED;
  JCM_AUDIT_REQUIRE(report_, posted, Check::TRANSFER_PAIR, entry.sequence,
                    absl::StrCat("transfer ", after.transfer_id(), " accepted here and posted there"), "it is not");
  const bool account =
      after.credited_account() == before.to_account() || after.credited_account() == before.suspense_account();
  JCM_AUDIT_REQUIRE(report_, account, Check::TRANSFER_PAIR, entry.sequence,
                    absl::StrCat("credited to ", before.to_account()), after.credited_account());
  for (const v1::BlockRecord& block : transfer.blocks()) {
    Move pattern;
    pattern.to_account = after.credited_account();
    pattern.appears_as = &block;
    const RangeView range(block.lot_id(), block.first(), block.last());
    MovesOfRanges(entry.sequence, absl::MakeConstSpan(&range, 1), pattern, moves);
    units_.LotOf(block.lot_id()).credited += block.last() - block.first() + 1;
  }
  JCM_AUDIT_REQUIRE(report_, SameUnits(transfer.ranges(), transfer.blocks()), Check::TRANSFER_PAIR, entry.sequence,
                    absl::StrCat("blocks of transfer ", after.transfer_id(), " as its ranges"), "others");
}

}  // namespace jcm::verify
