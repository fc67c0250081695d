#include "ledger/store/ordered_cache.h"

#include <map>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace jcm::store {
namespace {

constexpr size_t kRoomy = 1 << 20;

TEST(OrderedCache, KnowsNothingAtFirst) {
  OrderedCache cache(kRoomy);
  EXPECT_FALSE(cache.Get("a").has_value());
  EXPECT_FALSE(cache.FindAtOrBefore("a", "z").has_value());
  EXPECT_FALSE(cache.FindAtOrAfter("a", "z").has_value());
}

TEST(OrderedCache, KnowsThatNothingLiesBetweenWhatWasFoundAndWhereItWasLookedFor) {
  OrderedCache cache(kRoomy);
  cache.LearnAtOrBefore("a", "m", KeyValue("c", "3"));
  EXPECT_EQ((*cache.FindAtOrBefore("a", "k"))->first, "c");
  ASSERT_TRUE(cache.Get("d").has_value());
  EXPECT_FALSE(cache.Get("d")->has_value());
  EXPECT_FALSE(cache.FindAtOrBefore("a", "n").has_value()) << "beyond what was asked, nothing is known";
  EXPECT_FALSE(cache.FindAtOrBefore("a", "b").has_value());
}

TEST(OrderedCache, SeesAWriteIntoAKnownGap) {
  OrderedCache cache(kRoomy);
  cache.LearnAtOrAfter("c", "z", absl::nullopt);
  cache.Put("m", "13");
  EXPECT_EQ((*cache.FindAtOrBefore("c", "x"))->second, "13");
  EXPECT_EQ((*cache.FindAtOrAfter("c", "z"))->first, "m");
  cache.Delete("m");
  ASSERT_TRUE(cache.FindAtOrAfter("c", "z").has_value());
  EXPECT_FALSE(cache.FindAtOrAfter("c", "z")->has_value());
}

TEST(OrderedCache, StaysBelowItsLimit) {
  OrderedCache cache(10'000);
  for (int i = 0; i < 1'000; ++i) {
    cache.Put("key" + std::to_string(i), std::string(100, 'v'));
    ASSERT_LE(cache.bytes(), 10'000u);
  }
}

// Whatever was learned, written and forgotten: what the cache says it knows is what a map of everything says.
class OrderedCacheAgainstAMap : public testing::TestWithParam<uint32_t> {};

TEST_P(OrderedCacheAgainstAMap, NeverSaysAnythingElse) {
  std::mt19937 random(GetParam());
  std::map<std::string, std::string> all;
  // Half of the seeds must forget all the time.
  OrderedCache cache(GetParam() % 2 == 0 ? kRoomy : 2'000);
  const auto key = [&] {
    std::string text(1 + random() % 3, 'a');
    for (char& c : text) c = "\0ab\xff"[random() % 4];
    return text;
  };
  const auto at_or_before = [&](const std::string& lower, const std::string& at) -> absl::optional<KeyValue> {
    auto it = all.upper_bound(at);
    if (it == all.begin() || (--it)->first < lower) return absl::nullopt;
    return KeyValue(*it);
  };
  const auto at_or_after = [&](const std::string& from, const std::string& upper) -> absl::optional<KeyValue> {
    auto it = all.lower_bound(from);
    if (it == all.end() || it->first >= upper) return absl::nullopt;
    return KeyValue(*it);
  };
  int known = 0;
  for (int step = 0; step < 20'000; ++step) {
    std::string low = key();
    std::string high = key();
    if (high < low) std::swap(low, high);
    switch (random() % 5) {
      case 0: {
        const std::string value = std::to_string(step);
        all[low] = value;
        cache.Put(low, value);
        break;
      }
      case 1:
        all.erase(low);
        cache.Delete(low);
        break;
      case 2: {
        const auto it = all.find(low);
        const absl::optional<std::string> truth =
            it == all.end() ? absl::optional<std::string>() : absl::optional<std::string>(it->second);
        const auto said = cache.Get(low);
        known += said.has_value();
        if (said.has_value()) {
          ASSERT_EQ(*said, truth) << "step " << step;
        }
        if (!said.has_value()) cache.LearnGet(low, truth);
        break;
      }
      case 3: {
        const auto truth = at_or_before(low, high);
        const auto said = cache.FindAtOrBefore(low, high);
        known += said.has_value();
        if (said.has_value()) {
          ASSERT_EQ(*said, truth) << "step " << step;
        }
        if (!said.has_value()) cache.LearnAtOrBefore(low, high, truth);
        break;
      }
      default: {
        if (random() % 2 == 0) low.push_back('\0');
        if (high < low) break;
        const auto truth = at_or_after(low, high);
        const auto said = cache.FindAtOrAfter(low, high);
        known += said.has_value();
        if (said.has_value()) {
          ASSERT_EQ(*said, truth) << "step " << step;
        }
        if (!said.has_value()) cache.LearnAtOrAfter(low, high, truth);
      }
    }
  }
  EXPECT_GT(known, 1'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, OrderedCacheAgainstAMap, testing::Range(0u, 40u));

}  // namespace
}  // namespace jcm::store
