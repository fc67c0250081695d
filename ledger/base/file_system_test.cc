#include "ledger/base/file_system.h"

#include <sys/stat.h>

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

enum class Kind { POSIX, MEMORY };

class EachFileSystem : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::POSIX) {
      files_ = std::make_unique<PosixFileSystem>();
    } else {
      files_ = std::make_unique<MemoryFileSystem>();
    }
    root_ = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    ASSERT_EQ(files_->MakeDirs(root_ + "/a/b"), absl::OkStatus());
  }

  std::unique_ptr<FileSystem> files_;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(FileSystems, EachFileSystem, testing::Values(Kind::POSIX, Kind::MEMORY),
                         [](const testing::TestParamInfo<Kind>& info) {
                           return info.param == Kind::POSIX ? "Posix" : "Memory";
                         });

TEST_P(EachFileSystem, ReadsWhatWasWritten) {
  const std::string path = root_ + "/a/file";
  EXPECT_TRUE(files_->WriteFileAtomically(path, std::string("one\0two", 7)).ok());
  EXPECT_EQ(*files_->ReadFile(path), std::string("one\0two", 7));
  EXPECT_TRUE(files_->WriteFileAtomically(path, "").ok());
  EXPECT_EQ(*files_->ReadFile(path), "");
}

TEST_P(EachFileSystem, LeavesNoTemporaryFile) {
  ASSERT_TRUE(files_->WriteFileAtomically(root_ + "/a/b/file", "x").ok());
  EXPECT_EQ(*files_->ListDir(root_ + "/a/b"), std::vector<std::string>{"file"});
}

TEST_P(EachFileSystem, Appends) {
  const std::string path = root_ + "/log";
  ASSERT_TRUE(files_->AppendFile(path, "one ").ok());
  ASSERT_TRUE(files_->AppendFile(path, "two").ok());
  EXPECT_EQ(*files_->ReadFile(path), "one two");
}

TEST_P(EachFileSystem, ListsNamesInOrder) {
  ASSERT_TRUE(files_->WriteFileAtomically(root_ + "/c", "").ok());
  ASSERT_TRUE(files_->WriteFileAtomically(root_ + "/a0", "").ok());
  EXPECT_EQ(*files_->ListDir(root_), (std::vector<std::string>{"a", "a0", "c"}));
  EXPECT_TRUE(HasReason(files_->ListDir(root_ + "/none").status(), Reason::NOT_FOUND));
  EXPECT_TRUE(HasReason(files_->ListDir(root_ + "/c").status(), Reason::STORE_FAILED));
}

TEST_P(EachFileSystem, RemovesFilesAndEmptyDirectories) {
  ASSERT_TRUE(files_->WriteFileAtomically(root_ + "/a/file", "").ok());
  EXPECT_TRUE(HasReason(files_->Remove(root_ + "/a"), Reason::STORE_FAILED));
  EXPECT_TRUE(files_->Remove(root_ + "/a/b").ok());
  EXPECT_TRUE(files_->Remove(root_ + "/a/file").ok());
  EXPECT_TRUE(files_->Remove(root_ + "/a").ok());
  EXPECT_FALSE(files_->Exists(root_ + "/a"));
  EXPECT_TRUE(HasReason(files_->Remove(root_ + "/a"), Reason::NOT_FOUND));
}

TEST_P(EachFileSystem, SaysThatSomethingIsNotThere) {
  EXPECT_TRUE(HasReason(files_->ReadFile(root_ + "/none").status(), Reason::NOT_FOUND));
  EXPECT_TRUE(HasReason(files_->WriteFileAtomically(root_ + "/none/file", "x"), Reason::NOT_FOUND));
  EXPECT_TRUE(HasReason(files_->AppendFile(root_ + "/none/file", "x"), Reason::NOT_FOUND));
  EXPECT_FALSE(files_->Exists(root_ + "/none"));
}

TEST_P(EachFileSystem, DoesNotMakeADirectoryOfAFile) {
  ASSERT_TRUE(files_->WriteFileAtomically(root_ + "/file", "").ok());
  EXPECT_FALSE(files_->MakeDirs(root_ + "/file").ok());
  EXPECT_FALSE(files_->WriteFileAtomically(root_ + "/a", "x").ok());
  EXPECT_TRUE(files_->MakeDirs(root_ + "/a/b").ok());
}

TEST(PosixFileSystem, KeepsKeysFromOtherUsers) {
  PosixFileSystem files;
  const std::string secret = testing::TempDir() + "/secret", published = testing::TempDir() + "/published";
  ASSERT_TRUE(files.WriteFileAtomically(secret, "x").ok());
  ASSERT_TRUE(files.WriteFileAtomically(published, "x", FileMode::ALL).ok());
  struct stat info;
  ASSERT_EQ(stat(secret.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(published.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0700, 0600u);
}

TEST(MemoryFileSystem, FailsTheNthWriteAndOnlyThat) {
  MemoryFileSystem files;
  files.FailNthWrite(2);
  EXPECT_TRUE(files.WriteFileAtomically("/f", "one").ok());
  EXPECT_TRUE(HasReason(files.WriteFileAtomically("/f", "two"), Reason::STORE_FAILED));
  EXPECT_EQ(*files.ReadFile("/f"), "one");
  EXPECT_TRUE(files.WriteFileAtomically("/f", "three").ok());
  EXPECT_EQ(files.write_count(), 3u);
}

TEST(MemoryFileSystem, TearsTheAppendThatFails) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.AppendFile("/f", "ab").ok());
  files.FailNthWrite(1);
  EXPECT_FALSE(files.AppendFile("/f", "cdef").ok());
  EXPECT_EQ(*files.ReadFile("/f"), "abcd");
}

}  // namespace
}  // namespace jcm
