// The secret of a migration, and what is drawn from it: so that a run that was cut off draws the same again.
//
//   JCM_ASSIGN_OR_RETURN(Secret secret, Secret::LoadOrCreate(files, folder));
//   secret.Commitment(rows)      // whether a row has changed, for whoever has the secret
//   secret.Handle("TH", "JP-1")  // an account's random name in a partnership
//
// Handles, salts, keys of sealed particulars and the salts of commitments are HMAC-SHA256 under the secret; they must
// be unguessable for the other government, which sees handles and salts, and the same in every attempt, so that an act
// that was sent twice is one act. The secret lies beside the files (migration.secret, readable by the owner alone) and
// belongs into safe keeping with them: with it a holder's sealed name can be opened again.
#ifndef TOOLS_MIGRATION_SECRET_H_
#define TOOLS_MIGRATION_SECRET_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/file_system.h"
#include "ledger/base/random.h"

namespace jcm::migration {

inline constexpr char kSecretFile[] = "migration.secret";
inline constexpr size_t kSecretBytes = 32;

// HMAC-SHA256 (RFC 2104).
std::string Hmac(absl::string_view key, absl::string_view message);

class Secret {
 public:
  // 32 bytes.
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}

  // NOT_FOUND without the folder's secret; FIELD_INVALID for a file of another length.
  static absl::StatusOr<Secret> Load(FileSystem& files, const std::string& folder);
  // The first time draws it and makes it durable.
  static absl::StatusOr<Secret> LoadOrCreate(FileSystem& files, const std::string& folder, Random& random);

  std::string Commitment(absl::string_view content) const { return Hmac(bytes_, Labelled("row", content)); }
  // 32 hexadecimal digits.
  std::string Handle(absl::string_view partnership, absl::string_view account) const;
  std::string Draw(absl::string_view label, absl::string_view what) const {
    return Hmac(bytes_, Labelled(label, what));
  }

 private:
  static std::string Labelled(absl::string_view label, absl::string_view what);

  std::string bytes_;
};

// A stream of bytes for one purpose: block i is HMAC(secret, label, i). Not thread-safe.
class DrawnRandom : public Random {
 public:
  DrawnRandom(const Secret& secret, std::string label) : secret_(secret), label_(std::move(label)) {}
  void Fill(uint8_t* out, size_t size) override;

 private:
  const Secret& secret_;
  const std::string label_;
  uint64_t block_ = 0;
  std::string rest_;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_SECRET_H_
