#include "ledger/store/signer_record.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::store {
namespace {

const BookId kThai{"JPN", "TH"};
const BookId kMirrored{"THA", "TH"};
constexpr char kDirectory[] = "/signer";
constexpr char kPath[] = "/signer/JPN-TH";

SignedTree Tree(uint64_t size, const std::string& root = "") {
  return {size, Sha256(root.empty() ? absl::StrCat("root ", size) : root), BookTime::FromSeconds(1'761'782'400 + size)};
}

class SignerRecordTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(); }
  // A new process over the same files.
  void Restart() { record_ = std::make_unique<SignerRecord>(files_, kDirectory); }
  SignerRecord::Loaded Load(const BookId& book = kThai) {
    const auto loaded = record_->Load(book);
    EXPECT_TRUE(loaded.ok()) << ToText(loaded.status());
    return *loaded;
  }
  absl::Status MaySign(const SignedTree& tree, Consistency consistency = Consistency::VERIFIED) {
    return record_->MaySign(kThai, tree.size, tree.root, consistency);
  }

  std::shared_ptr<MemoryFileSystem> files_ = std::make_shared<MemoryFileSystem>();
  std::unique_ptr<SignerRecord> record_;
};

TEST_F(SignerRecordTest, SignsNothingWithoutARecord) {
  EXPECT_EQ(Load().condition, SignerRecord::Condition::MISSING);
  EXPECT_TRUE(HasReason(MaySign(Tree(1)), Reason::SIGNER_RECORD_MISSING));
  EXPECT_TRUE(HasReason(record_->Advance(kThai, Tree(1), Consistency::VERIFIED), Reason::SIGNER_RECORD_MISSING));
  EXPECT_FALSE(files_->Exists(kPath));
}

TEST_F(SignerRecordTest, RemembersTheLargestTreeOverRestarts) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(0)).ok());
  ASSERT_TRUE(record_->Advance(kThai, Tree(7), Consistency::VERIFIED).ok());
  Restart();
  const SignerRecord::Loaded loaded = Load();
  EXPECT_EQ(loaded.condition, SignerRecord::Condition::PRESENT);
  EXPECT_EQ(loaded.tree, Tree(7));
}

TEST_F(SignerRecordTest, NeverSignsASmallerOrAnotherTree) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(0)).ok());
  ASSERT_TRUE(record_->Advance(kThai, Tree(7), Consistency::VERIFIED).ok());
  for (const bool restarted : {false, true}) {
    if (restarted) Restart();
    EXPECT_TRUE(HasReason(MaySign(Tree(6)), Reason::SIGNER_RECORD_AHEAD));
    EXPECT_TRUE(HasReason(MaySign(Tree(0)), Reason::SIGNER_RECORD_AHEAD));
    EXPECT_TRUE(HasReason(MaySign(Tree(7, "another")), Reason::FORK_DETECTED));
    EXPECT_TRUE(MaySign(Tree(7)).ok());
    EXPECT_TRUE(MaySign(Tree(7), Consistency::UNVERIFIED).ok()) << "the same tree";
    EXPECT_TRUE(HasReason(MaySign(Tree(8), Consistency::UNVERIFIED), Reason::PROOF_INVALID));
    EXPECT_TRUE(MaySign(Tree(8)).ok());
    EXPECT_TRUE(HasReason(record_->Advance(kThai, Tree(6), Consistency::VERIFIED), Reason::SIGNER_RECORD_AHEAD));
    EXPECT_TRUE(HasReason(record_->Advance(kThai, Tree(7, "another"), Consistency::VERIFIED), Reason::FORK_DETECTED));
    EXPECT_TRUE(HasReason(record_->Advance(kThai, Tree(8), Consistency::UNVERIFIED), Reason::PROOF_INVALID));
    EXPECT_EQ(Load().tree, Tree(7));
  }
}

TEST_F(SignerRecordTest, BooksDoNotShareARecord) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(0)).ok());
  ASSERT_TRUE(record_->Advance(kThai, Tree(7), Consistency::VERIFIED).ok());
  EXPECT_EQ(Load(kMirrored).condition, SignerRecord::Condition::MISSING);
  ASSERT_TRUE(record_->Establish(kMirrored, Tree(3)).ok());
  EXPECT_EQ(Load(kMirrored).tree, Tree(3));
  EXPECT_EQ(Load(kThai).tree, Tree(7));
}

TEST_F(SignerRecordTest, SigningTheSameTreeAgainWritesNothing) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(0)).ok());
  ASSERT_TRUE(record_->Advance(kThai, Tree(7), Consistency::VERIFIED).ok());
  const uint64_t writes = files_->write_count();
  ASSERT_TRUE(record_->Advance(kThai, Tree(7), Consistency::VERIFIED).ok());
  EXPECT_EQ(files_->write_count(), writes);
}

TEST_F(SignerRecordTest, AFailedWriteForbidsSigningForTheRestOfTheRun) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(0)).ok());
  ASSERT_TRUE(record_->Advance(kThai, Tree(7), Consistency::VERIFIED).ok());
  files_->FailNthWrite(1);
  EXPECT_TRUE(HasReason(record_->Advance(kThai, Tree(8), Consistency::VERIFIED), Reason::STORE_FAILED));
  EXPECT_TRUE(HasReason(MaySign(Tree(7)), Reason::STORE_FAILED));
  EXPECT_TRUE(HasReason(record_->Advance(kThai, Tree(8), Consistency::VERIFIED), Reason::STORE_FAILED));
  Restart();
  EXPECT_EQ(Load().tree, Tree(7));
  EXPECT_TRUE(record_->Advance(kThai, Tree(8), Consistency::VERIFIED).ok());
}

TEST_F(SignerRecordTest, FindsEveryFlippedBitAndEveryLostByte) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(7)).ok());
  const std::string good = *files_->ReadFile(kPath);
  std::vector<std::string> bad;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string text = good;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    bad.push_back(text);
  }
  for (size_t size = 0; size < good.size(); ++size) bad.push_back(good.substr(0, size));
  bad.push_back(good + "\n");
  for (const std::string& text : bad) {
    ASSERT_TRUE(files_->WriteFileAtomically(kPath, text).ok());
    Restart();
    const SignerRecord::Loaded loaded = Load();
    ASSERT_EQ(loaded.condition, SignerRecord::Condition::DAMAGED) << text;
    ASSERT_FALSE(loaded.detail.empty());
    ASSERT_TRUE(HasReason(MaySign(Tree(8)), Reason::SIGNER_RECORD_MISSING));
  }
}

TEST_F(SignerRecordTest, TheFileOfAnotherBookIsDamage) {
  ASSERT_TRUE(record_->Establish(kMirrored, Tree(7)).ok());
  ASSERT_TRUE(files_->WriteFileAtomically(kPath, *files_->ReadFile("/signer/THA-TH")).ok());
  EXPECT_EQ(Load().condition, SignerRecord::Condition::DAMAGED);
}

TEST_F(SignerRecordTest, EstablishesOnlyWhatIsMissingOrDamaged) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(7)).ok());
  EXPECT_TRUE(HasReason(record_->Establish(kThai, Tree(3)), Reason::ALREADY_EXISTS));
  ASSERT_TRUE(files_->WriteFileAtomically(kPath, "damaged").ok());
  Restart();
  EXPECT_TRUE(record_->Establish(kThai, Tree(9)).ok());
  EXPECT_EQ(Load().tree, Tree(9));
}

TEST_F(SignerRecordTest, AReplacementKeepsTheFormerRecordAndItsAuthority) {
  ASSERT_TRUE(record_->Establish(kThai, Tree(9)).ok());
  const std::string former = *files_->ReadFile(kPath);
  EXPECT_TRUE(HasReason(record_->Replace(kThai, Tree(5), ""), Reason::FIELD_INVALID));
  EXPECT_TRUE(HasReason(record_->Replace(kThai, Tree(5), "two\nlines"), Reason::FIELD_INVALID));
  ASSERT_TRUE(record_->Replace(kThai, Tree(5), "ResumeAlone 12ab").ok());
  ASSERT_TRUE(record_->Replace(kThai, Tree(4), "ResumeAlone 34cd").ok());
  Restart();
  EXPECT_EQ(Load().tree, Tree(4));
  EXPECT_TRUE(MaySign(Tree(5)).ok());
  EXPECT_EQ(*files_->ReadFile("/signer/JPN-TH.replaced-1"), former);
  EXPECT_TRUE(absl::StrContains(*files_->ReadFile("/signer/JPN-TH.replaced-2"), "ResumeAlone 12ab"));
  EXPECT_TRUE(absl::StrContains(*files_->ReadFile(kPath), "authority replaced by ResumeAlone 34cd\n"));
}

// Every write of a whole life fails once: what was released as signed is never above what the next run finds.
TEST_F(SignerRecordTest, NothingIsReleasedThatTheNextRunDoesNotKnow) {
  for (uint64_t nth = 1; nth <= 12; ++nth) {
    files_ = std::make_shared<MemoryFileSystem>();
    Restart();
    files_->FailNthWrite(nth);
    uint64_t released = 0;
    if (record_->Establish(kThai, Tree(0)).ok()) {
      for (uint64_t size = 1; size <= 8; ++size) {
        if (record_->Advance(kThai, Tree(size), Consistency::VERIFIED).ok()) released = size;
      }
    }
    Restart();
    const SignerRecord::Loaded loaded = Load();
    if (released > 0) {
      ASSERT_EQ(loaded.condition, SignerRecord::Condition::PRESENT);
      EXPECT_GE(loaded.tree.size, released);
    }
  }
}

TEST(SignerRecordFile, WorksOnARealFileSystem) {
  auto files = std::make_shared<PosixFileSystem>();
  const std::string directory = absl::StrCat(::testing::TempDir(), "/signer/deep");
  SignerRecord record(files, directory);
  ASSERT_TRUE(record.Establish(kThai, Tree(0)).ok());
  ASSERT_TRUE(record.Advance(kThai, Tree(7), Consistency::VERIFIED).ok());
  SignerRecord again(files, directory);
  EXPECT_EQ(again.Load(kThai)->tree, Tree(7));
}

}  // namespace
}  // namespace jcm::store
