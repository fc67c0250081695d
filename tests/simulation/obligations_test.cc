// What a replica owes to others, and pays whatever happens to it in between: what its book must say of the partner, a
// statement that it took, keys of persons' data, and a cosignature of all replicas for a file.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/base/hash.h"
#include "ledger/base/seal.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/registry/keys.h"
#include "ledger/store/vault.h"
#include "tests/simulation/history.h"

namespace jcm::simulation {
namespace {

const BookId kThaiBook{"THA", "TH"};
const BookId kJapaneseBook{"JPN", "TH"};

// A file of Thailand's whose checkpoint, signed by Thailand's node, has `root` at `size`.
mirror::v1::ReadEntriesResponse SignedFile(Node& thailand, uint64_t size, const Digest& root) {
  const book::Checkpoint checkpoint{thailand.core().View()->Info(kThaiBook)->origin, size, root};
  book::Note note = book::UnsignedCheckpoint(checkpoint);
  const std::string signer = thailand.keys().keys(0).name();
  EXPECT_TRUE(book::AddSignatureLine(note, book::SignCheckpoint(checkpoint, signer, thailand.replica_key())).ok());
  mirror::v1::ReadEntriesResponse page;
  page.set_book(kThaiBook.ToString());
  page.set_checkpoint(book::FormatNote(note));
  return page;
}

absl::StatusOr<std::string> Import(World& world, Node& node, const std::string& file) {
  auto answer = std::make_shared<absl::optional<absl::StatusOr<std::string>>>();
  node.core().ImportMirrorFile(file, [answer](absl::StatusOr<std::string> done) { *answer = std::move(done); });
  if (!world.RunUntil([&] { return answer->has_value(); })) return absl::DeadlineExceededError("no answer");
  return **answer;
}

bool Rests(Pair& pair) {
  pair.world.Run(1'000'000);
  return pair.world.RunUntil(
      [&] { return pair.Sequencer(true) != nullptr && pair.Sequencer(false) != nullptr && pair.AtRest(); });
}

uint64_t EntriesOfKind(Node& node, const BookId& book, book::LeafKind kind) {
  auto view = node.core().View();
  uint64_t found = 0;
  for (uint64_t i = 0; i < view->Info(book)->size; ++i) {
    if (book::DecodeLeaf(view->Entry(book, i)->leaf())->kind == kind) ++found;
  }
  return found;
}

// ---- what the book must say ----------------------------------------------------------------------------------------

TEST(Alarm, OfAForkIsKeptThoughTheNodeDiesAndThePartnerShowsItNoMore) {
  Bilateral b;
  b.HostFirst();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.world.Cut("JPN", "THA", true);
  const uint64_t size = b.thailand.core().View()->Info(kThaiBook)->size;
  mirror::v1::ReadEntriesResponse page = SignedFile(b.thailand, size, Sha256("another history"));
  page.set_from(size);
  absl::Status told;
  b.japan.core().ImportMirrorFile(page.SerializeAsString(),
                                  [&](absl::StatusOr<std::string> done) { told = done.status(); });
  EXPECT_TRUE(HasReason(told, Reason::FORK_DETECTED)) << ToText(told);
  // Before the next step, so that nothing of it is in the log.
  b.japan.Kill();
  ASSERT_TRUE(b.japan.Restart().ok());
  EXPECT_TRUE(b.world.RunUntil([&] { return b.japan.core().Status().partners[0].halt == "FORK"; }));
  b.world.Run(60'000'000);
  EXPECT_EQ(EntriesOfKind(b.japan, kJapaneseBook, book::LeafKind::HALT), 1u);
  // It was said, and is owed no more.
  b.japan.Kill();
  ASSERT_TRUE(b.japan.Restart().ok());
  b.world.Run(60'000'000);
  EXPECT_EQ(EntriesOfKind(b.japan, kJapaneseBook, book::LeafKind::HALT), 1u);
  for (const std::string& key : b.japan.disk().Keys(store::Family::kMeta)) {
    EXPECT_NE(key.substr(0, 6), "alarm/") << key;
  }
}

TEST(Alarm, OfEntriesThatWereStampedLateIsKeptThoughTheNodeDies) {
  Bilateral b;
  const Decided decided = b.HostFirst();
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  // Japan cosigns what Thailand wrote five minutes ago.
  b.world.Cut("JPN", "THA", true);
  b.story.Must(b.story.Transfer(b.thailand, "T-1", "company", "company", "rival", Range(decided.lot_id, 1010, 1020)),
               "seen later");
  b.world.Run(300'000'000);
  b.world.Cut("JPN", "THA", false);
  ASSERT_TRUE(b.world.RunUntil([&] { return b.story.InStep(); }));
  b.world.Cut("JPN", "THA", true);
  // Then Thailand's operator signs one more entry, and dates it as the one before.
  auto view = b.thailand.core().View();
  const uint64_t size = view->Info(kThaiBook)->size;
  v1::EntryRecord entry = *view->Entry(kThaiBook, size - 1);
  book::Leaf leaf = *book::DecodeLeaf(entry.leaf());
  leaf.previous_hash = *view->LeafHash(kThaiBook, size - 1);
  leaf.sequence = size;
  entry.set_leaf(book::EncodeLeaf(leaf));
  auto frontier = book::Frontier::Decode(registry::ReadHead(view->records(), kThaiBook)->frontier());
  ASSERT_TRUE(frontier.ok());
  frontier->Append(book::LeafHash(entry.leaf()));
  mirror::v1::ReadEntriesResponse page = SignedFile(b.thailand, size + 1, frontier->Root());
  view.reset();
  page.set_from(size);
  *page.add_entries() = entry;
  b.japan.core().ImportMirrorFile(page.SerializeAsString(), [](const absl::StatusOr<std::string>&) {});
  b.japan.Kill();
  ASSERT_TRUE(b.japan.Restart().ok());
  b.world.Run(60'000'000);
  EXPECT_EQ(EntriesOfKind(b.japan, kJapaneseBook, book::LeafKind::LATE_STAMPED), 1u);
  EXPECT_EQ(EntriesOfKind(b.japan, kJapaneseBook, book::LeafKind::HALT), 1u);
}

// ---- statements ----------------------------------------------------------------------------------------------------

TEST(Statements, AreRecordedByTheNextReplicaThatOrders) {
  Pair pair(7, 1, 3);
  ASSERT_TRUE(Rests(pair));
  Node& first = *pair.Sequencer(true);
  Node& changed = *pair.Follower(true);
  absl::optional<absl::Status> told;
  first.core().HandInStatement("TH", book::LeafKind::KEY_CHANGE,
                               pair.world.SignReplicaKeyChange(first, changed, kThaiBook),
                               [&told](absl::Status status) { told = std::move(status); });
  EXPECT_FALSE(told.has_value()) << "told before it is recorded";
  // It has the statement in its queue, and loses the log and the role.
  pair.world.shared_log("THA").Reach(first.address(), false);
  EXPECT_TRUE(pair.world.RunUntil([&] { return EntriesOfKind(changed, kThaiBook, book::LeafKind::KEY_CHANGE) == 1; },
                                  10'000'000));
  // Whoever handed it in can't see it there, and hears that it is recorded.
  EXPECT_TRUE(pair.world.RunUntil([&] { return told.has_value(); }, 15'000'000));
  EXPECT_TRUE(told.has_value() && told->ok()) << ToText(told.value_or(absl::OkStatus()));
  pair.world.shared_log("THA").Reach(first.address(), true);
  ASSERT_TRUE(pair.world.RunUntil([&] { return EntriesOfKind(first, kThaiBook, book::LeafKind::KEY_CHANGE) == 1; }));
}

TEST(Statements, AreAnsweredWhenTheyAreRecordedAndCanBeReadThere) {
  Pair pair(8, 1, 3);
  ASSERT_TRUE(Rests(pair));
  Node& changed = *pair.Sequencer(true);
  Node& follower = *pair.Follower(true);
  bool told = false;
  follower.core().HandInStatement("TH", book::LeafKind::KEY_CHANGE,
                                  pair.world.SignReplicaKeyChange(follower, changed, kThaiBook),
                                  [&](const absl::Status& status) {
                                    told = true;
                                    EXPECT_TRUE(status.ok()) << ToText(status);
                                    EXPECT_EQ(EntriesOfKind(follower, kThaiBook, book::LeafKind::KEY_CHANGE), 1u);
                                  });
  EXPECT_TRUE(pair.world.RunUntil([&] { return told; }, 5'000'000));
}

TEST(Statements, ThatAreRefusedAreRefusedWhereverTheyAreHandedIn) {
  Pair pair(9, 1, 3);
  ASSERT_TRUE(Rests(pair));
  for (Node* node : pair.thailand) {
    absl::optional<absl::Status> told;
    node->core().HandInStatement("TH", book::LeafKind::KEY_CHANGE, "no statement",
                                 [&told](absl::Status status) { told = std::move(status); });
    EXPECT_TRUE(pair.world.RunUntil([&] { return told.has_value(); }, 5'000'000));
    EXPECT_TRUE(told.has_value() && ReasonOf(*told).has_value() && !HasReason(*told, Reason::APPEND_UNKNOWN))
        << node->address();
  }
}

// ---- data keys -----------------------------------------------------------------------------------------------------

TEST(DataKeys, ReachAReplicaThatWasAwayWhenTheyWereShared) {
  for (const bool dies : {true, false}) {
    Pair pair(10, 1, 3);
    ASSERT_TRUE(Rests(pair));
    Node& away = *pair.Follower(true);
    Node& sequencer = *pair.Sequencer(true);
    const auto cut = [&](bool now) {
      for (Node* other : pair.thailand) {
        if (other != &away) pair.world.Cut(away.address(), other->address(), now);
      }
    };
    if (dies) away.Kill();
    if (!dies) cut(true);
    const std::string key(kSealKeyBytes, 'k');
    registry::SubmitOptions options;
    options.vault_keys = {{"person 17", key}};
    absl::optional<absl::StatusOr<registry::SubmitOutcome>> done;
    pair.world.Send(sequencer,
                    pair.story.CancelBundle(sequencer, "C-1", "company", "company",
                                            Range(pair.decided.lot_id, kFirstOfCompany, kFirstOfCompany)),
                    options, [&done](absl::StatusOr<registry::SubmitOutcome> outcome) { done = std::move(outcome); });
    ASSERT_TRUE(pair.world.RunUntil([&] { return done.has_value(); }));
    ASSERT_TRUE(done->ok()) << ToText(done->status());
    store::Vault vault(std::shared_ptr<FileSystem>(std::shared_ptr<void>(), &away.files()), "/vault");
    EXPECT_TRUE(HasReason(vault.Get("person 17").status(), Reason::NOT_FOUND));
    if (dies) {
      ASSERT_TRUE(away.Restart().ok());
    } else {
      cut(false);
    }
    pair.world.Run(5'000'000);
    const absl::StatusOr<std::string> kept = vault.Get("person 17");
    EXPECT_TRUE(kept.ok() && *kept == key) << (dies ? "after a start" : "after a cut");
  }
}

// ---- files ---------------------------------------------------------------------------------------------------------

TEST(Files, AreCosignedByEnoughReplicas) {
  Pair pair(11, 3, 3);
  ASSERT_TRUE(Rests(pair));
  pair.world.Cut("JPN", "THA", true);
  const uint64_t before = pair.thailand[0]->core().View()->Info(kThaiBook)->cosigned_size;
  ASSERT_TRUE(pair.story
                  .Cancel(*pair.thailand[0], "C-1", "company", "company",
                          Range(pair.decided.lot_id, kFirstOfCompany, kFirstOfCompany))
                  .ok());
  pair.world.Run(1'000'000);
  Node& carrier = *pair.Follower(false);
  const uint64_t size = carrier.core().View()->Info(kThaiBook)->size;
  const absl::StatusOr<std::string> file = pair.thailand[0]->core().ExportMirrorFile(kThaiBook, size);
  ASSERT_TRUE(file.ok());
  const absl::StatusOr<std::string> cosigned = Import(pair.world, carrier, *file);
  ASSERT_TRUE(cosigned.ok()) << ToText(cosigned.status());
  // Thailand asks for two of Japan's three keys.
  const absl::Status taken = pair.thailand[1]
                                 ->core()
                                 .HandlePeerCall("JPN", registry::PeerTransport::Method::kAddCosignature, *cosigned)
                                 .status();
  EXPECT_TRUE(taken.ok()) << ToText(taken);
  pair.world.Run(1'000'000);
  for (Node* node : pair.thailand) EXPECT_GT(node->core().View()->Info(kThaiBook)->cosigned_size, before);
}

TEST(Files, ThatTooFewReplicasCosignedMayBeImportedAgain) {
  Pair pair(12, 3, 3);
  ASSERT_TRUE(Rests(pair));
  pair.world.Cut("JPN", "THA", true);
  ASSERT_TRUE(pair.story
                  .Cancel(*pair.thailand[0], "C-1", "company", "company",
                          Range(pair.decided.lot_id, kFirstOfCompany, kFirstOfCompany))
                  .ok());
  pair.world.Run(1'000'000);
  Node& carrier = *pair.Follower(false);
  const absl::StatusOr<std::string> file =
      pair.thailand[0]->core().ExportMirrorFile(kThaiBook, carrier.core().View()->Info(kThaiBook)->size);
  ASSERT_TRUE(file.ok());
  const auto cut = [&](bool now) {
    for (Node* other : pair.japan) {
      if (other != &carrier) pair.world.Cut(carrier.address(), other->address(), now);
    }
  };
  cut(true);
  EXPECT_TRUE(HasReason(Import(pair.world, carrier, *file).status(), Reason::COSIGN_TIMEOUT));
  cut(false);
  pair.world.Run(2'000'000);
  const absl::StatusOr<std::string> cosigned = Import(pair.world, carrier, *file);
  EXPECT_TRUE(cosigned.ok() && !cosigned->empty()) << ToText(cosigned.status());
}

}  // namespace
}  // namespace jcm::simulation
