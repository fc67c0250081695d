#include "tools/jcm-verify/audit/written_once.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/hash.h"

namespace jcm::verify {
namespace {

TEST(WrittenOnce, KnowsWhatWasThereAndShowsAllInOrder) {
  WrittenOnce records;
  std::map<std::string, Digest> model;
  uint64_t random = 7;
  const auto compare = [&] {
    auto expected = model.begin();
    records.Visit([&](absl::string_view key, const Digest& hash) {
      ASSERT_NE(expected, model.end());
      EXPECT_EQ(key, expected->first);
      EXPECT_EQ(hash, expected->second);
      ++expected;
    });
    EXPECT_EQ(expected, model.end());
  };
  for (int round = 0; round < 20'000; ++round) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const std::string key = absl::StrCat("T", (random >> 33) % 5'000);
    const auto known = model.find(key);
    const Digest* old_hash = known == model.end() ? nullptr : &known->second;
    const Digest wrong = Sha256("wrong");
    if (round % 7 == 0) {
      EXPECT_TRUE(records.Change(key, old_hash, nullptr)) << key;
      model.erase(key);
      continue;
    }
    const Digest hash = Sha256(absl::StrCat(key, round));
    if (round % 5 == 0) {
      EXPECT_FALSE(records.Change(key, &wrong, &hash)) << key;
    } else {
      EXPECT_TRUE(records.Change(key, old_hash, &hash)) << key;
    }
    model[key] = hash;
    if (round % 6'000 == 0) compare();
  }
  compare();
}

}  // namespace
}  // namespace jcm::verify
