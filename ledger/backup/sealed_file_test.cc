#include "ledger/backup/sealed_file.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/backup/durable_file.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::backup {
namespace {

constexpr char kContext[] = "objects/one";
constexpr size_t kPieceOnDisk = kPieceBytes + 16;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class SealedFile : public testing::Test {
 protected:
  SealedFile() {
    std::string pattern = absl::StrCat(std::getenv("TEST_TMPDIR"), "/sealed-XXXXXX");
    JCM_CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern + "/file";
  }

  std::string Seal(const std::string& content) {
    auto out = SealedWriter::Create(path_, key_, kContext, random_);
    EXPECT_TRUE(out.ok());
    // In uneven portions, as they come.
    for (size_t at = 0; at < content.size(); at += 700'001)
      EXPECT_TRUE((*out)->Append(content.substr(at, 700'001)).ok());
    EXPECT_TRUE((*out)->Finish().ok());
    return ReadAll(path_);
  }

  absl::StatusOr<std::string> Open(const BackupKey& key, const std::string& context = kContext) {
    JCM_ASSIGN_OR_RETURN(auto in, SealedReader::Open(path_, key, context));
    std::string all;
    while (true) {
      JCM_ASSIGN_OR_RETURN(const std::string piece, in->Next());
      if (piece.empty()) return all;
      all += piece;
    }
  }

  void ExpectDamaged(const std::string& bytes, const std::string& how) {
    WriteAll(path_, bytes);
    const absl::Status found = Open(key_).status();
    EXPECT_TRUE(HasReason(found, Reason::BACKUP_DAMAGED)) << how << ": " << found;
    EXPECT_TRUE(absl::StrContains(found.message(), kContext)) << found;
  }

  SeededRandom random_{11};
  BackupKey key_ = *BackupKey::FromBytes(std::string(32, 'k'));
  std::string path_;
};

TEST_F(SealedFile, GivesBackWhatWasSealed) {
  for (const size_t size : {size_t{0}, size_t{1}, kPieceBytes - 1, kPieceBytes, kPieceBytes + 1, 3 * kPieceBytes}) {
    const std::string content = random_.Bytes(size);
    EXPECT_EQ(Seal(content).size(), SealedSize(size)) << size;
    const auto opened = Open(key_);
    ASSERT_TRUE(opened.ok()) << size << ": " << opened.status();
    EXPECT_EQ(Sha256(*opened), Sha256(content)) << size;
  }
}

TEST_F(SealedFile, ShowsNothingOfItsContent) {
  const std::string content = "株式会社瑞穂水力 Mizuho Hydro K.K.";
  const std::string first = Seal(content);
  EXPECT_FALSE(absl::StrContains(first, "Mizuho"));
  EXPECT_NE(Seal(content), first) << "each file has a key of its own";
}

TEST_F(SealedFile, FindsEveryFlippedByte) {
  const std::string whole = Seal("forty bytes of a small file, sealed once");
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    ExpectDamaged(bytes, absl::StrCat("byte ", i));
  }
}

TEST_F(SealedFile, FindsEveryMissingEnd) {
  const std::string small = Seal("forty bytes of a small file, sealed once");
  for (size_t size = 0; size < small.size(); ++size)
    ExpectDamaged(small.substr(0, size), absl::StrCat("cut to ", size));
  const std::string whole = Seal(random_.Bytes(3 * kPieceBytes));
  for (const size_t pieces : {0, 1, 2}) {
    ExpectDamaged(whole.substr(0, kSealedHeaderBytes + pieces * kPieceOnDisk), absl::StrCat(pieces, " whole pieces"));
  }
  ExpectDamaged(whole + "x", "one byte more");
  ExpectDamaged(whole + whole.substr(kSealedHeaderBytes, kPieceOnDisk), "one piece more");
}

TEST_F(SealedFile, FindsPiecesThatWereMoved) {
  const std::string whole = Seal(random_.Bytes(3 * kPieceBytes));
  const auto piece = [&](size_t i) { return whole.substr(kSealedHeaderBytes + i * kPieceOnDisk, kPieceOnDisk); };
  const std::string header = whole.substr(0, kSealedHeaderBytes);
  ExpectDamaged(header + piece(1) + piece(0) + piece(2), "swapped");
  ExpectDamaged(header + piece(0) + piece(2), "left out");
  ExpectDamaged(header + piece(0) + piece(1) + piece(1) + piece(2), "doubled");
  const std::string other = Seal(random_.Bytes(3 * kPieceBytes));
  ExpectDamaged(header + piece(0) + other.substr(kSealedHeaderBytes + kPieceOnDisk, kPieceOnDisk) + piece(2),
                "from another file");
}

TEST_F(SealedFile, IsNotAnotherFileUnderTheSameKey) {
  Seal("content");
  EXPECT_TRUE(HasReason(Open(key_, "objects/two").status(), Reason::BACKUP_DAMAGED));
  EXPECT_TRUE(HasReason(Open(*BackupKey::FromBytes(std::string(32, 'o'))).status(), Reason::BACKUP_DAMAGED));
  EXPECT_TRUE(HasReason(BackupKey::FromBytes("short").status(), Reason::KEY_FILE_INVALID));
}

TEST_F(SealedFile, LeavesNothingUnlessItWasFinished) {
  {
    auto out = SealedWriter::Create(path_, key_, kContext, random_);
    ASSERT_TRUE((*out)->Append(std::string(2 * kPieceBytes, 'x')).ok());
    EXPECT_FALSE(PathExists(path_));
    EXPECT_TRUE(PathExists(path_ + kUnfinishedEnding));
  }
  EXPECT_FALSE(PathExists(path_));
  EXPECT_FALSE(PathExists(path_ + kUnfinishedEnding));
}

}  // namespace
}  // namespace jcm::backup
