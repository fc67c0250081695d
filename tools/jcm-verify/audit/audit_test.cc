// What the auditor says of good books, and that each of its checks finds what it is for.
#include "tools/jcm-verify/audit/audit.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tools/jcm-verify/audit/testing/story_books.h"

namespace jcm::verify {
namespace {

StoryBooks& Story() {
  static StoryBooks* const story = new StoryBooks;
  return *story;
}

TEST(Audit, FindsNothingInABilateralStoryWithBothHomes) {
  const AuditReport report = Story().Audit(Story().All());
  EXPECT_EQ(AllFindings(report), "");
  EXPECT_EQ(report.books().size(), 4u);
  EXPECT_GT(report.entries(), 100u);
}

}  // namespace
}  // namespace jcm::verify
