// A small book pair with real keys, for tests of receipts and of tools that read them: Japan's Thai book with a
// genesis, some commands and a retirement, checkpoints of two replicas of three, Thailand's cosignatures.
//
//   ReceiptFixture fixture;
//   Receipt certificate = fixture.Certificate();
//   Evaluate(certificate, fixture.trust()).level == Level::BOTH
#ifndef LEDGER_BOOK_RECEIPT_TESTING_H_
#define LEDGER_BOOK_RECEIPT_TESTING_H_

#include <string>
#include <vector>

#include "ledger/base/keys.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/merkle.h"
#include "ledger/book/receipt.h"
#include "ledger/book/trust.h"

namespace jcm::book {

struct FixtureEntry {
  std::string leaf, command, context, effects;
};

class ReceiptFixture {
 public:
  static constexpr uint64_t kSize = 13;
  static constexpr uint64_t kRetirement = 9;  // sequence of the retirement

  explicit ReceiptFixture(const std::string& domain = kDemonstrationDomain, uint64_t seed = 1);

  const Trust& trust() const { return *trust_; }
  const std::string& origin() const { return origin_; }
  const std::vector<FixtureEntry>& entries() const { return entries_; }

  static PrivateKey Key(uint64_t seed);
  // Japan's replica 1..3 and Thailand's replica 1 of this fixture.
  PrivateKey JapanKey(uint64_t replica) const { return Key(seed_ * 1000 + replica); }
  PrivateKey ThailandKey() const { return Key(seed_ * 1000 + 100); }

  // The signed note of a size, with a cosignature at `cosigned_seconds` unless that is 0.
  std::string NoteAt(uint64_t size, uint64_t cosigned_seconds) const;
  std::vector<Digest> ConsistencyFrom(uint64_t old_size, uint64_t new_size) const;

  // Of the retirement: all bodies, both openings, a previous checkpoint, cosigned unless told otherwise.
  Receipt Certificate(bool cosigned = true) const;
  Receipt ReceiptOf(uint64_t sequence, uint64_t size, bool cosigned) const;

 private:
  void Add(LeafKind kind, const std::string& command, const std::string& context, const std::string& effects);
  std::string Genesis() const;
  // Adds a command of one person, in a bundle of two parts.
  void AddCommand(const v1::Command& command);
  NodeReader Reader() const;

  uint64_t seed_;
  std::string domain_, origin_;
  std::vector<FixtureEntry> entries_;
  ChainTip tip_;
  Frontier frontier_;
  std::vector<std::vector<Digest>> levels_;
  absl::optional<Trust> trust_;
};

}  // namespace jcm::book

#endif  // LEDGER_BOOK_RECEIPT_TESTING_H_
