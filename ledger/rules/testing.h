// Books in memory for tests: registries with real keys, signed bundles, and pairs of books that import from each other.
//
//   TestPair pair;                                             // JPN/TH and THA/TH, opened, with people, rulebook,
//   project EXPECT_TRUE(pair.jpn().Submit("TH", command, {"secretary"}).ok()); EXPECT_TRUE(pair.Settle().ok()); //
//   ticks and imports until nothing is left to do
//
// Everything is deterministic: keys, handles and request ids come from names and counters. Every accepted entry is
// executed a second time, from its stored bytes, and must give the same effects.
#ifndef LEDGER_RULES_TESTING_H_
#define LEDGER_RULES_TESTING_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/rules/engine.h"
#include "ledger/state/state.h"

namespace jcm::rules {

// "OK", or the name of the reason: EXPECT_EQ(Why(status), "KEY_REVOKED").
std::string Why(const absl::Status& status);

// The key of a name: the same in every run.
PrivateKey TestKey(const std::string& name);
v1::PublicKeyData ToData(const PublicKey& key);
v1::Signature TestSign(const PrivateKey& key, absl::string_view payload_type, absl::string_view body);
// 32 hexadecimal digits from a name.
std::string TestHandle(const std::string& name);
v1::Date MakeDate(int year, int month, int day);
// "2026-03-02T00:00:00Z"; ends the process for anything else.
BookTime At(const std::string& rfc3339);
// JP and TH zones, ten days, one signature; valid for any partnership.
v1::RulebookParameters TestParameters();

// One book: its entries, chain, tree and state.
class TestBook {
 public:
  explicit TestBook(BookId id) : id_(std::move(id)) {}

  // Executes the entry and appends it. What is refused changes nothing.
  absl::Status Append(book::LeafKind kind, const std::string& command, const std::string& context, BookTime time);

  const BookId& id() const { return id_; }
  uint64_t size() const { return entries_.size(); }
  const state::MapState& state() const { return state_; }
  const std::vector<v1::EntryRecord>& entries() const { return entries_; }
  v1::Effects EffectsOf(uint64_t sequence) const;
  book::Leaf LeafOf(uint64_t sequence) const;
  Digest HashOf(uint64_t sequence) const { return hashes_[sequence]; }
  absl::StatusOr<Digest> Node(int level, uint64_t index) const;

  // The entry as it was given to Execute, on the state before it, again.
  absl::Status ReplayAll() const;

  template <typename Record>
  absl::optional<Record> Find(uint32_t table, absl::string_view key) const {
    auto record = state_.Get<Record>(table, key);
    JCM_CHECK(record.ok());
    return *record;
  }

 private:
  BookId id_;
  state::MapState state_;
  std::vector<v1::EntryRecord> entries_;
  std::vector<Digest> hashes_;
  book::ChainTip tip_;
  book::Frontier frontier_;
  std::map<std::pair<int, uint64_t>, Digest> nodes_;
};

// One registry. Copies are independent: a test may try many futures of one past. Home and partnership books, people and
// accounts with a handle in each partnership.
class TestRegistry {
 public:
  // Home begins with "operator" and "operator2", both SYSTEM_OPERATOR, with pseudonyms in the partnerships.
  TestRegistry(std::string code, std::vector<std::string> partnerships, BookTime now);

  void set_now(BookTime now) { now_ = now; }
  BookTime now() const { return now_; }
  const std::string& code() const { return code_; }
  TestBook& home() { return book(kHome); }
  TestBook& book(const std::string& partnership);

  void AddPerson(const std::string& id, std::vector<v1::Role> roles);
  // Returns the account's handle in the first partnership; handles elsewhere are AccountHandle(number, partnership).
  std::string AddAccount(const std::string& number, v1::AccountClass account_class,
                         std::vector<std::string> representatives);
  absl::Status SetAccountState(const std::string& number, v1::AccountState state);
  std::string AccountHandle(const std::string& number, const std::string& partnership) const;
  std::string Pseudonym(const std::string& person, const std::string& partnership) const;

  // Signs the command in a bundle of its own and executes it. Provenance NATIVE if the command states none.
  absl::Status Submit(const std::string& partnership, v1::Command command, const std::vector<std::string>& signers);
  // The SignedPart that Submit would execute.
  v1::SignedPart Sign(const std::string& partnership, const v1::Command& command,
                      const std::vector<std::string>& signers);
  // Executes a SignedPart or any other message as it stands, with the context that home gives.
  absl::Status Append(const std::string& partnership, book::LeafKind kind, const std::string& command);
  // Ticks while something is due. Returns the number of ticks.
  absl::StatusOr<int> TickAll(const std::string& partnership);

  // As Genesis has them. One replica, k = 1.
  v1::KeySetData replica_keys() const;
  PrivateKey replica_key() const { return TestKey(code_ + " replica 1"); }
  PrivateKey recovery_key() const { return TestKey(code_ + " recovery"); }
  std::string Origin(const std::string& partnership) const;
  // A signed note over the book's first `size` entries.
  std::string CheckpointOf(const std::string& partnership, uint64_t size);

 private:
  void Begin(const std::string& partnership);

  std::string code_;
  std::vector<std::string> partnerships_;
  BookTime now_;
  std::map<std::string, TestBook> books_;
  uint64_t requests_ = 0;
};

// The range [cursor, to) of the other registry's book as an Import; to = 0: all there is.
v1::Import MakeImport(TestRegistry& to_registry, TestRegistry& from_registry, const std::string& partnership,
                      uint64_t to = 0);

// Two registries and their books of one partnership, ready for decisions: people (operator, operator2, secretary,
// secretary2, chair, member, ministry, representative, organization), members "<CODE>-chair" and "<CODE>-member", the
// rulebook "TH/1", the project "TH014" on both sides.
class TestPair {
 public:
  explicit TestPair(BookTime now = At("2026-03-02T00:00:00Z"), const std::string& partnership = "TH",
                    const std::string& host = "THA");

  TestRegistry& jpn() { return jpn_; }
  TestRegistry& host() { return host_; }
  TestRegistry& of(bool japan) { return japan ? jpn_ : host_; }
  const std::string& partnership() const { return partnership_; }

  void SetNow(BookTime now);
  void Advance(uint64_t micros);
  // `into` imports what is new in the other book, at most `entries` (0: all). OK if nothing is new.
  absl::Status Import(TestRegistry& into, uint64_t entries = 0);
  // Ticks and imports, the clocks a microsecond further each round, until nothing that matters is left.
  absl::Status Settle();

 private:
  void Prepare(TestRegistry& side, TestRegistry& other);

  std::string partnership_;
  TestRegistry jpn_;
  TestRegistry host_;
};

}  // namespace jcm::rules

#endif  // LEDGER_RULES_TESTING_H_
