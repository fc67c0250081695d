#include "ledger/store/vault.h"

#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/seal.h"
#include "ledger/base/status.h"

namespace jcm::store {
namespace {

constexpr char kDirectory[] = "/vault";

std::string Key(char letter) { return std::string(kSealKeyBytes, letter); }

class VaultTest : public ::testing::Test {
 protected:
  std::shared_ptr<MemoryFileSystem> files_ = std::make_shared<MemoryFileSystem>();
  Vault vault_{files_, kDirectory};
  SeededRandom random_{1};
};

using Names = std::vector<std::string>;

TEST_F(VaultTest, BeginsEmpty) {
  EXPECT_EQ(*vault_.List(), Names());
  EXPECT_EQ(*vault_.Erased(), Names());
  EXPECT_TRUE(HasReason(vault_.Get("a").status(), Reason::NOT_FOUND));
  EXPECT_TRUE(vault_.FinishErasures().ok());
}

TEST_F(VaultTest, KeepsKeysOverRestarts) {
  ASSERT_TRUE(vault_.Put("person/17", Key('a')).ok());
  ASSERT_TRUE(vault_.Put("..", Key('b')).ok());
  Vault again(files_, kDirectory);
  EXPECT_EQ(*again.Get("person/17"), Key('a'));
  EXPECT_EQ(*again.Get(".."), Key('b'));
  EXPECT_EQ(*again.List(), (Names{"..", "person/17"}));
}

TEST_F(VaultTest, NeverReplacesAKey) {
  ASSERT_TRUE(vault_.Put("a", Key('a')).ok());
  EXPECT_TRUE(vault_.Put("a", Key('a')).ok());
  EXPECT_TRUE(HasReason(vault_.Put("a", Key('b')), Reason::ALREADY_EXISTS));
  EXPECT_EQ(*vault_.Get("a"), Key('a'));
}

TEST_F(VaultTest, RefusesOtherLengths) {
  EXPECT_TRUE(HasReason(vault_.Put("a", "short"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(vault_.Put("a", Key('a') + "x"), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(vault_.Put("", Key('a')), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(vault_.Put(std::string(kSubjectMaxBytes + 1, 's'), Key('a')), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(vault_.Erase(""), Reason::FIELD_INVALID));
  EXPECT_TRUE(vault_.Put(std::string(kSubjectMaxBytes, 's'), Key('a')).ok());
}

TEST_F(VaultTest, ErasingDeletesTheKeyForGood) {
  ASSERT_TRUE(vault_.Put("a", Key('a')).ok());
  ASSERT_TRUE(vault_.Put("b", Key('b')).ok());
  ASSERT_TRUE(vault_.Erase("a").ok());
  ASSERT_TRUE(vault_.Erase("a").ok());
  EXPECT_TRUE(HasReason(vault_.Get("a").status(), Reason::VAULT_KEY_ERASED));
  EXPECT_TRUE(HasReason(vault_.Put("a", Key('a')), Reason::VAULT_KEY_ERASED));
  EXPECT_EQ(*vault_.List(), Names{"b"});
  EXPECT_EQ(*vault_.Erased(), Names{"a"});
  EXPECT_EQ(*vault_.Get("b"), Key('b'));
  const auto names = files_->ListDir(kDirectory);
  ASSERT_TRUE(names.ok());
  for (const std::string& name : *names) {
    const std::string content = *files_->ReadFile(absl::StrCat(kDirectory, "/", name));
    EXPECT_FALSE(absl::StrContains(content, Key('a'))) << name;
  }
}

TEST_F(VaultTest, SomebodyWithoutAKeyCanBeErasedToo) {
  ASSERT_TRUE(vault_.Erase("a").ok());
  EXPECT_TRUE(HasReason(vault_.Put("a", Key('a')), Reason::VAULT_KEY_ERASED));
}

TEST_F(VaultTest, AnErasureThatACrashInterruptedIsFinishedAtStart) {
  ASSERT_TRUE(vault_.Put("a", Key('a')).ok());
  uint64_t attempts = 0;
  for (uint64_t nth = 1; nth <= 3; ++nth) {
    files_->FailNthWrite(nth);
    const absl::Status erased = vault_.Erase("a");
    files_->FailNthWrite(0);
    if (erased.ok()) break;
    ++attempts;
    Vault again(files_, kDirectory);
    ASSERT_TRUE(again.FinishErasures().ok());
    if (again.Get("a").ok()) {
      EXPECT_EQ(*again.Erased(), Names()) << "not begun, and the caller was told so";
    } else {
      EXPECT_TRUE(HasReason(again.Get("a").status(), Reason::VAULT_KEY_ERASED));
      EXPECT_FALSE(files_->Exists("/vault/61.key"));
    }
  }
  EXPECT_GE(attempts, 2u);
  EXPECT_FALSE(files_->Exists("/vault/61.key"));
}

TEST_F(VaultTest, FindsDamage) {
  ASSERT_TRUE(vault_.Put("a", Key('a')).ok());
  const std::string path = "/vault/61.key";
  const std::string good = *files_->ReadFile(path);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    ASSERT_TRUE(files_->WriteFileAtomically(path, bad).ok());
    EXPECT_TRUE(HasReason(vault_.Get("a").status(), Reason::STORE_CORRUPT)) << i;
    ASSERT_TRUE(files_->WriteFileAtomically(path, good.substr(0, i)).ok());
    EXPECT_TRUE(HasReason(vault_.Get("a").status(), Reason::STORE_CORRUPT)) << i;
  }
  ASSERT_TRUE(files_->WriteFileAtomically("/vault/62.key", good).ok());
  EXPECT_TRUE(HasReason(vault_.Get("b").status(), Reason::STORE_CORRUPT)) << "the file of another person";
}

TEST_F(VaultTest, TravelsSealed) {
  ASSERT_TRUE(vault_.Put("a", Key('a')).ok());
  ASSERT_TRUE(vault_.Put("b", Key('b')).ok());
  ASSERT_TRUE(vault_.Erase("c").ok());
  const auto sealed = vault_.Export(Key('R'), random_);
  ASSERT_TRUE(sealed.ok());
  EXPECT_FALSE(absl::StrContains(*sealed, Key('a')));
  EXPECT_NE(*sealed, *vault_.Export(Key('R'), random_)) << "each export has its own nonce";

  Vault other(std::make_shared<MemoryFileSystem>(), kDirectory);
  EXPECT_TRUE(HasReason(other.Import(Key('X'), *sealed), Reason::DIGEST_MISMATCH));
  for (size_t i = 0; i < sealed->size(); ++i) {
    std::string bad = *sealed;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_TRUE(HasReason(other.Import(Key('R'), bad), Reason::DIGEST_MISMATCH)) << i;
  }
  EXPECT_FALSE(other.Import(Key('R'), "short").ok());
  EXPECT_EQ(*other.List(), Names());
  ASSERT_TRUE(other.Import(Key('R'), *sealed).ok());
  ASSERT_TRUE(other.Import(Key('R'), *sealed).ok());
  EXPECT_EQ(*other.List(), (Names{"a", "b"}));
  EXPECT_EQ(*other.Get("b"), Key('b'));
  EXPECT_EQ(*other.Erased(), Names{"c"});
}

TEST_F(VaultTest, ImportingAnOldExportBringsNobodyBack) {
  ASSERT_TRUE(vault_.Put("a", Key('a')).ok());
  ASSERT_TRUE(vault_.Put("b", Key('b')).ok());
  const std::string sealed = *vault_.Export(Key('R'), random_);
  ASSERT_TRUE(vault_.Erase("a").ok());
  ASSERT_TRUE(vault_.Import(Key('R'), sealed).ok());
  EXPECT_TRUE(HasReason(vault_.Get("a").status(), Reason::VAULT_KEY_ERASED));
  EXPECT_EQ(*vault_.List(), Names{"b"});
}

TEST_F(VaultTest, ImportingAnotherKeyOfSomebodyChangesNothing) {
  ASSERT_TRUE(vault_.Put("a", Key('a')).ok());
  ASSERT_TRUE(vault_.Put("b", Key('b')).ok());
  const std::string sealed = *vault_.Export(Key('R'), random_);
  Vault other(std::make_shared<MemoryFileSystem>(), kDirectory);
  ASSERT_TRUE(other.Put("b", Key('x')).ok());
  EXPECT_TRUE(HasReason(other.Import(Key('R'), sealed), Reason::ALREADY_EXISTS));
  EXPECT_EQ(*other.List(), Names{"b"});
  EXPECT_EQ(*other.Get("b"), Key('x'));
}

TEST(VaultFiles, AreForTheirOwnerAlone) {
  const std::string directory = absl::StrCat(::testing::TempDir(), "/vault");
  Vault vault(std::make_shared<PosixFileSystem>(), directory);
  ASSERT_TRUE(vault.Put("a", Key('a')).ok());
  struct stat file {};
  ASSERT_EQ(::stat(absl::StrCat(directory, "/61.key").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  ASSERT_TRUE(vault.Erase("a").ok());
  EXPECT_NE(::stat(absl::StrCat(directory, "/61.key").c_str(), &file), 0);
}

}  // namespace
}  // namespace jcm::store
