// SHA-256, in the forms that this system uses.
//
//   Digest digest = Sha256(command_bytes);
//   Digest leaf = Sha256Prefixed(0x00, record);
//   Digest node = Sha256Prefixed(0x01, AsBytes(left), AsBytes(right));
//
// By OpenSSL. Thread-safe.
#ifndef LEDGER_BASE_HASH_H_
#define LEDGER_BASE_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ledger/base/types.h"

namespace jcm {

Digest Sha256(absl::string_view bytes);

// SHA-256 of the parts one after another, without copying them together.
Digest Sha256Of(absl::Span<const absl::string_view> parts);

// SHA-256(prefix || a || b); the domain separation of RFC 6962 and of key ids.
Digest Sha256Prefixed(uint8_t prefix, absl::string_view a, absl::string_view b = "");

}  // namespace jcm

#endif  // LEDGER_BASE_HASH_H_
