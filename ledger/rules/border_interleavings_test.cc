// Every order of the steps of the two-book protocols, up to the point where nothing new can happen.
//
// From each state that can be reached, two things are checked: the invariants hold there; and if people do nothing more
// and news travels, all comes to rest: nothing is stuck, nothing is spent twice, and both books say the same.
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "ledger/rules/book_pair.h"
#include "ledger/rules/invariants.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

constexpr uint64_t kDayMicros = 86'400'000'000;
constexpr Tonnes kLotTonnes = 10;

struct Step {
  std::string name;
  std::function<absl::Status(BookPair&)> run;
};

UnitRanges Range(Serial first, Serial last, const std::string& lot = "LOT") {
  UnitRanges ranges;
  v1::UnitRange* range = ranges.Add();
  range->set_lot_id(lot);
  range->set_first(first);
  range->set_last(last);
  return ranges;
}

// A host that issued 1..6 of a lot and Japan that issued 7..10, vintage 2021, and an authorization of 6 t.
BookPair Setup() {
  BookPair pair;
  for (int side : {kJapanSide, kHostSide}) {
    pair.AddAccount(side, "gov", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING);
    pair.AddAccount(side, "ret", v1::ACCOUNT_CLASS_RETIREMENT);
    pair.AddAccount(side, "sus", v1::ACCOUNT_CLASS_SUSPENSE);
  }
  v1::IssuanceText text;
  text.set_project_id("TH014");
  text.mutable_monitoring_start()->set_year(2021);
  text.mutable_monitoring_start()->set_month(1);
  text.mutable_monitoring_start()->set_day(1);
  *text.mutable_monitoring_end() = text.monitoring_start();
  text.mutable_monitoring_end()->set_month(12);
  text.set_verified_tonnes(kLotTonnes);
  v1::LotText* lot = text.add_lots();
  lot->set_lot_id("LOT");
  lot->set_vintage(2021);
  lot->set_tonnes(kLotTonnes);
  for (int i = 0; i < 2; ++i) {
    v1::AllocationRow* row = text.add_rows();
    row->set_row(static_cast<uint32_t>(i + 1));
    row->set_party(v1::PARTY_KIND_GOVERNMENT_OF_JAPAN);
    row->set_party_label("government");
    row->set_issuing_registry(i == 0 ? "THA" : "JPN");
    *row->mutable_range() = i == 0 ? Range(1, 6)[0] : Range(7, 10)[0];
  }
  pair.AddDecision("D1", text);
  for (int side : {kHostSide, kJapanSide}) {
    const absl::Status issued = pair.Do(side, "operator", [&](const RuleInput& input, Transition& t) {
      v1::IssueCredits command;
      command.set_decision_id("D1");
      command.set_text_digest(BookPair::DigestOf(text));
      v1::IssueTarget* target = command.add_targets();
      target->set_row(side == kHostSide ? 1 : 2);
      target->set_account("gov");
      return ApplyIssueCredits(input, command, t);
    });
    EXPECT_TRUE(issued.ok()) << issued;
  }
  const absl::Status authorized = pair.Do(kHostSide, "ministry", [](const RuleInput& input, Transition& t) {
    v1::AuthorizeItmo command;
    command.set_authorization_id("A1");
    command.set_project_id("TH014");
    command.add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
    command.set_authorized_party("JPN");
    command.set_quantity(6);
    command.set_vintage_first(2021);
    command.set_vintage_last(2021);
    command.set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
    command.set_document_digest(std::string(32, 'd'));
    return ApplyAuthorizeItmo(input, command, t);
  });
  EXPECT_TRUE(authorized.ok()) << authorized;
  EXPECT_TRUE(pair.Import(kJapanSide, 100).ok());
  EXPECT_TRUE(pair.Import(kHostSide, 100).ok());
  return pair;
}

// ---- steps
// -----------------------------------------------------------------------------------------------------------

Step Init(const char* name, int side, const std::string& id, Serial first, Serial last,
          const std::string& authorization) {
  return {name, [=](BookPair& pair) {
            v1::InitTransfer command;
            command.set_transfer_id(id);
            command.set_from_account("gov");
            *command.mutable_ranges() = Range(first, last);
            command.set_authorization_id(authorization);
            command.set_expires_at_us(pair.time().micros + 5 * kDayMicros);
            return pair.Do(side, "rep-gov",
                           [&](const RuleInput& input, Transition& t) { return ApplyInitTransfer(input, command, t); });
          }};
}

Step Accept(const char* name, int side, const std::string& id) {
  return {name, [=](BookPair& pair) {
            v1::AcceptTransfer command;
            command.set_transfer_id(id);
            command.set_to_account("gov");
            command.set_suspense_account("sus");
            return pair.Do(side, "rep-gov", [&](const RuleInput& input, Transition& t) {
              return ApplyAcceptTransfer(input, command, t);
            });
          }};
}

Step Refuse(int side, const std::string& id) {
  return {"refuse", [=](BookPair& pair) {
            v1::RefuseTransfer command;
            command.set_transfer_id(id);
            return pair.Do(side, "operator", [&](const RuleInput& input, Transition& t) {
              return ApplyRefuseTransfer(input, command, t);
            });
          }};
}

Step Withdraw(int side, const std::string& id) {
  return {"withdraw", [=](BookPair& pair) {
            v1::WithdrawTransfer command;
            command.set_transfer_id(id);
            return pair.Do(side, "rep-gov", [&](const RuleInput& input, Transition& t) {
              return ApplyWithdrawTransfer(input, command, t);
            });
          }};
}

Step Revoke() {
  return {"revoke", [](BookPair& pair) {
            v1::RevokeAuthorization command;
            command.set_authorization_id("A1");
            command.set_document_digest(std::string(32, 'r'));
            return pair.Do(kHostSide, "ministry", [&](const RuleInput& input, Transition& t) {
              return ApplyRevokeAuthorization(input, command, t);
            });
          }};
}

Step FirstTransfer(Serial first, Serial last) {
  return {"first transfer", [=](BookPair& pair) {
            v1::RecordFirstTransfer command;
            command.set_first_transfer_id("F1");
            command.set_authorization_id("A1");
            *command.mutable_ranges() = Range(first, last);
            command.mutable_action_date()->set_year(2026);
            command.mutable_action_date()->set_month(1);
            command.mutable_action_date()->set_day(2);
            return pair.Do(kHostSide, "ministry", [&](const RuleInput& input, Transition& t) {
              return ApplyRecordFirstTransfer(input, command, t);
            });
          }};
}

Step Retire(const char* name, int side, Serial first, Serial last) {
  return {name, [=](BookPair& pair) {
            v1::RetireCredits command;
            command.set_retirement_id(absl::StrReplaceAll(name, {{" ", "-"}}));
            command.set_from_account("gov");
            command.set_retirement_account("ret");
            *command.mutable_ranges() = Range(first, last);
            return pair.Do(side, "rep-gov", [&](const RuleInput& input, Transition& t) {
              return ApplyRetireCredits(input, command, t);
            });
          }};
}

Step SetAccount(const char* name, int side, v1::AccountState state) {
  return {name, [=](BookPair& pair) {
            pair.SetAccountState(side, "gov", state);
            return absl::OkStatus();
          }};
}

Step Expire(const char* name, int side) {
  return {name, [=](BookPair& pair) {
            pair.Advance(6 * kDayMicros);
            return pair.Tick(side);
          }};
}

// ---- exploring
// -------------------------------------------------------------------------------------------------------

class Explorer {
 public:
  explicit Explorer(std::vector<Step> steps) : steps_(std::move(steps)) {}

  void Run() {
    Visit(Setup(), 0);
    // Steps that never succeed in any order would make the exploration say less than it seems to.
    for (const Step& step : steps_) EXPECT_GT(taken_[step.name], 0u) << step.name << " was refused in every order";
  }
  size_t states() const { return seen_.size(); }
  // Outcomes of a transfer, over all states at rest: "POSTED/CREDITED", "VOIDED/none" …
  const std::set<std::string>& outcomes() const { return outcomes_; }

 private:
  void Visit(const BookPair& pair, uint32_t used) {
    if (testing::Test::HasFailure()) return;
    if (!seen_.insert(absl::StrCat(used, "/", pair.Fingerprint())).second) return;
    SCOPED_TRACE(absl::StrJoin(path_, ", "));
    for (const std::string& violation : CheckInvariants(pair.state(kJapanSide), pair.state(kHostSide))) {
      ADD_FAILURE() << violation;
    }
    CheckComesToRest(pair);
    for (size_t i = 0; i < steps_.size(); ++i) {
      if ((used & (1u << i)) != 0) continue;
      BookPair next = pair;
      if (!steps_[i].run(next).ok()) continue;
      ++taken_[steps_[i].name];
      Descend(pair, next, used | (1u << i), steps_[i].name);
    }
    for (int side : {kJapanSide, kHostSide}) {
      const size_t one = pair.PendingToNextPublished(side);
      if (one == 0) continue;
      VisitImport(pair, side, one, used);
      if (pair.Pending(side) > one) VisitImport(pair, side, pair.Pending(side), used);
    }
  }

  void VisitImport(const BookPair& pair, int side, size_t count, uint32_t used) {
    BookPair next = pair;
    const absl::Status imported = next.Import(side, count);
    ASSERT_TRUE(imported.ok()) << ToText(imported) << " after " << absl::StrJoin(path_, ", ");
    Descend(pair, next, used, absl::StrCat(side == kJapanSide ? "Japan" : "host", " imports ", count));
  }

  void Descend(const BookPair& before, const BookPair& after, uint32_t used, const std::string& name) {
    path_.push_back(name);
    for (int side : {kJapanSide, kHostSide}) {
      for (const std::string& violation : CheckFinality(before.state(side), after.state(side)))
        ADD_FAILURE() << violation;
    }
    Visit(after, used);
    path_.pop_back();
  }

  static void LetNewsTravel(BookPair& pair) {
    for (int round = 0; round < 10; ++round) {
      for (int side : {kJapanSide, kHostSide}) {
        if (pair.PendingToNextPublished(side) == 0) continue;
        const absl::Status imported = pair.Import(side, pair.Pending(side));
        ASSERT_TRUE(imported.ok()) << ToText(imported);
      }
    }
  }

  void CheckComesToRest(BookPair pair) {
    LetNewsTravel(pair);
    pair.Advance(100 * kDayMicros);
    for (int side : {kJapanSide, kHostSide}) ASSERT_TRUE(pair.Tick(side).ok());
    LetNewsTravel(pair);
    for (int side : {kJapanSide, kHostSide}) {
      ASSERT_EQ(pair.PendingToNextPublished(side), 0u) << "the books never stop talking";
      CheckTransfers(pair, side);
      CheckShadows(pair, side);
    }
    CheckUnits(pair);
    for (const std::string& violation : CheckInvariants(pair.state(kJapanSide), pair.state(kHostSide))) {
      ADD_FAILURE() << "at rest: " << violation;
    }
  }

  void CheckTransfers(const BookPair& pair, int side) {
    const state::MapState& sender = pair.state(side);
    const state::MapState& receiver = pair.state(1 - side);
    ASSERT_TRUE(
        sender
            .Scan(v1::TABLE_TRANSFER_OUT, "", "",
                  [&](absl::string_view key, absl::string_view value) {
                    v1::TransferOutRecord out;
                    EXPECT_TRUE(out.ParseFromArray(value.data(), static_cast<int>(value.size())));
                    auto in = receiver.Get<v1::TransferInRecord>(v1::TABLE_TRANSFER_IN, key);
                    EXPECT_TRUE(in.ok());
                    const v1::TransferInState answer =
                        in->has_value() ? (*in)->state() : v1::TRANSFER_IN_STATE_UNSPECIFIED;
                    EXPECT_NE(out.state(), v1::TRANSFER_OUT_STATE_INITIATED) << "stuck: " << key;
                    EXPECT_NE(answer, v1::TRANSFER_IN_STATE_ACCEPTED) << "a promise that is never answered: " << key;
                    EXPECT_EQ(out.state() == v1::TRANSFER_OUT_STATE_POSTED, answer == v1::TRANSFER_IN_STATE_CREDITED)
                        << "the sides disagree on " << key;
                    outcomes_.insert(
                        absl::StrCat(v1::TransferOutState_Name(out.state()).substr(19), "/",
                                     v1::VoidCause_Name(out.void_cause()).substr(11), "/",
                                     v1::TransferInState_Name(answer).substr(18),
                                     in->has_value() && (*in)->credited_account() == "sus" ? "/suspense" : ""));
                    return true;
                  })
            .ok());
    auto authorization = pair.state(kHostSide).Get<v1::AuthorizationRecord>(v1::TABLE_AUTHORIZATION, "A1");
    ASSERT_TRUE(authorization.ok() && authorization->has_value());
    EXPECT_EQ((*authorization)->held(), 0u) << "headroom is held for ever";
  }

  // What each side has imported is what the other one says.
  static void CheckShadows(const BookPair& pair, int side) {
    const auto& own = pair.state(side).records();
    for (const auto& [key, value] : pair.state(1 - side).records()) {
      const bool published = key.first == v1::TABLE_LOT || key.first == v1::TABLE_ISSUANCE ||
                             key.first == v1::TABLE_AUTHORIZATION || key.first == v1::TABLE_FIRST_TRANSFER ||
                             key.first == v1::TABLE_TRANSFER_OUT || key.first == v1::TABLE_TRANSFER_IN;
      if (!published) continue;
      const auto shadow = own.find({state::Shadow(key.first), key.second});
      ASSERT_NE(shadow, own.end()) << "table " << key.first << " " << key.second << " was not imported";
      EXPECT_EQ(shadow->second, value) << "table " << key.first << " " << key.second;
    }
  }

  // Each serial is usable in one book at most, and is an ITMO in both books' eyes or in neither's.
  static void CheckUnits(const BookPair& pair) {
    for (Serial serial = 1; serial <= kLotTonnes; ++serial) {
      auto mark = pair.state(kHostSide).FindAtOrBefore(v1::TABLE_FIRST_TRANSFER_RANGE, "LOT/", BlockKey("LOT", serial));
      ASSERT_TRUE(mark.ok());
      v1::FirstTransferRangeRecord range;
      ASSERT_TRUE(!mark->has_value() || range.ParseFromString((*mark)->second));
      const std::string first_transfer = range.last() >= serial ? range.first_transfer_id() : "";
      int present = 0;
      for (int side : {kJapanSide, kHostSide}) {
        auto blocks = ReadBlocks(pair.state(side), Range(serial, serial)[0]);
        ASSERT_TRUE(blocks.ok());
        for (const v1::BlockRecord& block : *blocks) {
          EXPECT_NE(block.state(), v1::BLOCK_STATE_IN_TRANSIT) << serial;
          if (block.state() == v1::BLOCK_STATE_SENT) continue;
          ++present;
          EXPECT_EQ(block.first_transfer_id(), first_transfer) << "serial " << serial << " on side " << side;
        }
      }
      EXPECT_EQ(present, 1) << "serial " << serial;
    }
  }

  const std::vector<Step> steps_;
  std::vector<std::string> path_;
  std::set<std::string> seen_;
  std::set<std::string> outcomes_;
  std::map<std::string, size_t> taken_;
};

bool Has(const Explorer& explorer, const std::string& outcome) { return explorer.outcomes().count(outcome) > 0; }

TEST(BorderInterleavings, OneTransferMeetsEveryCauseInEveryOrder) {
  Explorer explorer({Init("init", kHostSide, "X1", 1, 4, "A1"), Accept("accept", kJapanSide, "X1"),
                     Refuse(kJapanSide, "X1"), Withdraw(kHostSide, "X1"), Expire("expire", kHostSide), Revoke(),
                     SetAccount("close", kJapanSide, v1::ACCOUNT_STATE_CLOSED)});
  explorer.Run();
  EXPECT_GT(explorer.states(), 200u);
  EXPECT_TRUE(Has(explorer, "POSTED/UNSPECIFIED/CREDITED"));
  EXPECT_TRUE(Has(explorer, "POSTED/UNSPECIFIED/CREDITED/suspense"));
  EXPECT_TRUE(Has(explorer, "VOIDED/REFUSED/REFUSED"));
  for (const char* cause : {"EXPIRED", "REVOKED", "WITHDRAWN"}) {
    EXPECT_TRUE(Has(explorer, absl::StrCat("VOIDED/", cause, "/UNSPECIFIED"))) << cause;
    EXPECT_TRUE(Has(explorer, absl::StrCat("VOIDED/", cause, "/VOIDED"))) << cause;
    EXPECT_TRUE(Has(explorer, absl::StrCat("VOIDED/", cause, "/REFUSED"))) << cause;
  }
}

TEST(BorderInterleavings, TwoTransfersOfTheSameUnitsNeverBothTakePlace) {
  Explorer explorer({Init("init", kHostSide, "X1", 1, 4, "A1"), Init("init overlapping", kHostSide, "X2", 3, 6, "A1"),
                     Accept("accept", kJapanSide, "X1"), Accept("accept overlapping", kJapanSide, "X2"),
                     Withdraw(kHostSide, "X1"), Refuse(kJapanSide, "X2"), Revoke(), Expire("expire", kHostSide),
                     Retire("retire at home", kHostSide, 4, 5), Retire("retire in Japan", kJapanSide, 3, 4)});
  explorer.Run();
  EXPECT_GT(explorer.states(), 200u);
}

TEST(BorderInterleavings, UnitsComeBackAndGoAgain) {
  Explorer explorer({Init("init", kHostSide, "X1", 1, 6, "A1"), Accept("accept", kJapanSide, "X1"),
                     Init("send back", kJapanSide, "Y1", 2, 5, ""), Accept("accept back", kHostSide, "Y1"),
                     Init("send again", kHostSide, "X2", 3, 4, ""), Accept("accept again", kJapanSide, "X2"),
                     Withdraw(kJapanSide, "Y1"), Expire("expire in Japan", kJapanSide),
                     SetAccount("freeze", kJapanSide, v1::ACCOUNT_STATE_FROZEN),
                     SetAccount("close at home", kHostSide, v1::ACCOUNT_STATE_CLOSED),
                     Retire("retire in Japan", kJapanSide, 4, 4), Revoke()});
  explorer.Run();
  EXPECT_GT(explorer.states(), 200u);
}

TEST(BorderInterleavings, AFirstTransferFindsUnitsThatJapanIssuedWhereverTheyAre) {
  Explorer explorer({FirstTransfer(8, 9), Init("Japan sends", kJapanSide, "Y1", 7, 9, ""),
                     Accept("host accepts", kHostSide, "Y1"), Withdraw(kJapanSide, "Y1"),
                     Init("host sends back", kHostSide, "X1", 8, 8, ""), Accept("Japan accepts", kJapanSide, "X1"),
                     Revoke(), Expire("expire", kHostSide), Retire("retire in Japan", kJapanSide, 8, 8)});
  explorer.Run();
  EXPECT_GT(explorer.states(), 200u);
}

}  // namespace
}  // namespace jcm::rules
