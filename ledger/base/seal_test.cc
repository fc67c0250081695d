#include "ledger/base/seal.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

const std::string kKey(32, 'k');
const std::string kNonce(12, 'n');

TEST(Seal, GivesThePublishedValuesOfTheGcmSpecification) {
  // McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 and 14.
  std::string zero_key(32, '\0'), zero_nonce(12, '\0');
  EXPECT_EQ(HexEncode(*Seal(zero_key, zero_nonce, "", "")), "530f8afbc74536b9a963b4f1c4cb738b");
  EXPECT_EQ(HexEncode(*Seal(zero_key, zero_nonce, "", std::string(16, '\0'))),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
}

TEST(Seal, OpensAgainWithTheSameData) {
  for (const std::string& text : {std::string(), std::string("a"), std::string(1000, 'x')}) {
    std::string sealed = *Seal(kKey, kNonce, "person 7", text);
    EXPECT_EQ(sealed.size(), text.size() + kSealTagBytes);
    EXPECT_EQ(*Unseal(kKey, kNonce, "person 7", sealed), text);
  }
}

TEST(Seal, DoesNotOpenIfAnyByteDiffers) {
  std::string sealed = *Seal(kKey, kNonce, "person 7", "Somchai");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_TRUE(HasReason(Unseal(kKey, kNonce, "person 7", changed).status(), Reason::DIGEST_MISMATCH)) << i;
  }
  EXPECT_FALSE(Unseal(kKey, kNonce, "person 8", sealed).ok());
  EXPECT_FALSE(Unseal(std::string(32, 'j'), kNonce, "person 7", sealed).ok());
  EXPECT_FALSE(Unseal(kKey, std::string(12, 'm'), "person 7", sealed).ok());
  EXPECT_FALSE(Unseal(kKey, kNonce, "person 7", sealed.substr(0, 15)).ok());
  EXPECT_FALSE(Unseal(kKey, kNonce, "person 7", sealed + "x").ok());
}

TEST(Seal, RefusesKeysAndNoncesOfOtherLengths) {
  EXPECT_TRUE(HasReason(Seal("short", kNonce, "", "").status(), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(Seal(kKey, "short", "", "").status(), Reason::FIELD_INVALID));
}

}  // namespace
}  // namespace jcm
