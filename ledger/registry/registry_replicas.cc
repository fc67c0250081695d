// Siblings: the other replicas of the same registry. They share the log; here they tell each other how they stand, what
// they signed. A checkpoint or a cosignature leaves the registry only with k of n signatures over one tree; a replica
// whose tree k others contradict speaks no more. What they hand to each other: registry_forward.cc,
// registry_handover.cc.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/note.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

using Method = PeerTransport::Method;

constexpr uint64_t kExchangeIntervalMicros = 200'000;
// A sibling that has not answered for so long is taken for dead; being wrong costs lost slots, never correctness.
constexpr uint64_t kSiblingDeadMicros = 700'000;
constexpr uint64_t kHintIntervalMicros = 100'000;
constexpr size_t kNotesPerExchange = 64;
constexpr size_t kEarlyNotesMax = 64;

}  // namespace

size_t RegistryCore::Majority() const { return (siblings_.size() + 1) / 2 + 1; }

void RegistryCore::CallSibling(const std::string& name, Method method, std::string request, PeerTransport::Done done) {
  dependencies_.transport->Call(absl::StrCat(options_.registry, "/", name), method, std::move(request),
                                std::move(done));
}

// ---- how we stand --------------------------------------------------------------------------------------------------

replica_v1::ReplicaState RegistryCore::OwnState() const {
  replica_v1::ReplicaState state;
  state.set_replica(options_.replica_name);
  state.set_now_us(dependencies_.clock->Now().micros);
  state.set_generation(applied_.generation);
  state.set_applied_index(applied_.index);
  state.set_durable_index(durable_index_);
  state.set_sequencing(Sequencing());
  state.set_quarantine(quarantine_);
  state.set_caught_up(caught_up_);
  state.set_clock_stopped(guard_ != nullptr && !guard_->running());
  if (!failure_.ok()) {
    state.set_stopped(ToText(failure_));
    return state;
  }
  for (const auto& entry : partners_) {
    replica_v1::OffsiteAcknowledged* acknowledged = state.add_offsite();
    acknowledged->set_registry(entry.first);
    acknowledged->set_position(entry.second.offsite_sent);
  }
  if (!quarantine_.empty() || !caught_up_) return state;
  std::shared_ptr<const RegistryView> view = View();
  const auto add = [&state](absl::StatusOr<std::string> note) {
    if (note.ok() && !note->empty() && static_cast<size_t>(state.notes_size()) < kNotesPerExchange) {
      state.add_notes(*std::move(note));
    }
  };
  for (const auto& entry : partners_) add(view->CosignedNote(PeerBook(entry.second)));
  for (const auto& entry : books_) {
    const OwnBook& book = entry.second;
    if (book.state != BookState::kOrdering) continue;
    absl::StatusOr<BookInfo> info = view->Info(book.id);
    if (!info.ok()) continue;
    replica_v1::BookState* ours = state.add_books();
    ours->set_partnership(entry.first);
    ours->set_size(info->size);
    ours->set_root(std::string(AsBytes(info->root)));
    add(view->CosignedNote(book.id));
    add(view->NewestNote(book.id));
    // The newest lines that are not complete: one may be that of a slower sibling.
    const auto signatures = signatures_.find(entry.first);
    if (signatures == signatures_.end()) continue;
    const std::string origin = book::OriginOf(options_.domain, book.id);
    for (const auto& lines : signatures->second.lines) {
      absl::StatusOr<Digest> root = view->Root(book.id, lines.first);
      if (!root.ok()) continue;
      book::Note note = book::UnsignedCheckpoint({origin, lines.first, *root});
      note.signatures = lines.second;
      add(book::FormatNote(note));
    }
  }
  return state;
}

void RegistryCore::ExchangeWith(Sibling& sibling) {
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  sibling.in_flight = true;
  sibling.push = false;
  sibling.next_us = now + kExchangeIntervalMicros;
  replica_v1::ExchangeRequest request;
  *request.mutable_state() = OwnState();
  const std::string name = sibling.name;
  CallSibling(name, Method::kExchange, request.SerializeAsString(), [this, name](absl::StatusOr<std::string> answer) {
    Sibling& sibling = siblings_.at(name);
    sibling.in_flight = false;
    replica_v1::ExchangeResponse response;
    absl::Status status = answer.status();
    if (status.ok()) status = ParseStrict(*answer, &response);
    if (status.ok() && response.state().stopped().empty()) return TakeState(sibling, response.state());
    if (status.ok()) {
      sibling.state = response.state();
      status = absl::UnavailableError(sibling.state.stopped());
    }
    if (sibling.first_failure_us == 0) sibling.first_failure_us = dependencies_.clock->MonotonicMicros();
    sibling.reachable = false;
    sibling.last_error = std::string(status.message());
  });
}

bool RegistryCore::ServeSiblings() {
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  bool worked = false;
  for (auto& entry : siblings_) {
    Sibling& sibling = entry.second;
    // A push to one that does not answer waits for its turn.
    if (sibling.in_flight || (now < sibling.next_us && !(sibling.push && sibling.reachable))) continue;
    ExchangeWith(sibling);
    worked = true;
  }
  return worked;
}

void RegistryCore::TakeState(Sibling& sibling, const replica_v1::ReplicaState& state) {
  // Either of the two may have been away, and missed keys.
  if (!sibling.reachable) vault_pull_.from.insert(sibling.name);
  sibling.reachable = true;
  sibling.first_failure_us = 0;
  sibling.last_error.clear();
  sibling.state = state;
  sibling.state.clear_notes();
  const BookTime theirs = BookTime::FromMicros(state.now_us());
  sibling.clock_skew_us =
      static_cast<int64_t>(state.now_us()) - static_cast<int64_t>(dependencies_.clock->Now().micros);
  guard_->OnPeerTime(ReadClock(), theirs);
  if (!state.quarantine().empty()) return;  // nothing that it says counts
  if (state.applied_index() > tail_.index) doorbell_ = true;
  for (const replica_v1::OffsiteAcknowledged& acknowledged : state.offsite()) {
    Partner* partner = FindPartner(acknowledged.registry());
    // Only from who orders: it alone sends copies, and knows when a partner has lost them. In a recovery it counts what
    // it has read, which may be lost with it.
    if (partner == nullptr || !state.sequencing() || Recovering(kHome) ||
        acknowledged.position() == partner->offsite_sent) {
      continue;
    }
    partner->offsite_sent = acknowledged.position();
    offsite_acknowledged_ = std::max(offsite_acknowledged_, partner->offsite_sent);
    store::WriteBatch writes;
    writes.Put(store::Family::kMeta, OffsiteAcknowledgedKey(partner->registry),
               state::SortableNumber(partner->offsite_sent));
    absl::Status written = dependencies_.store->Write(writes, store::Sync::kNo);
    if (!written.ok()) return Fail(written);
  }
  if (!caught_up_ || !quarantine_.empty()) return;
  for (const replica_v1::BookState& book : state.books()) ConfirmBook(book);
  CompareBooks();
  if (!quarantine_.empty()) return;
  for (const std::string& note : state.notes()) {
    absl::Status taken = TakeNote(sibling.name, note);
    if (!taken.ok()) sibling.last_error = ToText(taken);
    if (HasReason(taken, Reason::STORE_FAILED) || HasReason(taken, Reason::STORE_CORRUPT)) return Fail(taken);
  }
}

// After the same batch the same books: where enough siblings agree on others, this replica has executed something else.
// Its tree may be smaller than theirs, so that no signature of theirs ever meets one of its own.
void RegistryCore::CompareBooks() {
  const auto alike = std::count_if(siblings_.begin(), siblings_.end(), [this](const auto& entry) {
    return entry.second.reachable && entry.second.state.applied_index() == applied_.index;
  });
  if (static_cast<size_t>(alike) < Majority()) return;
  for (const auto& entry : books_) {
    if (entry.second.state != BookState::kOrdering) continue;
    absl::StatusOr<BookInfo> info = View()->Info(entry.second.id);
    if (!info.ok()) continue;
    std::map<std::pair<uint64_t, std::string>, size_t> others;
    for (const auto& sibling : siblings_) {
      const replica_v1::ReplicaState& state = sibling.second.state;
      if (!sibling.second.reachable || !state.quarantine().empty() || state.generation() != applied_.generation ||
          state.applied_index() != applied_.index) {
        continue;
      }
      for (const replica_v1::BookState& theirs : state.books()) {
        if (theirs.partnership() != entry.first) continue;
        if (theirs.size() != info->size || theirs.root() != AsBytes(info->root)) {
          ++others[{theirs.size(), theirs.root()}];
        }
      }
    }
    for (const auto& other : others) {
      if (other.second < Majority()) continue;
      return Quarantine(absl::StrCat(entry.second.id.ToString(), " has ", info->size, " entries after batch ",
                                     applied_.index, ", ", other.second, " siblings have ", other.first.first,
                                     other.first.first == info->size ? ", other ones" : ""));
    }
  }
}

bool RegistryCore::SiblingIsAhead() const {
  return std::any_of(siblings_.begin(), siblings_.end(), [this](const auto& entry) {
    const Sibling& sibling = entry.second;
    const bool counts = sibling.reachable || !sibling.state.stopped().empty();
    return counts && sibling.state.quarantine().empty() && sibling.state.applied_index() > tail_.index;
  });
}

bool RegistryCore::SiblingKeepsTime() const {
  return std::any_of(siblings_.begin(), siblings_.end(), [](const auto& entry) {
    const Sibling& sibling = entry.second;
    return sibling.reachable && sibling.state.caught_up() && sibling.state.quarantine().empty() &&
           !sibling.state.clock_stopped();
  });
}

// A sibling that orders and signs a book says where it stands: that answers for a replica whose signer's record is
// missing, or whose store was put back from a copy.
void RegistryCore::ConfirmBook(const replica_v1::BookState& theirs) {
  const auto it = books_.find(theirs.partnership());
  if (it == books_.end() || it->second.state != BookState::kRecovering) return;
  OwnBook& book = it->second;
  const uint64_t size = BookSize(book.id);
  if (theirs.size() == 0 || size < theirs.size() || size < book.record_size) return;
  absl::StatusOr<Digest> root = View()->Root(book.id, theirs.size());
  if (!root.ok()) return;
  if (AsBytes(*root) != theirs.root()) {
    return Quarantine(absl::StrCat(book.id.ToString(), " at ", theirs.size(), ": a sibling's tree is another one"));
  }
  book.answered = true;
  absl::Status finished = FinishRecovery(book);
  if (!finished.ok()) Fail(finished);
}

// ---- k of n --------------------------------------------------------------------------------------------------------

absl::Status RegistryCore::TakeNote(const std::string& sibling, const std::string& bytes) {
  JCM_ASSIGN_OR_RETURN(book::Note note, book::ParseNote(bytes));
  JCM_ASSIGN_OR_RETURN(book::Checkpoint checkpoint, book::ParseCheckpoint(note.text));
  for (auto& entry : books_) {
    OwnBook& book = entry.second;
    if (checkpoint.origin != book::OriginOf(options_.domain, book.id)) continue;
    if (checkpoint.size > BookSize(book.id)) {
      auto& early = signatures_[entry.first].early;
      early[{checkpoint.size, sibling}] = bytes;
      if (early.size() > kEarlyNotesMax) early.erase(early.begin());
      return absl::OkStatus();
    }
    return TakeLines(sibling, book, note, checkpoint);
  }
  for (auto& entry : partners_) {
    JCM_ASSIGN_OR_RETURN(v1::BookHead head, ReadHead(*dependencies_.store, PeerBook(entry.second)));
    if (!head.origin().empty() && head.origin() == checkpoint.origin) {
      return TakeOwnCosignature(entry.second, head.size(), note, checkpoint);
    }
  }
  return absl::OkStatus();  // of a book that has not begun here
}

// The partner's book, cosigned by this registry: a sibling has the lines of k.
absl::Status RegistryCore::TakeOwnCosignature(Partner& partner, uint64_t size, const book::Note& note,
                                              const book::Checkpoint& checkpoint) {
  const BookId peer_book = PeerBook(partner);
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, peer_book));
  if (checkpoint.size <= notes.cosigned_size() || checkpoint.size > size) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(Digest root, View()->Root(peer_book, checkpoint.size));
  if (root != checkpoint.root) return absl::OkStatus();  // a fork is found where the pages come in
  JCM_ASSIGN_OR_RETURN(book::KeySet keys, OwnKeys({options_.registry, partner.partnership}, UINT64_MAX));
  JCM_ASSIGN_OR_RETURN(book::Cosignatures cosigned, book::VerifyCosignatures(note, keys));
  if (!cosigned.enough) return absl::OkStatus();
  notes.set_cosigned_size(checkpoint.size);
  notes.set_cosigned_at_us(cosigned.cosigned_at->micros);
  store::WriteBatch writes;
  writes.Put(store::Family::kNote, CosignedNoteKey(peer_book, checkpoint.size), book::FormatNote(note));
  writes.Put(store::Family::kMeta, NotesKey(peer_book), state::Serialise(notes));
  return dependencies_.store->Write(writes, store::Sync::kNo);
}

bool RegistryCore::BringsNews(const BookId& id, const book::Note& note, uint64_t size) const {
  absl::StatusOr<v1::BookNotes> notes = ReadNotes(*dependencies_.store, id);
  if (!notes.ok()) return true;
  const std::string ours = book::KeyNameOf(options_.domain, options_.registry, "");
  const auto signatures = signatures_.find(id.partnership);
  for (const book::NoteSignature& line : note.signatures) {
    if (!absl::StartsWith(line.key_name, ours)) {
      if (size > notes->cosigned_size()) return true;
      continue;
    }
    if (size <= notes->checkpoint_size()) continue;
    if (signatures == signatures_.end()) return true;
    const auto at = signatures->second.lines.find(size);
    if (at == signatures->second.lines.end() ||
        std::find(at->second.begin(), at->second.end(), line) == at->second.end()) {
      return true;
    }
  }
  return false;
}

absl::Status RegistryCore::TakeLines(const std::string& sibling, OwnBook& book, const book::Note& note,
                                     const book::Checkpoint& checkpoint) {
  JCM_ASSIGN_OR_RETURN(Digest root, View()->Root(book.id, checkpoint.size));
  // Most of what siblings say is known already, and signatures are dear.
  if (checkpoint.root == root && !BringsNews(book.id, note, checkpoint.size)) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(book::KeySet keys, OwnKeys(book.id, checkpoint.size));
  JCM_ASSIGN_OR_RETURN(book::VerifiedCheckpoint verified, book::FindSigners(note, keys));
  const std::string& partnership = book.id.partnership;
  if (checkpoint.root != root) {
    std::set<std::string>& others = signatures_[partnership].others[checkpoint.size][checkpoint.root];
    others.insert(verified.signers.begin(), verified.signers.end());
    others.erase(KeyName());
    const std::string what = absl::StrCat(book.id.ToString(), " at ", checkpoint.size);
    if (others.size() >= keys.k) Quarantine(absl::StrCat(what, ": ", keys.k, " siblings signed another tree"));
    warnings_.insert(absl::StrCat("INTERNAL: replica ", sibling, " signed another tree of ", what));
    return absl::OkStatus();
  }
  JCM_ASSIGN_OR_RETURN(v1::BookNotes notes, ReadNotes(*dependencies_.store, book.id));
  if (checkpoint.size > notes.checkpoint_size()) {
    for (const book::NoteSignature& line : note.signatures) {
      const bool signer =
          std::find(verified.signers.begin(), verified.signers.end(), line.key_name) != verified.signers.end();
      if (signer) AddLine(book.id, checkpoint.size, line);
    }
    JCM_RETURN_IF_ERROR(CompleteCheckpoint(book.id, checkpoint.size));
    ForgetCoveredMarks();
  }
  if (checkpoint.size <= notes.cosigned_size() || note.signatures.size() <= verified.signers.size()) {
    return absl::OkStatus();
  }
  for (const auto& partner : partners_) {
    if (partner.second.partnership != partnership) continue;
    absl::Status taken = TakeCosignature(partner.first, book.id.ToString(), book::FormatNote(note)).status();
    if (!taken.ok() && !HasReason(taken, Reason::MIRROR_BEHIND)) return taken;
  }
  return absl::OkStatus();
}

void RegistryCore::RetakeEarlyNotes() {
  for (auto& entry : books_) {
    auto& early = signatures_[entry.first].early;
    const uint64_t size = BookSize(entry.second.id);
    while (!early.empty() && early.begin()->first.first <= size) {
      const std::string sibling = early.begin()->first.second;
      const std::string note = std::move(early.begin()->second);
      early.erase(early.begin());
      absl::Status taken = TakeNote(sibling, note);
      if (!taken.ok()) warnings_.insert(absl::StrCat("SIBLING ", sibling, ": ", ToText(taken)));
    }
  }
}

void RegistryCore::Quarantine(std::string detail) {
  if (!quarantine_.empty()) return;
  quarantine_ = std::move(detail);
  warnings_.insert(absl::StrCat("QUARANTINE: ", quarantine_));
  store::WriteBatch writes;
  writes.Put(store::Family::kMeta, kQuarantineKey, quarantine_);
  absl::Status written = dependencies_.store->Write(writes, store::Sync::kYes);
  if (dependencies_.hint != nullptr) dependencies_.hint->Resign();
  if (!written.ok()) Fail(written);
}

// ---- who orders ----------------------------------------------------------------------------------------------------

void RegistryCore::KeepHint() {
  if (!Shared() || !caught_up_ || !quarantine_.empty()) return;
  const std::string holder = dependencies_.hint->Holder();
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  if (!guard_->running() && SiblingKeepsTime()) {
    // Who may not stamp makes room for one that may.
    if (holder == options_.replica_name) dependencies_.hint->Resign();
    return;
  }
  if (holder == options_.replica_name || now < next_hint_us_) return;
  next_hint_us_ = now + kHintIntervalMicros;
  if (holder.empty()) return dependencies_.hint->Campaign();
  const auto it = siblings_.find(holder);
  const auto silent = [now](const Sibling& sibling, uint64_t for_us) {
    return !sibling.state.quarantine().empty() ||
           (sibling.first_failure_us != 0 && now - sibling.first_failure_us >= for_us);
  };
  if (it != siblings_.end() && !silent(it->second, kSiblingDeadMicros)) return;
  // One after the other by name, so that two don't reach for it at once.
  uint64_t turn = 1;
  for (const auto& entry : siblings_) {
    if (entry.first != holder && entry.first < options_.replica_name && !silent(entry.second, kSiblingDeadMicros)) {
      ++turn;
    }
  }
  if (it == siblings_.end() || silent(it->second, turn * kSiblingDeadMicros)) dependencies_.hint->TakeOver(holder);
}

// ---- the door for siblings -----------------------------------------------------------------------------------------

void RegistryCore::AnswerSibling(const std::string& sibling, Method method, const std::string& request,
                                 PeerTransport::Done done) {
  const auto known = siblings_.find(sibling);
  if (known == siblings_.end()) return done(Error(Reason::METHOD_NOT_ALLOWED, absl::StrCat(sibling, " is no sibling")));
  if (!failure_.ok() && method != Method::kExchange) return done(Error(Reason::STORE_FAILED, failure_.message()));
  switch (method) {
    case Method::kExchange: {
      replica_v1::ExchangeRequest parsed;
      absl::Status status = ParseStrict(request, &parsed);
      if (!status.ok()) return done(status);
      if (failure_.ok()) TakeState(known->second, parsed.state());
      replica_v1::ExchangeResponse response;
      *response.mutable_state() = OwnState();
      return done(response.SerializeAsString());
    }
    case Method::kReadVaultKeys:
      return done(AnswerReadVaultKeys(request));
    default:
      break;
  }
  if (!quarantine_.empty()) return done(Error(Reason::REPLICA_QUARANTINED, quarantine_));
  switch (method) {
    case Method::kForward:
      return AnswerForward(request, std::move(done));
    case Method::kForwardStatement:
      return AnswerStatement(request, std::move(done));
    case Method::kCosignPage:
      return done(AnswerCosignPage(request));
    case Method::kKeepVaultKeys:
      return done(AnswerKeepVaultKeys(request));
    case Method::kKeepOffsite: {
      replica_v1::KeepOffsiteRequest parsed;
      absl::Status status = ParseStrict(request, &parsed);
      Partner* partner = FindPartner(parsed.peer_registry());
      if (status.ok() && partner == nullptr) status = Error(Reason::METHOD_NOT_ALLOWED, parsed.peer_registry());
      if (status.ok()) status = KeepOffsite(*partner, parsed.copies().SerializeAsString()).status();
      if (!status.ok()) return done(status);
      return done(replica_v1::KeepOffsiteResponse().SerializeAsString());
    }
    default:
      return done(Error(Reason::METHOD_NOT_ALLOWED));
  }
}

}  // namespace jcm::registry
