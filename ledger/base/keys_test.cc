#include "ledger/base/keys.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

PrivateKey KeyOf(SignatureType type, uint64_t seed = 1) {
  SeededRandom random(seed);
  return *PrivateKey::Generate(type, random);
}

class EachType : public testing::TestWithParam<SignatureType> {};
INSTANTIATE_TEST_SUITE_P(Keys, EachType, testing::Values(SignatureType::ED25519, SignatureType::ECDSA_P256_SHA256));

TEST_P(EachType, VerifiesWhatItSigned) {
  PrivateKey key = KeyOf(GetParam());
  for (const std::string& message : {std::string(), std::string("a"), std::string(100000, 'x')}) {
    EXPECT_TRUE(key.public_key().Verify(message, key.Sign(message)).ok());
  }
}

TEST_P(EachType, RefusesAnyOtherMessageOrSignature) {
  PrivateKey key = KeyOf(GetParam());
  std::string signature = key.Sign("message");
  const PublicKey& verifier = key.public_key();
  EXPECT_TRUE(HasReason(verifier.Verify("messagf", signature), Reason::SIGNATURE_INVALID));
  EXPECT_FALSE(verifier.Verify("message", "").ok());
  EXPECT_FALSE(verifier.Verify("message", signature + "x").ok());
  EXPECT_FALSE(verifier.Verify("message", signature.substr(0, signature.size() - 1)).ok());
  EXPECT_FALSE(KeyOf(GetParam(), 2).public_key().Verify("message", signature).ok());
  for (size_t i = 0; i < signature.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = signature;
      changed[i] ^= static_cast<char>(1 << bit);
      EXPECT_FALSE(verifier.Verify("message", changed).ok()) << i;
    }
  }
}

TEST_P(EachType, SurvivesPemAndBytes) {
  PrivateKey key = KeyOf(GetParam());
  PrivateKey again = *PrivateKey::FromPem(key.ToPem());
  EXPECT_EQ(again.public_key(), key.public_key());
  EXPECT_TRUE(key.public_key().Verify("m", again.Sign("m")).ok());
  EXPECT_EQ(*PublicKey::FromPem(key.public_key().ToPem()), key.public_key());
  PublicKey from_bytes = *PublicKey::FromBytes(GetParam(), key.public_key().bytes());
  EXPECT_TRUE(from_bytes.Verify("m", key.Sign("m")).ok());
}

TEST_P(EachType, IsGeneratedFromTheRandomnessAlone) {
  EXPECT_EQ(KeyOf(GetParam(), 5).public_key(), KeyOf(GetParam(), 5).public_key());
  EXPECT_NE(KeyOf(GetParam(), 5).public_key(), KeyOf(GetParam(), 6).public_key());
}

TEST_P(EachType, IsSafeToUseFromManyThreads) {
  PrivateKey key = KeyOf(GetParam());
  std::vector<int> good(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < good.size(); ++i) {
    threads.emplace_back([&key, &good, i] {
      for (int round = 0; round < 20; ++round) good[i] += key.public_key().Verify("m", key.Sign("m")).ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : good) EXPECT_EQ(count, 20);
}

TEST(Ed25519, GivesThePublishedSignatures) {
  // RFC 8032 section 7.1, tests 1 and 2.
  PrivateKey one =
      *PrivateKey::FromSeed(*HexDecode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
  EXPECT_EQ(HexEncode(one.public_key().bytes()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(
      HexEncode(one.Sign("")),
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b"
      "be24655141438e7a100b");
  PrivateKey two =
      *PrivateKey::FromSeed(*HexDecode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  EXPECT_EQ(
      HexEncode(two.Sign("\x72")),
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb430"
      "2aeeb00d291612bb0c00");
}

TEST(PublicKey, HasAnIdThatDependsOnTypeAndBytes) {
  PublicKey key = KeyOf(SignatureType::ED25519).public_key();
  EXPECT_EQ(key.KeyId(), Sha256(std::string("\x01") + key.bytes()));
}

TEST(PublicKey, SaysThatATypeIsUnknownRatherThanMalformed) {
  absl::StatusOr<PublicKey> key = PublicKey::FromBytes(static_cast<SignatureType>(4), std::string(1312, 'k'));
  EXPECT_TRUE(HasReason(key.status(), Reason::SIGNATURE_TYPE_UNSUPPORTED));
  SeededRandom random(1);
  EXPECT_TRUE(HasReason(PrivateKey::Generate(static_cast<SignatureType>(3), random).status(),
                        Reason::SIGNATURE_TYPE_UNSUPPORTED));
}

TEST(PublicKey, RefusesBytesThatAreNotItsOneSpelling) {
  std::string der = KeyOf(SignatureType::ECDSA_P256_SHA256).public_key().bytes();
  EXPECT_TRUE(
      HasReason(PublicKey::FromBytes(SignatureType::ECDSA_P256_SHA256, der + "x").status(), Reason::FIELD_INVALID));
  for (size_t i = 0; i < 27; ++i) {
    std::string changed = der;
    changed[i] ^= 1;
    EXPECT_FALSE(PublicKey::FromBytes(SignatureType::ECDSA_P256_SHA256, changed).ok()) << i;
  }
  EXPECT_FALSE(PublicKey::FromBytes(SignatureType::ECDSA_P256_SHA256, std::string(32, 'k')).ok());
  EXPECT_FALSE(PublicKey::FromBytes(SignatureType::ED25519, std::string(31, 'k')).ok());
  EXPECT_FALSE(PublicKey::FromBytes(SignatureType::ED25519, der).ok());
}

TEST(PublicKey, OfNoOneVerifiesNothing) { EXPECT_FALSE(PublicKey().Verify("", "").ok()); }

TEST(Pem, RefusesWhatIsNotAKeyFile) {
  PrivateKey key = KeyOf(SignatureType::ED25519);
  EXPECT_TRUE(HasReason(PrivateKey::FromPem("").status(), Reason::KEY_FILE_INVALID));
  EXPECT_TRUE(HasReason(PrivateKey::FromPem(key.public_key().ToPem()).status(), Reason::KEY_FILE_INVALID));
  EXPECT_TRUE(HasReason(PublicKey::FromPem(key.ToPem()).status(), Reason::KEY_FILE_INVALID));
  EXPECT_FALSE(PrivateKey::FromPem(key.ToPem().substr(0, 60)).ok());
  EXPECT_FALSE(PrivateKey::FromPem(std::string(100000, 'x')).ok());
  EXPECT_FALSE(PrivateKey::FromSeed("short").ok());
}

TEST(PreAuthEncode, GivesThePublishedExample) {
  EXPECT_EQ(PreAuthEncode("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(PreAuthEncode("", ""), "DSSEv1 0  0 ");
}

}  // namespace
}  // namespace jcm
