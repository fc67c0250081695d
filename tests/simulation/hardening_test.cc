// What a registry must survive without losing, repeating or inventing anything: losses larger than one batch, second
// losses, partners that send other bytes than they should, acts that are refused again and again.
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/registry/book_draft.h"
#include "ledger/registry/store_state.h"
#include "tests/simulation/story.h"

namespace jcm::simulation {
namespace {

using registry::PeerTransport;
using registry::WaitFor;

const BookId kThaiHome{"THA", kHome};
const BookId kThaiBook{"THA", "TH"};

Digest RootOf(Node& node, const BookId& book) {
  auto info = node.core().View()->Info(book);
  return info.ok() ? info->root : Digest{};
}

// An act of home: an account is frozen, or released.
v1::Command SetFrozen(const std::string& account, bool frozen, const std::string& reason) {
  v1::Command command = Story::Native();
  command.mutable_set_account_state()->set_account_number(account);
  command.mutable_set_account_state()->set_state(frozen ? v1::ACCOUNT_STATE_FROZEN : v1::ACCOUNT_STATE_ACTIVE);
  command.mutable_set_account_state()->set_reason(reason);
  return command;
}

bool Ordering(Node& node) {
  for (const registry::OwnBookInfo& book : node.core().Status().books) {
    if (book.state != "ORDERING") return false;
  }
  return true;
}

std::string StateOf(Node& node, const BookId& id) {
  for (const registry::OwnBookInfo& book : node.core().Status().books) {
    if (book.info.book == id) return book.state;
  }
  return "";
}

// Runs for so long, but ends early if the world does nothing but work: true if it came to rest in between.
bool ComesToRest(World& world, uint64_t micros) {
  const uint64_t end = world.clock().MonotonicMicros() + micros;
  uint64_t steps = 0;
  world.RunUntil([&] { return ++steps > 100'000; }, micros);
  return world.clock().MonotonicMicros() >= end;
}

TEST(SiteLoss, GivesAHomeBackThatIsLargerThanABatchOfTheLog) {
  Bilateral b;
  const std::string reason(1'900, 'r');
  for (int i = 0; i < 60; ++i) {
    std::vector<v1::Command> commands;
    for (int part = 0; part < 6; ++part) commands.push_back(SetFrozen("THA-TH-rival", part % 2 == 0, reason));
    auto done =
        b.world.SubmitBundle(b.thailand, b.world.Bundle(b.thailand, {"operator"}, kHome, commands), WaitFor::kCosigned);
    ASSERT_TRUE(done.ok() && done->parts[0].accepted) << done.status();
  }
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  const Digest home = RootOf(b.thailand, kThaiHome);
  const Digest book = RootOf(b.thailand, kThaiBook);
  b.thailand.LoseSite();
  ASSERT_TRUE(b.thailand.Restart().ok());
  EXPECT_TRUE(b.world.RunUntil([&] { return Ordering(b.thailand); }));
  EXPECT_EQ(RootOf(b.thailand, kThaiHome), home);
  EXPECT_EQ(RootOf(b.thailand, kThaiBook), book);
}

TEST(SiteLoss, KeepsWhatIsCosignedAfterwardsForTheNextLoss) {
  Bilateral b;
  for (int loss = 0; loss < 4; ++loss) {
    SCOPED_TRACE(absl::StrCat("loss ", loss));
    auto done = b.world.SubmitBundle(
        b.thailand, b.world.Bundle(b.thailand, {"operator"}, kHome, {SetFrozen("THA-TH-rival", loss % 2 == 0, "test")}),
        WaitFor::kCosigned);
    ASSERT_TRUE(done.ok() && done->parts[0].accepted) << done.status();
    const Digest home = RootOf(b.thailand, kThaiHome);
    b.thailand.LoseSite();
    ASSERT_TRUE(b.thailand.Restart().ok());
    ASSERT_TRUE(b.world.RunUntil([&] { return Ordering(b.thailand); }));
    ASSERT_EQ(RootOf(b.thailand, kThaiHome), home);
  }
}

TEST(SiteLoss, DoesNotTrustAPartnersWordThatItKeepsWhatWasNeverSent) {
  Bilateral b;
  b.world.TamperWith("JPN", [](PeerTransport::Method method, std::string* response) {
    if (method != PeerTransport::Method::kPutOffsite) return;
    mirror::v1::PutOffsiteResponse lie;
    lie.set_newest_log_index(~uint64_t{0});
    *response = lie.SerializeAsString();
  });
  ASSERT_TRUE(b.world.Submit(b.thailand, {"operator"}, kHome, SetFrozen("THA-TH-rival", true, "test")).ok());
  b.world.Run(3'000'000);
  b.world.TamperWith("JPN", nullptr);
  auto done = b.world.SubmitBundle(
      b.thailand, b.world.Bundle(b.thailand, {"operator"}, kHome, {SetFrozen("THA-TH-rival", false, "test")}),
      WaitFor::kCosigned);
  ASSERT_TRUE(done.ok() && done->cosigned) << done.status();
  const Digest home = RootOf(b.thailand, kThaiHome);
  b.thailand.LoseSite();
  ASSERT_TRUE(b.thailand.Restart().ok());
  ASSERT_TRUE(b.world.RunUntil([&] { return Ordering(b.thailand); }));
  EXPECT_EQ(RootOf(b.thailand, kThaiHome), home);
}

TEST(SiteLoss, WaitsForEveryPartnerThatMayKeepTheOnlyCopyOfHome) {
  World world(3);
  Node& japan = world.Add("JPN", {{"MV", "MDV"}, {"TH", "THA"}});
  world.Add("MDV", {{"MV", "JPN"}});
  world.Add("THA", {{"TH", "JPN"}});
  world.Start();
  const BookId book{"JPN", kHome};
  world.Cut("JPN", "MDV", true);
  v1::Command command = Story::Native();
  command.mutable_revoke_key()->set_key_id(std::string(AsBytes(japan.person("rival").key.public_key().KeyId())));
  command.mutable_revoke_key()->set_reason("lost");
  auto done = world.SubmitBundle(japan, world.Bundle(japan, {"operator"}, kHome, {command}), WaitFor::kCosigned);
  ASSERT_TRUE(done.ok() && done->cosigned) << done.status();
  const Digest home = RootOf(japan, book);
  japan.LoseSite();
  world.Cut("JPN", "MDV", false);
  world.Cut("JPN", "THA", true);
  ASSERT_TRUE(japan.Restart().ok());
  world.Run(10'000'000);
  EXPECT_EQ(StateOf(japan, book), "WAITING_FOR_PEER") << "the Maldives never saw the newest entry";
  world.Cut("JPN", "THA", false);
  ASSERT_TRUE(world.RunUntil([&] { return StateOf(japan, book) == "ORDERING"; }));
  EXPECT_EQ(RootOf(japan, book), home);
}

TEST(Offsite, TakesABundleWhoseEntriesAreLargerThanOnePiece) {
  Bilateral b;
  std::vector<v1::Command> commands;
  for (int i = 0; i < 1'000; ++i) commands.push_back(SetFrozen("THA-TH-rival", i % 2 == 0, "r"));
  auto done = b.world.SubmitBundle(b.thailand, b.world.Bundle(b.thailand, {"operator", "operator2"}, kHome, commands),
                                   WaitFor::kCosigned);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(done->cosigned);
  b.HostFirst();
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  const Digest home = RootOf(b.thailand, kThaiHome);
  b.thailand.LoseSite();
  ASSERT_TRUE(b.thailand.Restart().ok());
  ASSERT_TRUE(b.world.RunUntil([&] { return Ordering(b.thailand); }));
  EXPECT_EQ(RootOf(b.thailand, kThaiHome), home);
}

TEST(Recovery, StampsNothingBeforeWhatWasRecovered) {
  Bilateral b;
  b.thailand.Backup("/old");
  Decided decided = b.HostFirst();
  b.world.Run(40'000'000);
  b.story.Must(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 1010, 1020)),
               "before the loss");
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.thailand.Restore("/old");
  // The new machine's clock is a little slow: within what a partner tolerates, but before the newest recovered entry.
  b.world.clock().Set(BookTime::FromMicros(b.world.clock().Now().micros - 30'000'000));
  ASSERT_TRUE(b.thailand.Restart().ok());
  b.japan.Kill();
  ASSERT_TRUE(b.world.RunUntil([&] { return !b.japan.running(); }));
  ASSERT_TRUE(b.japan.Restart().ok());
  ASSERT_TRUE(b.world.RunUntil([&] { return Ordering(b.thailand); }));
  b.story.Must(b.story.Transfer(b.thailand, "T-2", "company", "company", "rival", Range(decided.lot_id, 1021, 1030)),
               "after the recovery");
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  EXPECT_EQ(b.japan.core().Status().partners[0].halt, "");
}

TEST(Recovery, TakesNoEntryThatItsOwnSignatureDoesNotCover) {
  Bilateral b;
  b.thailand.Backup("/old");
  b.HostFirst();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  const Digest root = RootOf(b.thailand, kThaiBook);
  b.thailand.Restore("/old");
  ASSERT_TRUE(b.thailand.Restart().ok());
  const uint64_t size = b.thailand.core().View()->Info(kThaiBook)->size;
  // An entry that the rules would take, and that Thailand never wrote.
  v1::EntryRecord forged;
  {
    auto view = b.thailand.core().View();
    auto head = registry::ReadHead(view->records(), kThaiBook);
    registry::StoreState state(view->records(), kThaiBook);
    auto draft = registry::BookDraft::Open(kThaiBook, *head, state);
    v1::LateStamped late;
    late.set_from(1);
    late.set_to(2);
    late.set_stamped_at_us(1);
    late.set_cosigned_at_us(2);
    auto appended = (*draft)->Append(
        {book::LeafKind::LATE_STAMPED, BookTime::FromMicros(head->last_time_us()), state::Serialise(late), ""},
        rules::PlainVerifier());
    ASSERT_TRUE(appended.ok()) << appended.status();
    forged = (*draft)->entries()[0];
  }
  b.world.TamperWith("JPN", [&forged](PeerTransport::Method method, std::string* response) {
    if (method != PeerTransport::Method::kReadMirror) return;
    mirror::v1::ReadMirrorResponse page;
    ASSERT_TRUE(page.ParseFromString(*response));
    page.clear_entries();
    *page.add_entries() = forged;
    *response = page.SerializeAsString();
  });
  b.world.Run(5'000'000);
  EXPECT_EQ(b.thailand.core().View()->Info(kThaiBook)->size, size);
  b.world.TamperWith("JPN", nullptr);
  ASSERT_TRUE(b.world.RunUntil([&] { return Ordering(b.thailand); }));
  EXPECT_EQ(RootOf(b.thailand, kThaiBook), root);
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
}

TEST(Recovery, ResumesAloneOnlyTogetherWithTheEntryThatSaysSo) {
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
  const std::string both = b.world.SignResumeAlone(b.thailand, kThaiBook, {"operator", "operator2"});
  absl::Status resumed = b.thailand.core().SubmitStatement("TH", book::LeafKind::RESUME_ALONE, both);
  ASSERT_TRUE(resumed.ok()) << ToText(resumed);
  // The machine stops the moment after the operator was told.
  b.thailand.Kill();
  ASSERT_TRUE(b.thailand.Restart().ok());
  auto record = b.thailand.core().View()->State(kThaiBook)->Get<v1::BookRecord>(v1::TABLE_BOOK, "book");
  ASSERT_TRUE(record.ok() && record->has_value());
  EXPECT_GT((*record)->resumed_alone_at_size(), 0u);
}

TEST(Mirror, TakesABodyThatItsLeafDoesNotNameForAForgeryAndNotForAnAct) {
  Bilateral b;
  b.world.Cut("JPN", "THA", true);
  b.world.Run(100'000);
  ASSERT_TRUE(b.world
                  .Submit(b.thailand, {"secretary"}, "TH",
                          [] {
                            v1::Command command = Story::Native();
                            command.mutable_register_project()->set_project_id("TH015");
                            command.mutable_register_project()->set_title_en("Another");
                            for (auto* date : {command.mutable_register_project()->mutable_registration_date(),
                                               command.mutable_register_project()->mutable_crediting_start()}) {
                              date->set_year(2020);
                              date->set_month(4);
                              date->set_day(1);
                            }
                            command.mutable_register_project()->set_document_digest(std::string(32, 'd'));
                            return command;
                          }())
                  .ok());
  b.world.Run(1'000'000);
  const uint64_t size = b.japan.core().View()->Info(kThaiBook)->size;
  auto file = b.thailand.core().ExportMirrorFile(kThaiBook, size);
  ASSERT_TRUE(file.ok());
  mirror::v1::ReadEntriesResponse page;
  ASSERT_TRUE(page.ParseFromString(*file));
  ASSERT_FALSE(page.entries().empty());
  // Whoever carries the file changes a body; the leaf, and all that is signed, stays.
  page.mutable_entries(0)->mutable_effects()->append("x");
  EXPECT_TRUE(HasReason(ImportFile(b.japan, page.SerializeAsString()).status(), Reason::PEER_SIGNATURE_INVALID));
  b.world.Cut("JPN", "THA", false);
  EXPECT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  EXPECT_EQ(b.japan.core().Status().partners[0].halt, "");
}

TEST(Imports, ThatAreRefusedDoNotFillTheLog) {
  World world(1);
  Node& japan = world.Add("JPN", {{"TH", "THA"}});
  Node& thailand = world.Add("THA", {{"TH", "JPN"}});
  world.Start();
  // Somebody compared the wrong fingerprint: the pinned recovery key is not that of Thailand's genesis.
  v1::Command command = Story::Native();
  v1::OpenPartnership* open = command.mutable_open_partnership();
  open->set_partnership("TH");
  open->set_peer_registry("THA");
  open->set_peer_domain("demo.invalid");
  open->set_mode(v1::PARTNERSHIP_MODE_NODE);
  *open->mutable_peer_keys() = thailand.keys();
  *open->mutable_peer_recovery_key() = japan.recovery_public_key();
  open->mutable_signed_date()->set_year(2015);
  open->mutable_signed_date()->set_month(11);
  open->mutable_signed_date()->set_day(19);
  open->set_document_digest(std::string(32, 'd'));
  bool answered = false;
  japan.core().Submit(
      world.Bundle(japan, {"operator", "operator2"}, "TH", {command}), {},
      [&](absl::StatusOr<registry::SubmitOutcome> done) { answered = done.ok() && done->parts[0].accepted; });
  EXPECT_TRUE(ComesToRest(world, 30'000'000));
  EXPECT_TRUE(answered);
  EXPECT_LT(japan.core().Status().applied_index, 40u);
  EXPECT_NE(japan.core().Status().partners[0].last_error, "");
}

TEST(Ticks, WithMoreDueThanOneEntryMayHoldAreTakenInSmallerOnes) {
  Bilateral b;
  Decided decided = b.HostFirst();
  b.story.Must(b.story.Authorize("AUTH", "TH014", 1009, 2021), "authorize");
  for (uint64_t i = 0; i < 100; ++i) {
    v1::Command command = Story::Native();
    v1::InitTransfer* init = command.mutable_init_transfer();
    init->set_transfer_id(absl::StrCat("X-", i));
    init->set_from_account(b.story.Account(b.thailand, "government"));
    for (uint64_t k = 0; k < 5; ++k)
      *init->add_ranges() = Range(decided.lot_id, 1 + 10 * i + 2 * k, 1 + 10 * i + 2 * k);
    init->set_authorization_id("AUTH");
    init->set_expires_at_us(b.world.clock().Now().micros + 30ull * 24 * 3600 * 1'000'000);
    init->set_to_hint(std::string(150, 'h'));
    auto done = b.world.Submit(b.thailand, {"operator"}, "TH", command);
    ASSERT_TRUE(done.ok()) << done.status();
  }
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  EXPECT_EQ(b.story.TonnesIn(b.thailand, v1::BLOCK_STATE_IN_TRANSIT), 500u);
  // Nobody accepts, and all run out while the node is down.
  b.thailand.Kill();
  b.world.clock().Advance(400ull * 24 * 3600 * 1'000'000);
  ASSERT_TRUE(b.thailand.Restart().ok());
  EXPECT_TRUE(ComesToRest(b.world, 20'000'000));
  EXPECT_EQ(b.story.TonnesIn(b.thailand, v1::BLOCK_STATE_IN_TRANSIT), 0u);
}

TEST(Failure, OfTheStoreIsToldToEveryoneWhoWaits) {
  Bilateral b;
  b.thailand.options().limits.batch_commands = 1;
  b.thailand.Kill();
  ASSERT_TRUE(b.thailand.Restart().ok());
  b.world.Settle();
  int answers = 0;
  for (int i = 0; i < 3; ++i) {
    b.thailand.core().Submit(
        b.world.Bundle(b.thailand, {"operator"}, kHome, {SetFrozen("THA-TH-rival", i % 2 == 0, "test")}), {},
        [&](absl::StatusOr<registry::SubmitOutcome> done) {
          EXPECT_FALSE(done.ok());
          ++answers;
        });
  }
  b.thailand.disk().FailWrite(1);
  b.world.Run(1'000'000);
  EXPECT_FALSE(b.thailand.core().failure().ok());
  EXPECT_EQ(answers, 3);
}

TEST(Closing, AnswersEveryoneWhoWaits) {
  Bilateral b;
  b.world.Cut("JPN", "THA", true);
  int answers = 0;
  const auto done = [&](absl::StatusOr<registry::SubmitOutcome> outcome) {
    EXPECT_FALSE(outcome.ok());
    ++answers;
  };
  registry::SubmitOptions cosigned;
  cosigned.wait_for = WaitFor::kCosigned;
  const auto bundle = [&](bool frozen) {
    return b.world.Bundle(b.thailand, {"operator"}, kHome, {SetFrozen("THA-TH-rival", frozen, "test")});
  };
  b.thailand.core().Submit(bundle(true), cosigned, done);
  b.world.Run(1'000'000);
  b.thailand.core().Submit(bundle(false), {}, done);
  EXPECT_EQ(answers, 0);
  b.thailand.core().Close();
  EXPECT_EQ(answers, 2);
}

TEST(Offsite, KeepsNoMoreCopiesForAPartnerThanItsLimit) {
  Bilateral b;
  const auto put = [&](uint64_t position) {
    mirror::v1::PutOffsiteRequest request;
    request.set_log_index(position);
    request.set_sealed("sealed");
    return b.thailand.core()
        .HandlePeerCall("JPN", PeerTransport::Method::kPutOffsite, request.SerializeAsString())
        .status();
  };
  b.thailand.Kill();
  b.thailand.options().limits.offsite_blobs_per_partner = 200;
  ASSERT_TRUE(b.thailand.Restart().ok());
  uint64_t taken = 0;
  while (taken < 300 && put((uint64_t{1} << 60) + taken).ok()) ++taken;
  EXPECT_GT(taken, 0u);
  EXPECT_LE(taken, 200u);
  EXPECT_TRUE(HasReason(put(uint64_t{1} << 61), Reason::QUEUE_FULL));
  EXPECT_TRUE(put(uint64_t{1} << 60).ok()) << "what is kept already may be sent again";
}

}  // namespace
}  // namespace jcm::simulation
