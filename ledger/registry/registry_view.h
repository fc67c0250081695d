// What a registry holds, as of one applied batch: a consistent, read-only picture that any thread may keep and read
// while the registry goes on.
//
//   std::shared_ptr<const RegistryView> view = host.View();
//   JCM_ASSIGN_OR_RETURN(BookInfo info, view->Info({"JPN", "TH"}));
//   auto lot = view->State({"JPN", "TH"})->Get<ledger::v1::LotRecord>(ledger::v1::TABLE_LOT, "TH014-2021-1");
//
// Own books and mirrors are read alike; BookInfo says which is which.
#ifndef LEDGER_REGISTRY_REGISTRY_VIEW_H_
#define LEDGER_REGISTRY_REGISTRY_VIEW_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/ledger/v1/book.pb.h"
#include "ledger/base/types.h"
#include "ledger/state/state.h"
#include "ledger/store/store.h"

namespace jcm::registry {

// Where a book stands.
struct BookInfo {
  BookId book;
  std::string origin;
  bool mirror = false;           // the other government's book
  uint64_t size = 0;             // entries applied here (mirror: stored and covered by the other side's signatures)
  uint64_t executed_size = 0;    // mirror: re-executed; own: equal to size
  Digest root{};                 // at `size`
  uint64_t checkpoint_size = 0;  // newest checkpoint signed by the writer
  uint64_t cosigned_size = 0;    // largest size cosigned by the other government
};

class RegistryView {
 public:
  explicit RegistryView(std::shared_ptr<const store::ReadView> records) : records_(std::move(records)) {}

  // Own books first, then mirrors, each by name.
  absl::StatusOr<std::vector<BookInfo>> Books() const;
  absl::StatusOr<BookInfo> Info(const BookId& book) const;  // BOOK_UNKNOWN

  // The book's records; the reader keeps what it reads alive.
  std::unique_ptr<state::StateReader> State(const BookId& book) const;

  absl::StatusOr<ledger::v1::EntryRecord> Entry(const BookId& book, uint64_t sequence) const;  // NOT_FOUND
  absl::StatusOr<Digest> LeafHash(const BookId& book, uint64_t sequence) const;

  // RFC 6962 proofs from stored tree nodes; size at most the book's. NOT_FOUND beyond it.
  absl::StatusOr<std::vector<Digest>> InclusionProof(const BookId& book, uint64_t index, uint64_t size) const;
  absl::StatusOr<std::vector<Digest>> ConsistencyProof(const BookId& book, uint64_t old_size, uint64_t new_size) const;
  absl::StatusOr<Digest> Root(const BookId& book, uint64_t size) const;

  // The newest signed note of the book, with cosignatures if it has them; empty if none was signed yet.
  absl::StatusOr<std::string> NewestNote(const BookId& book) const;
  // The newest note with the other government's cosignatures at a size <= `size_max` (default: any); empty if none.
  absl::StatusOr<std::string> CosignedNote(const BookId& book, uint64_t size_max = UINT64_MAX) const;
  // The first cosigned note whose size is > `sequence`; empty if none.
  absl::StatusOr<std::string> CosignedNoteCovering(const BookId& book, uint64_t sequence) const;

  // A sealed attachment by SHA-256 of its ciphertext (serialised SealedAttachment); NOT_FOUND.
  absl::StatusOr<std::string> Attachment(absl::string_view digest) const;

  // The kept outcome of a request: a serialised RequestOutcome (storage.proto); nullopt if the id was never used.
  absl::StatusOr<absl::optional<std::string>> Outcome(absl::string_view person_id, absl::string_view request_id) const;

  const store::ReadView& records() const { return *records_; }

 private:
  std::shared_ptr<const store::ReadView> records_;
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_REGISTRY_VIEW_H_
