// What a partner's node may ask, and the same as files. The caller's registry comes from its TLS certificate; a partner
// sees the books of the common partnership and nothing else.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

constexpr uint64_t kOffsiteBlobsPerAnswer = 64;
constexpr size_t kOffsiteBytesPerAnswer = 2u << 20;
constexpr size_t kOffsiteBlobBytesMax = 1u << 20;
constexpr size_t kFileWaitersMax = 16;
constexpr uint64_t kFileGiveUpMicros = 10'000'000;

}  // namespace

RegistryCore::Partner* RegistryCore::FindPartner(const std::string& registry) {
  auto it = partners_.find(registry);
  return it == partners_.end() ? nullptr : &it->second;
}

absl::StatusOr<std::string> RegistryCore::HandlePeerCall(const std::string& peer_registry, PeerTransport::Method method,
                                                         const std::string& request) {
  JCM_RETURN_IF_ERROR(CheckMaySpeak());
  Partner* partner = FindPartner(peer_registry);
  if (partner == nullptr) return Error(Reason::METHOD_NOT_ALLOWED, absl::StrCat(peer_registry, " is no partner here"));
  switch (method) {
    case PeerTransport::Method::kReadEntries:
      return ServeEntries(*partner, request);
    case PeerTransport::Method::kReadMirror:
      return ServeMirror(*partner, request);
    case PeerTransport::Method::kPutOffsite:
      partner->poll_now = true;  // it has just written: its new entries are worth fetching
      return KeepOffsite(*partner, request);
    case PeerTransport::Method::kReadOffsite:
      return ServeOffsite(*partner, request);
    case PeerTransport::Method::kAddCosignature: {
      mirror_v1::AddCosignatureRequest parsed;
      JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
      absl::StatusOr<uint64_t> size = TakeCosignature(peer_registry, parsed.book(), parsed.note());
      if (HasReason(size.status(), Reason::PEER_SIGNATURE_INVALID)) ++partner->refused_messages;
      JCM_RETURN_IF_ERROR(size.status());
      mirror_v1::AddCosignatureResponse response;
      response.set_size(*size);
      return response.SerializeAsString();
    }
    default:
      break;
  }
  return Error(Reason::METHOD_NOT_ALLOWED);
}

absl::Status RegistryCore::CheckMaySpeak() const {
  if (!quarantine_.empty()) return Error(Reason::REPLICA_QUARANTINED, quarantine_);
  if (!failure_.ok()) return Error(Reason::STORE_FAILED, failure_.message());
  return absl::OkStatus();
}

void RegistryCore::AnswerPeer(const std::string& peer_registry, PeerTransport::Method method,
                              const std::string& request, PeerTransport::Done done) {
  absl::StatusOr<std::string> answer = HandlePeerCall(peer_registry, method, request);
  NoticeDamage(answer.status());
  if (method != PeerTransport::Method::kPutOffsite || !answer.ok() || siblings_.empty()) return done(std::move(answer));
  // Kept for another government: on more than one disk before it is said to be kept.
  struct Count {
    size_t kept = 1;
    size_t waiting = 0;
    bool answered = false;
  };
  auto count = std::make_shared<Count>();
  count->waiting = siblings_.size();
  const size_t needed = Majority();
  replica_v1::KeepOffsiteRequest copies;
  copies.set_peer_registry(peer_registry);
  JCM_CHECK(copies.mutable_copies()->ParseFromString(request));
  const std::string bytes = copies.SerializeAsString();
  for (const auto& entry : siblings_) {
    CallSibling(entry.first, PeerTransport::Method::kKeepOffsite, bytes,
                [count, needed, done, answer](absl::StatusOr<std::string> kept) {
                  --count->waiting;
                  if (kept.ok()) ++count->kept;
                  if (count->answered || (count->kept < needed && count->waiting > 0)) return;
                  count->answered = true;
                  if (count->kept >= needed) return done(answer);
                  done(Error(Reason::MIRROR_BEHIND, "too few replicas could keep the copies"));
                });
  }
}

absl::StatusOr<mirror_v1::ReadEntriesResponse> RegistryCore::PageOf(const BookId& book, uint64_t from,
                                                                    uint64_t limit) const {
  std::shared_ptr<const RegistryView> view = View();
  mirror_v1::ReadEntriesResponse page;
  page.set_book(book.ToString());
  page.set_from(from);
  page.set_now_us(dependencies_.clock->Now().micros);
  absl::StatusOr<BookInfo> info = view->Info(book);
  if (HasReason(info.status(), Reason::BOOK_UNKNOWN)) return page;  // it has no entries yet
  JCM_RETURN_IF_ERROR(info.status());
  JCM_ASSIGN_OR_RETURN(std::string note, view->NewestNote(book));
  page.set_checkpoint(note);
  const uint64_t size = info->checkpoint_size;
  size_t bytes = 0;
  uint64_t next = from;
  limit =
      std::min<uint64_t>(limit == 0 ? options_.limits.mirror_page_entries : limit, options_.limits.mirror_page_entries);
  for (; next < size && next - from < limit; ++next) {
    JCM_ASSIGN_OR_RETURN(v1::EntryRecord entry, view->Entry(book, next));
    bytes += entry.ByteSizeLong();
    if (next > from && bytes > options_.limits.mirror_page_bytes) break;
    *page.add_entries() = std::move(entry);
  }
  if (next == 0 || next > size) return page;
  JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof, view->ConsistencyProof(book, next, size));
  for (const Digest& hash : proof) page.add_consistency_proof(std::string(AsBytes(hash)));
  if (from > 0) {
    JCM_ASSIGN_OR_RETURN(Digest prior, view->LeafHash(book, from - 1));
    JCM_ASSIGN_OR_RETURN(std::vector<Digest> path, view->InclusionProof(book, from - 1, size));
    page.set_prior_leaf_hash(std::string(AsBytes(prior)));
    for (const Digest& hash : path) page.add_prior_leaf_proof(std::string(AsBytes(hash)));
  }
  return page;
}

absl::StatusOr<std::string> RegistryCore::ServeEntries(Partner& partner, const std::string& request) {
  mirror_v1::ReadEntriesRequest parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
  const BookId book{options_.registry, partner.partnership};
  if (parsed.book() != book.ToString()) return Error(Reason::BOOK_UNKNOWN, parsed.book());
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, book));
  if (parsed.from() < notes.cosigned_size()) {
    // Only who orders sends sealed copies: it must hear of this. A partner that is refused here asks the next replica.
    if (!Sequencing()) return Error(Reason::NOT_SEQUENCER, "sealed copies may be lost there");
    // It once cosigned more than it has now: it lost its disk, and with it the sealed copies that it kept for this
    // registry. That is written down, or a crash here would leave it without them for good.
    partner.offsite_in_flight = 0;
    if (partner.offsite_sent > 0) {
      store::WriteBatch writes;
      writes.Put(store::Family::kMeta, OffsiteAcknowledgedKey(partner.registry), state::SortableNumber(0));
      JCM_RETURN_IF_ERROR(dependencies_.store->Write(writes, store::Sync::kNo));
    }
    partner.offsite_sent = 0;
  }
  JCM_ASSIGN_OR_RETURN(mirror_v1::ReadEntriesResponse page, PageOf(book, parsed.from(), parsed.limit()));
  return page.SerializeAsString();
}

absl::StatusOr<std::string> RegistryCore::ServeMirror(const Partner& partner, const std::string& request) {
  mirror_v1::ReadMirrorRequest parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
  const BookId book = PeerBook(partner);
  if (parsed.book() != book.ToString()) return Error(Reason::BOOK_UNKNOWN, parsed.book());
  std::shared_ptr<const RegistryView> view = View();
  mirror_v1::ReadMirrorResponse response;
  response.set_now_us(dependencies_.clock->Now().micros);
  absl::StatusOr<BookInfo> info = view->Info(book);
  if (HasReason(info.status(), Reason::BOOK_UNKNOWN)) return response.SerializeAsString();
  JCM_RETURN_IF_ERROR(info.status());
  // Up to the newest checkpoint that the mirror holds completely: that much the writer can verify by its own signature.
  const uint64_t size = std::min(info->size, info->checkpoint_size);
  response.set_mirror_size(size);
  JCM_ASSIGN_OR_RETURN(std::string note, view->NewestNote(book));
  response.set_checkpoint(note);
  size_t bytes = 0;
  const uint64_t limit = parsed.limit() == 0 ? 1'000 : std::min<uint64_t>(parsed.limit(), 1'000);
  for (uint64_t next = parsed.from(); next < size && next - parsed.from() < limit; ++next) {
    JCM_ASSIGN_OR_RETURN(v1::EntryRecord entry, view->Entry(book, next));
    bytes += entry.ByteSizeLong();
    if (next > parsed.from() && bytes > options_.limits.mirror_page_bytes) break;
    *response.add_entries() = std::move(entry);
  }
  const uint64_t reached = parsed.from() + static_cast<uint64_t>(response.entries_size());
  if (!response.entries().empty()) {
    JCM_ASSIGN_OR_RETURN(std::vector<Digest> proof, view->ConsistencyProof(book, reached, size));
    for (const Digest& hash : proof) response.add_consistency_proof(std::string(AsBytes(hash)));
  }
  return response.SerializeAsString();
}

absl::Status RegistryCore::KeepBlob(const Partner& partner, const mirror_v1::OffsiteBlob& blob,
                                    store::WriteBatch* writes, uint64_t* kept) const {
  if (blob.sealed().empty() || blob.sealed().size() > kOffsiteBlobBytesMax) {
    return Error(Reason::COMMAND_TOO_LARGE, "off-site blob");
  }
  const std::string key = OffsiteInKey(partner.registry, blob.log_index());
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> present, dependencies_.store->Get(store::Family::kOffsite, key));
  // What was kept first stays: nobody who has taken over a node can overwrite its past.
  if (present.has_value()) return absl::OkStatus();
  if (*kept >= options_.limits.offsite_blobs_per_partner) {
    return Error(Reason::QUEUE_FULL, absl::StrCat("off-site copies of ", partner.registry, ": ", *kept));
  }
  ++*kept;
  writes->Put(store::Family::kOffsite, key, blob.sealed());
  return absl::OkStatus();
}

absl::StatusOr<std::string> RegistryCore::KeepOffsite(const Partner& partner, const std::string& request) {
  mirror_v1::PutOffsiteRequest parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
  if (parsed.more_size() >= kOffsiteBlobsPerPut) return Error(Reason::COMMAND_TOO_LARGE, "off-site blobs");
  mirror_v1::OffsiteBlob first;
  first.set_log_index(parsed.log_index());
  first.set_sealed(std::move(*parsed.mutable_sealed()));
  store::WriteBatch writes;
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> count,
                       dependencies_.store->Get(store::Family::kMeta, OffsiteKeptKey(partner.registry)));
  uint64_t kept = count.has_value() ? state::FromSortableNumber(*count) : 0;
  JCM_RETURN_IF_ERROR(KeepBlob(partner, first, &writes, &kept));
  mirror_v1::PutOffsiteResponse response;
  response.set_newest_log_index(first.log_index());
  for (const mirror_v1::OffsiteBlob& blob : parsed.more()) {
    if (blob.log_index() <= response.newest_log_index()) return Error(Reason::MESSAGE_MALFORMED, "off-site blobs");
    JCM_RETURN_IF_ERROR(KeepBlob(partner, blob, &writes, &kept));
    response.set_newest_log_index(blob.log_index());
  }
  if (!writes.empty()) {
    writes.Put(store::Family::kMeta, OffsiteKeptKey(partner.registry), state::SortableNumber(kept));
    JCM_RETURN_IF_ERROR(dependencies_.store->Write(writes, store::Sync::kYes));
  }
  return response.SerializeAsString();
}

absl::StatusOr<std::string> RegistryCore::ServeOffsite(const Partner& partner, const std::string& request) {
  mirror_v1::ReadOffsiteRequest parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
  const std::string prefix = absl::StrCat("in/", partner.registry, "/");
  mirror_v1::ReadOffsiteResponse response;
  std::unique_ptr<store::Iterator> it =
      dependencies_.store->NewIterator(store::Family::kOffsite, prefix, AfterPrefix(prefix));
  it->SeekToLast();
  if (it->Valid()) response.set_newest_log_index(state::FromSortableNumber(it->key().substr(prefix.size())));
  size_t bytes = 0;
  for (it->Seek(OffsiteInKey(partner.registry, parsed.from_log_index())); it->Valid(); it->Next()) {
    bytes += it->value().size();
    if (static_cast<uint64_t>(response.blobs_size()) >= kOffsiteBlobsPerAnswer ||
        (response.blobs_size() > 0 && bytes > kOffsiteBytesPerAnswer)) {
      break;
    }
    mirror_v1::OffsiteBlob* blob = response.add_blobs();
    blob->set_log_index(state::FromSortableNumber(it->key().substr(prefix.size())));
    blob->set_sealed(std::string(it->value()));
  }
  JCM_RETURN_IF_ERROR(it->status());
  return response.SerializeAsString();
}

absl::StatusOr<std::string> RegistryCore::ExportMirrorFile(const BookId& book, uint64_t from) {
  if (book.registry != options_.registry || book.is_home() || books_.count(book.partnership) == 0) {
    return Error(Reason::BOOK_UNKNOWN, book.ToString());
  }
  JCM_ASSIGN_OR_RETURN(mirror_v1::ReadEntriesResponse page, PageOf(book, from, 0));
  // Nothing signs the clock's reading, and in a file it means nothing: every byte of a file can be verified.
  page.clear_now_us();
  return page.SerializeAsString();
}

// The cosignature of k replicas at that size, for the partner; nullopt as long as fewer have made it.
absl::StatusOr<absl::optional<std::string>> RegistryCore::CosignatureFile(const Partner& partner, uint64_t size) const {
  const BookId peer_book = PeerBook(partner);
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, peer_book));
  if (notes.cosigned_size() < size) return absl::optional<std::string>();
  JCM_ASSIGN_OR_RETURN(std::string note, View()->CosignedNote(peer_book));
  mirror_v1::AddCosignatureRequest cosignature;
  cosignature.set_book(peer_book.ToString());
  cosignature.set_note(note);
  return absl::optional<std::string>(cosignature.SerializeAsString());
}

void RegistryCore::ImportMirrorFile(absl::string_view file, std::function<void(absl::StatusOr<std::string>)> done) {
  mirror_v1::ReadEntriesResponse page;
  absl::Status status = CheckMaySpeak();
  if (status.ok()) status = ParseStrict(file, &page);
  if (!status.ok()) return done(status);
  const auto of = std::find_if(partners_.begin(), partners_.end(),
                               [&](const auto& entry) { return page.book() == PeerBook(entry.second).ToString(); });
  if (of == partners_.end()) return done(Error(Reason::BOOK_UNKNOWN, page.book()));
  Partner& partner = of->second;
  MirrorPage result;
  status = TakePage(partner, page, &result);
  if (HasReason(status, Reason::PEER_SIGNATURE_INVALID)) ++partner.refused_messages;
  if (status.ok() && result.evidence.has_value()) {
    status = Error(static_cast<Reason>(result.evidence->reason()), result.evidence->detail());
  }
  if (status.ok() && !result.at_checkpoint) {
    // The rest of the book is in the files that follow; siblings take the part too.
    AskForCosignatures(partner, page);
    return done(std::string());
  }
  if (status.ok()) status = CosignMirror(partner).status();
  if (!status.ok()) return done(status);
  const absl::StatusOr<absl::optional<std::string>> cosigned = CosignatureFile(partner, result.size);
  if (!cosigned.ok()) return done(cosigned.status());
  if (cosigned->has_value()) return done(**cosigned);
  if (file_waiters_.size() >= kFileWaitersMax) {
    return done(Error(Reason::QUEUE_FULL, absl::StrCat("files: ", file_waiters_.size())));
  }
  AskForCosignatures(partner, page);
  const uint64_t give_up_us = dependencies_.clock->MonotonicMicros() + kFileGiveUpMicros;
  file_waiters_.push_back(FileWaiter{partner.registry, result.size, give_up_us, std::move(done)});
}

bool RegistryCore::ServeFileWaiters() {
  bool worked = false;
  for (auto it = file_waiters_.begin(); it != file_waiters_.end();) {
    absl::StatusOr<absl::optional<std::string>> cosigned = CosignatureFile(partners_.at(it->registry), it->size);
    const bool late = dependencies_.clock->MonotonicMicros() >= it->give_up_us;
    if (cosigned.ok() && !cosigned->has_value() && !late && failure_.ok()) {
      ++it;
      continue;
    }
    absl::StatusOr<std::string> answer =
        Error(Reason::COSIGN_TIMEOUT, "fewer replicas than needed cosigned it; import the file again");
    if (!cosigned.ok()) answer = cosigned.status();
    if (cosigned.ok() && cosigned->has_value()) answer = **cosigned;
    const auto done = std::move(it->done);
    it = file_waiters_.erase(it);
    done(std::move(answer));
    worked = true;
  }
  return worked;
}

}  // namespace jcm::registry
