#include "tools/client/particulars.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/seal.h"
#include "ledger/base/status.h"

namespace jcm::client {
namespace {

constexpr size_t kCorporateNumberDigits = 13;

}  // namespace

absl::StatusOr<SealedParticulars> SealParticulars(absl::string_view subject, const nlohmann::ordered_json& particulars,
                                                  Random& random) {
  SealedParticulars sealed;
  sealed.key = random.Bytes(kSealKeyBytes);
  const std::string nonce = random.Bytes(kSealNonceBytes);
  JCM_ASSIGN_OR_RETURN(std::string ciphertext, Seal(sealed.key, nonce, subject, particulars.dump()));
  sealed.digest = std::string(AsBytes(Sha256(ciphertext)));
  sealed.attachment.set_subject(std::string(subject));
  sealed.attachment.set_nonce(nonce);
  sealed.attachment.set_ciphertext(ciphertext);
  return sealed;
}

std::string HolderName(absl::string_view opened) {
  const nlohmann::json json = nlohmann::json::parse(opened.begin(), opened.end(), nullptr, false);
  if (!json.is_object() || !json.contains("holder") || !json["holder"].is_string()) return std::string(opened);
  return json["holder"].get<std::string>();
}

Commitment Commit(absl::string_view value, Random& random) {
  return CommitWithSalt(value, random.Bytes(kCommitmentSaltBytes)).value();
}

absl::StatusOr<Commitment> CommitWithSalt(absl::string_view value, absl::string_view salt) {
  if (salt.size() != kCommitmentSaltBytes) return Error(Reason::FIELD_INVALID, "a commitment's salt has 32 bytes");
  Commitment commitment;
  commitment.value = std::string(value);
  commitment.salt = std::string(salt);
  commitment.digest = std::string(AsBytes(Sha256Of({salt, value})));
  return commitment;
}

absl::Status CheckCorporateNumber(absl::string_view number) {
  if (number.size() != kCorporateNumberDigits || !std::all_of(number.begin(), number.end(), absl::ascii_isdigit)) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("a corporate number has 13 digits, not \"", number, "\""));
  }
  int sum = 0;
  for (size_t i = 1; i < kCorporateNumberDigits; ++i) {
    const size_t from_right = kCorporateNumberDigits - 1 - i;
    sum += (number[i] - '0') * (from_right % 2 == 0 ? 1 : 2);
  }
  if (number[0] - '0' != 9 - sum % 9) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("the check digit of corporate number ", number, " is wrong"));
  }
  return absl::OkStatus();
}

}  // namespace jcm::client
