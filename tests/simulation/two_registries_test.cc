// Two governments in one process: the real cases, what must fail, what must survive.
#include <string>

#include "gtest/gtest.h"
#include "ledger/book/note.h"
#include "tests/simulation/story.h"

namespace jcm::simulation {
namespace {

using registry::WaitFor;

Digest RootOf(Node& node, const BookId& book) { return node.core().View()->Info(book)->root; }

TEST(HostFirst, MovesTheGovernmentsShareAcrossTheBorderAsTheFirstTransfer) {
  Bilateral b;
  Decided decided = b.HostFirst();
  b.story.Must(b.story.Authorize("AUTH-1", "TH014", 1009, 2021), "authorize");
  b.story.Must(b.story.InitTransfer(b.thailand, "X-1", "government", "AUTH-1", Range(decided.lot_id, 1, 1009)), "init");
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  EXPECT_EQ(b.story.TonnesIn(b.thailand, v1::BLOCK_STATE_IN_TRANSIT), 1009u);
  b.story.Must(b.story.AcceptTransfer(b.japan, "X-1", "government"), "accept");
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  EXPECT_EQ(b.story.TonnesIn(b.japan, v1::BLOCK_STATE_HELD), 1009u);
  EXPECT_EQ(b.story.TonnesIn(b.thailand, v1::BLOCK_STATE_HELD), 1008u);
  EXPECT_EQ(b.story.TonnesIn(b.thailand, v1::BLOCK_STATE_SENT), 1009u);
  // Transferred in, authorized and first transferred: Japan may retire them, once.
  b.story.Must(b.story.Retire(b.japan, "RET-1", "operator", "government", Range(decided.lot_id, 1, 100)), "retire");
  EXPECT_TRUE(HasReason(b.story.Retire(b.japan, "RET-2", "operator", "government", Range(decided.lot_id, 50, 60)),
                        Reason::UNITS_FINAL));
}

TEST(ParallelIssuance, BecomesItmoWhenTheHostsFirstTransferIsImported) {
  Bilateral b;
  Decided decided = b.Parallel();
  EXPECT_TRUE(HasReason(b.story.Retire(b.japan, "RET-1", "operator", "government", Range(decided.lot_id, 1, 10)),
                        Reason::UNIT_NOT_AUTHORIZED));
  b.story.Must(b.story.Authorize("AUTH-1", "TH014", 433, 2021), "authorize");
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.story.Must(b.story.FirstTransfer("FT-1", "AUTH-1", Range(decided.lot_id, 1, 433)), "first transfer");
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.story.Must(b.story.Retire(b.japan, "RET-2", "operator", "government", Range(decided.lot_id, 1, 10)), "retire");
  EXPECT_EQ(b.story.TonnesIn(b.japan, v1::BLOCK_STATE_RETIRED), 10u);
}

TEST(FirstTransfer, IsImportedHoweverManyBlocksItsHolderHasCut) {
  Bilateral b;
  Decided decided = b.Parallel();
  for (uint64_t serial = 1; serial <= 240; serial += 2) {
    b.story.Must(b.story.Transfer(b.japan, "CUT-" + std::to_string(serial), "operator", "government", "company",
                                  Range(decided.lot_id, serial, serial)),
                 "cut");
  }
  b.story.Must(b.story.Authorize("AUTH-1", "TH014", 433, 2021), "authorize");
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.story.Must(b.story.FirstTransfer("FT-1", "AUTH-1", Range(decided.lot_id, 1, 433)), "first transfer");
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.story.Must(b.story.Retire(b.japan, "RET-1", "company", "company", Range(decided.lot_id, 5, 5)), "retire");
  EXPECT_EQ(b.story.TonnesIn(b.japan, v1::BLOCK_STATE_RETIRED), 1u);
}

TEST(Issuance, HappensOnceFromOneDecision) {
  Bilateral b;
  Decided decided = b.HostFirst();
  EXPECT_TRUE(HasReason(b.story.Issue(b.thailand, decided, {{1, "government"}, {2, "company"}}),
                        Reason::DECISION_ALREADY_ISSUED));
}

TEST(Requests, GiveTheFirstOutcomeForEverAndRefuseAReusedId) {
  Bilateral b;
  v1::Command command = Story::Native();
  command.mutable_set_account_state()->set_account_number("JPN-TH-rival");
  command.mutable_set_account_state()->set_state(v1::ACCOUNT_STATE_FROZEN);
  command.mutable_set_account_state()->set_reason("test");
  const std::string bundle = b.world.Bundle(b.japan, {"operator", "operator2"}, kHome, {command});
  auto first = b.world.SubmitBundle(b.japan, bundle, WaitFor::kCommitted);
  ASSERT_TRUE(first.ok() && first->parts[0].accepted);
  b.japan.Kill();
  ASSERT_TRUE(b.japan.Restart().ok());
  auto again = b.world.SubmitBundle(b.japan, bundle, WaitFor::kCommitted);
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->parts[0].leaf_hash, first->parts[0].leaf_hash);
}

TEST(Cosigning, IsNotNeededForDomesticActsWhenThePartnerIsCutOff) {
  Bilateral b;
  Decided decided = b.HostFirst();
  b.world.Cut("JPN", "THA", true);
  b.story.Must(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 1010, 1020)),
               "domestic transfer");
  b.thailand.Kill();
  ASSERT_TRUE(b.thailand.Restart().ok());
  b.story.Must(b.story.Transfer(b.thailand, "T-2", "company", "company", "rival", Range(decided.lot_id, 1021, 1030)),
               "a normal restart goes on at once");
  const auto info = b.thailand.core().View()->Info({"THA", "TH"});
  EXPECT_LT(info->cosigned_size, info->size);
  b.world.Cut("JPN", "THA", false);
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  const auto later = b.thailand.core().View()->Info({"THA", "TH"});
  EXPECT_EQ(later->cosigned_size, later->size);
}

TEST(Recovery, AnOldCopyOrdersNothingUntilThePartnersMirrorHasGivenItsTailBack) {
  Bilateral b;
  b.thailand.Backup("/old");
  Decided decided = b.HostFirst();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  const Digest root = RootOf(b.thailand, {"THA", "TH"});
  const Digest home_root = RootOf(b.thailand, {"THA", "home"});
  b.world.Cut("JPN", "THA", true);
  b.thailand.Restore("/old");
  ASSERT_TRUE(b.thailand.Restart().ok());
  b.world.Run(5'000'000);
  EXPECT_TRUE(
      HasReason(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 1010, 1020)),
                Reason::BOOK_NOT_ORDERING));
  b.world.Cut("JPN", "THA", false);
  ASSERT_TRUE(b.world.RunUntil([&] { return RootOf(b.thailand, {"THA", "TH"}) == root; }));
  EXPECT_EQ(RootOf(b.thailand, {"THA", "home"}), home_root);
  ASSERT_TRUE(b.world.RunUntil([&] {
    return b.thailand.core().Status().books[0].state == "ORDERING" &&
           b.thailand.core().Status().books[1].state == "ORDERING";
  }));
  b.story.Must(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 1010, 1020)),
               "goes on");
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
}

TEST(Recovery, ATailThatNobodyElseHasNeedsTwoPersonsToResumeAlone) {
  Bilateral b;
  Decided decided = b.HostFirst();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.thailand.Backup("/old");
  b.world.Cut("JPN", "THA", true);
  b.story.Must(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 1010, 1020)),
               "signed, and seen by nobody else");
  b.world.Run(1'000'000);
  b.thailand.Restore("/old");
  ASSERT_TRUE(b.thailand.Restart().ok());
  b.world.Cut("JPN", "THA", false);
  b.world.Run(5'000'000);
  // The partner has answered and has less than was signed: the book waits.
  const auto transfer = [&](const std::string& id) {
    return b.story.Transfer(b.thailand, id, "company", "company", "rival", Range(decided.lot_id, 1021, 1030));
  };
  EXPECT_TRUE(HasReason(transfer("T-2"), Reason::BOOK_NOT_ORDERING));
  const BookId book{"THA", "TH"};
  const std::string one = b.world.SignResumeAlone(b.thailand, book, {"operator"});
  EXPECT_FALSE(b.thailand.core().SubmitStatement("TH", book::LeafKind::RESUME_ALONE, one).ok());
  const std::string twice = b.world.SignResumeAlone(b.thailand, book, {"operator", "operator"});
  EXPECT_FALSE(b.thailand.core().SubmitStatement("TH", book::LeafKind::RESUME_ALONE, twice).ok());
  EXPECT_TRUE(HasReason(transfer("T-3"), Reason::BOOK_NOT_ORDERING));
  // home lost its newest outcomes too; its two persons sign first, as the others' keys are looked up there.
  const BookId home{"THA", kHome};
  if (b.thailand.core().Status().books[1].state != "ORDERING") {
    const std::string both = b.world.SignResumeAlone(b.thailand, home, {"operator", "operator2"});
    ASSERT_TRUE(b.thailand.core().SubmitStatement(kHome, book::LeafKind::RESUME_ALONE, both).ok());
  }
  b.world.Run(2'000'000);
  const std::string both = b.world.SignResumeAlone(b.thailand, book, {"operator", "operator2"});
  absl::Status resumed = b.thailand.core().SubmitStatement("TH", book::LeafKind::RESUME_ALONE, both);
  ASSERT_TRUE(resumed.ok()) << ToText(resumed);
  b.story.Must(transfer("T-4"), "goes on");
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  auto record = b.japan.core().View()->State(book)->Get<v1::BookRecord>(v1::TABLE_BOOK, "book");
  EXPECT_GT((*record)->resumed_alone_at_size(), 0u) << "the partner and every receipt see that it resumed alone";
}

TEST(Recovery, EverythingCosignedIsBackAfterTheLossOfASite) {
  Bilateral b;
  Decided decided = b.HostFirst();
  v1::Command command = Story::Native();
  command.mutable_set_account_state()->set_account_number("THA-TH-rival");
  command.mutable_set_account_state()->set_state(v1::ACCOUNT_STATE_FROZEN);
  command.mutable_set_account_state()->set_reason("test");
  const std::string bundle = b.world.Bundle(b.thailand, {"operator", "operator2"}, kHome, {command});
  auto frozen = b.world.SubmitBundle(b.thailand, bundle, WaitFor::kCosigned);
  ASSERT_TRUE(frozen.ok()) << frozen.status();
  EXPECT_TRUE(frozen->cosigned);
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  const Digest root = RootOf(b.thailand, {"THA", "TH"});
  const Digest home_root = RootOf(b.thailand, {"THA", "home"});
  b.thailand.LoseSite();
  ASSERT_TRUE(b.thailand.Restart().ok());
  ASSERT_TRUE(b.world.RunUntil([&] {
    auto home = b.thailand.core().View()->Info({"THA", "home"});
    auto book = b.thailand.core().View()->Info({"THA", "TH"});
    return home.ok() && book.ok() && home->root == home_root && book->root == root;
  }));
  // The request's outcome is back too: asking again gives the first answer.
  ASSERT_TRUE(b.world.RunUntil([&] { return b.thailand.core().Status().books[1].state == "ORDERING"; }));
  auto again = b.world.SubmitBundle(b.thailand, bundle, WaitFor::kCommitted);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->replayed);
  EXPECT_EQ(again->parts[0].leaf_hash, frozen->parts[0].leaf_hash);
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
}

// Sealed copies once went first for as long as there were any: a registry that was never idle saw nothing of its
// partner.
TEST(Mirror, IsReadAndCosignedByARegistryThatIsNeverIdle) {
  Bilateral b;
  Decided decided = b.Parallel();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.story.Must(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 434, 434)),
               "transfer in Thailand");
  const BookId book{"THA", "TH"};
  const uint64_t size = b.thailand.core().View()->Info(book)->size;
  uint64_t acts = 0;
  while (b.thailand.core().View()->Info(book)->cosigned_size < size && acts < 400) {
    ++acts;
    b.story.Must(b.story.Transfer(b.japan, "T-" + std::to_string(acts), "operator", "government", "company",
                                  Range(decided.lot_id, acts, acts)),
                 "transfer in Japan");
    b.world.Run(1'000);  // less than any call to the partner takes there and back
  }
  EXPECT_LT(acts, 400u);
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
}

TEST(Mirror, RefusesAForgeryThatThePartnerDidNotSignAndGoesOn) {
  Bilateral b;
  b.HostFirst();
  auto file = b.thailand.core().ExportMirrorFile({"THA", "TH"}, 0);
  ASSERT_TRUE(file.ok());
  mirror::v1::ReadEntriesResponse page;
  ASSERT_TRUE(page.ParseFromString(*file));
  const uint64_t refused_before = b.japan.core().Status().partners[0].refused_messages;
  std::string checkpoint = page.checkpoint();
  checkpoint[checkpoint.size() - 10] ^= 1;
  page.set_checkpoint(checkpoint);
  EXPECT_FALSE(ImportFile(b.japan, page.SerializeAsString()).ok());
  EXPECT_EQ(b.japan.core().Status().partners[0].refused_messages, refused_before + 1);
  EXPECT_EQ(b.japan.core().Status().partners[0].halt, "");
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
}

TEST(Mirror, StopsImportingAfterAnImpossibleActThatThePartnerSigned) {
  Bilateral b;
  Decided decided = b.Parallel();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  // Thailand's operator writes an entry whose effects the rules do not give, and signs it.
  auto view = b.thailand.core().View();
  const BookId book{"THA", "TH"};
  auto info = view->Info(book);
  auto last = view->Entry(book, info->size - 1);
  ASSERT_TRUE(last.ok());
  auto leaf = book::DecodeLeaf(last->leaf());
  ASSERT_TRUE(leaf.ok());
  v1::EntryRecord forged = *last;
  leaf->previous_hash = *view->LeafHash(book, info->size - 1);
  leaf->sequence = info->size;
  forged.set_leaf(book::EncodeLeaf(*leaf));
  std::vector<v1::EntryRecord> entries = {forged};
  mirror::v1::ReadEntriesResponse page;
  page.set_book(book.ToString());
  page.set_from(info->size);
  *page.add_entries() = forged;
  auto head = registry::ReadHead(view->records(), book);
  auto frontier = book::Frontier::Decode(head->frontier());
  frontier->Append(book::LeafHash(forged.leaf()));
  const book::Checkpoint checkpoint{info->origin, info->size + 1, frontier->Root()};
  book::Note note = book::UnsignedCheckpoint(checkpoint);
  ASSERT_TRUE(book::AddSignatureLine(
                  note, book::SignCheckpoint(checkpoint, b.thailand.keys().keys(0).name(), b.thailand.replica_key()))
                  .ok());
  page.set_checkpoint(book::FormatNote(note));
  view.reset();
  EXPECT_TRUE(HasReason(ImportFile(b.japan, page.SerializeAsString()).status(), Reason::IMPOSSIBLE_ACT));
  ASSERT_TRUE(b.world.RunUntil([&] { return b.japan.core().Status().partners[0].halt == "INVALID_ACT"; }));
  // Japan goes on serving its own holders.
  b.story.Must(b.story.Cancel(b.japan, "CAN-1", "operator", "government", Range(decided.lot_id, 1, 3)), "cancel");
  EXPECT_EQ(b.story.TonnesIn(b.japan, v1::BLOCK_STATE_CANCELLED), 3u);
}

TEST(Mirror, StopsAtAnImportThatLeavesOutWhatTheImportedEntriesSay) {
  Bilateral b;
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.world.Cut("JPN", "THA", true);
  Decided decided = b.story.Text(
      "D-9", "TH014", 2021, {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN", 10}, {v1::PARTY_KIND_PARTICIPANT, "THA", 5}});
  b.story.Must(b.story.OpenElectronic(decided), "open");
  b.world.Run(1'000'000);
  b.world.AppendImportWithoutBodies(b.thailand, b.japan, "TH");
  b.world.Cut("JPN", "THA", false);
  EXPECT_TRUE(b.world.RunUntil([&] { return b.japan.core().Status().partners[0].halt == "INVALID_ACT"; }));
}

TEST(Keys, ANodeWithAKeyThatIsNotItsBooksDoesNotStart) {
  Bilateral b;
  absl::Status ordered = b.world.ChangeKey(b.thailand, {});
  ASSERT_TRUE(ordered.ok());  // a new key is drawn, and enrolled nowhere
  EXPECT_TRUE(HasReason(b.world.TryNewKey(b.thailand), Reason::KEY_FILE_INVALID));
}

TEST(Keys, AChangeOfTheReplicasKeyIsFollowedByThePartner) {
  Bilateral b;
  Decided decided = b.HostFirst();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  const uint64_t before = b.thailand.core().View()->Info({"THA", "TH"})->size;
  absl::Status changed = b.world.ChangeKey(b.thailand, {{"THA", "TH"}, {"THA", "home"}});
  ASSERT_TRUE(changed.ok()) << ToText(changed);
  b.world.Run(2'000'000);
  // The old key signs nothing that is the new one's to sign, and entries go on being ordered.
  b.story.Must(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 1010, 1020)),
               "ordered while checkpoints wait");
  EXPECT_EQ(b.thailand.core().View()->Info({"THA", "TH"})->checkpoint_size, before);
  b.world.UseNewKey(b.thailand);
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  EXPECT_GT(b.thailand.core().View()->Info({"THA", "TH"})->cosigned_size, before);
  EXPECT_EQ(b.japan.core().Status().partners[0].halt, "");
  // Japan's own acts are cosigned with the new key too.
  b.story.Must(b.story.Authorize("AUTH-1", "TH014", 1009, 2021), "another act of Thailand's");
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
}

TEST(Resolution, SignedByBothRecoveryKeysLetsImportingGoOn) {
  Bilateral b;
  Decided decided = b.Parallel();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  // Thailand's node runs other code for a moment: what it writes is signed, and impossible for Japan's rules.
  const BookId book{"THA", "TH"};
  const uint64_t disputed = b.thailand.core().View()->Info(book)->size;
  b.world.AppendUnchecked(b.thailand, book);
  ASSERT_TRUE(b.world.RunUntil([&] { return b.japan.core().Status().partners[0].halt == "INVALID_ACT"; }));
  const uint64_t imported = b.japan.core().Status().partners[0].imported_size;

  v1::ResolutionBody body;
  body.set_resolution_id("RES-1");
  v1::DisputedLeaf* leaf = body.add_leaves();
  leaf->set_book(book.ToString());
  leaf->set_sequence(disputed);
  leaf->set_leaf_hash(std::string(AsBytes(*b.thailand.core().View()->LeafHash(book, disputed))));
  leaf->set_action(v1::RESOLUTION_ACTION_ACCEPT_AS_WRITTEN);
  const std::string one_side = b.world.SignResolution(body, {&b.thailand});
  EXPECT_FALSE(b.japan.core().SubmitStatement("TH", book::LeafKind::RESOLUTION, one_side).ok());
  const std::string both = b.world.SignResolution(body, {&b.japan, &b.thailand});
  ASSERT_TRUE(b.japan.core().SubmitStatement("TH", book::LeafKind::RESOLUTION, both).ok());
  ASSERT_TRUE(b.thailand.core().SubmitStatement("TH", book::LeafKind::RESOLUTION, both).ok());
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  EXPECT_EQ(b.japan.core().Status().partners[0].halt, "");
  EXPECT_GT(b.japan.core().Status().partners[0].imported_size, imported);
  b.story.Must(b.story.Transfer(b.thailand, "T-9", "company", "company", "rival", Range(decided.lot_id, 434, 440)),
               "after");
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
}

TEST(StateRoot, IsWrittenAndCheckedByTheMirror) {
  World world(5);
  Node& japan = world.Add("JPN", {{"TH", "THA"}});
  Node& thailand = world.Add("THA", {{"TH", "JPN"}});
  japan.options().state_root_interval_us = 2'000'000;
  Story story(world, "TH", "JPN", "THA");
  world.Start();
  story.SetUp("TH014", 2021);
  ASSERT_TRUE(world.RunUntil([&] { return japan.core().Status().books[0].last_state_root_size > 0; }));
  const uint64_t stated = japan.core().Status().books[0].last_state_root_size;
  EXPECT_TRUE(world.RunUntil([&] {
    auto mirror = thailand.core().View()->Info({"JPN", "TH"});
    return mirror.ok() && mirror->executed_size > stated;
  }));
  EXPECT_EQ(thailand.core().Status().partners[0].halt, "");
}

TEST(Determinism, TwoRunsWithOneSeedGiveTheSameRoots) {
  const auto run = [](uint64_t seed) {
    Bilateral b(seed);
    b.HostFirst();
    JCM_CHECK(b.world.RunUntil([&] { return b.story.InStep(); }));
    return std::vector<Digest>{RootOf(b.japan, {"JPN", "TH"}), RootOf(b.thailand, {"THA", "TH"}),
                               RootOf(b.japan, {"JPN", "home"}), RootOf(b.thailand, {"THA", "home"})};
  };
  EXPECT_EQ(run(42), run(42));
  EXPECT_NE(run(42), run(43));
}

TEST(Privacy, ThePartnersDiskHoldsNoAccountNumberOfTheOtherSide) {
  Bilateral b;
  b.Parallel();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  auto view = b.thailand.core().View();
  for (store::Family family : store::kAllFamilies) {
    auto it = view->records().NewIterator(family);
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      EXPECT_EQ(it->value().find("JPN-TH-company"), absl::string_view::npos) << store::FamilyName(family);
      EXPECT_EQ(it->value().find("JPN-company"), absl::string_view::npos) << store::FamilyName(family);
    }
  }
}

}  // namespace
}  // namespace jcm::simulation
