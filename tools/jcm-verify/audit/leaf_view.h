// The 165 bytes of a leaf, read in place (ledger/book/FORMAT.md). The auditor's own reading: it compares with the
// bytes, so nothing is copied but numbers.
#ifndef TOOLS_JCM_VERIFY_AUDIT_LEAF_VIEW_H_
#define TOOLS_JCM_VERIFY_AUDIT_LEAF_VIEW_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"

namespace jcm::verify {

class LeafView {
 public:
  static constexpr size_t kBytes = 165;

  LeafView() = default;
  // Bytes of another size have no fields but those of a leaf of zeros.
  explicit LeafView(absl::string_view bytes) : bytes_(bytes.size() == kBytes ? bytes : Zeros()) {}

  uint8_t format() const { return static_cast<uint8_t>(bytes_[0]); }
  book::LeafKind kind() const { return static_cast<book::LeafKind>(bytes_[1]); }
  absl::string_view registry() const { return bytes_.substr(2, 3); }
  absl::string_view partnership() const { return bytes_.substr(5, 4); }  // with zero bytes, as in the record
  uint64_t sequence() const { return Number(9, 8); }
  uint64_t time_us() const { return Number(17, 8); }
  absl::string_view previous_hash() const { return bytes_.substr(25, 32); }
  uint32_t rules_version() const { return static_cast<uint32_t>(Number(57, 4)); }
  uint64_t peer_size() const { return Number(61, 8); }
  absl::string_view command_digest() const { return bytes_.substr(69, 32); }
  absl::string_view context_digest() const { return bytes_.substr(101, 32); }
  absl::string_view effects_digest() const { return bytes_.substr(133, 32); }

 private:
  static absl::string_view Zeros() {
    static const std::string* const zeros = new std::string(kBytes, '\0');
    return *zeros;
  }
  uint64_t Number(size_t at, size_t size) const {
    uint64_t value = 0;
    for (size_t i = at; i < at + size; ++i) value = value << 8 | static_cast<uint8_t>(bytes_[i]);
    return value;
  }

  absl::string_view bytes_ = Zeros();
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_LEAF_VIEW_H_
