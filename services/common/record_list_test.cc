#include "services/common/record_list.h"

#include <set>
#include <string>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"
#include "ledger/state/state.h"
#include "services/common/page_token.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

constexpr int kLots = 25;

state::MapState ManyLots(size_t padding = 0) {
  v1::Effects effects;
  for (int i = 0; i < kLots; ++i) {
    v1::LotRecord lot;
    lot.set_lot_id(absl::StrFormat("TH%03d-2021-1", i));
    lot.set_project_id(std::string(padding, 'x') + absl::StrFormat("TH%03d", i));
    v1::Effect* effect = effects.add_effects();
    effect->set_table(v1::TABLE_LOT);
    effect->set_key(lot.lot_id());
    effect->set_new_value(lot.SerializeAsString());
  }
  state::MapState state;
  EXPECT_TRUE(state.Apply(effects).ok());
  return state;
}

RecordList ListOf(const state::MapState& state, size_t page_size, const std::string& token) {
  RecordList list;
  list.reader = std::make_unique<state::MapState>(state);
  list.table = v1::TABLE_LOT;
  list.page_size = page_size;
  list.list = ListKey({"ListLots", "partnerships/TH"});
  list.after = *DecodePageToken(token, list.list);
  return list;
}

TEST(RecordList, ShowsEveryRecordOnceInOrder) {
  const state::MapState state = ManyLots();
  for (const size_t page_size : {1, 7, 25, 26, 1'000}) {
    std::vector<std::string> seen;
    std::string token;
    size_t pages = 0;
    do {
      google::protobuf::RepeatedPtrField<v1::LotRecord> page;
      const RecordList list = ListOf(state, page_size, token);
      token.clear();
      ASSERT_TRUE(FillPage(list, &page, &token).ok());
      EXPECT_LE(static_cast<size_t>(page.size()), page_size);
      for (const v1::LotRecord& lot : page) seen.push_back(lot.lot_id());
      ++pages;
    } while (!token.empty());
    EXPECT_EQ(seen.size(), static_cast<size_t>(kLots));
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
    EXPECT_EQ(pages, (kLots + page_size - 1) / page_size);
  }
}

TEST(RecordList, EndsAPageBeforeItIsTooLargeForAMessage) {
  const state::MapState state = ManyLots(1u << 20);
  google::protobuf::RepeatedPtrField<v1::LotRecord> page;
  std::string token;
  ASSERT_TRUE(FillPage(ListOf(state, 1'000, ""), &page, &token).ok());
  EXPECT_EQ(page.size(), 2);
  EXPECT_FALSE(token.empty());
}

TEST(RecordList, FilteredPagesCountWhatTheyShow) {
  const state::MapState state = ManyLots();
  std::vector<std::string> seen;
  std::string token;
  const auto odd = [&seen](absl::string_view key, absl::string_view value) -> absl::StatusOr<size_t> {
    if ((key[4] - '0') % 2 == 0) return 0;
    seen.emplace_back(key);
    return value.size();
  };
  ASSERT_TRUE(VisitPage(ListOf(state, 5, ""), odd, &token).ok());
  EXPECT_EQ(seen.size(), 5u);
  std::string rest = token;
  token.clear();
  ASSERT_TRUE(VisitPage(ListOf(state, 100, rest), odd, &token).ok());
  EXPECT_TRUE(token.empty());
  EXPECT_EQ(seen.size(), 12u);
}

TEST(RecordList, SaysWhenARecordIsDamaged) {
  v1::Effects effects;
  v1::Effect* effect = effects.add_effects();
  effect->set_table(v1::TABLE_LOT);
  effect->set_key("a");
  effect->set_new_value("\xff");
  state::MapState state;
  ASSERT_TRUE(state.Apply(effects).ok());
  google::protobuf::RepeatedPtrField<v1::LotRecord> page;
  std::string token;
  EXPECT_TRUE(HasReason(FillPage(ListOf(state, 5, ""), &page, &token), Reason::STORE_CORRUPT));
  EXPECT_TRUE(HasReason(AllRecords<v1::LotRecord>(state, v1::TABLE_LOT).status(), Reason::STORE_CORRUPT));
}

}  // namespace
}  // namespace jcm::services
