#include "tools/client/bundle_builder.h"

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/book/merkle.h"

namespace jcm::client {
namespace {

class BundleBuilderTest : public testing::Test {
 protected:
  v1::Command NoticeOf(uint32_t version) {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_NATIVE);
    command.mutable_rules_notice()->set_rules_version(version);
    return command;
  }

  v1::SignedBundle Parsed(const BuiltBundle& built) {
    v1::SignedBundle bundle;
    EXPECT_TRUE(ParseStrict(built.bytes, &bundle).ok());
    return bundle;
  }

  SeededRandom random_{7};
  PrivateKey author_ = PrivateKey::Generate(random_);
  PrivateKey approver_ = PrivateKey::Generate(random_);
};

TEST_F(BundleBuilderTest, PutsTheRootOfAllPartsUnderOneHeader) {
  BundleBuilder builder("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  for (uint32_t version = 1; version <= 5; ++version) ASSERT_TRUE(builder.Add("TH", NoticeOf(version)).ok());
  const auto built = builder.Sign({author_});
  ASSERT_TRUE(built.ok()) << built.status();
  const v1::SignedBundle bundle = Parsed(*built);
  v1::BundleHeader header;
  ASSERT_TRUE(ParseStrict(bundle.header(), &header).ok());
  EXPECT_EQ(header.format(), 1u);
  EXPECT_EQ(header.registry(), "JPN");
  EXPECT_EQ(header.part_count(), 5u);
  EXPECT_EQ(header.request_id(), built->request_id);
  book::Frontier tree;
  for (const std::string& part : bundle.parts()) tree.Append(Sha256Prefixed(0x00, part));
  EXPECT_EQ(header.parts_root(), std::string(AsBytes(tree.Root())));
}

TEST_F(BundleBuilderTest, SignsTheSameBytesWithEveryKeyAndNamesTheAuthorFirst) {
  BundleBuilder builder("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  ASSERT_TRUE(builder.Add("home", NoticeOf(1)).ok());
  const auto built = builder.Sign({author_, approver_});
  ASSERT_TRUE(built.ok());
  const v1::SignedBundle bundle = Parsed(*built);
  v1::BundleHeader header;
  ASSERT_TRUE(header.ParseFromString(bundle.header()));
  EXPECT_EQ(header.author_key_id(), std::string(AsBytes(author_.public_key().KeyId())));
  ASSERT_EQ(bundle.signatures_size(), 2);
  const std::string message = PreAuthEncode("application/vnd.jcm.bundle-header.v1", bundle.header());
  EXPECT_TRUE(author_.public_key().Verify(message, bundle.signatures(0).signature()).ok());
  EXPECT_TRUE(approver_.public_key().Verify(message, bundle.signatures(1).signature()).ok());
  EXPECT_FALSE(author_.public_key().Verify(message, bundle.signatures(1).signature()).ok());
}

TEST_F(BundleBuilderTest, GivesEachPartASaltOfItsOwn) {
  BundleBuilder builder("JPN", v1::BUNDLE_MODE_INDEPENDENT, random_);
  ASSERT_TRUE(builder.Add("TH", NoticeOf(1)).ok());
  ASSERT_TRUE(builder.Add("TH", NoticeOf(1)).ok());
  const v1::SignedBundle bundle = Parsed(builder.Sign({author_}).value());
  v1::BundlePart first;
  v1::BundlePart second;
  ASSERT_TRUE(first.ParseFromString(bundle.parts(0)));
  ASSERT_TRUE(second.ParseFromString(bundle.parts(1)));
  EXPECT_EQ(first.command(), second.command());
  EXPECT_EQ(first.salt().size(), 16u);
  EXPECT_NE(first.salt(), second.salt());
}

TEST_F(BundleBuilderTest, GivesTheSameBytesForTheSameRandomness) {
  std::string bytes[2];
  for (std::string& out : bytes) {
    SeededRandom random(3);
    BundleBuilder builder("THA", v1::BUNDLE_MODE_ATOMIC, random);
    ASSERT_TRUE(builder.Add("TH", NoticeOf(9)).ok());
    out = builder.Sign({author_}).value().bytes;
  }
  EXPECT_EQ(bytes[0], bytes[1]);
}

TEST_F(BundleBuilderTest, KeepsTheRequestIdThatWasSet) {
  BundleBuilder builder("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  ASSERT_TRUE(builder.SetRequestId(std::string(16, 'r')).ok());
  EXPECT_TRUE(HasReason(builder.SetRequestId("short"), Reason::FIELD_INVALID));
  ASSERT_TRUE(builder.Add("TH", NoticeOf(1)).ok());
  EXPECT_EQ(builder.Sign({author_})->request_id, std::string(16, 'r'));
}

TEST_F(BundleBuilderTest, CarriesAttachmentsBesideWhatIsSigned) {
  BundleBuilder builder("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  ASSERT_TRUE(builder.Add("home", NoticeOf(1)).ok());
  v1::SealedAttachment attachment;
  attachment.set_subject("account/1");
  builder.Attach(attachment);
  const v1::SignedBundle bundle = Parsed(builder.Sign({author_}).value());
  ASSERT_EQ(bundle.attachments_size(), 1);
  EXPECT_EQ(bundle.attachments(0).subject(), "account/1");
}

TEST_F(BundleBuilderTest, RefusesToSignNothingOrWithNoKey) {
  BundleBuilder builder("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  EXPECT_TRUE(HasReason(builder.Sign({author_}).status(), Reason::BUNDLE_EMPTY));
  ASSERT_TRUE(builder.Add("TH", NoticeOf(1)).ok());
  EXPECT_TRUE(HasReason(builder.Sign({}).status(), Reason::SIGNATURE_MISSING));
}

TEST_F(BundleBuilderTest, RefusesWhatIsTooLargeInsteadOfSplittingIt) {
  v1::Command large = NoticeOf(1);
  large.set_note(std::string(kCommandBytesMax, 'x'));
  BundleBuilder one("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  EXPECT_TRUE(HasReason(one.Add("TH", large), Reason::COMMAND_TOO_LARGE));

  BundleBuilder many("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  for (size_t i = 0; i < kBundlePartsMax; ++i) ASSERT_TRUE(many.Add("TH", NoticeOf(1)).ok());
  EXPECT_TRUE(HasReason(many.Add("TH", NoticeOf(1)), Reason::BUNDLE_TOO_LARGE));

  BundleBuilder heavy("JPN", v1::BUNDLE_MODE_ATOMIC, random_);
  large.set_note(std::string(kCommandBytesMax / 2, 'x'));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(heavy.Add("TH", large).ok());
  EXPECT_TRUE(HasReason(heavy.Sign({author_}).status(), Reason::BUNDLE_TOO_LARGE));
}

}  // namespace
}  // namespace jcm::client
