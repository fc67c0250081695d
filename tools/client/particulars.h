// Personal and confidential data on its way into the ledger: sealed particulars of persons and accounts, and salted
// commitments that a holder opens later in a certificate.
//
//   JCM_ASSIGN_OR_RETURN(SealedParticulars sealed, SealParticulars("account/JP-1", {{"holder", name}}, random));
//   command.set_sealed_digest(sealed.digest);         // only this enters a book
//   Commitment holder = Commit(name, random);         // SHA-256(32-byte salt || name)
//
// The data key goes to the registry's vault beside the bundle; deleting it there erases the particulars.
#ifndef TOOLS_CLIENT_PARTICULARS_H_
#define TOOLS_CLIENT_PARTICULARS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "ledger/base/random.h"
#include "nlohmann/json.hpp"

namespace jcm::client {

namespace v1 = ::jcm::ledger::v1;

inline constexpr size_t kCommitmentSaltBytes = 32;

struct SealedParticulars {
  v1::SealedAttachment attachment;
  std::string digest;  // SHA-256 of the ciphertext
  std::string key;     // 32 bytes, for the vault
};

// Seals the JSON text of `particulars` under a new key, with `subject` as additional data.
absl::StatusOr<SealedParticulars> SealParticulars(absl::string_view subject, const nlohmann::ordered_json& particulars,
                                                  Random& random);

// The holder's name from opened particulars; the whole text if it is no such JSON.
std::string HolderName(absl::string_view opened);

struct Commitment {
  std::string value;   // as UTF-8
  std::string salt;    // 32 bytes
  std::string digest;  // SHA-256(salt || value)
};

Commitment Commit(absl::string_view value, Random& random);
// The commitment with a salt drawn before. FIELD_INVALID for a salt of another length.
absl::StatusOr<Commitment> CommitWithSalt(absl::string_view value, absl::string_view salt);

// 13 digits, of which the first checks the others: 9 - (sum of digit x weight mod 9), weights 1, 2, 1, 2 … from the
// right. FIELD_INVALID otherwise.
absl::Status CheckCorporateNumber(absl::string_view number);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_PARTICULARS_H_
