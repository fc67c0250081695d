// Whom a reader believes: the keys of registries, by book and size, in a file that was compared out of band.
//
//   {"format": "jcm-trust-1",
//    "books": [{"origin": "demo.invalid/JPN/TH", "demonstration": true, "mode": "NODE", "partner": "THA",
//               "keys": [{"from_size": 0, "k": 1, "keys": ["demo.invalid/JPN/1+4e0c...+AQ..."],
//                         "recovery_key": {"type": 1, "key": "..."}}],
//               "cosigner_keys": [{"from_size": 0, "k": 1, "keys": ["demo.invalid/THA/1+..."]}]}]}
//
// "from_size" is always a size of this book: for cosigner_keys, the size at which this book had imported the partner's
// change of keys. Replica keys are C2SP verifier keys of type 0x01. Thread-safe for reading.
#ifndef LEDGER_BOOK_TRUST_H_
#define LEDGER_BOOK_TRUST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "ledger/base/types.h"
#include "ledger/book/key_set.h"

namespace jcm::book {

inline constexpr size_t kTrustBytesMax = 4 * 1024 * 1024;
inline constexpr size_t kTrustBooksMax = 1'000;
inline constexpr char kDemonstrationDomain[] = "demo.invalid";
inline constexpr char kDemonstrationNotice[] = "DEMONSTRATION, NOT AN OFFICIAL RECORD";

// Who stands behind the other side of a book.
enum class PartnerMode {
  HOME,      // a private book: there is no other side
  NODE,      // the partner runs a node and cosigns
  HOSTED,    // the partner's registry runs in this operator's process
  ATTESTED,  // the partner keeps no book
};

struct TrustedBook {
  std::string origin;
  BookId book;
  bool demonstration = false;
  PartnerMode mode = PartnerMode::NODE;
  std::string partner;  // alpha-3 of the other registry; empty in HOME
  absl::optional<KeyHistory> keys;
  absl::optional<KeyHistory> cosigner_keys;  // in NODE and HOSTED
};

class Trust {
 public:
  // Strict: unknown, doubled or missing members, keys that are not in one spelling, eras out of order, modes that do
  // not fit, a demonstration outside demo.invalid are TRUST_MALFORMED.
  static absl::StatusOr<Trust> Parse(absl::string_view json);
  // Errors: TRUST_MALFORMED if Parse would refuse the result.
  static absl::StatusOr<Trust> FromBooks(std::vector<TrustedBook> books);

  std::string Format() const;

  // Null if the origin is not known.
  const TrustedBook* Find(absl::string_view origin) const;
  const std::vector<TrustedBook>& books() const { return books_; }

  // One line per key, for comparison by people: "demo.invalid/JPN/1  <SHA-256 of type and key>", each once, sorted.
  std::vector<std::string> Fingerprints() const;

 private:
  std::vector<TrustedBook> books_;
};

}  // namespace jcm::book

#endif  // LEDGER_BOOK_TRUST_H_
