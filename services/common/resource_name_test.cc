#include "services/common/resource_name.h"

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

TEST(ResourceName, ReadsWhatItWrites) {
  const BookId book{"JPN", "TH"};
  EXPECT_EQ(*ParseBookName(BookName(book)), book);
  EXPECT_EQ(*ParseBookName("books/JPN/home"), (BookId{"JPN", "home"}));
  const EntryName entry = *ParseEntryName(EntryNameOf(book, 18'446'744'073'709'551'615u));
  EXPECT_EQ(entry.book, book);
  EXPECT_EQ(entry.sequence, 18'446'744'073'709'551'615u);
  EXPECT_EQ(*ParsePartnershipName("partnerships/TH"), "TH");
  const DecisionName decision = *ParseDecisionName("partnerships/TH/decisions/TH-JC7-TH014");
  EXPECT_EQ(decision.partnership, "TH");
  EXPECT_EQ(decision.decision_id, "TH-JC7-TH014");
  EXPECT_EQ(*ParseBookId("THA/TH"), (BookId{"THA", "TH"}));
}

TEST(ResourceName, RefusesEveryOtherSpelling) {
  const auto invalid = [](const absl::Status& status) { return HasReason(status, Reason::RESOURCE_NAME_INVALID); };
  for (const char* name : {"", "books", "books/", "books/JPN", "books/JPN/", "books/JPN/TH/", "/books/JPN/TH",
                           "books//TH", "Books/JPN/TH", "books/jpn/TH", "books/JP/TH", "books/JPN/THA", "books/JPN/th",
                           "books/JPN/HOME", "books/JPN/TH/entries/1", "books/JPN/..", "books/JPN/TH\n"}) {
    EXPECT_TRUE(invalid(ParseBookName(name).status())) << name;
  }
  for (const char* name : {"books/JPN/TH/entries/", "books/JPN/TH/entries/01", "books/JPN/TH/entries/-1",
                           "books/JPN/TH/entries/+1", "books/JPN/TH/entries/ 1", "books/JPN/TH/entries/1.0",
                           "books/JPN/TH/entries/18446744073709551616", "books/JPN/TH/entry/1", "books/JPN/TH"}) {
    EXPECT_TRUE(invalid(ParseEntryName(name).status())) << name;
  }
  for (const char* name : {"TH", "partnerships/", "partnerships/home", "partnerships/THA", "partnerships/TH/"}) {
    EXPECT_TRUE(invalid(ParsePartnershipName(name).status())) << name;
  }
  for (const char* name : {"partnerships/TH/decisions/", "partnerships/TH/decisions/a b", "partnerships/TH/decision/a",
                           "partnerships/TH/decisions/a/b"}) {
    EXPECT_TRUE(invalid(ParseDecisionName(name).status())) << name;
  }
  EXPECT_TRUE(invalid(ParseBookId("books/JPN/TH").status()));
  EXPECT_TRUE(invalid(ParseBookName(std::string(100'000, '/')).status()));
}

TEST(ResourceName, DoesNotRepeatAHugeNameInItsError) {
  EXPECT_LT(ParseBookName(std::string(100'000, 'x')).status().message().size(), 200u);
}

}  // namespace
}  // namespace jcm::services
