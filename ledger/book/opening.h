// The opening of a commitment: commitment = SHA-256(salt || value). A salted hash tells nothing of a name to one who
// does not have the salt, and cannot be opened to another one.
#ifndef LEDGER_BOOK_OPENING_H_
#define LEDGER_BOOK_OPENING_H_

#include <cstddef>
#include <string>

namespace jcm::book {

inline constexpr size_t kSaltBytes = 32;

struct Opening {
  std::string field;  // "beneficiary", "scheme", "holder": the command's field without "_commitment"
  std::string salt;   // 32 bytes
  std::string value;  // UTF-8
};

}  // namespace jcm::book

#endif  // LEDGER_BOOK_OPENING_H_
