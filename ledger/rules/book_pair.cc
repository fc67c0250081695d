#include "ledger/rules/book_pair.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

// Records that the other side sees.
bool IsPublished(uint32_t table) {
  static const std::set<uint32_t> kTables = {v1::TABLE_LOT,           v1::TABLE_ISSUANCE,
                                             v1::TABLE_AUTHORIZATION, v1::TABLE_FIRST_TRANSFER,
                                             v1::TABLE_TRANSFER_OUT,  v1::TABLE_TRANSFER_IN};
  return kTables.count(table) > 0;
}

std::string TextBytes(const v1::IssuanceText& issuance) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title("Issuance");
  *text.mutable_issuance() = issuance;
  return state::Serialise(text);
}

}  // namespace

v1::RulebookParameters BookPair::DefaultParameters() {
  v1::RulebookParameters parameters;
  parameters.set_itmo_vintage_from(2021);
  parameters.set_straddle_2021_forbidden(true);
  parameters.set_cross_border_mode(v1::CROSS_BORDER_MODE_EITHER);
  parameters.set_operation_signatures(1);
  parameters.set_transfer_expiry_days_max(90);
  parameters.set_allocation_rounding("largest_remainder_per_vintage_jp_gov_first");
  parameters.set_retirement_needs_itmo(true);
  return parameters;
}

BookPair::BookPair(const v1::RulebookParameters& parameters) {
  books_[kJapanSide].id = BookId{"JPN", "TH"};
  books_[kHostSide].id = BookId{"THA", "TH"};
  for (int side : {kJapanSide, kHostSide}) {
    v1::PartnershipRecord partnership;
    partnership.set_partnership("TH");
    partnership.set_own_registry(books_[side].id.registry);
    partnership.set_peer_registry(books_[1 - side].id.registry);
    partnership.set_mode(v1::PARTNERSHIP_MODE_NODE);
    Seed(books_[side], v1::TABLE_PARTNERSHIP, "partnership", partnership);
    v1::RulebookRecord rulebook;
    rulebook.set_version("TH/2024-07-08");
    *rulebook.mutable_parameters() = parameters;
    rulebook.mutable_effective_date()->set_year(2024);
    rulebook.mutable_effective_date()->set_month(7);
    rulebook.mutable_effective_date()->set_day(8);
    Seed(books_[side], v1::TABLE_RULEBOOK, rulebook.version(), rulebook);
  }
}

void BookPair::Seed(Book& book, uint32_t table, absl::string_view key, const google::protobuf::MessageLite& record) {
  Transition transition(book.state);
  JCM_CHECK(transition.Put(table, key, record).ok());
  JCM_CHECK(book.state.Apply(transition.Effects()).ok());
}

std::string BookPair::DigestOf(const v1::IssuanceText& text) { return std::string(AsBytes(Sha256(TextBytes(text)))); }

void BookPair::AddDecision(absl::string_view decision_id, const v1::IssuanceText& text, uint64_t confirmed_at_us) {
  v1::DecisionRecord decision;
  decision.set_decision_id(std::string(decision_id));
  decision.set_mode(v1::DECISION_MODE_ELECTRONIC);
  decision.set_text(TextBytes(text));
  decision.set_text_digest(DigestOf(text));
  decision.set_state(v1::DECISION_STATE_ADOPTED);
  v1::ReactionRecord reaction;
  reaction.set_decision_id(std::string(decision_id));
  reaction.set_text_digest(DigestOf(text));
  reaction.set_state(v1::REACTION_STATE_CONFIRMED);
  reaction.set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  reaction.set_answered_at_us(confirmed_at_us);
  Seed(books_[kJapanSide], v1::TABLE_DECISION, decision_id, decision);
  Seed(books_[kJapanSide], state::Shadow(v1::TABLE_REACTION), decision_id, reaction);
  Seed(books_[kHostSide], state::Shadow(v1::TABLE_DECISION), decision_id, decision);
  Seed(books_[kHostSide], v1::TABLE_REACTION, decision_id, reaction);
}

void BookPair::AddAccount(int side, absl::string_view handle, v1::AccountClass account_class) {
  v1::AccountContext& account = books_[side].accounts[std::string(handle)];
  account.set_handle(std::string(handle));
  account.set_account_class(account_class);
  account.set_state(v1::ACCOUNT_STATE_ACTIVE);
  account.add_representatives(absl::StrCat("rep-", handle));
}

void BookPair::SetAccountState(int side, absl::string_view handle, v1::AccountState state) {
  books_[side].accounts.at(std::string(handle)).set_state(state);
}

RuleInput BookPair::InputFor(const Book& book, const v1::Context& context) const {
  RuleInput input;
  input.book = book.id;
  input.sequence = book.log.size();
  input.time = time_;
  input.legal_date.set_year(2026);
  input.legal_date.set_month(1);
  input.legal_date.set_day(1);
  input.context = &context;
  return input;
}

absl::Status BookPair::Commit(Book& book, const Transition& transition) {
  v1::Effects effects = transition.Effects();
  JCM_RETURN_IF_ERROR(book.state.Apply(effects));
  book.log.push_back(std::move(effects));
  return absl::OkStatus();
}

absl::Status BookPair::Do(int side, absl::string_view author, const Act& act) {
  return DoTogether(side, {std::string(author)}, act);
}

absl::Status BookPair::DoTogether(int side, const std::vector<std::string>& persons, const Act& act) {
  Book& book = books_[side];
  v1::Context context;
  for (const std::string& person : persons) context.add_signers()->set_pseudonym(person);
  for (const auto& [handle, account] : book.accounts) *context.add_accounts() = account;
  Transition transition(book.state);
  JCM_RETURN_IF_ERROR(act(InputFor(book, context), transition));
  return Commit(book, transition);
}

absl::Status BookPair::Import(int side, size_t count) {
  Book& book = books_[side];
  const Book& peer = books_[1 - side];
  const size_t to = std::min(peer.log.size(), book.imported + count);
  const std::vector<v1::Effects> imported(peer.log.begin() + book.imported, peer.log.begin() + to);
  JCM_ASSIGN_OR_RETURN(std::vector<std::string> handles, AccountsNeededByImport(book.state, imported));
  v1::Context context;
  for (const std::string& handle : handles) *context.add_accounts() = book.accounts.at(handle);
  const RuleInput input = InputFor(book, context);
  Transition transition(book.state);
  for (const v1::Effects& effects : imported) {
    for (const v1::Effect& effect : effects.effects()) {
      if (!IsPublished(effect.table())) continue;
      JCM_RETURN_IF_ERROR(transition.Put(state::Shadow(effect.table()), effect.key(), effect.new_value()));
      JCM_RETURN_IF_ERROR(OnImportedUnitRecord(input, effect, transition));
    }
  }
  book.imported = to;
  return Commit(book, transition);
}

size_t BookPair::PendingToNextPublished(int side) const {
  const std::vector<v1::Effects>& log = books_[1 - side].log;
  for (size_t i = books_[side].imported; i < log.size(); ++i) {
    for (const v1::Effect& effect : log[i].effects()) {
      if (IsPublished(effect.table())) return i - books_[side].imported + 1;
    }
  }
  return 0;
}

std::string BookPair::Fingerprint() const {
  std::string all = absl::StrCat(time_.micros);
  for (int side : {kJapanSide, kHostSide}) {
    const Book& book = books_[side];
    for (const auto& [key, value] : book.state.records()) absl::StrAppend(&all, "|", key.first, key.second, "=", value);
    for (const auto& [handle, account] : book.accounts) absl::StrAppend(&all, "|", handle, account.state());
    // Entries that the other side has not seen and will see something of.
    for (size_t i = books_[1 - side].imported; i < book.log.size(); ++i) {
      for (const v1::Effect& effect : book.log[i].effects()) {
        if (IsPublished(effect.table())) absl::StrAppend(&all, "|", effect.key(), "=", effect.new_value());
      }
      absl::StrAppend(&all, ";");
    }
  }
  return std::string(AsBytes(Sha256(all)));
}

absl::Status BookPair::Tick(int side) {
  Book& book = books_[side];
  std::vector<v1::DeadlineRecord> due;
  JCM_RETURN_IF_ERROR(book.state.Scan(v1::TABLE_DEADLINE, "", "", [&](absl::string_view, absl::string_view value) {
    v1::DeadlineRecord deadline;
    JCM_CHECK(deadline.ParseFromArray(value.data(), static_cast<int>(value.size())));
    if (deadline.due_us() > time_.micros) return false;
    due.push_back(std::move(deadline));
    return true;
  }));
  if (due.empty()) return absl::OkStatus();
  const v1::Context context;
  const RuleInput input = InputFor(book, context);
  Transition transition(book.state);
  for (const v1::DeadlineRecord& deadline : due) {
    JCM_RETURN_IF_ERROR(
        RemoveDeadline(BookTime::FromMicros(deadline.due_us()), deadline.kind(), deadline.object_id(), transition));
    JCM_RETURN_IF_ERROR(OnTransferExpiryDeadline(input, deadline, transition));
  }
  return Commit(book, transition);
}

}  // namespace jcm::rules
