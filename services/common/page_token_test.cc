#include "services/common/page_token.h"

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

TEST(PageToken, GivesBackTheKeyOfItsList) {
  const std::string list = ListKey({"ListLots", "partnerships/TH"});
  const std::string key("TH014-2021-1\0\xff", 14);
  EXPECT_EQ(*DecodePageToken(EncodePageToken(key, list), list), key);
  EXPECT_EQ(*DecodePageToken("", list), "");
}

TEST(PageToken, IsRefusedByEveryOtherList) {
  const std::string token = EncodePageToken("a", ListKey({"ListLots", "partnerships/TH"}));
  for (const std::string& other :
       {ListKey({"ListLots", "partnerships/MV"}), ListKey({"ListTransfers", "partnerships/TH"}),
        ListKey({"ListLots", "partnerships/TH", ""}), std::string()}) {
    EXPECT_TRUE(HasReason(DecodePageToken(token, other).status(), Reason::PAGE_TOKEN_INVALID));
  }
}

TEST(PageToken, IsRefusedWithAnyCharacterChanged) {
  const std::string list = ListKey({"ListLots"});
  const std::string token = EncodePageToken("key-of-a-record", list);
  for (size_t i = 0; i < token.size(); ++i) {
    for (char c : {'A', 'b', '_', '*'}) {
      std::string changed = token;
      if (changed[i] == c) continue;
      changed[i] = c;
      EXPECT_TRUE(HasReason(DecodePageToken(changed, list).status(), Reason::PAGE_TOKEN_INVALID)) << i << c;
    }
  }
}

TEST(PageToken, IsRefusedCutOffLengthenedOrMadeUp) {
  const std::string list = ListKey({"ListLots"});
  const std::string token = EncodePageToken("key", list);
  for (const std::string& text : {token.substr(0, token.size() - 1), token + "A", token + "=", std::string("1"),
                                  std::string(10'000, 'A'), EncodePageToken("", list)}) {
    EXPECT_TRUE(HasReason(DecodePageToken(text, list).status(), Reason::PAGE_TOKEN_INVALID)) << text.size();
  }
}

TEST(PageToken, ListKeysDoNotRunTogether) {
  EXPECT_NE(ListKey({"a", "bc"}), ListKey({"ab", "c"}));
  EXPECT_NE(ListKey({"a", ""}), ListKey({"a"}));
}

TEST(PageSize, HasADefaultAndALimit) {
  EXPECT_EQ(*CheckPageSize(0), 100u);
  EXPECT_EQ(*CheckPageSize(1), 1u);
  EXPECT_EQ(*CheckPageSize(1'000), 1'000u);
  EXPECT_TRUE(HasReason(CheckPageSize(1'001).status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(CheckPageSize(-1).status(), Reason::FIELD_INVALID));
}

}  // namespace
}  // namespace jcm::services
