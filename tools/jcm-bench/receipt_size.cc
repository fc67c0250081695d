#include "tools/jcm-bench/receipt_size.h"

#include "services/ledger/receipt_view.h"

namespace jcm::bench {

absl::StatusOr<size_t> MakeReceiptBytes(const registry::RegistryView& view, const BookId& book, uint64_t sequence) {
  JCM_ASSIGN_OR_RETURN(auto receipt, services::MakeReceipt(view, book, sequence, "THA"));
  return receipt.ByteSizeLong();
}

}  // namespace jcm::bench
