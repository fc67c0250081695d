#include "ledger/book/trust.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm::book {
namespace {

PublicKey Key(uint64_t seed) {
  SeededRandom random(seed);
  return PrivateKey::Generate(random).public_key();
}

KeySet Set(const std::string& registry, uint64_t seed) {
  KeySet set;
  set.k = 1;
  set.keys = {{"demo.invalid/" + registry + "/1", Key(seed)}};
  return set;
}

TrustedBook Thai() {
  TrustedBook book;
  book.origin = "demo.invalid/JPN/TH";
  book.demonstration = true;
  book.mode = PartnerMode::NODE;
  book.partner = "THA";
  book.keys = *KeyHistory::Start(Set("JPN", 1), Key(100));
  EXPECT_TRUE(book.keys->Append(40, Set("JPN", 2), absl::nullopt).ok());
  book.cosigner_keys = *KeyHistory::Start(Set("THA", 3), PublicKey());
  return book;
}

TrustedBook Home() {
  TrustedBook book;
  book.origin = "demo.invalid/JPN/home";
  book.demonstration = true;
  book.mode = PartnerMode::HOME;
  book.keys = *KeyHistory::Start(Set("JPN", 1), Key(100));
  return book;
}

TEST(Trust, RoundTrips) {
  Trust trust = *Trust::FromBooks({Thai(), Home()});
  Trust again = *Trust::Parse(trust.Format());
  EXPECT_EQ(again.Format(), trust.Format());
  const TrustedBook* book = again.Find("demo.invalid/JPN/TH");
  ASSERT_NE(book, nullptr);
  EXPECT_EQ(book->book, (BookId{"JPN", "TH"}));
  EXPECT_EQ(book->keys->At(39), Set("JPN", 1));
  EXPECT_EQ(book->keys->At(40), Set("JPN", 2));
  EXPECT_EQ(book->keys->latest().recovery_key, Key(100));
  EXPECT_EQ(book->cosigner_keys->At(0), Set("THA", 3));
  EXPECT_EQ(again.Find("demo.invalid/THA/TH"), nullptr);
}

TEST(Trust, ListsFingerprintsForPeople) {
  std::vector<std::string> lines = Trust::FromBooks({Thai(), Home()})->Fingerprints();
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0].rfind("demo.invalid/JPN/1  ", 0), 0u);
  EXPECT_EQ(lines[0].size(), std::string("demo.invalid/JPN/1  ").size() + 64);
}

TEST(Trust, RefusesBooksWhosePartsDoNotFit) {
  auto expect_malformed = [](auto change) {
    TrustedBook book = Thai();
    change(book);
    EXPECT_TRUE(HasReason(Trust::FromBooks({book}).status(), Reason::TRUST_MALFORMED));
  };
  expect_malformed([](TrustedBook& b) { b.origin = "JPN/TH"; });
  expect_malformed([](TrustedBook& b) { b.origin = "demo.invalid/THA/TH"; });
  expect_malformed([](TrustedBook& b) { b.origin = "registry.example/JPN/TH"; });
  expect_malformed([](TrustedBook& b) { b.demonstration = false; });
  expect_malformed([](TrustedBook& b) { b.mode = PartnerMode::HOME; });
  expect_malformed([](TrustedBook& b) { b.mode = PartnerMode::ATTESTED; });
  expect_malformed([](TrustedBook& b) { b.partner = ""; });
  expect_malformed([](TrustedBook& b) { b.partner = "TH"; });
  expect_malformed([](TrustedBook& b) { b.partner = "JPN"; });
  expect_malformed([](TrustedBook& b) { b.keys.reset(); });
  expect_malformed([](TrustedBook& b) { b.cosigner_keys.reset(); });
  EXPECT_TRUE(HasReason(Trust::FromBooks({Thai(), Thai()}).status(), Reason::TRUST_MALFORMED));
  EXPECT_TRUE(HasReason(Trust::FromBooks({}).status(), Reason::TRUST_MALFORMED));
}

TEST(Trust, ReadsStrictly) {
  const std::string valid = Trust::FromBooks({Thai()})->Format();
  ASSERT_TRUE(Trust::Parse(valid).ok());
  auto replaced = [&](const std::string& from, const std::string& to) {
    EXPECT_NE(valid.find(from), std::string::npos) << from;
    return absl::StrReplaceAll(valid, {{from, to}});
  };
  for (const std::string& wrong :
       {std::string(),
        std::string("[]"),
        std::string("{}"),
        valid + "x",
        valid.substr(0, valid.size() - 3),
        replaced("jcm-trust-1", "jcm-trust-2"),
        replaced("\"mode\"", "\"Mode\""),
        replaced("\"mode\": \"NODE\"", "\"mode\": \"NONE\""),
        replaced("\"demonstration\": true", "\"demonstration\": 1"),
        replaced("\"demonstration\": true", "\"demonstration\": true, \"demonstration\": true"),
        replaced("\"demonstration\": true,", ""),
        replaced("\"from_size\": 0", "\"from_size\": 1"),
        replaced("\"from_size\": 40", "\"from_size\": -40"),
        replaced("\"from_size\": 40", "\"from_size\": 40.5"),
        replaced("\"from_size\": 40", "\"from_size\": 0"),
        replaced("\"k\": 1", "\"k\": 2"),
        replaced("\"k\": 1", "\"k\": 4294967297"),
        replaced("\"type\": 1", "\"type\": 2"),
        replaced("\"type\": 1", "\"type\": 257"),
        replaced("/JPN/1+", "/JPN/2+"),
        std::string(kTrustBytesMax + 1, ' '),
        std::string(1000, '[')}) {
    EXPECT_TRUE(HasReason(Trust::Parse(wrong).status(), Reason::TRUST_MALFORMED)) << wrong.substr(0, 400);
  }
}

}  // namespace
}  // namespace jcm::book
