#include "tools/client/particulars.h"

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/seal.h"
#include "ledger/base/status.h"

namespace jcm::client {
namespace {

TEST(Particulars, SealsWhatOnlyTheKeyAndTheSubjectOpen) {
  SeededRandom random(1);
  const auto sealed = SealParticulars("account/JP-1", {{"holder", "架空株式会社"}}, random);
  ASSERT_TRUE(sealed.ok());
  const v1::SealedAttachment& attachment = sealed->attachment;
  EXPECT_EQ(sealed->digest, std::string(AsBytes(Sha256(attachment.ciphertext()))));
  EXPECT_EQ(attachment.ciphertext().find("holder"), std::string::npos);
  const auto opened = Unseal(sealed->key, attachment.nonce(), "account/JP-1", attachment.ciphertext());
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(*opened, R"({"holder":"架空株式会社"})");
  EXPECT_FALSE(Unseal(sealed->key, attachment.nonce(), "account/JP-2", attachment.ciphertext()).ok());
}

TEST(Particulars, ReadsTheHolderFromWhatWasSealed) {
  EXPECT_EQ(HolderName(R"({"holder":"架空株式会社","country":"JP"})"), "架空株式会社");
  EXPECT_EQ(HolderName("a plain name"), "a plain name");
  EXPECT_EQ(HolderName(R"({"name":"x"})"), R"({"name":"x"})");
}

TEST(Particulars, NeverUsesOneKeyForTwoSubjects) {
  SeededRandom random(1);
  const auto first = SealParticulars("account/1", {{"holder", "A"}}, random);
  const auto second = SealParticulars("account/2", {{"holder", "A"}}, random);
  EXPECT_NE(first->key, second->key);
}

TEST(Particulars, CommitsToSaltAndValue) {
  SeededRandom random(1);
  const Commitment commitment = Commit("GX-ETS FY2026", random);
  EXPECT_EQ(commitment.salt.size(), 32u);
  EXPECT_EQ(commitment.digest, std::string(AsBytes(Sha256(commitment.salt + "GX-ETS FY2026"))));
  EXPECT_EQ(CommitWithSalt("GX-ETS FY2026", commitment.salt)->digest, commitment.digest);
  EXPECT_NE(CommitWithSalt("GX-ETS FY2027", commitment.salt)->digest, commitment.digest);
  EXPECT_NE(Commit("GX-ETS FY2026", random).digest, commitment.digest);
  EXPECT_TRUE(HasReason(CommitWithSalt("x", "short").status(), Reason::FIELD_INVALID));
}

TEST(Particulars, ChecksTheCheckDigitOfACorporateNumber) {
  EXPECT_TRUE(CheckCorporateNumber("7000012050002").ok());  // the National Tax Agency's own
  for (char digit = '0'; digit <= '9'; ++digit) {
    if (digit == '7') continue;
    EXPECT_TRUE(HasReason(CheckCorporateNumber(std::string(1, digit) + "000012050002"), Reason::FIELD_INVALID));
  }
  EXPECT_FALSE(CheckCorporateNumber("700001205000").ok());
  EXPECT_FALSE(CheckCorporateNumber("700001205000x").ok());
}

}  // namespace
}  // namespace jcm::client
