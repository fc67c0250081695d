#include "services/node/config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

namespace fs = std::filesystem;

constexpr char kConfig[] = R"(registries {
  registry: "JPN"
  domain: "demo.invalid"
  replica_name: "1"
  demonstration: true
  data_dir: "data"
  signer_record: "signer"
  vault_dir: "vault"
  replica_key: "pki/JPN/replica-1.key"
  recovery_key: "pki/JPN/recovery.pub"
  offsite_key: "pki/JPN/offsite.key"
  listen: "127.0.0.1:7001"
  tls { certificate: "pki/JPN/node.pem" key: "pki/JPN/node.key" ca: "pki/JPN/ca.pem" }
  clock { kind: KIND_FILE path: "clock.txt" }
  partnerships {
    partnership: "TH" peer_registry: "THA" peer_address: "localhost:7002"
    peer_tls_server_name: "localhost" peer_ca: "pki/THA/ca.pem"
  }
  first_persons {
    person_id: "operator-1"
    roles: "SYSTEM_OPERATOR"
    public_key: "pki/JPN/persons/operator-1.pub"
    pseudonyms { partnership: "TH" handle: "00112233445566778899aabbccddeeff" }
  }
  channel_roles { identity: "jcm:JPN:person:operator-1" roles: CHANNEL_ROLE_OPERATOR }
}
)";

// A folder with real keys and certificates, made once.
class ConfigTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::path(testing::TempDir()) / "config_test";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    const std::string command =
        "deploy/pki/make-development-pki --person operator-1 " + (folder_ / "pki").string() + " JPN THA > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    Write("clock.txt", "2025-10-30T00:00:00Z\n");
  }

  static void Write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  static absl::StatusOr<NodeSettings> Load(const std::string& text) {
    Write("node.textproto", text);
    return LoadConfig((folder_ / "node.textproto").string());
  }

  // The good configuration with one change.
  static absl::Status LoadWith(const std::string& from, const std::string& to) {
    const std::string text = absl::StrReplaceAll(kConfig, {{from, to}});
    EXPECT_NE(text, kConfig) << "nothing was changed: " << from;
    return Load(text).status();
  }

  static void ExpectBad(const absl::Status& status, Reason reason, const std::string& words) {
    EXPECT_TRUE(HasReason(status, reason)) << status;
    EXPECT_NE(std::string(status.message()).find(words), std::string::npos) << status;
  }

  static fs::path folder_;
};

fs::path ConfigTest::folder_;

TEST_F(ConfigTest, ReadsAGoodFileAndFillsInDefaults) {
  const absl::StatusOr<NodeSettings> settings = Load(kConfig);
  ASSERT_TRUE(settings.ok()) << settings.status();
  ASSERT_EQ(settings->registries.size(), 1u);
  const RegistrySettings& registry = settings->registries[0];
  EXPECT_EQ(registry.config.data_dir(), (folder_ / "data").string());
  EXPECT_EQ(registry.config.k(), 1u);
  EXPECT_EQ(registry.config.limits().client_queue_bundles(), 4'096u);
  EXPECT_EQ(registry.config.limits().batch_bytes(), 256u * 1024);
  EXPECT_EQ(registry.config.poll_interval_ms(), 200u);
  EXPECT_EQ(settings->config.worker_threads(), 4u);
  EXPECT_FALSE(registry.config.after_loss());
  EXPECT_EQ(registry.offsite_key.size(), 32u);
  EXPECT_TRUE(registry.simulated_clock());
  EXPECT_TRUE(registry.genesis.demonstration());
  EXPECT_EQ(registry.genesis.keys().keys(0).name(), "demo.invalid/JPN/1");
  EXPECT_EQ(registry.genesis.keys().keys(0).key().key(), registry.replica_key->public_key().bytes());
  ASSERT_EQ(registry.genesis.persons_size(), 1);
  EXPECT_EQ(registry.genesis.persons(0).roles(0), ledger::v1::ROLE_SYSTEM_OPERATOR);
  EXPECT_EQ(registry.genesis.persons(0).keys(0).key().key().size(), 32u);
  ASSERT_EQ(registry.peers.size(), 1u);
  EXPECT_EQ(registry.peers[0].registry, "THA");
  EXPECT_TRUE(registry.policy.roles_by_identity.at("jcm:JPN:person:operator-1").Has(ChannelRole::kOperator));
}

TEST_F(ConfigTest, SaysFileLineAndFieldOfAnError) {
  const absl::Status status = LoadWith("domain: \"demo.invalid\"", "domain: \"Demo\"");
  ExpectBad(status, Reason::CONFIG_INVALID, "node.textproto:3: registries[0].domain ");
  ExpectBad(LoadWith("peer_registry: \"THA\"", "peer_registry: \"MDV\""), Reason::CONFIG_INVALID,
            "node.textproto:16: registries[0].partnerships[0].peer_registry must be THA");
  ExpectBad(LoadWith("roles: \"SYSTEM_OPERATOR\"", "roles: \"SYSTEM_OPERATOR\"\n    roles: \"KING\""),
            Reason::CONFIG_INVALID, "node.textproto:22: registries[0].first_persons[0].roles[1] ");
}

TEST_F(ConfigTest, RefusesUnknownFieldsAndBrokenText) {
  ExpectBad(Load("registries { regsitry: \"JPN\" }").status(), Reason::CONFIG_INVALID, "node.textproto:1: ");
  ExpectBad(Load("registries {\n  registry: \"JPN\n}").status(), Reason::CONFIG_INVALID, "node.textproto:2: ");
  ExpectBad(Load("").status(), Reason::CONFIG_INVALID, "registries");
  ExpectBad(Load(std::string("\0\xff\x01", 3)).status(), Reason::CONFIG_INVALID, "node.textproto:1");
  ExpectBad(LoadConfig((folder_ / "none.textproto").string()).status(), Reason::CONFIG_INVALID, "none.textproto");
}

struct BadValue {
  const char* from;
  const char* to;
  Reason reason;
  const char* words;
};

class BadValueTest : public ConfigTest, public testing::WithParamInterface<BadValue> {};

TEST_P(BadValueTest, IsRefusedWithItsOwnReason) {
  ExpectBad(LoadWith(GetParam().from, GetParam().to), GetParam().reason, GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadValueTest,
    testing::Values(
        BadValue{"registry: \"JPN\"\n", "registry: \"FRA\"\n", Reason::CONFIG_INVALID, "registries[0].registry"},
        BadValue{"replica_name: \"1\"", "replica_name: \"A\"", Reason::CONFIG_INVALID, "replica_name"},
        BadValue{"data_dir: \"data\"", "", Reason::CONFIG_INVALID, "data_dir is missing"},
        BadValue{"signer_record: \"signer\"", "signer_record: \"data/signer\"", Reason::CONFIG_INVALID,
                 "signer_record must be outside data_dir"},
        BadValue{"signer_record: \"signer\"", "signer_record: \"x/../data/y\"", Reason::CONFIG_INVALID,
                 "signer_record must be outside data_dir"},
        BadValue{"vault_dir: \"vault\"", "vault_dir: \"data\"", Reason::CONFIG_INVALID, "vault_dir must be outside"},
        BadValue{"replica-1.key", "none.key", Reason::CONFIG_INVALID, "replica_key cannot be read"},
        BadValue{"pki/JPN/replica-1.key", "pki/JPN/replica-1.pub", Reason::KEY_FILE_INVALID, "replica_key"},
        BadValue{"pki/JPN/replica-1.key", "pki/JPN/node.key", Reason::KEY_FILE_INVALID,
                 "replica_key must be an Ed25519"},
        BadValue{"recovery.pub", "recovery.key", Reason::KEY_FILE_INVALID, "recovery_key"},
        BadValue{"recovery.pub", "replica-1.pub", Reason::KEY_FILE_INVALID, "recovery_key must not be"},
        BadValue{"pki/JPN/offsite.key", "pki/JPN/recovery.pub", Reason::KEY_FILE_INVALID, "offsite_key"},
        BadValue{"listen: \"127.0.0.1:7001\"", "listen: \"127.0.0.1:7001\" k: 2", Reason::CONFIG_INVALID,
                 "k must be 1"},
        BadValue{"127.0.0.1:7001", "127.0.0.1:70010", Reason::CONFIG_INVALID, "listen must be host:port"},
        BadValue{"127.0.0.1:7001", "127.0.0.1", Reason::CONFIG_INVALID, "listen must be host:port"},
        BadValue{"127.0.0.1:7001", ":7001", Reason::CONFIG_INVALID, "listen must be host:port"},
        BadValue{"certificate: \"pki/JPN/node.pem\"", "certificate: \"pki/THA/node.pem\"", Reason::KEY_FILE_INVALID,
                 "lacks the URI SAN jcm:JPN:node:1"},
        BadValue{"key: \"pki/JPN/node.key\"", "key: \"pki/THA/node.key\"", Reason::KEY_FILE_INVALID, "tls.key"},
        BadValue{" ca: \"pki/JPN/ca.pem\"", " ca: \"pki/THA/ca.pem\"", Reason::KEY_FILE_INVALID,
                 "not vouched for by the registry's CA"},
        BadValue{" ca: \"pki/JPN/ca.pem\"", " ca: \"clock.txt\"", Reason::KEY_FILE_INVALID, "tls.ca"},
        BadValue{"tls {", "# tls {", Reason::CONFIG_INVALID, "certificate is missing"},
        BadValue{"demonstration: true", "", Reason::SIMULATED_CLOCK_REFUSED, "clock.kind needs"},
        BadValue{"clock.txt", "pki/JPN/ca.pem", Reason::CONFIG_INVALID, "clock.path"},
        BadValue{"KIND_FILE", "KIND_SYSTEM", Reason::CONFIG_INVALID, "clock.path is for kind KIND_FILE"},
        BadValue{"partnership: \"TH\" peer", "partnership: \"JP\" peer", Reason::CONFIG_INVALID, "alpha-2"},
        BadValue{"partnership: \"TH\" peer", "partnership: \"XX\" peer", Reason::CONFIG_INVALID, "alpha-2"},
        BadValue{"localhost:7002", "localhost:0", Reason::CONFIG_INVALID, "peer_address"},
        BadValue{"peer_tls_server_name: \"localhost\"", "", Reason::CONFIG_INVALID, "peer_tls_server_name is missing"},
        BadValue{"pki/THA/ca.pem", "pki/THA/node.key", Reason::KEY_FILE_INVALID, "peer_ca"},
        BadValue{"person_id: \"operator-1\"", "person_id: \"operator 1\"", Reason::CONFIG_INVALID, "person_id"},
        BadValue{"roles: \"SYSTEM_OPERATOR\"", "", Reason::CONFIG_INVALID, "roles is missing"},
        BadValue{"operator-1.pub", "operator-1.key", Reason::KEY_FILE_INVALID, "public_key"},
        BadValue{"00112233445566778899aabbccddeeff", "0011", Reason::CONFIG_INVALID, "pseudonyms[0].handle"},
        BadValue{"identity: \"jcm:JPN:", "identity: \"jcm:THA:", Reason::CONFIG_INVALID, "channel_roles[0].identity"},
        BadValue{"roles: CHANNEL_ROLE_OPERATOR", "", Reason::CONFIG_INVALID, "channel_roles[0].roles"},
        BadValue{"replica_name: \"1\"", "replica_name: \"1\" limits { batch_commands: 1001 }", Reason::CONFIG_INVALID,
                 "limits.batch_commands must be in 1..1000"},
        BadValue{"replica_name: \"1\"", "replica_name: \"1\" poll_interval_ms: 5", Reason::CONFIG_INVALID,
                 "poll_interval_ms must be in 10..60000"},
        BadValue{"registries {", "worker_threads: 65 registries {", Reason::CONFIG_INVALID, "worker_threads"}));

TEST_F(ConfigTest, RefusesASignerRecordThatALinkPutsInsideTheStore) {
  fs::create_directories(folder_ / "data");
  fs::remove(folder_ / "link");
  fs::create_symlink(folder_ / "data", folder_ / "link");
  ExpectBad(LoadWith("signer_record: \"signer\"", "signer_record: \"link/signer\""), Reason::CONFIG_INVALID,
            "signer_record must be outside data_dir");
}

TEST_F(ConfigTest, RefusesTwoRegistriesThatShareSomething) {
  ExpectBad(Load(std::string(kConfig) + kConfig).status(), Reason::CONFIG_INVALID,
            "registries[1].registry is that of registries[0] too");
  const std::string thailand = absl::StrReplaceAll(kConfig, {{"\"JPN\"", "\"THA\""},
                                                             {"pki/JPN", "pki/THA"},
                                                             {"pki/THA/ca.pem\"\n", "pki/JPN/ca.pem\"\n"},
                                                             {"peer_registry: \"THA\"", "peer_registry: \"JPN\""},
                                                             {"jcm:JPN:", "jcm:THA:"}});
  ASSERT_TRUE(Load(thailand).ok()) << Load(thailand).status();
  ExpectBad(Load(kConfig + thailand).status(), Reason::CONFIG_INVALID, "registries[1].data_dir is that of");
}

TEST_F(ConfigTest, RefusesAPartnershipOfOthers) {
  const std::string maldives = absl::StrReplaceAll(
      kConfig, {{"partnership: \"TH\" peer_registry: \"THA\"", "partnership: \"MV\" peer_registry: \"MDV\""}});
  EXPECT_TRUE(Load(maldives).ok()) << Load(maldives).status();
  ExpectBad(
      LoadWith("  first_persons {", "  partnerships { partnership: \"TH\" peer_registry: \"THA\" }\n  first_persons {"),
      Reason::CONFIG_INVALID, "partnerships[1].partnership is there twice");
}

TEST(HostPort, KnowsItsForms) {
  uint16_t port = 0;
  for (const char* good : {"localhost:0", "127.0.0.1:7001", "[::1]:65535", "jcm.example:80"}) {
    EXPECT_TRUE(IsHostPort(good, &port)) << good;
  }
  EXPECT_EQ(port, 80);
  for (const char* bad :
       {"", ":1", "a", "a:", "a:b", "a:65536", "a:-1", "a:000001", "::1:7001", "[]:1", "http://a:1"}) {
    EXPECT_FALSE(IsHostPort(bad, nullptr)) << bad;
  }
}

}  // namespace
}  // namespace jcm::services
