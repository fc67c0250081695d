// etcd loses everything under a running registry. The nodes stop ordering and show what they have; people agree by
// jcmctl from which of them the log goes on, and it does, with everything that was ever acknowledged. What must not be
// allowed isn't: to begin with too few signatures, from a node that is behind, without one that may have more, or where
// nothing is wrong.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/faults/desk.h"
#include "tests/faults/site.h"
#include "tests/faults/story.h"

namespace jcm::faults {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kSeed = 20'260'401;
constexpr int kReplicas = 3;
constexpr int kActsBefore = 10;
constexpr char kJcmctl[] = "tools/jcmctl/jcmctl";

class Generation : public ::testing::Test {
 protected:
  static SiteOptions Options() {
    SiteOptions options;
    options.replicas = {{"JPN", kReplicas}, {"THA", 1}};
    return options;
  }

  void SetUp() override {
    for (const char* registry : {"JPN", "THA"}) site_.Start(registry);
    story_.SetUp();
    ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
  }

  void Cancel(int number) {
    const auto serial = static_cast<uint64_t>(number);
    story_.Cancel("JPN", absl::StrCat("C-", number), "government", serial, serial);
  }

  // As an operator at a terminal. What it printed, or "" and what went wrong in `error_`.
  std::string Ctl(const std::string& node, const std::string& arguments) {
    const std::string command = absl::StrCat(kJcmctl, " ", arguments, " ", site_.ClientFlags(node), " > ",
                                             site_.Path("ctl.out"), " 2> ", site_.Path("ctl.err"));
    const int code = std::system(command.c_str());
    error_ = code == 0 ? "" : ReadAll("ctl.err");
    return code == 0 ? ReadAll("ctl.out") : "";
  }
  // What the refusal says; empty if it was none.
  std::string Refusal(const std::string& node, const std::string& arguments) {
    Ctl(node, arguments);
    return error_;
  }
  std::string ReadAll(const std::string& name) const {
    std::ifstream file(site_.Path(name));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string File(const std::string& name) const { return site_.Path(name); }

  void WipeEtcd() {
    log::EtcdCluster& etcd = site_.etcd("JPN");
    for (size_t member = 0; member < etcd.size(); ++member) etcd.Wipe(member);
    for (size_t member = 0; member < etcd.size(); ++member) ASSERT_TRUE(etcd.Restart(member).ok());
    ASSERT_TRUE(etcd.WaitUntilHealthy().ok());
  }
  bool StandsStill(const std::string& node) {
    return site_.TryStatus(node).failure().find("LOG_DIVERGED") != std::string::npos;
  }

  Site site_{Options()};
  Desk desk_{site_, kSeed};
  Story story_{site_, desk_};
  std::string error_;
};

TEST_F(Generation, BeginsAnewFromTheNodeThatHasMostAndLosesNothing) {
  EXPECT_THAT(Refusal("JPN/1", "node generation agree --out " + File("never")), HasSubstr("GENERATION_NOT_DUE"));

  // One node has less than the others when it happens.
  for (int i = 1; i <= kActsBefore; ++i) Cancel(i);
  site_.Kill("JPN/3");
  Cancel(kActsBefore + 1);
  site_.Kill("JPN/1");
  site_.Kill("JPN/2");
  WipeEtcd();
  for (const char* node : {"JPN/1", "JPN/2", "JPN/3"}) site_.Start(node);
  for (const char* node : {"JPN/1", "JPN/2", "JPN/3"}) {
    ASSERT_TRUE(Eventually([&] { return StandsStill(node); }, 60)) << site_.TryStatus(node).ShortDebugString();
    // It shows what it has; a reader who wants more than that is told so.
    EXPECT_TRUE(story_.TryRead(node, 0));
  }
  const uint64_t first = site_.TryStatus("JPN/1").applied_index();
  const uint64_t second = site_.TryStatus("JPN/2").applied_index();
  const std::string most = first >= second ? "JPN/1" : "JPN/2";
  const std::string next = first >= second ? "JPN/2" : "JPN/1";
  const std::string behind = "JPN/3";
  ASSERT_LT(site_.TryStatus(behind).applied_index(), std::max(first, second));

  // From the one that is behind: it may propose, but those who have more do not sign.
  ASSERT_NE(Ctl(behind, "node generation agree --out " + File("behind")), "") << error_;
  EXPECT_THAT(Refusal(most, absl::StrCat("node generation agree --add ", File("behind"), " --out ", File("never"))),
              HasSubstr("GENERATION_BEHIND"));
  EXPECT_THAT(Refusal(behind, "node generation start " + File("behind")), HasSubstr("SIGNATURES_NOT_ENOUGH"));

  ASSERT_NE(Ctl(most, "node generation agree --out " + File("one")), "") << error_;
  EXPECT_THAT(Refusal(most, "node generation start " + File("one")), HasSubstr("SIGNATURES_NOT_ENOUGH"));
  // The same signature again counts once.
  ASSERT_NE(Ctl(most, absl::StrCat("node generation agree --add ", File("one"), " --out ", File("one"))), "") << error_;
  EXPECT_THAT(Refusal(most, "node generation start " + File("one")), HasSubstr("SIGNATURES_NOT_ENOUGH"));
  ASSERT_NE(Ctl(behind, absl::StrCat("node generation agree --add ", File("one"), " --out ", File("two"))), "")
      << error_;
  EXPECT_THAT(Refusal(behind, "node generation start " + File("two")), HasSubstr("GENERATION_BEHIND"));

  // Two of three are enough, but the third one is not to be forgotten: it might have more.
  site_.Kill(next);
  EXPECT_THAT(Refusal(most, "node generation start " + File("two")), HasSubstr("GENERATION_REPLICA_MISSING"));
  site_.Start(next);
  ASSERT_TRUE(Eventually([&] { return StandsStill(next); }, 60));
  ASSERT_THAT(Ctl(most, "node generation start " + File("two")), HasSubstr("generation")) << error_;

  // Everybody goes on without being told, the one that was behind with a sibling's snapshot.
  Cancel(kActsBefore + 2);
  for (const char* node : {"JPN/1", "JPN/2", "JPN/3"}) {
    ASSERT_TRUE(Eventually(
        [&] {
          const api::GetNodeStatusResponse status = site_.TryStatus(node);
          return status.failure().empty() && status.caught_up() && status.generation() == 2;
        },
        60))
        << node << site_.TryStatus(node).ShortDebugString() << site_.Log(node);
  }
  ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
  // And any one may be lost again.
  site_.Kill(most);
  Cancel(kActsBefore + 3);
  site_.Start(most);
  ASSERT_TRUE(Eventually([&] { return story_.InStep(); }, 60)) << story_.Sizes();
  for (const std::string registry : {"JPN", "THA"}) {
    EXPECT_EQ(story_.CheckHistory(registry), "");
    EXPECT_EQ(desk_.CheckRemembered(registry, 0), desk_.AcknowledgedBy(registry).size());
  }
  EXPECT_THAT(Refusal(most, absl::StrCat("node generation agree --out ", File("never"))),
              HasSubstr("GENERATION_NOT_DUE"));
}

}  // namespace
}  // namespace jcm::faults
