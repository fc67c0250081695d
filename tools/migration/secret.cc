#include "tools/migration/secret.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::migration {
namespace {

constexpr size_t kHashBlockBytes = 64;
constexpr size_t kHandleBytes = 16;
constexpr char kDomain[] = "jcm.migration.v1";

}  // namespace

std::string Hmac(absl::string_view key, absl::string_view message) {
  std::string block(key.size() > kHashBlockBytes ? AsBytes(Sha256(key)) : key);
  block.resize(kHashBlockBytes, '\0');
  std::string inner = block;
  std::string outer = block;
  for (size_t i = 0; i < kHashBlockBytes; ++i) {
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
    outer[i] = static_cast<char>(outer[i] ^ 0x5c);
  }
  const Digest inside = Sha256Of({inner, message});
  return std::string(AsBytes(Sha256Of({outer, AsBytes(inside)})));
}

absl::StatusOr<Secret> Secret::LoadOrCreate(FileSystem& files, const std::string& folder, Random& random) {
  const std::string path = absl::StrCat(folder, "/", kSecretFile);
  if (!files.Exists(path)) {
    JCM_RETURN_IF_ERROR(files.WriteFileAtomically(path, random.Bytes(kSecretBytes), FileMode::OWNER));
  }
  return Load(files, folder);
}

absl::StatusOr<Secret> Secret::Load(FileSystem& files, const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/", kSecretFile);
  if (!files.Exists(path)) return Error(Reason::NOT_FOUND, path);
  JCM_ASSIGN_OR_RETURN(std::string bytes, files.ReadFile(path));
  if (bytes.size() != kSecretBytes) return Error(Reason::FIELD_INVALID, absl::StrCat(path, " has not 32 bytes"));
  return Secret(std::move(bytes));
}

// Lengths in front, so that no two inputs are written the same.
std::string Secret::Labelled(absl::string_view label, absl::string_view what) {
  return absl::StrCat(kDomain, "/", label.size(), ":", label, what.size(), ":", what);
}

std::string Secret::Handle(absl::string_view partnership, absl::string_view account) const {
  return HexEncode(Draw("handle", absl::StrCat(partnership, "/", account)).substr(0, kHandleBytes));
}

void DrawnRandom::Fill(uint8_t* out, size_t size) {
  while (size > 0) {
    if (rest_.empty()) rest_ = secret_.Draw(label_, absl::StrCat(block_++));
    const size_t taken = std::min(size, rest_.size());
    std::memcpy(out, rest_.data(), taken);
    rest_.erase(0, taken);
    out += taken;
    size -= taken;
  }
}

}  // namespace jcm::migration
