#include "ledger/state/state.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace jcm::state {
namespace {

constexpr uint32_t kTable = v1::TABLE_PROJECT;

v1::Effects PutEffect(const std::string& key, const std::string& value) {
  MapState empty;
  Transition t(empty);
  EXPECT_TRUE(t.Put(kTable, key, value).ok());
  return t.Effects();
}

std::vector<std::string> Keys(const StateReader& reader, const std::string& prefix, const std::string& from = "") {
  std::vector<std::string> keys;
  EXPECT_TRUE(reader
                  .Scan(kTable, prefix, from,
                        [&](absl::string_view key, absl::string_view) {
                          keys.emplace_back(key);
                          return true;
                        })
                  .ok());
  return keys;
}

TEST(Transition, ListsEachRecordOnceWithItsFirstOldAndLastNewValue) {
  MapState base;
  ASSERT_TRUE(base.Apply(PutEffect("a", "1")).ok());
  Transition t(base);
  ASSERT_TRUE(t.Put(kTable, "b", "x").ok());
  ASSERT_TRUE(t.Put(kTable, "a", "2").ok());
  ASSERT_TRUE(t.Put(kTable, "a", "3").ok());
  v1::Effects effects = t.Effects();
  ASSERT_EQ(effects.effects_size(), 2);
  EXPECT_EQ(effects.effects(0).key(), "b");
  EXPECT_EQ(effects.effects(1).old_value(), "1");
  EXPECT_EQ(effects.effects(1).new_value(), "3");
}

TEST(Transition, LeavesNoEffectForAChangeThatChangesNothing) {
  MapState base;
  ASSERT_TRUE(base.Apply(PutEffect("a", "1")).ok());
  Transition t(base);
  ASSERT_TRUE(t.Put(kTable, "a", "2").ok());
  ASSERT_TRUE(t.Put(kTable, "a", "1").ok());
  ASSERT_TRUE(t.Delete(kTable, "missing").ok());
  EXPECT_EQ(t.Effects().effects_size(), 0);
}

TEST(Transition, ScansChangesAndBaseInOneOrder) {
  MapState base;
  for (const char* key : {"p/1", "p/3", "p/5", "q/1"}) ASSERT_TRUE(base.Apply(PutEffect(key, "v")).ok());
  Transition t(base);
  ASSERT_TRUE(t.Put(kTable, "p/2", "n").ok());
  ASSERT_TRUE(t.Put(kTable, "p/6", "n").ok());
  ASSERT_TRUE(t.Delete(kTable, "p/3").ok());
  EXPECT_EQ(Keys(t, "p/"), (std::vector<std::string>{"p/1", "p/2", "p/5", "p/6"}));
  EXPECT_EQ(Keys(t, "p/", "p/2"), (std::vector<std::string>{"p/2", "p/5", "p/6"}));
}

TEST(Transition, FindsTheNearestVisibleRecordBefore) {
  MapState base;
  for (uint64_t n : {1, 10, 20}) ASSERT_TRUE(base.Apply(PutEffect("lot/" + SortableNumber(n), "v")).ok());
  Transition t(base);
  ASSERT_TRUE(t.Delete(kTable, "lot/" + SortableNumber(10)).ok());
  auto found = t.FindAtOrBefore(kTable, "lot/", "lot/" + SortableNumber(15));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->first, "lot/" + SortableNumber(1));
  ASSERT_TRUE(t.Put(kTable, "lot/" + SortableNumber(12), std::string("n")).ok());
  found = t.FindAtOrBefore(kTable, "lot/", "lot/" + SortableNumber(15));
  EXPECT_EQ((*found)->first, "lot/" + SortableNumber(12));
  ASSERT_TRUE(t.Delete(kTable, "lot/" + SortableNumber(1)).ok());
  found = t.FindAtOrBefore(kTable, "lot/", "lot/" + SortableNumber(11));
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
}

TEST(MapState, RefusesEffectsThatStartFromAnotherState) {
  MapState base;
  v1::Effects effects = PutEffect("a", "1");
  ASSERT_TRUE(base.Apply(effects).ok());
  EXPECT_TRUE(HasReason(base.Apply(effects), Reason::DIGEST_MISMATCH));
}

}  // namespace
}  // namespace jcm::state
