// One government's verified copy of the other's book: pages come in from the link or from a file, are checked against
// the writer's signed checkpoint, executed again by the same rules, and stored. What can't be true is kept as evidence.
//
//   Mirror mirror({"THA", "TH"}, "demo.invalid", "JPN");
//   JCM_ASSIGN_OR_RETURN(MirrorPage page, mirror.TakePage(records, response, keys, now, verifier));
//   store.Write(page.writes, Sync::kYes);
//   if (page.evidence) ... order a Halt;  if (page.at_checkpoint) ... cosign
//
// Bytes that are not covered by k valid signatures of the writer are refused (PEER_SIGNATURE_INVALID) and change
// nothing: anybody can send bytes. Only what the writer has signed can be a mismatch.
#ifndef LEDGER_REGISTRY_MIRROR_H_
#define LEDGER_REGISTRY_MIRROR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/storage.pb.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/key_set.h"
#include "ledger/registry/book_draft.h"
#include "ledger/rules/engine.h"
#include "ledger/store/store.h"

namespace jcm::registry {

namespace mirror_v1 = ::jcm::mirror::v1;

// What taking one page came to.
struct MirrorPage {
  store::WriteBatch writes;
  uint64_t size = 0;  // of the mirror afterwards
  uint64_t executed_size = 0;
  book::Checkpoint checkpoint;            // the writer's newest, as verified
  bool at_checkpoint = false;             // all of it is here and executed: it may be cosigned
  absl::optional<v1::Evidence> evidence;  // INVALID_ACT or FORK
  bool unsupported = false;               // newer rules: mirrored, not executed
  bool waits_for_clock = false;           // entries stamped too far ahead stay outside for now
  absl::optional<BookTime> earliest_new;  // smallest stamp among the new entries
};

class Mirror {
 public:
  // `own_registry` is the side that keeps this mirror.
  Mirror(BookId book, std::string domain, std::string own_registry)
      : book_(std::move(book)),
        origin_(book::OriginOf(domain, book_)),
        own_book_{std::move(own_registry), book_.partnership} {}

  // `keys`: the writer's as pinned or changed since; changes that the page itself brings are applied. Errors:
  // PEER_SIGNATURE_INVALID, BOOK_UNKNOWN for a page of another book or another position, STORE_*. An error changes
  // nothing.
  absl::StatusOr<MirrorPage> TakePage(const store::ReadView& records, const mirror_v1::ReadEntriesResponse& page,
                                      const book::KeyHistory& keys, BookTime now, rules::SignatureVerifier& verifier);

  // Executes what was mirrored without being executed, after an upgrade or a Resolution; at most `limit` entries. A
  // leaf that both governments have resolved in `own_state`, this side's book, is taken as written.
  absl::StatusOr<MirrorPage> ExecuteStored(const store::ReadView& records, const state::StateReader& own_state,
                                           uint64_t limit, rules::SignatureVerifier& verifier);

  const BookId& book() const { return book_; }
  const std::string& origin() const { return origin_; }

 private:
  absl::Status CheckCoverage(const store::ReadView& records, const v1::BookHead& head,
                             const mirror_v1::ReadEntriesResponse& page, MirrorPage* result) const;
  absl::Status CompareKnown(const store::ReadView& records, const v1::BookHead& head, const std::string& note,
                            MirrorPage* result) const;
  absl::Status AppendEntries(const store::ReadView& records, const mirror_v1::ReadEntriesResponse& page, BookTime now,
                             BookDraft& draft, rules::SignatureVerifier& verifier, MirrorPage* result) const;
  absl::StatusOr<book::VerifiedCheckpoint> VerifyWith(const book::KeyHistory& keys,
                                                      const mirror_v1::ReadEntriesResponse& page) const;
  absl::Status CheckImportIsWhole(const store::ReadView& records, const v1::EntryRecord& entry) const;
  v1::Evidence EvidenceOf(v1::MismatchClass mismatch, uint64_t sequence, absl::Status status) const;

  const BookId book_;
  const std::string origin_;
  const BookId own_book_;
};

// PEER_SIGNATURE_INVALID if a body is not the one that its leaf names: the writer signed the leaf, so that whoever
// carried the body has changed it.
absl::Status CheckBodies(const google::protobuf::RepeatedPtrField<v1::EntryRecord>& entries);

// MESSAGE_MALFORMED unless each is 32 bytes.
absl::StatusOr<std::vector<Digest>> DigestsOf(const google::protobuf::RepeatedPtrField<std::string>& hashes);

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_MIRROR_H_
