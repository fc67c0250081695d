#include "services/ledger/receipt_view.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/book/receipt.h"
#include "ledger/book/tlog_proof.h"
#include "services/ledger/entry_view.h"

namespace jcm::services {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

absl::StatusOr<api::GetReceiptResponse> MakeReceipt(const registry::RegistryView& view, const BookId& book,
                                                    uint64_t sequence, const std::string& peer_registry) {
  JCM_RETURN_IF_ERROR(view.Info(book).status());
  api::GetReceiptResponse receipt;
  JCM_ASSIGN_OR_RETURN(*receipt.mutable_record(), view.Entry(book, sequence));
  JCM_ASSIGN_OR_RETURN(std::string note, view.CosignedNoteCovering(book, sequence));
  receipt.set_cosigned(!note.empty());
  if (note.empty()) {
    JCM_ASSIGN_OR_RETURN(note, view.NewestNote(book));
  }
  const absl::Status too_early =
      Error(Reason::NOT_FOUND, absl::StrCat("no signed checkpoint covers entry ", sequence, " yet"));
  if (note.empty()) return too_early;
  JCM_ASSIGN_OR_RETURN(const uint64_t size, SizeOfNote(note));
  if (size <= sequence) return too_early;

  book::TlogProof proof;
  proof.index = sequence;
  JCM_ASSIGN_OR_RETURN(proof.hashes, view.InclusionProof(book, sequence, size));
  proof.checkpoint = std::move(note);
  receipt.set_tlog_proof(book::FormatTlogProof(proof));
  // Backdating is bounded by the gap between this one and the one above.
  JCM_ASSIGN_OR_RETURN(*receipt.mutable_previous_note(), view.CosignedNote(book, sequence));

  receipt.set_peer_registry(peer_registry);
  if (!book.is_home()) {
    JCM_ASSIGN_OR_RETURN(auto partnership,
                         view.State(book)->Get<v1::PartnershipRecord>(v1::TABLE_PARTNERSHIP, "partnership"));
    receipt.set_peer_keeps_book(partnership.has_value() && partnership->mode() != v1::PARTNERSHIP_MODE_ATTESTED);
  }

  book::Receipt file;
  file.leaf = receipt.record().leaf();
  file.command = receipt.record().command();
  file.context = receipt.record().context();
  file.effects = receipt.record().effects();
  file.tlog_proof = receipt.tlog_proof();
  file.previous_checkpoint = receipt.previous_note();
  receipt.set_receipt_json(book::FormatReceipt(file));
  return receipt;
}

}  // namespace jcm::services
