// Getting one's own tail back after a loss: `home` from the off-site sink, partnership books from the partner's mirror,
// byte for byte. Until that is done the book neither orders nor signs, so that no second history can begin.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/seal.h"
#include "ledger/book/genesis.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

// What was recovered, in pieces that each fit into a batch of the log.
class RecoveredTails {
 public:
  RecoveredTails(std::string partnership, size_t bytes_max)
      : partnership_(std::move(partnership)), bytes_max_(bytes_max) {}

  // The tail that takes `bytes` more.
  v1::RecoveredTail* Next(size_t bytes) {
    // Each part has its own tag and length.
    bytes += kPartFramingBytes;
    if (tails_.empty() || bytes_ + bytes > bytes_max_) {
      tails_.emplace_back();
      tails_.back().set_partnership(partnership_);
      bytes_ = kPartFramingBytes + partnership_.size();
    }
    bytes_ += bytes;
    return &tails_.back();
  }
  std::vector<v1::RecoveredTail> Take() { return std::move(tails_); }

 private:
  static constexpr size_t kPartFramingBytes = 16;
  const std::string partnership_;
  const size_t bytes_max_;
  std::vector<v1::RecoveredTail> tails_;
  size_t bytes_ = 0;
};

}  // namespace

bool RegistryCore::Recovering(const std::string& partnership) const {
  auto it = books_.find(partnership);
  return it != books_.end() && it->second.state == BookState::kRecovering;
}

absl::Status RegistryCore::CheckOwnTail(const BookId& book, const mirror_v1::ReadMirrorResponse& response) const {
  // One's own signature must cover what the partner gives back; only then can it be one's own tail.
  // The keys are those that the book itself says, as far as it is here; after a total loss, the configured ones.
  StoreState state(*dependencies_.store, book);
  JCM_ASSIGN_OR_RETURN(absl::optional<v1::BookRecord> own, state.Get<v1::BookRecord>(v1::TABLE_BOOK, "book"));
  JCM_ASSIGN_OR_RETURN(book::KeySet keys,
                       book::KeySetFromProto(own.has_value() ? own->keys() : options_.genesis.keys()));
  absl::StatusOr<book::VerifiedCheckpoint> verified = book::VerifyCheckpoint(response.checkpoint(), keys);
  if (!verified.ok()) return Error(Reason::PEER_SIGNATURE_INVALID, verified.status().message());
  if (verified->checkpoint.origin != book::OriginOf(options_.domain, book) ||
      verified->checkpoint.size != response.mirror_size()) {
    return Error(Reason::PEER_SIGNATURE_INVALID, "the mirror's checkpoint does not fit its size");
  }
  JCM_ASSIGN_OR_RETURN(v1::BookHead head, ReadHead(*dependencies_.store, book));
  book::Frontier frontier;
  if (head.size() > 0) {
    JCM_ASSIGN_OR_RETURN(frontier, book::Frontier::Decode(head.frontier()));
  }
  for (const v1::EntryRecord& entry : response.entries()) frontier.Append(book::LeafHash(entry.leaf()));
  if (head.size() == verified->checkpoint.size && frontier.Root() != verified->checkpoint.root) {
    return Error(Reason::FORK_DETECTED, absl::StrCat(book.ToString(), ": the store and the partner's mirror differ"));
  }
  if (response.entries().empty()) return absl::OkStatus();
  // All of the page, before any of it is ordered: what the signature does not cover can come from anybody.
  JCM_RETURN_IF_ERROR(CheckBodies(response.entries()));
  JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof, DigestsOf(response.consistency_proof()));
  absl::Status covered = book::VerifyConsistency(frontier.size(), verified->checkpoint.size, frontier.Root(),
                                                 verified->checkpoint.root, proof);
  if (!covered.ok()) return Error(Reason::PEER_SIGNATURE_INVALID, covered.message());
  return absl::OkStatus();
}

absl::Status RegistryCore::OnOwnMirror(Partner& partner, const std::string& response_bytes) {
  mirror_v1::ReadMirrorResponse response;
  JCM_RETURN_IF_ERROR(ParseStrict(response_bytes, &response));
  guard_->OnPeerTime(ReadClock(), BookTime::FromMicros(response.now_us()));
  OwnBook& book = books_.at(partner.partnership);
  // A late answer: the book has resumed meanwhile, or what came before is still to be ordered.
  if (book.state != BookState::kRecovering || recovered_queued_ > 0) return absl::OkStatus();
  const uint64_t size = BookSize(book.id);
  if (response.mirror_size() > 0) {
    absl::Status own = CheckOwnTail(book.id, response);
    if (HasReason(own, Reason::FORK_DETECTED)) {
      book.state = BookState::kDiverged;
      warnings_.insert(ToText(own));
    }
    JCM_RETURN_IF_ERROR(own);
  }
  book.known_size = std::max(book.known_size, response.mirror_size());
  if (response.mirror_size() <= size) {
    book.answered = true;
    return FinishRecovery(book);
  }
  if (response.entries().empty()) return Error(Reason::MIRROR_BEHIND, "the partner sent no entries");
  RecoveredTails tails(partner.partnership, options_.limits.batch_bytes);
  for (v1::EntryRecord& entry : *response.mutable_entries()) {
    const size_t bytes = entry.ByteSizeLong();
    *tails.Next(bytes)->add_entries() = std::move(entry);
  }
  partner.poll_now = true;
  QueueRecovered(tails.Take());
  return absl::OkStatus();
}

absl::Status RegistryCore::OnOffsite(Partner& partner, const std::string& response_bytes) {
  mirror_v1::ReadOffsiteResponse response;
  JCM_RETURN_IF_ERROR(ParseStrict(response_bytes, &response));
  OwnBook& home = books_.at(kHome);
  if (home.state != BookState::kRecovering || recovered_queued_ > 0) return absl::OkStatus();
  if (response.blobs().empty()) {
    partner.offsite_answered = true;
    return FinishHome(home);
  }
  RecoveredTails tails(kHome, options_.limits.batch_bytes);
  uint64_t size = BookSize(home.id);
  uint64_t newest = 0;
  for (const mirror_v1::OffsiteBlob& blob : response.blobs()) {
    if (blob.sealed().size() < kSealNonceBytes) return Error(Reason::DIGEST_MISMATCH, "off-site blob");
    const absl::string_view sealed(blob.sealed());
    JCM_ASSIGN_OR_RETURN(
        std::string opened,
        Unseal(dependencies_.offsite_key, sealed.substr(0, kSealNonceBytes),
               absl::StrCat("jcm-offsite/", options_.registry, "/", blob.log_index()), sealed.substr(kSealNonceBytes)));
    v1::OffsiteBatch batch;
    if (!batch.ParseFromString(opened)) return Error(Reason::MESSAGE_MALFORMED, "off-site batch");
    for (const v1::OffsiteVaultKey& key : batch.vault_keys()) {
      absl::Status kept = dependencies_.vault->Put(key.subject(), key.key());
      if (!kept.ok() && !HasReason(kept, Reason::VAULT_KEY_ERASED)) return kept;
    }
    for (v1::EntryRecord& entry : *batch.mutable_home_entries()) {
      JCM_ASSIGN_OR_RETURN(book::Leaf leaf, book::DecodeLeaf(entry.leaf()));
      if (leaf.sequence < size) continue;
      if (leaf.sequence > size) return Error(Reason::MIRROR_BEHIND, "the partner's copies of home have a gap");
      const size_t bytes = entry.ByteSizeLong();
      *tails.Next(bytes)->add_entries() = std::move(entry);
      ++size;
    }
    for (v1::OffsiteOutcome& outcome : *batch.mutable_outcomes()) {
      const size_t bytes = outcome.ByteSizeLong();
      *tails.Next(bytes)->add_outcomes() = std::move(outcome);
    }
    for (v1::OffsiteAttachment& copy : *batch.mutable_attachments()) {
      const size_t bytes = copy.ByteSizeLong();
      *tails.Next(bytes)->add_attachments() = std::move(copy);
    }
    newest = std::max(newest, blob.log_index());
  }
  // Only now, when all of it could be read: what is passed over here would never be asked for again.
  partner.offsite_sent = std::max(partner.offsite_sent, newest);
  newest_offsite_position_ = std::max(newest_offsite_position_, newest);
  offsite_acknowledged_ = std::max(offsite_acknowledged_, partner.offsite_sent);
  // What is sealed from now on must not meet a position that the sink has filled already.
  generation_floor_ = std::max(generation_floor_, GenerationOfOffsitePosition(newest) + 1);
  partner.poll_now = true;
  QueueRecovered(tails.Take());
  return absl::OkStatus();
}

void RegistryCore::QueueRecovered(std::vector<v1::RecoveredTail> tails) {
  // A new generation: whatever the lost tail of the log said, this history goes on from what was recovered.
  if (applied_.index > 0 && !tails.empty()) new_generation_ = true;
  for (v1::RecoveredTail& tail : tails) {
    books_.at(tail.partnership()).recovered_entries += static_cast<uint64_t>(tail.entries_size());
    v1::LogItem item;
    *item.mutable_recovered() = std::move(tail);
    if (item.ByteSizeLong() > log::kBatchCommandsMaxBytes) {
      warnings_.insert(absl::StrCat("RECOVERY: an entry of ", item.ByteSizeLong(), " bytes does not fit into a batch"));
      return;  // nothing after it can follow; the book goes on waiting
    }
    system_queue_.push_back(std::move(item));
    ++recovered_queued_;
  }
}

void RegistryCore::OnRecoveredApplied(const std::string& partnership, const absl::Status& error) {
  if (recovered_queued_ > 0) --recovered_queued_;
  if (error.ok()) return;
  // Proven, or sealed, by this registry itself, and yet it does not follow: asking again would give the same.
  warnings_.insert(absl::StrCat("RECOVERY: ", partnership, ": ", ToText(error)));
  auto book = books_.find(partnership);
  if (book != books_.end()) book->second.state = BookState::kDiverged;
}

absl::Status RegistryCore::OnResumeAlone(const v1::SystemItem& system) {
  v1::ResumeAlone resume;
  v1::ResumeAloneBody body;
  if (!resume.ParseFromString(system.command()) || !body.ParseFromString(resume.statement())) {
    return Error(Reason::STORE_CORRUPT, "resume alone");
  }
  const BookId id{options_.registry, system.partnership()};
  JCM_ASSIGN_OR_RETURN(Digest root, DigestFromBytes(body.root()));
  const store::SignedTree tree{body.size(), root, dependencies_.clock->Now()};
  JCM_RETURN_IF_ERROR(dependencies_.signer_record->Replace(id, tree, "ResumeAlone"));
  auto it = books_.find(system.partnership());
  if (it == books_.end()) return absl::OkStatus();  // replayed: the book is opened after this
  it->second.record_present = true;
  it->second.signed_size = it->second.record_size = body.size();
  it->second.state = BookState::kOrdering;
  return absl::OkStatus();
}

absl::Status RegistryCore::FinishHome(OwnBook& home) {
  // A copy may lie with one partner alone: only the signer's record can say that nothing is missing before all were
  // asked.
  const bool restored = options_.marked_restored || dependencies_.store->restored();
  const bool all_answered =
      std::all_of(partners_.begin(), partners_.end(), [](const auto& entry) { return entry.second.offsite_answered; });
  const bool complete = !restored && home.record_present && BookSize(home.id) >= home.record_size;
  if (!all_answered && !complete) return absl::OkStatus();
  home.answered = true;
  return FinishRecovery(home);
}

absl::Status RegistryCore::FinishRecovery(OwnBook& book) {
  const uint64_t size = BookSize(book.id);
  if (size < book.record_size) {
    warnings_.insert(absl::StrCat("RECOVERY: ", book.id.ToString(), " has ", size, " entries, ", book.record_size,
                                  " were signed; two persons must sign ResumeAlone"));
    return absl::OkStatus();
  }
  if (size == 0 && !options_.create_books && !book.record_present) return absl::OkStatus();
  if (size == 0) return BeginBook(book);
  absl::StatusOr<BookInfo> info = View()->Info(book.id);
  if (!info.ok()) return info.status();
  if (!book.record_present) {
    JCM_RETURN_IF_ERROR(
        dependencies_.signer_record->Establish(book.id, {info->size, info->root, dependencies_.clock->Now()}));
    book.record_present = true;
    book.signed_size = info->size;
  } else if (book.record_size > 0) {
    JCM_ASSIGN_OR_RETURN(Digest root, View()->Root(book.id, book.record_size));
    JCM_ASSIGN_OR_RETURN(store::SignerRecord::Loaded record, dependencies_.signer_record->Load(book.id));
    if (record.tree.root != root) {
      book.state = BookState::kDiverged;
      warnings_.insert(
          absl::StrCat("INTERNAL: the recovered tail of ", book.id.ToString(), " contradicts what was signed"));
      return absl::OkStatus();
    }
  }
  book.state = BookState::kOrdering;
  WarnOfBrokenBundles();
  if (std::all_of(books_.begin(), books_.end(),
                  [](const auto& entry) { return entry.second.state == BookState::kOrdering; })) {
    return dependencies_.store->ClearRestored();
  }
  return absl::OkStatus();
}

void RegistryCore::WarnOfBrokenBundles() {
  uint64_t broken = 0;
  std::unique_ptr<store::Iterator> it = dependencies_.store->NewIterator(store::Family::kOutcome);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    v1::RequestOutcome outcome;
    if (!outcome.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) continue;
    bool recorded = false;
    bool lost = false;
    for (const v1::RequestPart& part : outcome.parts()) {
      recorded = recorded || part.recorded();
      lost = lost || (!part.recorded() && part.reason() == 0);
    }
    if (recorded && lost) ++broken;
  }
  if (broken > 0) warnings_.insert(absl::StrCat("BROKEN_BUNDLE: ", broken, " bundles were recovered in part"));
}

absl::Status RegistryCore::Backup(const std::string& directory) { return dependencies_.store->Backup(directory); }

absl::StatusOr<std::string> RegistryCore::OpenAttachment(absl::string_view digest) {
  JCM_ASSIGN_OR_RETURN(std::string bytes, View()->Attachment(digest));
  v1::SealedAttachment attachment;
  if (!attachment.ParseFromString(bytes)) return Error(Reason::STORE_CORRUPT, "attachment");
  absl::StatusOr<std::string> key = dependencies_.vault->Get(attachment.subject());
  if (HasReason(key.status(), Reason::VAULT_KEY_ERASED) || HasReason(key.status(), Reason::NOT_FOUND)) {
    return std::string();
  }
  JCM_RETURN_IF_ERROR(key.status());
  return Unseal(*key, attachment.nonce(), attachment.subject(), attachment.ciphertext());
}

absl::Status RegistryCore::TryStatement(const std::string& partnership, book::LeafKind kind,
                                        const std::string& statement) {
  if (kind != book::LeafKind::RESUME_ALONE && kind != book::LeafKind::ACCEPT_TIME &&
      kind != book::LeafKind::KEY_CHANGE && kind != book::LeafKind::RESOLUTION && kind != book::LeafKind::HOME_RESET) {
    return Error(Reason::FIELD_INVALID, "not a statement");
  }
  v1::LogBatch body;
  v1::SystemItem* item = body.add_items()->mutable_system();
  item->set_partnership(partnership);
  item->set_kind(static_cast<uint32_t>(kind));
  item->set_command(statement);
  log::Batch batch;
  batch.header.generation = std::max<uint64_t>(applied_.generation, 1);
  batch.header.index = applied_.index + 1;
  batch.header.time = std::max(dependencies_.clock->Now(), applied_.time);
  batch.body = state::Serialise(body);
  Applier applier(options_.registry, *dependencies_.store, verifier_);
  JCM_ASSIGN_OR_RETURN(AppliedBatch tried, applier.Apply(batch));
  return tried.items[0].error;
}

absl::Status RegistryCore::SubmitStatement(const std::string& partnership, book::LeafKind kind, std::string statement) {
  auto it = books_.find(partnership);
  if (it == books_.end()) return Error(Reason::BOOK_UNKNOWN, partnership);
  if (!Sequencing()) return Error(Reason::NOT_SEQUENCER, options_.replica_name);
  OwnBook& book = it->second;
  // The rules check who signed it before it has any effect here.
  JCM_RETURN_IF_ERROR(TryStatement(partnership, kind, statement));
  if (kind == book::LeafKind::RESUME_ALONE) {
    v1::ResumeAlone resume;
    v1::ResumeAloneBody body;
    JCM_RETURN_IF_ERROR(ParseStrict(statement, &resume));
    JCM_RETURN_IF_ERROR(ParseStrict(resume.statement(), &body));
    if (book.state != BookState::kRecovering) return Error(Reason::FIELD_INVALID, "the book is not waiting");
    absl::StatusOr<BookInfo> info = View()->Info(book.id);
    JCM_RETURN_IF_ERROR(info.status());
    if (body.size() != info->size || body.root() != AsBytes(info->root)) {
      return Error(Reason::FIELD_INVALID, "the statement names another tree");
    }
    if (recovered_queued_ > 0) return Error(Reason::BOOK_NOT_ORDERING, "a recovered tail is being ordered");
    new_generation_ = applied_.index > 0;
  } else if (book.state != BookState::kOrdering) {
    return Error(Reason::BOOK_NOT_ORDERING, partnership);
  }
  if (kind == book::LeafKind::ACCEPT_TIME) {
    v1::AcceptTime accept;
    v1::AcceptTimeBody body;
    JCM_RETURN_IF_ERROR(ParseStrict(statement, &accept));
    JCM_RETURN_IF_ERROR(ParseStrict(accept.statement(), &body));
    JCM_RETURN_IF_ERROR(guard_->AcceptTime(ReadClock(), BookTime::FromMicros(body.wall_time_us())));
  }
  if (!QueueSystem(partnership, kind, std::move(statement))) return Error(Reason::QUEUE_FULL, "system lane");
  // The book resumes with that entry and not before it.
  while (kind == book::LeafKind::RESUME_ALONE && book.state == BookState::kRecovering && failure_.ok()) {
    if (!OrderBatch() && !ApplyOrdered()) break;
  }
  return absl::OkStatus();
}

}  // namespace jcm::registry
