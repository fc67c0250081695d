// Random acts over two books, compared with the model and checked against the invariants after every batch.
//
// The seed of an episode is printed with each failure; run it alone with JCM_MODEL_SEED=<seed>.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/rules/book_pair.h"
#include "ledger/rules/invariants.h"
#include "ledger/rules/model_compare.h"
#include "ledger/rules/model_ledger.h"

namespace jcm::rules {
namespace {

constexpr uint64_t kEpisodes = 70;
constexpr int kBatchesPerEpisode = 170;
constexpr int kActsPerBatchMax = 20;
constexpr uint64_t kDayMicros = 86'400'000'000;

const char* const kHandles[] = {"gov", "gov2", "ent1", "ent2", "ret", "can", "sus"};
constexpr ModelClass kClasses[] = {ModelClass::GOVERNMENT, ModelClass::GOVERNMENT, ModelClass::ENTITY,
                                   ModelClass::ENTITY,     ModelClass::RETIREMENT, ModelClass::CANCELLATION,
                                   ModelClass::SUSPENSE};

v1::AccountClass ToClass(ModelClass model) {
  switch (model) {
    case ModelClass::GOVERNMENT:
      return v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING;
    case ModelClass::ENTITY:
      return v1::ACCOUNT_CLASS_ENTITY_HOLDING;
    case ModelClass::RETIREMENT:
      return v1::ACCOUNT_CLASS_RETIREMENT;
    case ModelClass::CANCELLATION:
      return v1::ACCOUNT_CLASS_CANCELLATION;
    case ModelClass::SUSPENSE:
      return v1::ACCOUNT_CLASS_SUSPENSE;
  }
  return v1::ACCOUNT_CLASS_UNSPECIFIED;
}

class Episode {
 public:
  explicit Episode(uint64_t seed) : random_(seed) {
    model_.now = pair_.time().micros;
    for (int side : {kJapanSide, kHostSide}) {
      for (size_t i = 0; i < std::size(kHandles); ++i) {
        pair_.AddAccount(side, kHandles[i], ToClass(kClasses[i]));
        model_.books[side].accounts[kHandles[i]] = {kClasses[i], ModelAccountState::ACTIVE};
      }
    }
    for (int i = 0; i < 8; ++i) AddDecision(i);
  }

  void RunBatch() {
    const int acts = 1 + static_cast<int>(Below(kActsPerBatchMax));
    const state::MapState before[2] = {pair_.state(kJapanSide), pair_.state(kHostSide)};
    for (int i = 0; i < acts && !testing::Test::HasFailure(); ++i) DoOne();
    for (const std::string& difference : CompareWithModel(pair_, model_)) ADD_FAILURE() << difference;
    for (int side : {kJapanSide, kHostSide}) {
      for (const std::string& violation : CheckFinality(before[side], pair_.state(side))) ADD_FAILURE() << violation;
    }
    for (const std::string& violation : CheckInvariants(pair_.state(kJapanSide), pair_.state(kHostSide))) {
      ADD_FAILURE() << violation;
    }
  }

  uint64_t acts() const { return acts_; }
  uint64_t accepted() const { return accepted_; }
  const std::map<std::string, uint64_t>& outcomes() const { return outcomes_; }

 private:
  uint64_t Below(uint64_t limit) { return std::uniform_int_distribution<uint64_t>(0, limit - 1)(random_); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  template <typename List>
  auto Pick(const List& list) {
    return list[Below(std::size(list))];
  }

  void AddDecision(int number) {
    ModelDecision decision;
    decision.project = number % 3 == 0 ? "TH014" : "TH015";
    decision.vintage = 2019 + number % 4;
    decision.lot = absl::StrCat("LOT", number);
    decision.tonnes = 4 + Below(20);
    const uint64_t cut = 1 + Below(decision.tonnes - 3);
    decision.rows = {{number % 4 == 3 ? kHostSide : kJapanSide, false, 1, cut},
                     {kHostSide, OneIn(2), cut + 1, cut + 2},
                     {OneIn(2) ? kHostSide : kJapanSide, true, cut + 3, decision.tonnes}};
    if (decision.rows.back().first > decision.rows.back().last) {
      decision.rows.pop_back();
      decision.tonnes = cut + 2;
    }
    v1::IssuanceText text;
    text.set_project_id(decision.project);
    // Each decision has days of its own, so that none excludes another.
    text.mutable_monitoring_start()->set_year(decision.vintage);
    text.mutable_monitoring_start()->set_month(number + 1);
    text.mutable_monitoring_start()->set_day(1);
    *text.mutable_monitoring_end() = text.monitoring_start();
    text.mutable_monitoring_end()->set_day(28);
    text.set_verified_tonnes(decision.tonnes);
    v1::LotText* lot = text.add_lots();
    lot->set_lot_id(decision.lot);
    lot->set_vintage(decision.vintage);
    lot->set_tonnes(decision.tonnes);
    for (const ModelRow& row : decision.rows) {
      v1::AllocationRow* out = text.add_rows();
      out->set_row(static_cast<uint32_t>(text.rows_size()));
      out->set_party(row.participant ? v1::PARTY_KIND_PARTICIPANT : v1::PARTY_KIND_GOVERNMENT_OF_PARTNER);
      out->set_party_label("party");
      out->set_issuing_registry(row.issuer == kJapanSide ? "JPN" : "THA");
      out->mutable_range()->set_lot_id(decision.lot);
      out->mutable_range()->set_first(row.first);
      out->mutable_range()->set_last(row.last);
    }
    const std::string id = absl::StrCat("D", number);
    model_.AddDecision(id, decision);
    pair_.AddDecision(id, text);
    texts_[id] = text;
  }

  // Runs the act on both and compares what they say.
  void Compare(const std::string& what, const absl::Status& done, const ModelRefusal& refusal) {
    ++acts_;
    const ModelRefusal refused = ReasonOf(done);
    if (!refused.has_value()) ++accepted_;
    ++outcomes_[absl::StrCat(what, " ", refused.has_value() ? jcm::Describe(*refused).name : "OK")];
    EXPECT_EQ(refused, refusal) << what << ": rules say " << (done.ok() ? "OK" : ToText(done)) << ", the model says "
                                << (refusal.has_value() ? jcm::Describe(*refusal).name : "OK");
  }

  std::string Handle() { return OneIn(40) ? "nobody" : std::string(Pick(kHandles)); }
  std::string HandleOf(std::initializer_list<const char*> good) {
    if (OneIn(12)) return Handle();
    return std::vector<std::string>(good.begin(), good.end())[Below(good.size())];
  }
  std::string Author(const std::string& handle) { return absl::StrCat("rep-", OneIn(25) ? Handle() : handle); }
  std::string NewId(const char* kind) {
    if (OneIn(25) && next_id_ > 1) return absl::StrCat(kind, Below(next_id_));
    return absl::StrCat(kind, next_id_++);
  }

  // Mostly a run of units that one account holds, sometimes anything.
  ModelRanges Ranges(int side, std::string* holder, bool of_both_sides) {
    ModelRanges ranges;
    const std::string account = *holder;
    for (uint64_t wanted = 1 + Below(OneIn(3) ? 3 : 1); wanted > 0; --wanted) {
      const auto& decision = model_.decisions.at(absl::StrCat("D", Below(model_.decisions.size())));
      ModelRange range{decision.lot, 1 + Below(decision.tonnes), 0};
      range.last = range.first + Below(6);
      if (!OneIn(8) && !of_both_sides) {
        const auto& units = model_.books[side].units;
        for (int tries = 0; tries < 6; ++tries) {
          auto unit = units.lower_bound({absl::StrCat("LOT", Below(8)), 1 + Below(20)});
          if (unit == units.end() || unit->second.state != ModelState::HELD) continue;
          if (!ranges.empty() && unit->second.account != *holder) continue;
          if (ranges.empty()) *holder = unit->second.account;
          range = {unit->first.first, unit->first.second, unit->first.second};
          while (OneIn(3) == false && ++unit != units.end() && unit->first.first == range.lot &&
                 unit->first.second == range.last + 1 && unit->second.account == *holder &&
                 unit->second.state == ModelState::HELD) {
            ++range.last;
          }
          break;
        }
      } else if (of_both_sides && range.last > decision.tonnes && !OneIn(6)) {
        range.last = decision.tonnes;
      }
      if (OneIn(60)) range.first = range.last + 1;
      if (OneIn(80)) range.first = 0;
      ranges.push_back(range);
    }
    if (OneIn(20)) *holder = account;
    if (OneIn(100)) ranges.clear();
    return ranges;
  }

  static void Fill(const ModelRanges& ranges, google::protobuf::RepeatedPtrField<v1::UnitRange>* out) {
    for (const ModelRange& range : ranges) {
      v1::UnitRange* added = out->Add();
      added->set_lot_id(range.lot);
      added->set_first(range.first);
      added->set_last(range.last);
    }
  }

  void DoOne() {
    const int side = static_cast<int>(Below(2));
    switch (Below(26)) {
      case 0:
        return DoIssue(side);
      case 1:
      case 2:
      case 3:
        return DoTransfer(side);
      case 4:
      case 5:
        return DoRetire(side);
      case 6:
      case 7:
        return DoCancel(side);
      case 8:
        return DoAuthorize(OneIn(10) ? kJapanSide : kHostSide);
      case 9:
        return OneIn(4) ? DoRevoke(OneIn(10) ? kJapanSide : kHostSide) : DoIssue(side);
      case 10:
      case 11:
        return DoFirstTransfer(OneIn(10) ? kJapanSide : kHostSide);
      case 12:
      case 13:
      case 14:
      case 15:
        return DoInit(side);
      case 16:
      case 17:
        return DoAccept(side);
      case 18:
        return OneIn(3) ? DoRefuse(side) : DoAccept(side);
      case 19:
        return OneIn(3) ? DoWithdraw(side) : DoAccept(side);
      case 20:
        return DoAccountState(side);
      case 21:
        return DoTick(side);
      default:
        return DoImport(side);
    }
  }

  void DoIssue(int side) {
    const std::string id = absl::StrCat("D", Below(8));
    std::vector<std::string> accounts;
    v1::IssueCredits command;
    command.set_decision_id(id);
    command.set_text_digest(BookPair::DigestOf(texts_.at(id)));
    uint32_t number = 0;
    for (const ModelRow& row : model_.decisions.at(id).rows) {
      ++number;
      if (row.issuer != side || OneIn(40)) continue;
      accounts.push_back(row.participant ? HandleOf({"ent1", "ent2"}) : HandleOf({"gov", "gov2"}));
      v1::IssueTarget* target = command.add_targets();
      target->set_row(number);
      target->set_account(accounts.back());
    }
    Compare("issue",
            pair_.Do(side, "operator",
                     [&](const RuleInput& input, Transition& t) { return ApplyIssueCredits(input, command, t); }),
            model_.Issue(side, id, accounts));
  }

  void DoTransfer(int side) {
    std::string from = Handle();
    const ModelRanges ranges = Ranges(side, &from, false);
    v1::TransferCredits command;
    command.set_transfer_id(NewId("T"));
    command.set_from_account(from);
    command.set_to_account(HandleOf({"gov", "gov2", "ent1", "ent2"}));
    Fill(ranges, command.mutable_ranges());
    const std::string author = Author(from);
    Compare("transfer",
            pair_.Do(side, author,
                     [&](const RuleInput& input, Transition& t) { return ApplyTransferCredits(input, command, t); }),
            model_.Transfer(side, author, command.transfer_id(), from, command.to_account(), ranges));
  }

  void DoRetire(int side) {
    std::string from = Handle();
    const ModelRanges ranges = Ranges(side, &from, false);
    v1::RetireCredits command;
    command.set_retirement_id(NewId("R"));
    command.set_from_account(from);
    command.set_retirement_account(HandleOf({"ret"}));
    Fill(ranges, command.mutable_ranges());
    const std::string author = Author(from);
    Compare("retire",
            pair_.Do(side, author,
                     [&](const RuleInput& input, Transition& t) { return ApplyRetireCredits(input, command, t); }),
            model_.Retire(side, author, command.retirement_id(), from, command.retirement_account(), ranges));
  }

  void DoCancel(int side) {
    std::string from = Handle();
    const ModelRanges ranges = Ranges(side, &from, false);
    v1::CancelCredits command;
    command.set_cancellation_id(NewId("C"));
    command.set_from_account(from);
    command.set_cancellation_account(HandleOf({"can"}));
    command.set_purpose(OneIn(2) ? v1::CANCELLATION_PURPOSE_OIMP : v1::CANCELLATION_PURPOSE_VOLUNTARY);
    Fill(ranges, command.mutable_ranges());
    const std::string author = Author(from);
    Compare("cancel",
            pair_.Do(side, author,
                     [&](const RuleInput& input, Transition& t) { return ApplyCancelCredits(input, command, t); }),
            model_.Cancel(side, author, command.cancellation_id(), from, command.cancellation_account(), ranges,
                          command.purpose() == v1::CANCELLATION_PURPOSE_OIMP));
  }

  void DoAuthorize(int side) {
    ModelAuthorization authorization;
    authorization.project = OneIn(2) ? "TH014" : "TH015";
    authorization.ndc = !OneIn(4);
    authorization.other = !authorization.ndc || OneIn(2);
    authorization.transfer_triggers = OneIn(2);
    authorization.quantity = OneIn(30) ? 0 : 1 + Below(25);
    authorization.vintage_first = OneIn(20) ? 2020 : 2021;
    authorization.vintage_last = authorization.vintage_first + static_cast<int>(Below(2));
    v1::AuthorizeItmo command;
    command.set_authorization_id(NewId("A"));
    command.set_project_id(authorization.project);
    if (authorization.ndc) command.add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
    if (authorization.other) command.add_purposes(OneIn(2) ? v1::AUTHORIZED_PURPOSE_IMP : v1::AUTHORIZED_PURPOSE_OP);
    command.set_authorized_party("JPN");
    command.set_quantity(authorization.quantity);
    command.set_vintage_first(authorization.vintage_first);
    command.set_vintage_last(authorization.vintage_last);
    command.set_first_transfer_trigger(authorization.transfer_triggers
                                           ? v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER
                                           : v1::FIRST_TRANSFER_TRIGGER_USE);
    command.set_document_digest(std::string(32, 'd'));
    authorization_ids_.push_back(command.authorization_id());
    Compare("authorize",
            pair_.Do(side, "ministry",
                     [&](const RuleInput& input, Transition& t) { return ApplyAuthorizeItmo(input, command, t); }),
            model_.Authorize(side, command.authorization_id(), authorization));
  }

  std::string AuthorizationId() {
    if (authorization_ids_.empty() || OneIn(30)) return "A-unknown";
    // Of the newest, so that some have headroom left.
    const size_t recent = std::min<size_t>(authorization_ids_.size(), 6);
    return authorization_ids_[authorization_ids_.size() - 1 - Below(recent)];
  }

  void DoRevoke(int side) {
    v1::RevokeAuthorization command;
    command.set_authorization_id(AuthorizationId());
    command.set_document_digest(std::string(32, 'r'));
    Compare(
        "revoke",
        pair_.Do(side, "ministry",
                 [&](const RuleInput& input, Transition& t) { return ApplyRevokeAuthorization(input, command, t); }),
        model_.Revoke(side, command.authorization_id()));
  }

  void DoFirstTransfer(int side) {
    std::string holder = "gov";
    const ModelRanges ranges = Ranges(side, &holder, OneIn(2));
    v1::RecordFirstTransfer command;
    command.set_first_transfer_id(NewId("F"));
    command.set_authorization_id(AuthorizationId());
    Fill(ranges, command.mutable_ranges());
    command.mutable_action_date()->set_year(2026);
    command.mutable_action_date()->set_month(1);
    command.mutable_action_date()->set_day(1);
    Compare(
        "first transfer",
        pair_.Do(side, "ministry",
                 [&](const RuleInput& input, Transition& t) { return ApplyRecordFirstTransfer(input, command, t); }),
        model_.FirstTransfer(side, command.first_transfer_id(), command.authorization_id(), ranges));
  }

  void DoInit(int side) {
    std::string from = Handle();
    const ModelRanges ranges = Ranges(side, &from, false);
    v1::InitTransfer command;
    command.set_transfer_id(NewId("X"));
    command.set_from_account(from);
    Fill(ranges, command.mutable_ranges());
    if (side == kHostSide ? !OneIn(3) : OneIn(20)) command.set_authorization_id(AuthorizationId());
    command.set_expires_at_us(pair_.time().micros + (OneIn(30) ? 91 * kDayMicros : Below(20) * kDayMicros));
    transfer_ids_[side].push_back(command.transfer_id());
    const std::string author = Author(from);
    Compare("init",
            pair_.Do(side, author,
                     [&](const RuleInput& input, Transition& t) { return ApplyInitTransfer(input, command, t); }),
            model_.Init(side, author, command.transfer_id(), from, ranges, command.authorization_id(),
                        command.expires_at_us()));
  }

  std::string TransferId(int sender) {
    if (transfer_ids_[sender].empty() || OneIn(40)) return "X-unknown";
    const size_t recent = std::min<size_t>(transfer_ids_[sender].size(), 8);
    return transfer_ids_[sender][transfer_ids_[sender].size() - 1 - Below(recent)];
  }

  void DoAccept(int side) {
    v1::AcceptTransfer command;
    command.set_transfer_id(TransferId(1 - side));
    command.set_to_account(HandleOf({"gov", "gov2", "ent1", "ent2"}));
    command.set_suspense_account(HandleOf({"sus"}));
    const std::string author = Author(command.to_account());
    Compare("accept",
            pair_.Do(side, author,
                     [&](const RuleInput& input, Transition& t) { return ApplyAcceptTransfer(input, command, t); }),
            model_.Accept(side, author, command.transfer_id(), command.to_account(), command.suspense_account()));
  }

  void DoRefuse(int side) {
    v1::RefuseTransfer command;
    command.set_transfer_id(TransferId(1 - side));
    Compare("refuse",
            pair_.Do(side, "operator",
                     [&](const RuleInput& input, Transition& t) { return ApplyRefuseTransfer(input, command, t); }),
            model_.Refuse(side, command.transfer_id()));
  }

  void DoWithdraw(int side) {
    v1::WithdrawTransfer command;
    command.set_transfer_id(TransferId(side));
    const auto out = model_.books[side].out.find(command.transfer_id());
    const std::string author = Author(out == model_.books[side].out.end() ? "gov" : out->second.from);
    Compare("withdraw",
            pair_.Do(side, author,
                     [&](const RuleInput& input, Transition& t) { return ApplyWithdrawTransfer(input, command, t); }),
            model_.Withdraw(side, author, command.transfer_id()));
  }

  void DoAccountState(int side) {
    const std::string handle = Pick(kHandles);
    // Mostly back to life, so that acts remain possible.
    const uint64_t choice = Below(20);
    const ModelAccountState state = choice < 17   ? ModelAccountState::ACTIVE
                                    : choice < 19 ? ModelAccountState::FROZEN
                                                  : ModelAccountState::CLOSED;
    model_.books[side].accounts[handle].state = state;
    pair_.SetAccountState(side, handle,
                          state == ModelAccountState::ACTIVE   ? v1::ACCOUNT_STATE_ACTIVE
                          : state == ModelAccountState::FROZEN ? v1::ACCOUNT_STATE_FROZEN
                                                               : v1::ACCOUNT_STATE_CLOSED);
  }

  void DoTick(int side) {
    pair_.Advance(Below(3 * kDayMicros));
    model_.now = pair_.time().micros;
    model_.Tick(side);
    Compare("tick", pair_.Tick(side), absl::nullopt);
  }

  void DoImport(int side) {
    const size_t count = Below(OneIn(3) ? 40 : 6);
    if (count == 0 || pair_.Pending(side) == 0) return;
    model_.Import(side, count);
    Compare("import", pair_.Import(side, count), absl::nullopt);
  }

  std::mt19937_64 random_;
  BookPair pair_;
  ModelLedger model_;
  std::map<std::string, v1::IssuanceText> texts_;
  std::vector<std::string> authorization_ids_;
  std::vector<std::string> transfer_ids_[2];
  uint64_t next_id_ = 0;
  uint64_t acts_ = 0;
  uint64_t accepted_ = 0;
  std::map<std::string, uint64_t> outcomes_;
};

TEST(ModelLedger, AgreesWithTheRulesOnAHundredThousandRandomActs) {
  const char* wanted = std::getenv("JCM_MODEL_SEED");
  const uint64_t first = wanted == nullptr ? 1 : std::strtoull(wanted, nullptr, 10);
  const uint64_t episodes = wanted == nullptr ? kEpisodes : 1;
  uint64_t acts = 0;
  uint64_t accepted = 0;
  std::map<std::string, uint64_t> outcomes;
  for (uint64_t seed = first; seed < first + episodes; ++seed) {
    SCOPED_TRACE(absl::StrCat("JCM_MODEL_SEED=", seed));
    Episode episode(seed);
    for (int i = 0; i < kBatchesPerEpisode && !HasFailure(); ++i) episode.RunBatch();
    acts += episode.acts();
    accepted += episode.accepted();
    for (const auto& [outcome, count] : episode.outcomes()) outcomes[outcome] += count;
    ASSERT_FALSE(HasFailure()) << "seed " << seed << " after " << episode.acts() << " acts";
  }
  for (const auto& [outcome, count] : outcomes)
    std::printf("%8llu %s\n", static_cast<unsigned long long>(count), outcome.c_str());
  if (wanted != nullptr) return;
  EXPECT_GE(acts, 100'000u);
  // A generator whose acts are refused nearly always, or that never reaches an outcome, tests little.
  EXPECT_GE(accepted, acts / 4);
  for (const char* outcome :
       {"issue OK", "transfer OK", "retire OK", "cancel OK", "first transfer OK", "init OK", "accept OK", "refuse OK",
        "withdraw OK", "revoke OK", "retire UNITS_FINAL", "retire UNIT_NOT_AUTHORIZED", "retire PURPOSE_NOT_ALLOWED",
        "init UNITS_IN_TRANSIT", "init AUTHORIZATION_EXHAUSTED", "first transfer ALREADY_FIRST_TRANSFERRED",
        "withdraw TRANSFER_DECIDED", "accept TRANSFER_ALREADY_ANSWERED"}) {
    EXPECT_GT(outcomes[outcome], 0u) << outcome;
  }
}

}  // namespace
}  // namespace jcm::rules
