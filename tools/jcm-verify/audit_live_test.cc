// The auditor against a real jcm-node over mutual TLS: a sound registry, one whose store was changed behind its back,
// and one that goes away in the middle.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "gtest/gtest.h"
#include "ledger/base/file_system.h"
#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/note.h"
#include "ledger/book/trust.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/stored_entries.h"
#include "ledger/store/rocksdb_store.h"
#include "tools/client/connection.h"
#include "tools/jcm-verify/audit/audit.h"
#include "tools/jcm-verify/audit/live_source.h"
#include "tools/jcm-verify/audit/testing/story_books.h"
#include "tools/jcm-verify/audit_tool.h"

namespace jcm::verify {
namespace {

constexpr char kPkiScript[] = "deploy/pki/make-development-pki";
constexpr char kNode[] = "services/node/jcm-node";
constexpr char kDomain[] = "demo.invalid";
constexpr int kStartSeconds = 60;

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  JCM_CHECK(fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0);
  socklen_t size = sizeof(name);
  JCM_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  close(fd);
  return ntohs(name.sin_port);
}

// One government's registry; its partner is not there.
class AuditLive : public testing::Test {
 protected:
  AuditLive() : folder_(absl::StrCat(getenv("TEST_TMPDIR"), "/live-", ++number_)) {
    EXPECT_TRUE(disk_.MakeDirs(folder_).ok());
    const std::string pki = absl::StrCat(kPkiScript, " --person operator-1 --program auditor ", folder_, "/pki JPN > ",
                                         folder_, "/pki.log 2>&1");
    EXPECT_EQ(std::system(pki.c_str()), 0);
    address_ = absl::StrCat("127.0.0.1:", FreePort());
    std::ofstream(folder_ + "/node.textproto") << absl::Substitute(
        R"(registries {
  registry: "JPN" domain: "$0" replica_name: "1" demonstration: true
  data_dir: "data" signer_record: "signer" vault_dir: "vault"
  replica_key: "pki/JPN/replica-1.key" recovery_key: "pki/JPN/recovery.pub" offsite_key: "pki/JPN/offsite.key"
  listen: "$1"
  tls { certificate: "pki/JPN/node.pem" key: "pki/JPN/node.key" ca: "pki/JPN/ca.pem" }
  channel_roles { identity: "jcm:JPN:person:operator-1" roles: CHANNEL_ROLE_OPERATOR }
  partnerships {
    partnership: "TH" peer_registry: "THA" peer_address: "127.0.0.1:9" peer_tls_server_name: "localhost"
    peer_ca: "pki/JPN/ca.pem"
  }
  first_persons {
    person_id: "operator-1" roles: "SYSTEM_OPERATOR" public_key: "pki/JPN/persons/operator-1.pub"
    pseudonyms { partnership: "TH" handle: "00112233445566778899aabbccddeeff" }
  }
}
)",
        kDomain, address_);
    WriteTrust();
    options_.trust_paths = {folder_ + "/trust.json"};
    options_.configured_trust_path = "/none";
    options_.connection.address = address_;
    options_.connection.tls_ca = folder_ + "/pki/JPN/ca.pem";
    options_.connection.tls_cert = folder_ + "/pki/JPN/clients/person-operator-1.pem";
    options_.connection.tls_key = folder_ + "/pki/JPN/clients/person-operator-1.key";
    options_.connection.server_name = "localhost";
    options_.connection.timeout_seconds = 5;
  }
  ~AuditLive() override { End(SIGKILL); }

  void WriteTrust() {
    const auto key = [&](const char* name) {
      return *PublicKey::FromPem(*disk_.ReadFile(absl::StrCat(folder_, "/pki/JPN/", name)));
    };
    book::KeySet keys;
    keys.k = 1;
    keys.keys.push_back({book::KeyNameOf(kDomain, "JPN", "1"), key("replica-1.pub")});
    std::vector<book::TrustedBook> books;
    for (const char* partnership : {"home", "TH"}) {
      book::TrustedBook book;
      book.origin = absl::StrCat(kDomain, "/JPN/", partnership);
      book.book = BookId{"JPN", partnership};
      book.demonstration = true;
      book.mode = book.book.is_home() ? book::PartnerMode::HOME : book::PartnerMode::ATTESTED;
      if (!book.book.is_home()) book.partner = "THA";
      book.keys = *book::KeyHistory::Start(keys, key("recovery.pub"));
      books.push_back(std::move(book));
    }
    ASSERT_TRUE(disk_.WriteFileAtomically(folder_ + "/trust.json", book::Trust::FromBooks(books)->Format()).ok());
  }

  void Start() {
    const std::string log = folder_ + "/node.log";
    const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string node = absl::StrCat(getenv("TEST_SRCDIR"), "/jcm_registry/", kNode);
    const std::string config = folder_ + "/node.textproto";
    const char* const arguments[] = {node.c_str(), "--config", config.c_str(), nullptr};
    const pid_t parent = getpid();
    node_ = fork();
    ASSERT_GE(node_, 0);
    if (node_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(127);
      dup2(output, STDERR_FILENO);
      execv(node.c_str(), const_cast<char* const*>(arguments));
      _exit(127);
    }
    close(output);
    // It answers when there is a checkpoint to audit.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kStartSeconds);
    while (Run() == kExitUsage) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << said_ << *disk_.ReadFile(log);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  void End(int signal) {
    if (node_ <= 0) return;
    kill(node_, signal);
    waitpid(node_, nullptr, 0);
    node_ = -1;
  }

  int Run() {
    std::ostringstream out, err;
    const int code = RunAudit(options_, disk_, out, err);
    said_ = out.str() + err.str();
    return code;
  }

  static int number_;
  const std::string folder_;
  PosixFileSystem disk_;
  std::string address_;
  AuditOptions options_;
  std::string said_;
  pid_t node_ = -1;
};
int AuditLive::number_ = 0;

TEST_F(AuditLive, FindsNothingInASoundRegistry) {
  Start();
  EXPECT_EQ(Run(), kExitValid) << said_;
  EXPECT_TRUE(absl::StrContains(said_, "demo.invalid/JPN/home")) << said_;
  EXPECT_TRUE(absl::StrContains(said_, "demo.invalid/JPN/TH")) << said_;
}

// The node sees it too, and serves no such entry as good: the auditor says whose, and why.
TEST_F(AuditLive, FindsAnEntryThatWasChangedInTheStore) {
  Start();
  End(SIGTERM);
  store::RocksDbOptions store_options;
  store_options.path = folder_ + "/data/store";
  store_options.identity = {"JPN", kDomain};
  {
    absl::StatusOr<std::unique_ptr<store::RocksDbStore>> store = store::RocksDbStore::Open(store_options);
    ASSERT_TRUE(store.ok()) << store.status();
    const BookId home{"JPN", "home"};
    const std::string key = registry::EntryKey(home, 0);
    const absl::StatusOr<absl::optional<std::string>> pack = (*store)->Get(store::Family::kEntry, key);
    ASSERT_TRUE(pack.ok() && pack->has_value());
    absl::StatusOr<std::vector<v1::EntryRecord>> entries = registry::UnpackEntries(**pack);
    ASSERT_TRUE(entries.ok() && !entries->empty()) << entries.status();
    std::string effects = (*entries)[0].effects();
    effects[effects.size() / 2] ^= 1;
    (*entries)[0].set_effects(effects);
    store::WriteBatch batch;
    batch.Put(store::Family::kEntry, key, registry::PackEntries(*entries));
    ASSERT_TRUE((*store)->Write(batch, store::Sync::kYes).ok());
  }
  Start();
  EXPECT_EQ(Run(), kExitInvalid) << said_;
  EXPECT_TRUE(absl::StrContains(said_, "JPN/home entry 0 is not what was recorded")) << said_;
}

TEST_F(AuditLive, FindsThatOthersWereShownAnotherBook) {
  Start();
  const book::Checkpoint other{absl::StrCat(kDomain, "/JPN/home"), 1, Sha256("another history")};
  book::Note note = book::UnsignedCheckpoint(other);
  const absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(*disk_.ReadFile(folder_ + "/pki/JPN/replica-1.key"));
  ASSERT_TRUE(key.ok());
  ASSERT_TRUE(
      book::AddSignatureLine(note, book::SignCheckpoint(other, book::KeyNameOf(kDomain, "JPN", "1"), *key)).ok());
  ASSERT_TRUE(disk_.WriteFileAtomically(folder_ + "/other.txt", book::FormatNote(note)).ok());
  options_.checkpoint_paths = {folder_ + "/other.txt"};
  EXPECT_EQ(Run(), kExitInvalid) << said_;
  EXPECT_TRUE(absl::StrContains(said_, "[tree]")) << said_;
}

TEST_F(AuditLive, SaysThatANodeWentAwayInTheMiddle) {
  Start();
  absl::StatusOr<client::Connection> connection = client::Connection::Open(options_.connection, disk_);
  ASSERT_TRUE(connection.ok());
  std::vector<std::unique_ptr<EntrySource>> sources;
  for (const char* partnership : {"home", "TH"}) {
    auto source = LiveSource::Open(*connection, BookId{"JPN", partnership}, address_);
    ASSERT_TRUE(source.ok()) << source.status();
    sources.push_back(*std::move(source));
  }
  AuditSettings settings;
  settings.at_end = [&](const EntrySource&, const BookAudit&, BookReport*) { End(SIGKILL); };
  AuditReport report;
  AuditBooks(std::move(sources), {}, settings, &report);
  ASSERT_EQ(report.books().size(), 2u);
  EXPECT_EQ(report.books()[0].errors(), 0u) << AllFindings(report);
  EXPECT_GT(report.books()[1].count(Check::COMPLETE).failed, 0u) << AllFindings(report);
  EXPECT_TRUE(absl::StrContains(AllFindings(report), "entries from 0 on")) << AllFindings(report);
  // And one that is not there at all cannot be audited.
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_TRUE(absl::StrContains(said_, "jcm-verify: ")) << said_;
}

}  // namespace
}  // namespace jcm::verify
