// Executes one batch of the log against a registry's own books: the deterministic heart of a replica. The same batch on
// the same store gives the same leaf hashes, effects and outcomes, whoever runs it and whenever.
//
//   Applier applier(registry, store_view, verifier);
//   JCM_ASSIGN_OR_RETURN(AppliedBatch applied, applier.Apply(batch));
//   applied.writes goes to the store as one atomic write.
//
// It reads no clock and writes nothing. Not for checks that may burn nothing (queue limits, shape): those come before
// the log.
#ifndef LEDGER_REGISTRY_APPLIER_H_
#define LEDGER_REGISTRY_APPLIER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "ledger/base/types.h"
#include "ledger/log/batch_header.h"
#include "ledger/registry/book_draft.h"
#include "ledger/registry/store_state.h"
#include "ledger/rules/refusals.h"
#include "ledger/store/store.h"

namespace jcm::registry {

// What became of one item of a batch.
struct ItemResult {
  absl::Status error;  // not ok: nothing was recorded and no request id used up
  v1::RequestOutcome outcome;
  bool replayed = false;  // the outcome is that of an earlier request
  bool bundle = false;
  std::vector<std::vector<rules::Refusal>> refusals;  // of a dry run: every one of each part, the first one first
};

// The new size of a book that the batch has extended.
struct ChangedBook {
  BookId book;
  uint64_t size = 0;
  Digest root{};
};

struct AppliedBatch {
  store::WriteBatch writes;
  std::vector<ItemResult> items;     // in the order of the batch
  std::vector<ChangedBook> changed;  // by book
  v1::OffsiteBatch offsite;          // home entries, outcomes and attachments that must leave the machine
};

class Applier {
 public:
  // `records` is the state before the batch; all must outlive the applier. One applier serves one batch.
  Applier(std::string registry, const store::ReadView& records, rules::SignatureVerifier& verifier);

  // Errors mean that the store failed or the batch can't be read: the node must stop. Refusals are in the results.
  absl::StatusOr<AppliedBatch> Apply(const log::Batch& batch);

  // What the bundle's outcome would be at `time`, every refusal named. Changes nothing.
  absl::StatusOr<ItemResult> DryRun(absl::string_view signed_bundle, BookTime time);

  // The author's person id and the request id as an outcome key, from a bundle whose author key is enrolled and whose
  // author's signature is valid. KEY_UNKNOWN, SIGNATURE_INVALID, WRONG_REGISTRY …
  struct Request {
    std::string outcome_key;
    std::string digest;  // SHA-256 of the header
    v1::BundleHeader header;
  };
  absl::StatusOr<Request> Authenticate(const v1::SignedBundle& bundle);

 private:
  using Drafts = std::map<BookId, std::unique_ptr<BookDraft>>;
  struct BundleInput {
    const v1::SignedBundle* bundle;
    Request request;
    BookTime time;
    std::vector<std::vector<Digest>> part_nodes;  // by level, then index
  };

  absl::StatusOr<BookDraft*> DraftOf(const BookId& book);
  absl::StatusOr<ItemResult> ApplyBundle(absl::string_view bytes, BookTime time, bool dry_run);
  absl::Status ApplyParts(const BundleInput& input, bool dry_run, ItemResult* item);
  absl::StatusOr<AppendedEntry> ApplyPart(const BundleInput& input, int index, const BookId& book, BookDraft& draft,
                                          const BookDraft& home);
  absl::Status ApplySystem(const v1::SystemItem& item, BookTime time);
  absl::Status ApplyRecovered(const v1::RecoveredTail& tail);
  void RebuildOutcome(const v1::EntryRecord& record, uint64_t sequence, const BookId& book);
  absl::StatusOr<AppendedEntry> AppendWithContext(BookDraft& draft, const BookDraft& home, book::LeafKind kind,
                                                  BookTime time, absl::string_view command);
  absl::StatusOr<Digest> HomeLeafHash(const BookDraft& home, uint64_t sequence) const;
  absl::StatusOr<absl::optional<v1::RequestOutcome>> FindOutcome(const std::string& key) const;

  const BookId home_;
  const std::string registry_;
  const store::ReadView& records_;
  rules::SignatureVerifier& verifier_;
  // Contexts that were looked up while nothing has changed in home in this batch.
  std::map<BookId, rules::ContextMemo> contexts_;
  uint64_t home_size_before_ = 0;
  std::map<BookId, std::unique_ptr<StoreState>> bases_;
  Drafts drafts_;
  std::map<std::string, v1::RequestOutcome> outcomes_;  // by outcome key, of this batch
  std::map<std::string, std::string> attachments_;      // by digest
  uint64_t offsite_position_ = 0;
  rules::Refusals* refusals_ = nullptr;  // of the part that is being tried in a dry run
};

// Reads the head of a book; an empty head if the book does not exist.
absl::StatusOr<v1::BookHead> ReadHead(const store::ReadView& records, const BookId& book);
absl::StatusOr<v1::BookNotes> ReadNotes(const store::ReadView& records, const BookId& book);

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_APPLIER_H_
