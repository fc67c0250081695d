// Asking partners: one call in flight per partner, each answer decides what to ask next. The cursor of a mirror is its
// size, so every call may be lost, repeated or late without harm.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/genesis.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

// After an upgrade, so many mirrored entries are executed per poll.
constexpr uint64_t kExecuteStoredPerPoll = 1'000;

// So often siblings are offered the partner's newest page again, though all of it is cosigned.
constexpr uint64_t kOfferPageMicros = 1'000'000;

// What the rules allow; the evidence has all of it.
constexpr size_t kHaltDetailBytesMax = 1'000;

// Leaf kinds whose command the importing book must see: they say which keys speak for the other registry.
bool NeedsCommand(book::LeafKind kind) { return kind == book::LeafKind::GENESIS || kind == book::LeafKind::KEY_CHANGE; }

// A record's two newest key sets, by the sizes at which they sign.
absl::StatusOr<book::KeyHistory> KeyHistoryOf(const v1::KeySetData& previous, const v1::KeySetData& keys,
                                              uint64_t from_size, const v1::PublicKeyData& recovery_key) {
  JCM_ASSIGN_OR_RETURN(PublicKey recovery, book::PublicKeyFromProto(recovery_key));
  JCM_ASSIGN_OR_RETURN(book::KeySet latest, book::KeySetFromProto(keys));
  if (from_size == 0) return book::KeyHistory::Start(std::move(latest), std::move(recovery));
  JCM_ASSIGN_OR_RETURN(book::KeySet first, book::KeySetFromProto(previous));
  JCM_ASSIGN_OR_RETURN(book::KeyHistory history, book::KeyHistory::Start(std::move(first), std::move(recovery)));
  JCM_RETURN_IF_ERROR(history.Append(from_size, std::move(latest), absl::nullopt));
  return history;
}

}  // namespace

absl::StatusOr<v1::CursorRecord> RegistryCore::Cursor(const std::string& partnership) const {
  StoreState state(*dependencies_.store, {options_.registry, partnership});
  JCM_ASSIGN_OR_RETURN(absl::optional<v1::CursorRecord> cursor, state.Get<v1::CursorRecord>(v1::TABLE_CURSOR, "peer"));
  return cursor.value_or(v1::CursorRecord());
}

absl::StatusOr<absl::optional<book::KeyHistory>> RegistryCore::PeerKeys(const Partner& partner) const {
  // The keys that the mirror has seen last, else those pinned when the partnership was opened and changed by imports.
  StoreState mirror(*dependencies_.store, PeerBook(partner));
  JCM_ASSIGN_OR_RETURN(absl::optional<v1::BookRecord> book, mirror.Get<v1::BookRecord>(v1::TABLE_BOOK, "book"));
  absl::optional<book::KeyHistory> history;
  if (book.has_value() && book->keys().keys_size() > 0) {
    JCM_ASSIGN_OR_RETURN(
        history, KeyHistoryOf(book->previous_keys(), book->keys(), book->keys_from_size(), book->recovery_key()));
    return history;
  }
  JCM_ASSIGN_OR_RETURN(v1::CursorRecord cursor, Cursor(partner.partnership));
  if (cursor.peer_keys().keys().empty()) return history;
  JCM_ASSIGN_OR_RETURN(history, KeyHistoryOf(cursor.peer_previous_keys(), cursor.peer_keys(),
                                             cursor.peer_keys_from_size(), cursor.peer_recovery_key()));
  return history;
}

bool RegistryCore::PollPartners() {
  // One replica asks; the others get what it was told, and check it all the same.
  if (!Sequencing()) return false;
  bool worked = false;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  for (auto& entry : partners_) {
    Partner& partner = entry.second;
    if (partner.in_flight || (now < partner.next_poll_us && !partner.poll_now)) continue;
    if (recovered_queued_ > 0 && (Recovering(kHome) || Recovering(partner.partnership))) {
      partner.next_poll_us = now + options_.poll_interval_us;  // first what came is ordered
      continue;
    }
    partner.poll_now = false;
    partner.next_poll_us = now + options_.poll_interval_us;
    worked = CallPartner(partner) || worked;
  }
  return worked;
}

bool RegistryCore::CallPartner(Partner& partner) {
  if (CallForRecovery(partner)) return true;
  // In turns: a busy registry always has new copies to send, and must not stop looking at its partner's book for them.
  if (!partner.mirror_turn && PutOffsite(partner)) {
    partner.mirror_turn = true;
    return true;
  }
  partner.mirror_turn = false;
  return CallForMirror(partner) || PutOffsite(partner);
}

bool RegistryCore::CallForRecovery(Partner& partner) {
  if (Recovering(kHome)) {
    mirror_v1::ReadOffsiteRequest request;
    request.set_from_log_index(applied_.index == 0 ? 0 : partner.offsite_sent + 1);
    Call(partner, PeerTransport::Method::kReadOffsite, request.SerializeAsString());
    return true;
  }
  if (!Recovering(partner.partnership)) return false;
  const BookId own{options_.registry, partner.partnership};
  mirror_v1::ReadMirrorRequest request;
  request.set_book(own.ToString());
  request.set_from(BookSize(own));
  Call(partner, PeerTransport::Method::kReadMirror, request.SerializeAsString());
  return true;
}

std::unique_ptr<store::Iterator> RegistryCore::OffsiteDue(const Partner& partner) const {
  std::unique_ptr<store::Iterator> it = dependencies_.store->NewIterator(
      store::Family::kOffsite, OffsiteOutKey(partner.offsite_sent + 1), AfterPrefix("out/"));
  it->SeekToFirst();
  return it;
}

bool RegistryCore::PutOffsite(Partner& partner) {
  if (partner.offsite_sent >= newest_offsite_position_) return false;
  std::unique_ptr<store::Iterator> it = OffsiteDue(partner);
  if (!it->Valid()) return false;
  mirror_v1::PutOffsiteRequest request;
  request.set_log_index(state::FromSortableNumber(it->key().substr(4)));
  request.set_sealed(std::string(it->value()));
  size_t bytes = request.sealed().size();
  for (it->Next(); it->Valid() && request.more_size() + 1 < kOffsiteBlobsPerPut; it->Next()) {
    bytes += it->value().size();
    if (bytes > kOffsiteBytesPerPut) break;
    mirror_v1::OffsiteBlob* blob = request.add_more();
    blob->set_log_index(state::FromSortableNumber(it->key().substr(4)));
    blob->set_sealed(std::string(it->value()));
  }
  partner.offsite_in_flight = request.more().empty() ? request.log_index() : request.more().rbegin()->log_index();
  Call(partner, PeerTransport::Method::kPutOffsite, request.SerializeAsString());
  return true;
}

bool RegistryCore::CallForMirror(Partner& partner) {
  absl::StatusOr<absl::optional<book::KeyHistory>> keys = PeerKeys(partner);
  if (!keys.ok() || !keys->has_value()) return false;  // the partnership has not been opened yet
  absl::StatusOr<v1::BookNotes> notes = ReadNotes(*dependencies_.store, PeerBook(partner));
  if (notes.ok() && notes->cosigned_size() > partner.cosign_sent) {
    absl::StatusOr<std::string> note = View()->CosignedNote(PeerBook(partner));
    if (note.ok() && !note->empty()) {
      mirror_v1::AddCosignatureRequest request;
      request.set_book(PeerBook(partner).ToString());
      request.set_note(*note);
      partner.cosign_sent = notes->cosigned_size();
      Call(partner, PeerTransport::Method::kAddCosignature, request.SerializeAsString());
      return true;
    }
  }
  mirror_v1::ReadEntriesRequest request;
  request.set_book(PeerBook(partner).ToString());
  request.set_from(BookSize(PeerBook(partner)));
  Call(partner, PeerTransport::Method::kReadEntries, request.SerializeAsString());
  return true;
}

void RegistryCore::Call(Partner& partner, PeerTransport::Method method, std::string request) {
  partner.in_flight = true;
  const std::string registry = partner.registry;
  dependencies_.transport->Call(registry, method, std::move(request),
                                [this, registry, method](absl::StatusOr<std::string> response) {
                                  OnResponse(registry, method, std::move(response));
                                });
}

void RegistryCore::OnResponse(const std::string& registry, PeerTransport::Method method,
                              absl::StatusOr<std::string> response) {
  Partner& partner = partners_.at(registry);
  partner.in_flight = false;
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  if (!response.ok()) {
    partner.failures = std::min<uint64_t>(partner.failures + 1, 10);
    partner.reachable = false;
    // The other side may have lost what it was sent, and sending it again is harmless; what it refused stays refused.
    if (method != PeerTransport::Method::kAddCosignature || HasReason(response.status(), Reason::INTERNAL) ||
        HasReason(response.status(), Reason::MIRROR_BEHIND)) {
      partner.cosign_sent = 0;
    }
    partner.last_error = std::string(response.status().message());
    const uint64_t wait = options_.poll_interval_us << std::min<uint64_t>(partner.failures, 6);
    partner.next_poll_us = now + std::min(wait, options_.poll_interval_max_us);
    return;
  }
  partner.failures = 0;
  partner.reachable = true;
  absl::Status status;
  switch (method) {
    case PeerTransport::Method::kReadEntries:
      status = OnEntries(partner, *response);
      break;
    case PeerTransport::Method::kReadMirror:
      status = OnOwnMirror(partner, *response);
      break;
    case PeerTransport::Method::kReadOffsite:
      status = OnOffsite(partner, *response);
      break;
    case PeerTransport::Method::kPutOffsite: {
      mirror_v1::PutOffsiteResponse parsed;
      status = ParseStrict(*response, &parsed);
      if (!status.ok()) break;
      // What was sent counts, and not what the partner says that it has; and a partner that lost its disk meanwhile
      // begins from the start.
      if (parsed.newest_log_index() < partner.offsite_in_flight || partner.offsite_in_flight == 0) break;
      partner.offsite_sent = std::max(partner.offsite_sent, partner.offsite_in_flight);
      offsite_acknowledged_ = std::max(offsite_acknowledged_, partner.offsite_sent);
      store::WriteBatch writes;
      writes.Put(store::Family::kMeta, OffsiteAcknowledgedKey(registry), state::SortableNumber(partner.offsite_sent));
      status = dependencies_.store->Write(writes, store::Sync::kNo);
      partner.poll_now = true;
      break;
    }
    default:
      break;
  }
  if (partner.offsite_sent < newest_offsite_position_ && OffsiteDue(partner)->Valid()) partner.poll_now = true;
  if (status.ok()) return;
  partner.last_error = ToText(status);
  if (HasReason(status, Reason::PEER_SIGNATURE_INVALID)) ++partner.refused_messages;
  if (HasReason(status, Reason::STORE_FAILED) || HasReason(status, Reason::STORE_CORRUPT)) Fail(status);
}

absl::Status RegistryCore::OnEntries(Partner& partner, const std::string& response) {
  mirror_v1::ReadEntriesResponse page;
  JCM_RETURN_IF_ERROR(ParseStrict(response, &page));
  const BookTime peer_now = BookTime::FromMicros(page.now_us());
  guard_->OnPeerTime(ReadClock(), peer_now);
  partner.clock_skew_us = static_cast<int64_t>(page.now_us()) - static_cast<int64_t>(dependencies_.clock->Now().micros);
  MirrorPage result;
  JCM_RETURN_IF_ERROR(TakePage(partner, page, &result));
  partner.peer_checkpoint_size = result.checkpoint.size;
  partner.last_error.clear();
  if (result.size < result.checkpoint.size && !result.waits_for_clock) partner.poll_now = true;
  if (result.at_checkpoint && !result.evidence.has_value()) {
    JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, PeerBook(partner)));
    if (notes.cosigned_size() < result.size) {
      JCM_RETURN_IF_ERROR(CosignMirror(partner).status());
      AskForCosignatures(partner, page);
      partner.poll_now = siblings_.empty();
    } else if (!siblings_.empty() && dependencies_.clock->MonotonicMicros() >= partner.next_offer_us) {
      // One that missed a page, or was away, says how far it is and gets the rest.
      partner.next_offer_us = dependencies_.clock->MonotonicMicros() + kOfferPageMicros;
      AskForCosignatures(partner, page);
    } else if (notes.cosigned_size() == result.size &&
               page.checkpoint().find(book::KeyNameOf(options_.domain, options_.registry, "")) == std::string::npos) {
      // The writer shows this checkpoint without the cosignature that was made for it: it never arrived, or was lost
      // there.
      partner.cosign_sent = 0;
    }
  }
  return absl::OkStatus();
}

absl::Status RegistryCore::TakePage(Partner& partner, const mirror_v1::ReadEntriesResponse& page, MirrorPage* result) {
  JCM_ASSIGN_OR_RETURN(absl::optional<book::KeyHistory> keys, PeerKeys(partner));
  if (!keys.has_value()) return Error(Reason::KEY_UNKNOWN, absl::StrCat("keys of ", partner.registry));
  JCM_ASSIGN_OR_RETURN(v1::CursorRecord cursor, Cursor(partner.partnership));
  StoreState own(*dependencies_.store, {options_.registry, partner.partnership});
  JCM_ASSIGN_OR_RETURN(absl::optional<v1::PartnershipRecord> partnership,
                       own.Get<v1::PartnershipRecord>(v1::TABLE_PARTNERSHIP, "partnership"));
  if (!partnership.has_value()) return Error(Reason::KEY_UNKNOWN, "the partnership has not been opened");
  Mirror mirror(PeerBook(partner), partnership->peer_domain(), options_.registry);
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, PeerBook(partner)));
  partner.import_scan = true;
  JCM_ASSIGN_OR_RETURN(MirrorPage taken,
                       mirror.TakePage(*dependencies_.store, page, *keys, dependencies_.clock->Now(), verifier_));
  if (taken.earliest_new.has_value() && notes.cosigned_size() > 0 &&
      ClassifyEntryStamp(*taken.earliest_new, dependencies_.clock->Now(),
                         BookTime::FromMicros(notes.cosigned_at_us())) == EntryStamp::LATE) {
    v1::LateStamped late;
    late.set_from(notes.cosigned_size());
    late.set_to(taken.size);
    late.set_cosigned_at_us(notes.cosigned_at_us());
    late.set_stamped_at_us(taken.earliest_new->micros);
    OweLateStamped(partner, std::move(late), &taken.writes);
  }
  if (!taken.writes.empty()) JCM_RETURN_IF_ERROR(dependencies_.store->Write(taken.writes, store::Sync::kYes));
  partner.unsupported = taken.unsupported;
  if (taken.executed_size < taken.size && !taken.evidence.has_value() && !cursor.halted()) {
    JCM_ASSIGN_OR_RETURN(MirrorPage executed,
                         mirror.ExecuteStored(*dependencies_.store, own, kExecuteStoredPerPoll, verifier_));
    if (!executed.writes.empty()) JCM_RETURN_IF_ERROR(dependencies_.store->Write(executed.writes, store::Sync::kYes));
    taken.executed_size = executed.executed_size;
    taken.evidence = executed.evidence;
    taken.at_checkpoint = taken.size == taken.checkpoint.size && taken.executed_size == taken.size;
  }
  if (taken.evidence.has_value()) JCM_RETURN_IF_ERROR(OrderHalt(partner, *taken.evidence));
  // Neither imported nor cosigned until a Resolution.
  if (cursor.halted() || partner.halt.command.has_value()) taken.at_checkpoint = false;
  *result = std::move(taken);
  return absl::OkStatus();
}

absl::Status RegistryCore::OrderHalt(Partner& partner, const v1::Evidence& evidence) {
  JCM_ASSIGN_OR_RETURN(v1::CursorRecord cursor, Cursor(partner.partnership));
  if (cursor.halted() || partner.halt.command.has_value()) return absl::OkStatus();
  const std::string bytes = state::Serialise(evidence);
  v1::Halt halt;
  halt.set_mismatch(static_cast<v1::MismatchClass>(evidence.mismatch()));
  halt.set_peer_sequence(evidence.sequence());
  if (!evidence.leaf().empty()) {
    const bool hash = evidence.leaf().size() == sizeof(Digest);
    halt.set_peer_leaf_hash(hash ? evidence.leaf() : std::string(AsBytes(book::LeafHash(evidence.leaf()))));
  }
  halt.set_reason(evidence.reason());
  halt.set_detail(evidence.detail().substr(0, kHaltDetailBytesMax));
  halt.set_evidence_digest(std::string(AsBytes(Sha256(bytes))));
  store::WriteBatch writes;
  writes.Put(store::Family::kMirror, EvidenceKey(PeerBook(partner), evidence.sequence()), bytes);
  PutAlarm(partner, book::LeafKind::HALT, state::Serialise(halt), &writes);
  return dependencies_.store->Write(writes, store::Sync::kYes);
}

absl::Status RegistryCore::OnResolution(const std::string& partnership, const std::string& command,
                                        store::WriteBatch* writes) {
  v1::Resolution resolution;
  v1::ResolutionBody body;
  if (!resolution.ParseFromString(command) || !body.ParseFromString(resolution.resolution())) {
    return Error(Reason::STORE_CORRUPT, "resolution");
  }
  for (auto& entry : partners_) {
    Partner& partner = entry.second;
    if (partner.partnership != partnership) continue;
    partner.scanned_to = 0;
    partner.poll_now = true;
    const BookId peer_book = PeerBook(partner);
    JCM_ASSIGN_OR_RETURN(v1::BookHead head, ReadHead(*dependencies_.store, peer_book));
    if (body.kept_origin().empty() || body.kept_origin() != head.origin()) continue;
    // The writer's branch was kept: this copy of the other one is evidence, not a mirror. What was imported stays, as
    // the kept branch contains it; the rest is read anew, and the import's own frontier refuses anything else.
    const std::string prefix = BookPrefix(peer_book);
    for (store::Family family :
         {store::Family::kEntry, store::Family::kNode, store::Family::kState, store::Family::kNote}) {
      std::unique_ptr<store::Iterator> it = dependencies_.store->NewIterator(family, prefix, AfterPrefix(prefix));
      for (it->SeekToFirst(); it->Valid(); it->Next()) writes->Delete(family, it->key());
      JCM_RETURN_IF_ERROR(it->status());
    }
    writes->Delete(store::Family::kMeta, HeadKey(peer_book));
    writes->Delete(store::Family::kMeta, NotesKey(peer_book));
    JCM_ASSIGN_OR_RETURN(Digest kept_root, DigestFromBytes(body.kept_root()));
    JCM_RETURN_IF_ERROR(dependencies_.signer_record->Replace(
        peer_book, store::SignedTree{body.kept_size(), kept_root, dependencies_.clock->Now()},
        absl::StrCat("Resolution ", body.resolution_id())));
    partner.cosign_sent = 0;
  }
  return absl::OkStatus();
}

bool RegistryCore::QueueImports() {
  if (!Sequencing()) return false;
  bool worked = false;
  for (auto& entry : partners_) {
    Partner& partner = entry.second;
    if (!partner.import_scan || partner.import_pending || partner.halt.command.has_value() ||
        !CanOrder(partner.partnership)) {
      continue;
    }
    if (dependencies_.clock->MonotonicMicros() < partner.import_not_before_us) continue;
    absl::StatusOr<v1::BookHead> head = ReadHead(*dependencies_.store, PeerBook(partner));
    if (!head.ok()) {
      Fail(head.status());
      return true;
    }
    partner.import_scan = false;
    if (head->executed_size() <= partner.scanned_to) continue;
    absl::StatusOr<v1::CursorRecord> cursor = Cursor(partner.partnership);
    if (!cursor.ok() || cursor->halted() || cursor->imported_size() >= head->executed_size()) continue;
    absl::Status built = BuildImport(partner, *cursor, head->executed_size());
    if (HasReason(built, Reason::STORE_CORRUPT)) {
      Fail(built);
      return true;
    }
    if (!built.ok()) {
      partner.last_error = ToText(built);
      partner.import_scan = true;
    } else {
      // What did not fit into this one, or into a full queue, comes next.
      partner.import_scan = !partner.import_pending && partner.scanned_to < head->executed_size();
      worked = worked || partner.import_pending;
    }
  }
  return worked;
}

absl::Status RegistryCore::BuildImport(Partner& partner, const v1::CursorRecord& cursor, uint64_t executed_size) {
  const BookId peer_book = PeerBook(partner);
  std::shared_ptr<const RegistryView> view = View();
  JCM_ASSIGN_OR_RETURN(BookInfo info, view->Info(peer_book));
  // Only what a complete, signed checkpoint covers can be proven in the entry.
  const uint64_t covered = std::min(executed_size, info.checkpoint_size);
  v1::Import import;
  import.set_from(cursor.imported_size());
  bool triggers = false;
  size_t bytes = 0;
  uint64_t next = cursor.imported_size();
  const uint64_t limit = partner.import_entries > 0 ? partner.import_entries : options_.limits.import_entries;
  for (; next < covered && next - cursor.imported_size() < limit; ++next) {
    JCM_ASSIGN_OR_RETURN(v1::EntryRecord record, view->Entry(peer_book, next));
    JCM_ASSIGN_OR_RETURN(book::Leaf leaf, book::DecodeLeaf(record.leaf()));
    v1::Effects effects;
    if (!effects.ParseFromString(record.effects())) return Error(Reason::STORE_CORRUPT, "effects");
    v1::ImportedEntry entry;
    entry.set_leaf(record.leaf());
    const bool with_command = NeedsCommand(leaf.kind);
    if (with_command || rules::TouchesPublishedTables(effects)) {
      entry.set_has_body(true);
      entry.set_effects(record.effects());
      if (with_command) entry.set_command(record.command());
    }
    bytes += entry.ByteSizeLong();
    if (next > cursor.imported_size() && bytes > options_.limits.import_bytes) break;
    *import.add_entries() = std::move(entry);
    triggers = triggers || rules::TriggersImport(leaf.kind, effects);
  }
  if (next == cursor.imported_size()) return absl::OkStatus();
  if (!triggers) {
    // Imports, ticks and state roots alone trigger none: the two books would answer each other for ever.
    if (next == covered) partner.scanned_to = executed_size;
    if (next == covered) return absl::OkStatus();
  }
  import.set_to(next);
  partner.last_import_entries = next - cursor.imported_size();
  JCM_ASSIGN_OR_RETURN(std::string note, view->NewestNote(peer_book));
  import.set_checkpoint(note);
  JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof, view->ConsistencyProof(peer_book, next, info.checkpoint_size));
  for (const Digest& hash : proof) import.add_consistency_proof(std::string(AsBytes(hash)));
  partner.import_pending = QueueSystem(partner.partnership, book::LeafKind::IMPORT, state::Serialise(import));
  return absl::OkStatus();
}

}  // namespace jcm::registry
