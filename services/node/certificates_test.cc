#include "services/node/certificates.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "services/node/testing/test_registry.h"

namespace jcm::services {
namespace {

using testing::TestSite;

class CertificatesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { site_ = new TestSite; }
  static void TearDownTestSuite() { delete site_; }
  static std::string Read(const std::string& name) { return site_->Read(name); }
  static TestSite* site_;
};

TestSite* CertificatesTest::site_ = nullptr;

TEST_F(CertificatesTest, AreVouchedForByTheirOwnCaAlone) {
  EXPECT_TRUE(CheckVouchedFor(Read("JPN/node.pem"), Read("JPN/ca.pem")).ok());
  EXPECT_TRUE(CheckVouchedFor(Read("JPN/node.pem"), Read("THA/ca.pem") + Read("JPN/ca.pem")).ok());
  for (const char* ca : {"THA/ca.pem", "false/JPN/ca.pem", "JPN/node.pem"}) {
    const absl::Status status = CheckVouchedFor(Read("JPN/clients/person-operator-1.pem"), Read(ca));
    EXPECT_TRUE(HasReason(status, Reason::CERTIFICATE_REQUIRED)) << ca;
  }
}

TEST_F(CertificatesTest, AreJudgedByTheFirstOneWhateverIsSentBesideIt) {
  const std::string forged = Read("false/JPN/node.pem");
  for (const std::string& beside :
       {Read("JPN/ca.pem"), Read("JPN/node.pem"), Read("JPN/node.pem") + Read("JPN/ca.pem")}) {
    EXPECT_TRUE(HasReason(CheckVouchedFor(forged + beside, Read("JPN/ca.pem")), Reason::CERTIFICATE_REQUIRED));
  }
  EXPECT_TRUE(CheckVouchedFor(Read("JPN/node.pem") + forged, Read("JPN/ca.pem")).ok());
}

TEST_F(CertificatesTest, SayWhoTheyAre) {
  EXPECT_EQ(*UrisOfCertificate(Read("JPN/node.pem")), (std::vector<std::string>{"jcm:JPN:node:1"}));
  EXPECT_EQ(*UrisOfCertificate(Read("THA/clients/program-gateway.pem")),
            (std::vector<std::string>{"jcm:THA:program:gateway"}));
  EXPECT_TRUE(UrisOfCertificate(Read("JPN/ca.pem"))->empty());
}

TEST_F(CertificatesTest, HaveOnePrivateKey) {
  EXPECT_TRUE(CheckKeyOfCertificate(Read("JPN/node.pem"), Read("JPN/node.key")).ok());
  for (const char* key : {"THA/node.key", "JPN/replica-1.key", "JPN/recovery.pub", "JPN/offsite.key"}) {
    EXPECT_TRUE(HasReason(CheckKeyOfCertificate(Read("JPN/node.pem"), Read(key)), Reason::KEY_FILE_INVALID)) << key;
  }
}

TEST_F(CertificatesTest, ThatAreNoneAreRefused) {
  for (const std::string& text :
       {std::string(), std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        Read("JPN/node.key"), std::string(1'000, '\xff')}) {
    EXPECT_TRUE(HasReason(CheckCertificates(text), Reason::KEY_FILE_INVALID));
    EXPECT_TRUE(HasReason(CheckVouchedFor(text, Read("JPN/ca.pem")), Reason::KEY_FILE_INVALID));
    EXPECT_TRUE(HasReason(CheckVouchedFor(Read("JPN/node.pem"), text), Reason::KEY_FILE_INVALID));
    EXPECT_EQ(DaysLeft(text), 0);
  }
}

TEST_F(CertificatesTest, ExpireWhenTheyWereToldTo) {
  // Made for 825 days a moment ago.
  EXPECT_GE(DaysLeft(Read("JPN/node.pem")), 823);
  EXPECT_LE(DaysLeft(Read("JPN/node.pem")), 825);
}

}  // namespace
}  // namespace jcm::services
