// Getting one's own tail back after a loss: `home` from the off-site sink, partnership books from the partner's mirror,
// byte for byte. Until that is done the book neither orders nor signs, so that no second history can begin.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/seal.h"
#include "ledger/book/genesis.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {

bool RegistryCore::Recovering(const std::string& partnership) const {
  auto it = books_.find(partnership);
  return it != books_.end() && it->second.state == BookState::kRecovering;
}

absl::Status RegistryCore::CheckOwnTail(const BookId& book, const mirror_v1::ReadMirrorResponse& response) const {
  // One's own signature must cover what the partner gives back; only then can it be one's own tail.
  JCM_ASSIGN_OR_RETURN(book::KeySet keys, book::KeySetFromProto(options_.genesis.keys()));
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
  if (frontier.size() == verified->checkpoint.size && frontier.Root() != verified->checkpoint.root) {
    return Error(Reason::FORK_DETECTED, absl::StrCat(book.ToString(), ": the store and the partner's mirror differ"));
  }
  return absl::OkStatus();
}

absl::Status RegistryCore::OnOwnMirror(Partner& partner, const std::string& response_bytes) {
  mirror_v1::ReadMirrorResponse response;
  JCM_RETURN_IF_ERROR(ParseStrict(response_bytes, &response));
  guard_->OnPeerTime(ReadClock(), BookTime::FromMicros(response.now_us()));
  OwnBook& book = books_.at(partner.partnership);
  const uint64_t size = BookSize(book.id);
  if (response.mirror_size() > 0) {
    absl::Status own = CheckOwnTail(book.id, response);
    if (HasReason(own, Reason::FORK_DETECTED)) {
      book.state = BookState::kDiverged;
      warnings_.insert(ToText(own));
    }
    JCM_RETURN_IF_ERROR(own);
  }
  if (response.mirror_size() <= size) {
    book.answered = true;
    return FinishRecovery(book);
  }
  if (response.entries().empty()) return Error(Reason::MIRROR_BEHIND, "the partner sent no entries");
  v1::RecoveredTail tail;
  tail.set_partnership(partner.partnership);
  size_t bytes = 0;
  for (v1::EntryRecord& entry : *response.mutable_entries()) {
    bytes += entry.ByteSizeLong();
    if (!tail.entries().empty() && bytes > options_.limits.batch_bytes) break;
    *tail.add_entries() = std::move(entry);
  }
  partner.poll_now = true;
  return QueueRecovered(std::move(tail));
}

absl::Status RegistryCore::OnOffsite(Partner& partner, const std::string& response_bytes) {
  mirror_v1::ReadOffsiteResponse response;
  JCM_RETURN_IF_ERROR(ParseStrict(response_bytes, &response));
  OwnBook& home = books_.at(kHome);
  v1::RecoveredTail tail;
  tail.set_partnership(kHome);
  uint64_t size = BookSize(home.id);
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
      *tail.add_entries() = std::move(entry);
      ++size;
    }
    for (v1::OffsiteOutcome& outcome : *batch.mutable_outcomes()) *tail.add_outcomes() = std::move(outcome);
    for (v1::OffsiteAttachment& copy : *batch.mutable_attachments()) *tail.add_attachments() = std::move(copy);
    partner.offsite_sent = std::max(partner.offsite_sent, blob.log_index());
    newest_offsite_position_ = std::max(newest_offsite_position_, blob.log_index());
  }
  if (response.blobs().empty()) {
    partner.offsite_answered = true;
    home.answered = true;
    return FinishRecovery(home);
  }
  offsite_acknowledged_ = std::max(offsite_acknowledged_, partner.offsite_sent);
  partner.poll_now = true;
  if (tail.entries().empty() && tail.outcomes().empty() && tail.attachments().empty()) return absl::OkStatus();
  return QueueRecovered(std::move(tail));
}

absl::Status RegistryCore::QueueRecovered(v1::RecoveredTail tail) {
  // A new generation: whatever the lost tail of the log said, this history goes on from what was recovered.
  if (applied_.index > 0 && system_queue_.empty()) new_generation_ = true;
  v1::LogItem item;
  *item.mutable_recovered() = std::move(tail);
  system_queue_.push_back(std::move(item));
  return absl::OkStatus();
}

absl::Status RegistryCore::FinishRecovery(OwnBook& book) {
  const uint64_t size = BookSize(book.id);
  if (size < book.record_size) {
    warnings_.insert(absl::StrCat("RECOVERY: ", book.id.ToString(), " has ", size, " entries, ", book.record_size,
                                  " were signed; two persons must sign ResumeAlone"));
    return absl::OkStatus();
  }
  if (size == 0 && !options_.create_books && !book.record_present) return absl::OkStatus();
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
    const store::SignedTree tree{info->size, info->root, dependencies_.clock->Now()};
    if (book.record_present) {
      JCM_RETURN_IF_ERROR(dependencies_.signer_record->Replace(book.id, tree, "ResumeAlone"));
    } else {
      JCM_RETURN_IF_ERROR(dependencies_.signer_record->Establish(book.id, tree));
    }
    book.record_present = true;
    book.signed_size = book.record_size = info->size;
    book.state = BookState::kOrdering;
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
  QueueSystem(partnership, kind, std::move(statement));
  return absl::OkStatus();
}

}  // namespace jcm::registry
