// Makes a receipt and says how large it is. Apart from the rest, as the services' messages and the engine's own headers
// do not go together in one file.
#ifndef TOOLS_JCM_BENCH_RECEIPT_SIZE_H_
#define TOOLS_JCM_BENCH_RECEIPT_SIZE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "ledger/registry/registry_view.h"

namespace jcm::bench {

absl::StatusOr<size_t> MakeReceiptBytes(const registry::RegistryView& view, const BookId& book, uint64_t sequence);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_RECEIPT_SIZE_H_
