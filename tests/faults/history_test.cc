#include "tests/faults/history.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace jcm::faults {
namespace {

using ::testing::HasSubstr;

constexpr char kBook[] = "books/JPN/TH";
constexpr uint64_t kTotal = 100;

// A book whose entries have the hashes "0", "1", … and are acts, but for the genesis.
WrittenBooks Books(size_t entries) {
  WrittenBooks books;
  for (size_t i = 0; i < entries; ++i) books[kBook].push_back({std::to_string(i), i > 0});
  return books;
}

std::vector<Place> At(uint64_t sequence) { return {{kBook, sequence, std::to_string(sequence)}}; }

Reading Shows(std::set<uint64_t> gone, uint64_t at_least) { return {"JPN", kBook, "JPN/1", at_least, kTotal, gone}; }

TEST(History, FindsNothingWhereAllIsWell) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a", 11), At(1));
  const size_t unknown = history.Begin(1, "JPN", "b", 12);
  history.Acknowledge(history.Begin(1, "JPN", "c", 13), At(2));
  history.Read(Shows({11, 13}, 2));
  history.Resolve(unknown, At(3));
  history.Read(Shows({11, 13, 12}, 3));
  history.Read(Shows({11}, 1));
  EXPECT_EQ(history.Check("JPN", Books(4), kTotal), "");
  EXPECT_EQ(history.NewestAcknowledged(kBook), 2u);
  EXPECT_EQ(history.unknown(), 1u);
}

TEST(History, FindsALostAct) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a"), At(1));
  history.Acknowledge(history.Begin(1, "JPN", "b"), At(2));
  EXPECT_THAT(history.Check("JPN", Books(2), kTotal), HasSubstr("JPN b of client 1: lost"));
}

TEST(History, FindsAnActThatBecameAnotherEntry) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a"), {{kBook, 1, "other"}});
  EXPECT_THAT(history.Check("JPN", Books(2), kTotal), HasSubstr("is another one"));
}

TEST(History, FindsAnActDoneTwice) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a"), At(1));
  EXPECT_THAT(history.Check("JPN", Books(3), kTotal), HasSubstr("nobody asked for entry 2"));
}

TEST(History, FindsTwoActsWithOneEntry) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a"), At(1));
  history.Acknowledge(history.Begin(2, "JPN", "b"), At(1));
  EXPECT_THAT(history.Check("JPN", Books(2), kTotal), HasSubstr("is also that of"));
}

TEST(History, FindsAnOutcomeThatStaysUnknown) {
  History history;
  history.Begin(1, "JPN", "a");
  EXPECT_THAT(history.Check("JPN", Books(1), kTotal), HasSubstr("nobody knows what became of it"));
}

TEST(History, FindsActsOfOneClientInAnotherOrder) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a"), At(2));
  history.Acknowledge(history.Begin(1, "JPN", "b"), At(1));
  EXPECT_THAT(history.Check("JPN", Books(3), kTotal), HasSubstr("b of client 1 was sent after the answer to JPN a"));
}

TEST(History, AllowsActsThatWereUnderWayTogetherInAnyOrder) {
  History history;
  const size_t a = history.Begin(1, "JPN", "a");
  const size_t b = history.Begin(2, "JPN", "b");
  history.Acknowledge(a, At(2));
  history.Acknowledge(b, At(1));
  EXPECT_EQ(history.Check("JPN", Books(3), kTotal), "");
}

TEST(History, FindsAReadingThatDoesNotAddUp) {
  History history;
  Reading reading = Shows({}, 0);
  reading.total = kTotal - 1;
  history.Read(reading);
  EXPECT_THAT(history.Check("JPN", Books(1), kTotal), HasSubstr("shows 99 t instead of 100"));
}

TEST(History, FindsAReadingThatIsOlderThanAsked) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a", 11), At(1));
  history.Read(Shows({}, 1));
  EXPECT_THAT(history.Check("JPN", Books(2), kTotal), HasSubstr("is older than asked"));
}

TEST(History, FindsAReadingWithAHoleInIt) {
  History history;
  history.Acknowledge(history.Begin(1, "JPN", "a", 11), At(1));
  history.Acknowledge(history.Begin(1, "JPN", "b", 12), At(2));
  history.Read(Shows({12}, 0));
  EXPECT_THAT(history.Check("JPN", Books(3), kTotal), HasSubstr("shows entry 2 and not entry 1"));
}

TEST(History, FindsAReadingOfWhatNobodyDid) {
  History history;
  history.Read(Shows({99}, 0));
  EXPECT_THAT(history.Check("JPN", Books(1), kTotal), HasSubstr("no act has taken"));
}

}  // namespace
}  // namespace jcm::faults
