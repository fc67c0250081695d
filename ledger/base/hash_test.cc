#include "ledger/base/hash.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"

namespace jcm {
namespace {

TEST(Sha256, GivesThePublishedValues) {
  EXPECT_EQ(HexEncode(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexEncode(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, HashesPartsAsIfTheyWereOneString) {
  EXPECT_EQ(Sha256Of({"a", "", "bc"}), Sha256("abc"));
  EXPECT_EQ(Sha256Of({}), Sha256(""));
}

TEST(Sha256, PutsThePrefixFirst) {
  EXPECT_EQ(HexEncode(Sha256Prefixed(0, "L123456")),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56");
  EXPECT_EQ(HexEncode(Sha256Prefixed(1, "N123", "N456")),
            "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb");
}

TEST(Sha256, IsTheSameInAllThreads) {
  std::vector<Digest> digests(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < digests.size(); ++i) {
    threads.emplace_back([&digests, i] {
      for (int round = 0; round < 100; ++round) digests[i] = Sha256("book");
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Digest& digest : digests) EXPECT_EQ(digest, Sha256("book"));
}

}  // namespace
}  // namespace jcm
