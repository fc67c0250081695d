// Two books of one partnership, for tests: runs handlers the way the engine does, without signatures, leaves and
// proofs.
//
//   BookPair pair;
//   pair.AddDecision(...);
//   absl::Status done = pair.Do(kJapanSide, "person", [&](const RuleInput& input, Transition& t) {
//     return ApplyRetireCredits(input, command, t); });
//   pair.Import(kHostSide, 3);   // the host imports the next three entries of Japan's book
//
// An accepted act is one entry; a refusal leaves nothing. Signatures, keys, roles and the wire are tested with the
// engine.
#ifndef LEDGER_RULES_BOOK_PAIR_H_
#define LEDGER_RULES_BOOK_PAIR_H_

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"
#include "ledger/rules/handlers.h"
#include "ledger/state/state.h"

namespace jcm::rules {

inline constexpr int kJapanSide = 0;
inline constexpr int kHostSide = 1;

using Act = std::function<absl::Status(const RuleInput&, Transition&)>;

class BookPair {
 public:
  // Opens the partnership JPN/TH and THA/TH in mode NODE, with one rulebook in force in both.
  explicit BookPair(const v1::RulebookParameters& parameters = DefaultParameters());
  static v1::RulebookParameters DefaultParameters();

  // A decision of Japan's that both books hold as adopted and confirmed at `confirmed_at_us`.
  void AddDecision(absl::string_view decision_id, const v1::IssuanceText& text, uint64_t confirmed_at_us = 1);
  static std::string DigestOf(const v1::IssuanceText& text);

  // An account whose only representative is "rep-" + handle.
  void AddAccount(int side, absl::string_view handle, v1::AccountClass account_class);
  void SetAccountState(int side, absl::string_view handle, v1::AccountState state);

  // Runs an act by `author` as one entry.
  absl::Status Do(int side, absl::string_view author, const Act& act);
  // Signed by several persons, of whom the first is the author.
  absl::Status DoTogether(int side, const std::vector<std::string>& persons, const Act& act);
  // Imports the next `count` entries of the other book as one entry; as many as there are.
  absl::Status Import(int side, size_t count);
  // Entries of the other book that this one has not imported.
  size_t Pending(int side) const { return books_[1 - side].log.size() - books_[side].imported; }
  // How many of them up to and with the next that this side would see anything of; 0 if there is none.
  size_t PendingToNextPublished(int side) const;
  // Everything that the future depends on.
  std::string Fingerprint() const;
  // Runs the deadlines that are due, as one entry if there is any.
  absl::Status Tick(int side);

  const state::MapState& state(int side) const { return books_[side].state; }
  size_t entries(int side) const { return books_[side].log.size(); }
  BookTime time() const { return time_; }
  void Advance(uint64_t micros) { time_.micros += micros; }

 private:
  struct Book {
    BookId id;
    state::MapState state;
    std::vector<v1::Effects> log;
    size_t imported = 0;
    std::map<std::string, v1::AccountContext> accounts;
  };
  RuleInput InputFor(const Book& book, const v1::Context& context) const;
  absl::Status Commit(Book& book, const Transition& transition);
  void Seed(Book& book, uint32_t table, absl::string_view key, const google::protobuf::MessageLite& record);

  std::array<Book, 2> books_;
  BookTime time_ = BookTime::FromSeconds(1'767'225'600);  // 2026-01-01
};

}  // namespace jcm::rules

#endif  // LEDGER_RULES_BOOK_PAIR_H_
