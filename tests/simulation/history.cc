#include "tests/simulation/history.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/genesis.h"
#include "ledger/rules/invariants.h"

namespace jcm::simulation {
namespace {

using Method = registry::PeerTransport::Method;

constexpr uint64_t kPatienceMicros = 6'000'000;
constexpr uint64_t kResolveMicros = 120'000'000;

// What a client can do nothing about but ask again: the act may be recorded, or not.
bool MayBeRecorded(const absl::Status& status) {
  for (const Reason reason : {Reason::APPEND_UNKNOWN, Reason::STORE_FAILED, Reason::QUEUE_FULL,
                              Reason::BOOK_NOT_ORDERING, Reason::STORE_CORRUPT, Reason::CLOCK_NOT_TRUSTED,
                              Reason::REPLICA_QUARANTINED, Reason::NOT_SEQUENCER, Reason::LOG_FULL}) {
    if (HasReason(status, reason)) return true;
  }
  return !ReasonOf(status).has_value();
}

bool SameOutcome(const registry::SubmitOutcome& a, const registry::SubmitOutcome& b) {
  return a.parts.size() == 1 && b.parts.size() == 1 && a.parts[0].accepted == b.parts[0].accepted &&
         a.parts[0].sequence == b.parts[0].sequence && a.parts[0].leaf_hash == b.parts[0].leaf_hash &&
         a.parts[0].reason == b.parts[0].reason && a.batch_time == b.batch_time;
}

}  // namespace

History::History(Pair& pair) : pair_(pair) {
  pair_.world.WatchLinks([this](const Node& speaker, Method method, bool answer, const std::string& bytes) {
    OnSpoken(speaker, method, answer, bytes);
  });
}

void History::OnSpoken(const Node& speaker, Method method, bool answer, const std::string& bytes) {
  if (silenced.count(speaker.address()) > 0) {
    ADD_FAILURE() << speaker.address() << " spoke to the other government: method " << static_cast<int>(method);
  }
  std::string note;
  if (method == Method::kReadEntries && answer) {
    mirror::v1::ReadEntriesResponse page;
    if (page.ParseFromString(bytes)) note = page.checkpoint();
  } else if (method == Method::kAddCosignature && !answer) {
    mirror::v1::AddCosignatureRequest request;
    if (request.ParseFromString(bytes)) note = request.note();
  } else if (method == Method::kReadMirror && answer) {
    mirror::v1::ReadMirrorResponse page;
    if (page.ParseFromString(bytes)) note = page.checkpoint();
  }
  if (!note.empty()) notes_.insert(note);
}

bool History::Ready(int client) {
  const auto it = open_.find(client);
  if (it == open_.end()) return true;
  Act& act = *it->second;
  if (!act.answer.has_value()) {
    if (pair_.world.clock().MonotonicMicros() < act.sent_us + kPatienceMicros) return false;
    act.given_up = true;
  } else {
    Take(act);
  }
  open_.erase(it);
  return true;
}

void History::Take(Act& act) {
  const absl::StatusOr<registry::SubmitOutcome>& answer = *act.answer;
  if (!answer.ok()) {
    EXPECT_TRUE(MayBeRecorded(answer.status())) << ToText(answer.status());
    return;
  }
  ASSERT_EQ(answer->parts.size(), 1u);
  EXPECT_TRUE(answer->parts[0].accepted) << "serial " << act.serial << ": reason " << answer->parts[0].reason << " "
                                         << answer->parts[0].detail;
  if (act.outcome.has_value()) {
    EXPECT_TRUE(SameOutcome(*act.outcome, *answer)) << "serial " << act.serial << " has two outcomes";
  } else {
    act.outcome = *answer;
  }
}

void History::Send(int client, Node& node) {
  auto act = std::make_shared<Act>();
  act->client = client;
  act->serial = kFirstOfCompany + acts_.size();
  if (act->serial > kIssuedTonnes || !node.running()) return;
  act->bundle = pair_.story.CancelBundle(node, absl::StrCat("C-", act->serial), "company", "company",
                                         Range(pair_.decided.lot_id, act->serial, act->serial));
  v1::SignedBundle bundle;
  v1::BundleHeader header;
  ASSERT_TRUE(bundle.ParseFromString(act->bundle) && header.ParseFromString(bundle.header()));
  act->request_id = header.request_id();
  act->sent_us = pair_.world.clock().MonotonicMicros();
  acts_.push_back(act);
  open_[client] = act;
  registry::SubmitOptions options;
  options.deadline_us = act->sent_us + kPatienceMicros;
  World& world = pair_.world;
  world.Send(node, act->bundle, std::move(options), [act, &world](absl::StatusOr<registry::SubmitOutcome> answer) {
    // Told to somebody who has gone is not told.
    if (act->given_up) return;
    if (answer.ok()) act->told_us = world.clock().MonotonicMicros();
    act->answer = std::move(answer);
  });
}

size_t History::acknowledged() const {
  size_t count = 0;
  for (const auto& act : acts_) count += act->answer.has_value() && act->answer->ok() ? 1 : 0;
  return count;
}

void History::Sample(Node& node) {
  if (!Pair::Healthy(node) || silenced.count(node.address()) > 0) return;
  const auto view = node.core().View();
  const auto japan = view->State({"JPN", "TH"});
  const auto host = view->State({"THA", "TH"});
  const bool thai = node.registry() == "THA";
  const auto own_info = view->Info({node.registry(), "TH"});
  const auto other_info = view->Info({thai ? "JPN" : "THA", "TH"});
  if (!own_info.ok() || !other_info.ok() || other_info->executed_size != other_info->size) return;
  // A cut counts only if each book holds what the other one has imported of it.
  const auto imported = [](const state::StateReader& state) -> uint64_t {
    const auto cursor = state.Get<v1::CursorRecord>(v1::TABLE_CURSOR, "peer");
    return cursor.ok() && cursor->has_value() ? (*cursor)->imported_size() : 0;
  };
  const uint64_t japan_size = thai ? other_info->size : own_info->size;
  const uint64_t host_size = thai ? own_info->size : other_info->size;
  if (imported(*host) > japan_size || imported(*japan) > host_size) return;
  for (const std::string& violation : rules::CheckInvariants(*japan, *host)) {
    ADD_FAILURE() << node.address() << ": " << violation;
  }
  uint64_t tonnes = 0;
  std::set<uint64_t> firsts;
  ASSERT_TRUE(host->Scan(v1::TABLE_BLOCK, "", "",
                         [&](absl::string_view, absl::string_view value) {
                           v1::BlockRecord block;
                           EXPECT_TRUE(block.ParseFromArray(value.data(), static_cast<int>(value.size())));
                           EXPECT_TRUE(firsts.insert(block.first()).second) << "two blocks begin at " << block.first();
                           tonnes += block.last() - block.first() + 1;
                           return true;
                         })
                  .ok());
  EXPECT_EQ(tonnes, kIssuedTonnes) << node.address();
}

void History::Resolve(const std::function<void()>& supervise) {
  for (const auto& client : std::map<int, std::shared_ptr<Act>>(open_)) {
    if (client.second->answer.has_value()) Take(*client.second);
  }
  open_.clear();
  // All at once, and again and again: that is what clients do when service is back.
  std::map<uint64_t, std::shared_ptr<absl::optional<absl::StatusOr<registry::SubmitOutcome>>>> asked;
  std::set<uint64_t> unresolved;
  for (const auto& act : acts_) unresolved.insert(act->serial);
  const bool resolved = pair_.world.RunUntil(
      [&] {
        supervise();
        for (const auto& act : acts_) {
          if (unresolved.count(act->serial) == 0) continue;
          auto& slot = asked[act->serial];
          if (slot != nullptr && !slot->has_value()) continue;
          if (slot != nullptr && ((*slot)->ok() || !MayBeRecorded((*slot)->status()))) {
            act->answer = **slot;
            Take(*act);
            unresolved.erase(act->serial);
            continue;
          }
          slot = std::make_shared<absl::optional<absl::StatusOr<registry::SubmitOutcome>>>();
          registry::SubmitOptions options;
          options.deadline_us = pair_.world.clock().MonotonicMicros() + kPatienceMicros;
          std::vector<Node*> healthy;
          for (Node* node : pair_.thailand) {
            if (Pair::Healthy(*node) && silenced.count(node->address()) == 0) healthy.push_back(node);
          }
          if (healthy.empty()) return false;
          Node& node = *healthy[pair_.world.random().Below(healthy.size())];
          pair_.world.Send(node, act->bundle, std::move(options),
                           [slot](absl::StatusOr<registry::SubmitOutcome> answer) { *slot = std::move(answer); });
        }
        return unresolved.empty();
      },
      kResolveMicros);
  EXPECT_TRUE(resolved) << unresolved.size() << " acts have no outcome after the faults have ended" << pair_.Describe();
}

void History::Check() {
  CheckOnce();
  CheckOrder();
  CheckReplicas();
  CheckNotes();
}

void History::CheckOnce() {
  for (Node* node : pair_.thailand) {
    if (!Pair::Healthy(*node) || silenced.count(node->address()) > 0) continue;
    const auto view = node->core().View();
    const BookId book{"THA", "TH"};
    std::map<std::string, int> recorded;
    const uint64_t size = view->Info(book)->size;
    for (uint64_t i = 0; i < size; ++i) {
      const auto entry = view->Entry(book, i);
      ASSERT_TRUE(entry.ok()) << ToText(entry.status());
      const auto leaf = book::DecodeLeaf(entry->leaf());
      v1::SignedPart part;
      v1::BundleHeader header;
      if (!leaf.ok() || leaf->kind != book::LeafKind::COMMAND) continue;
      ASSERT_TRUE(part.ParseFromString(entry->command()) && header.ParseFromString(part.header()));
      ++recorded[header.request_id()];
    }
    for (const auto& act : acts_) {
      if (!act->outcome.has_value()) continue;
      EXPECT_EQ(recorded[act->request_id], 1) << "serial " << act->serial << " on " << node->address();
      const registry::PartOutcome& told = act->outcome->parts[0];
      const auto leaf = view->LeafHash(book, told.sequence);
      ASSERT_TRUE(leaf.ok()) << "serial " << act->serial << " was told to be entry " << told.sequence << " of " << size;
      EXPECT_TRUE(*leaf == told.leaf_hash) << "serial " << act->serial << " is not what was acknowledged";
    }
    break;
  }
  Node& node = *pair_.thailand[0];
  const uint64_t cancelled = pair_.story.TonnesIn(node, v1::BLOCK_STATE_CANCELLED);
  EXPECT_EQ(cancelled, acts_.size() + cancelled_elsewhere);
  EXPECT_EQ(pair_.story.TonnesIn(node, v1::BLOCK_STATE_HELD) + cancelled, kIssuedTonnes);
}

// A client that was told of an act sends the next one after it: so they stand in the book in that order.
void History::CheckOrder() {
  for (const auto& earlier : acts_) {
    if (earlier->told_us == 0 || !earlier->outcome.has_value()) continue;
    for (const auto& later : acts_) {
      if (later->client != earlier->client || later->sent_us < earlier->told_us || later == earlier) continue;
      if (!later->outcome.has_value()) continue;
      EXPECT_LT(earlier->outcome->parts[0].sequence, later->outcome->parts[0].sequence)
          << "client " << earlier->client << ": " << earlier->serial << " and " << later->serial;
    }
  }
}

void History::CheckReplicas() {
  for (bool thai : {false, true}) {
    Node* first = nullptr;
    for (Node* node : pair_.Side(thai)) {
      if (!Pair::Healthy(*node)) continue;
      if (first == nullptr) {
        first = node;
        continue;
      }
      for (const char* partnership : {"home", "TH"}) {
        const BookId book{node->registry(), partnership};
        const auto one = first->core().View();
        const auto other = node->core().View();
        const auto info = one->Info(book);
        ASSERT_TRUE(info.ok() && other->Info(book).ok());
        EXPECT_TRUE(info->root == other->Info(book)->root) << book.ToString() << " on " << node->address();
        ASSERT_EQ(info->size, other->Info(book)->size) << book.ToString() << " on " << node->address();
        for (uint64_t i = 0; i < info->size; ++i) {
          const auto a = one->Entry(book, i);
          const auto b = other->Entry(book, i);
          ASSERT_TRUE(a.ok() && b.ok());
          ASSERT_EQ(a->SerializeAsString(), b->SerializeAsString()) << book.ToString() << " " << i;
        }
      }
    }
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(first->core().Status().partners[0].halt, "");
  }
}

// Whatever left a registry with k signatures is a prefix of the book as it is now.
void History::CheckNotes() {
  for (bool thai : {false, true}) {
    const BookId book{thai ? "THA" : "JPN", "TH"};
    const auto view = pair_.Side(thai)[0]->core().View();
    const auto keys = book::KeySetFromProto(pair_.Side(thai)[0]->keys());
    ASSERT_TRUE(keys.ok());
    std::map<uint64_t, Digest> roots;
    for (const std::string& text : notes_) {
      const auto verified = book::VerifyCheckpoint(text, *keys);
      if (!verified.ok() || verified->checkpoint.origin != absl::StrCat("demo.invalid/", book.ToString())) continue;
      const auto said = roots.emplace(verified->checkpoint.size, verified->checkpoint.root);
      EXPECT_TRUE(said.first->second == verified->checkpoint.root)
          << "two trees of " << book.ToString() << " at " << verified->checkpoint.size;
      if (!said.second) continue;
      const auto root = view->Root(book, verified->checkpoint.size);
      ASSERT_TRUE(root.ok()) << book.ToString() << " at " << verified->checkpoint.size << ": " << ToText(root.status());
      EXPECT_TRUE(*root == verified->checkpoint.root) << book.ToString() << " at " << verified->checkpoint.size;
    }
    EXPECT_FALSE(roots.empty()) << "nothing of " << book.ToString() << " ever left: the test shows nothing";
  }
}

}  // namespace jcm::simulation
