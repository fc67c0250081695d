#include "tools/client/partner_file.h"

#include <map>
#include <set>

#include "gtest/gtest.h"
#include "ledger/base/file_system.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/state/state.h"

namespace jcm::client {
namespace {

constexpr char kFolder[] = "deploy/rulebooks/partners";

std::vector<PartnerFile> All() {
  PosixFileSystem files;
  auto partners = ReadPartners(files, kFolder);
  EXPECT_TRUE(partners.ok()) << partners.status();
  return partners.ok() ? *partners : std::vector<PartnerFile>();
}

PartnerFile Thailand() {
  PosixFileSystem files;
  return *ReadPartner(files, std::string(kFolder) + "/TH.partner");
}

// The node has just what the file says.
NodeState NodeWith(const PartnerFile& partner) {
  NodeState node;
  node.opened = true;
  node.partnership.set_partnership(partner.partnership);
  node.partnership.set_own_registry("JPN");
  node.partnership.set_peer_registry(partner.registry);
  if (partner.signed_date() != nullptr) *node.partnership.mutable_signed_date() = *partner.signed_date();
  for (const v1::RecordPartnershipEvent& event : partner.events) *node.partnership.add_events() = event;
  for (const RulebookFile& rulebook : partner.rulebooks) {
    v1::RulebookRecord record;
    record.set_version(rulebook.version);
    *record.mutable_parameters() = rulebook.parameters;
    const Digest digest = Sha256(state::Serialise(rulebook.parameters));
    record.set_parameters_digest(std::string(AsBytes(digest)));
    node.rulebooks.push_back(record);
  }
  return node;
}

TEST(PartnerFiles, AllReadAndNameRulebooksThatExist) {
  std::map<std::string, int> by_status;
  std::set<std::string> registries;
  for (const PartnerFile& partner : All()) {
    ++by_status[partner.status];
    EXPECT_TRUE(registries.insert(partner.registry).second) << partner.registry << " twice";
    EXPECT_EQ(partner.rulebooks.size(), partner.status == "candidate" ? 0u
                                        : partner.partnership == "TH" ? 2u
                                                                      : 1u)
        << partner.partnership;
    for (const RulebookFile& rulebook : partner.rulebooks) {
      // The capital's clock is the same in both files.
      ASSERT_GT(rulebook.parameters.zone_offsets_size(), 0) << partner.partnership;
      EXPECT_EQ(rulebook.parameters.zone_offsets(0).partner_minutes(), partner.partner_minutes) << partner.partnership;
      // Thailand's other track goes on under its earlier rules.
      const bool article6 = partner.status == "article-6" && rulebook.parameters.track() != "existing";
      EXPECT_EQ(rulebook.parameters.pin_required(), article6) << rulebook.version;
    }
  }
  // METI's deck of 2026-01: 14 under Article 6 rules, 3 before their first Joint Committee, 13 under revision, Myanmar
  // in no list; Brazil and Malaysia talk.
  EXPECT_EQ(by_status["article-6"], 14);
  EXPECT_EQ(by_status["first-committee-planned"], 3);
  EXPECT_EQ(by_status["rules-under-revision"], 13);
  EXPECT_EQ(by_status["unknown"], 1);
  EXPECT_EQ(by_status["candidate"], 2);
}

TEST(PartnerFiles, TellALife) {
  const PartnerFile thailand = Thailand();
  EXPECT_EQ(thailand.registry, "THA");
  EXPECT_EQ(thailand.signed_date()->year(), 2015);
  ASSERT_EQ(thailand.events.size(), 4u);
  EXPECT_EQ(thailand.events[3].kind(), v1::PARTNERSHIP_EVENT_KIND_COMMITTEE);
  EXPECT_EQ(thailand.events[3].text(), "7th Joint Committee");
}

TEST(PartnerFiles, PlanTheActsThatOpenAPartnership) {
  const std::vector<std::string> acts = ActsToOpen(Thailand(), NodeState(), "node");
  ASSERT_EQ(acts.size(), 1u + 4u + 2u + 2u);
  EXPECT_NE(acts[0].find("partnership open --partnership TH --peer THA"), std::string::npos);
  EXPECT_NE(acts[0].find("--signed-date 2015-11-19"), std::string::npos);
  EXPECT_NE(acts[1].find("partnership event --partnership TH --kind signed --date 2015-11-19 --text 'Tokyo'"),
            std::string::npos);
  EXPECT_NE(acts[5].find("rulebook adopt --partnership TH --parameters deploy/rulebooks/TH-premium-t-ver.rulebook"),
            std::string::npos);
  EXPECT_EQ(ActsToOpen(Thailand(), NodeState(), "attested")[0].find("--peer-key"), std::string::npos);
  EXPECT_TRUE(ActsToOpen(Thailand(), NodeWith(Thailand()), "node").empty()) << "nothing is left to do";
}

TEST(PartnerFiles, AreComparedWithANode) {
  const PartnerFile thailand = Thailand();
  EXPECT_TRUE(DiffPartner(thailand, NodeWith(thailand)).empty());
  NodeState node = NodeWith(thailand);
  node.partnership.mutable_events()->RemoveLast();
  node.rulebooks[0].mutable_parameters()->set_e_decision_days(14);
  node.rulebooks[0].set_parameters_digest("another");
  node.rulebooks.pop_back();
  const auto differences = DiffPartner(thailand, node);
  ASSERT_EQ(differences.size(), 3u);
  EXPECT_EQ(differences[0].what, "event committee of 2025-10-30");
  EXPECT_EQ(differences[0].node, "");
  EXPECT_NE(differences[1].what.find("e_decision_days"), std::string::npos);
  EXPECT_EQ(differences[1].file, "10");
  EXPECT_EQ(differences[1].node, "14");
  EXPECT_EQ(differences[2].node, "");
  EXPECT_EQ(DiffPartner(thailand, NodeState()).size(), 1u) << "not opened at all";
}

TEST(PartnerFiles, ThatAreWrongSayWhere) {
  const std::string good =
      "partnership = XX\nregistry = XXA\nname_en = X\nname_ja = X\nstatus = candidate\npartner_minutes = 0\n";
  MemoryFileSystem files;
  ASSERT_TRUE(files.MakeDirs("/partners").ok());
  const auto read = [&](const std::string& text) {
    EXPECT_TRUE(files.WriteFileAtomically("/partners/XX.partner", text).ok());
    return ReadPartner(files, "/partners/XX.partner").status();
  };
  EXPECT_TRUE(read(good).ok()) << read(good);
  for (const std::string& bad :
       {std::string("nonsense"), good + "colour = red\n", good + "event = 2013-01-01, signed, Tokyo\n",
        good + "event = soon, candidate\n", good + "event = 2013-01-01, wedding\n", good + "rulebook = none.rulebook\n",
        good + "status = married\n", good + "partnership = XXX\n", good + "partner_minutes = 10000\n"}) {
    const absl::Status status = read(bad);
    EXPECT_FALSE(status.ok()) << bad;
  }
  EXPECT_TRUE(HasReason(ReadPartner(files, "/none").status(), Reason::NOT_FOUND));
}

}  // namespace
}  // namespace jcm::client
