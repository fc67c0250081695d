// What replicas give into each other's keeping, or do for each other beside the log: data keys of persons, and the
// partner's newest pages, which each executes and cosigns.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/note.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

using Method = PeerTransport::Method;

constexpr size_t kVaultKeysPerAnswer = 1'000;
// So often all siblings are asked for keys that this replica missed; also at a start, and when one is back.
constexpr uint64_t kVaultPullMicros = 3'600'000'000;
constexpr uint64_t kVaultPullAgainMicros = 1'000'000;

}  // namespace

// ---- data keys -----------------------------------------------------------------------------------------------------

void RegistryCore::ShareVaultKeys(const std::vector<std::pair<std::string, std::string>>& keys,
                                  std::function<void(absl::Status)> done) {
  for (const auto& key : keys) {
    absl::Status kept = dependencies_.vault->Put(key.first, key.second);
    if (!kept.ok()) return done(kept);
  }
  struct Count {
    size_t kept = 1;  // this replica
    size_t waiting = 0;
    bool answered = false;
  };
  auto count = std::make_shared<Count>();
  const size_t needed = Majority();
  count->waiting = siblings_.size();
  if (keys.empty() || count->kept >= needed) return done(absl::OkStatus());
  replica_v1::KeepVaultKeysRequest request;
  for (const auto& key : keys) {
    v1::OffsiteVaultKey* copy = request.add_keys();
    copy->set_subject(key.first);
    copy->set_key(key.second);
  }
  const std::string bytes = request.SerializeAsString();
  for (const auto& entry : siblings_) {
    CallSibling(entry.first, Method::kKeepVaultKeys, bytes, [count, needed, done](absl::StatusOr<std::string> answer) {
      --count->waiting;
      if (answer.ok()) ++count->kept;
      if (count->answered || (count->kept < needed && count->waiting > 0)) return;
      count->answered = true;
      done(count->kept >= needed ? absl::OkStatus() : Error(Reason::VAULT_KEY_NOT_SAFE));
    });
  }
}

absl::StatusOr<std::string> RegistryCore::AnswerKeepVaultKeys(const std::string& request) {
  replica_v1::KeepVaultKeysRequest parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
  for (const v1::OffsiteVaultKey& key : parsed.keys()) {
    absl::Status kept = dependencies_.vault->Put(key.subject(), key.key());
    if (!kept.ok() && !HasReason(kept, Reason::VAULT_KEY_ERASED)) return kept;
  }
  return replica_v1::KeepVaultKeysResponse().SerializeAsString();
}

absl::StatusOr<std::string> RegistryCore::AnswerReadVaultKeys(const std::string& request) {
  replica_v1::ReadVaultKeysRequest parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
  JCM_ASSIGN_OR_RETURN(std::vector<std::string> subjects, dependencies_.vault->List());
  JCM_ASSIGN_OR_RETURN(std::vector<std::string> erased, dependencies_.vault->Erased());
  subjects.insert(subjects.end(), erased.begin(), erased.end());
  std::sort(subjects.begin(), subjects.end());
  subjects.erase(std::unique(subjects.begin(), subjects.end()), subjects.end());
  replica_v1::ReadVaultKeysResponse response;
  auto it = std::upper_bound(subjects.begin(), subjects.end(), parsed.after_subject());
  for (; it != subjects.end(); ++it) {
    if (static_cast<size_t>(response.keys_size()) >= kVaultKeysPerAnswer) {
      response.set_more(true);
      break;
    }
    absl::StatusOr<std::string> key = dependencies_.vault->Get(*it);
    if (!key.ok() && !HasReason(key.status(), Reason::VAULT_KEY_ERASED)) return key.status();
    v1::OffsiteVaultKey* copy = response.add_keys();
    copy->set_subject(*it);
    if (key.ok()) copy->set_key(*key);
  }
  return response.SerializeAsString();
}

// A key is safe once a majority keeps it; one that was away then still owes its readers the rest.
bool RegistryCore::PullVaultKeys() {
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  if (siblings_.empty() || vault_pull_.in_flight || now < vault_pull_.not_before_us || !quarantine_.empty()) {
    return false;
  }
  if (now >= vault_pull_.next_of_all_us) {
    vault_pull_.next_of_all_us = now + kVaultPullMicros;
    for (const auto& entry : siblings_) vault_pull_.from.insert(entry.first);
  }
  for (const std::string& each : vault_pull_.from) {
    const std::string name = each;
    const Sibling& sibling = siblings_.at(name);
    if (!sibling.reachable || !sibling.state.quarantine().empty()) continue;
    if (vault_pull_.sibling != name) vault_pull_.after_subject.clear();
    vault_pull_.sibling = name;
    vault_pull_.in_flight = true;
    replica_v1::ReadVaultKeysRequest request;
    request.set_after_subject(vault_pull_.after_subject);
    CallSibling(name, Method::kReadVaultKeys, request.SerializeAsString(),
                [this](absl::StatusOr<std::string> response) {
                  vault_pull_.in_flight = false;
                  const absl::Status taken = TakeVaultKeys(std::move(response));
                  if (taken.ok()) return;
                  vault_pull_.not_before_us = dependencies_.clock->MonotonicMicros() + kVaultPullAgainMicros;
                  siblings_.at(vault_pull_.sibling).last_error = ToText(taken);
                });
    return true;
  }
  return false;
}

absl::Status RegistryCore::TakeVaultKeys(absl::StatusOr<std::string> response) {
  if (!failure_.ok()) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(response.status());
  replica_v1::ReadVaultKeysResponse parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(*response, &parsed));
  for (const v1::OffsiteVaultKey& key : parsed.keys()) {
    // Erased there: by an act in the log, which erases it here too.
    if (key.key().empty()) continue;
    const absl::Status kept = dependencies_.vault->Put(key.subject(), key.key());
    if (HasReason(kept, Reason::ALREADY_EXISTS)) {
      warnings_.insert(absl::StrCat("VAULT: ", vault_pull_.sibling, " has another key of a person than this replica"));
    } else if (!kept.ok() && !HasReason(kept, Reason::VAULT_KEY_ERASED)) {
      if (HasReason(kept, Reason::STORE_FAILED)) Fail(kept);
      return kept;
    }
  }
  if (parsed.more() && !parsed.keys().empty()) {
    vault_pull_.after_subject = parsed.keys().rbegin()->subject();
    return absl::OkStatus();
  }
  vault_pull_.from.erase(vault_pull_.sibling);
  vault_pull_.sibling.clear();
  return absl::OkStatus();
}

// ---- the partner's book --------------------------------------------------------------------------------------------

void RegistryCore::AskForCosignatures(Partner& partner, const mirror_v1::ReadEntriesResponse& page) {
  for (const auto& entry : siblings_) {
    if (entry.second.reachable) AskOneForCosignature(entry.first, partner.registry, page);
  }
}

void RegistryCore::AskOneForCosignature(const std::string& sibling, const std::string& registry,
                                        const mirror_v1::ReadEntriesResponse& page) {
  replica_v1::CosignPageRequest request;
  request.set_peer_registry(registry);
  *request.mutable_page() = page;
  const uint64_t from = page.from();
  CallSibling(sibling, Method::kCosignPage, request.SerializeAsString(),
              [this, sibling, registry, from](absl::StatusOr<std::string> response) {
                OnCosignPage(sibling, registry, from, std::move(response));
              });
}

void RegistryCore::OnCosignPage(const std::string& sibling, const std::string& registry, uint64_t sent_from,
                                absl::StatusOr<std::string> response) {
  if (!failure_.ok() || !response.ok()) return;  // asked again with the next poll
  Partner& partner = partners_.at(registry);
  replica_v1::CosignPageResponse parsed;
  if (!ParseStrict(*response, &parsed).ok()) return;
  const BookId peer_book = PeerBook(partner);
  if (parsed.note().empty()) {
    // It has less of the book, or has just taken a part of it: what follows.
    if (parsed.mirror_size() == sent_from) return;  // it takes no more now
    if (parsed.mirror_size() >= BookSize(peer_book)) return;
    absl::StatusOr<mirror_v1::ReadEntriesResponse> page = PageOf(peer_book, parsed.mirror_size(), 0);
    if (page.ok() && !page->checkpoint().empty()) AskOneForCosignature(sibling, registry, *page);
    return;
  }
  absl::StatusOr<book::Note> note = book::ParseNote(parsed.note());
  if (!note.ok()) return;
  absl::StatusOr<book::Checkpoint> checkpoint = book::ParseCheckpoint(note->text);
  absl::StatusOr<book::KeySet> keys = OwnKeys({options_.registry, partner.partnership}, UINT64_MAX);
  if (!checkpoint.ok() || !keys.ok() || checkpoint->size != partner.round.size) return;
  absl::StatusOr<book::Cosignatures> cosigned = book::VerifyCosignatures(*note, *keys);
  if (!cosigned.ok()) return;
  for (const book::NoteSignature& line : note->signatures) {
    const bool ours =
        std::find(cosigned->signers.begin(), cosigned->signers.end(), line.key_name) != cosigned->signers.end();
    const bool known = std::any_of(partner.round.lines.begin(), partner.round.lines.end(),
                                   [&](const auto& each) { return each.key_name == line.key_name; });
    if (ours && !known) partner.round.lines.push_back(line);
  }
  absl::Status completed = CompleteCosignature(partner);
  if (HasReason(completed, Reason::STORE_FAILED)) Fail(completed);
}

absl::StatusOr<std::string> RegistryCore::AnswerCosignPage(const std::string& request) {
  replica_v1::CosignPageRequest parsed;
  JCM_RETURN_IF_ERROR(ParseStrict(request, &parsed));
  Partner* partner = FindPartner(parsed.peer_registry());
  if (partner == nullptr) return Error(Reason::METHOD_NOT_ALLOWED, parsed.peer_registry());
  const BookId peer_book = PeerBook(*partner);
  replica_v1::CosignPageResponse response;
  const uint64_t size = BookSize(peer_book);
  const uint64_t end = parsed.page().from() + static_cast<uint64_t>(parsed.page().entries_size());
  bool at_checkpoint = false;
  if (parsed.page().from() == size || end == size) {
    mirror_v1::ReadEntriesResponse page = parsed.page();
    if (parsed.page().from() != size) {
      // It has these entries already: only the checkpoint may be new.
      page.clear_entries();
      page.set_from(size);
      page.clear_prior_leaf_hash();
      page.clear_prior_leaf_proof();
    }
    MirrorPage result;
    JCM_RETURN_IF_ERROR(TakePage(*partner, page, &result));
    at_checkpoint = result.at_checkpoint && !result.evidence.has_value();
  }
  response.set_mirror_size(BookSize(peer_book));
  if (at_checkpoint) {
    JCM_ASSIGN_OR_RETURN(std::string note, CosignMirror(*partner));
    response.set_note(note);
  }
  return response.SerializeAsString();
}

}  // namespace jcm::registry
