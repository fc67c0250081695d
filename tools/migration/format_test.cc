#include "tools/migration/format.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/file_system.h"

namespace jcm::migration {
namespace {

// `jcmctl migration format > tools/migration/FORMAT.md`, under the file's own introduction.
TEST(Format, IsDocumentedAsItIsRead) {
  PosixFileSystem files;
  const auto text = files.ReadFile("tools/migration/FORMAT.md");
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(*text, ::testing::EndsWith(FormatAsMarkdown()));
}

TEST(Format, LetsEveryRowSayWhereItComesFrom) {
  for (const FileSpec& file : Format()) {
    ASSERT_NE(file.Find("source"), nullptr) << file.name;
    EXPECT_TRUE(file.Find("source")->required) << file.name;
  }
}

}  // namespace
}  // namespace jcm::migration
