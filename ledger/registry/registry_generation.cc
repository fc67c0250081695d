// A log that lost what replicas have applied begins anew: by people's act, once k replicas have agreed in writing
// (generation_note.h), from the replica that has most. And what a replica does that has stopped because of such a log:
// it looks now and then whether the log goes on from what it has.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/registry/generation_note.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/registry_core.h"

namespace jcm::registry {
namespace {

// An agreement is about what is so now: a log that went on meanwhile must not be cut off by an old one.
constexpr uint64_t kAgreementMaxAgeMicros = 3'600'000'000;
constexpr uint64_t kLookAgainMicros = 1'000'000;

std::string Where(const log::LogPosition& position) {
  return absl::StrCat("batch ", position.index, " of generation ", position.generation);
}

}  // namespace

// Only while the log contradicts what this replica has, and never for one that speaks no more.
absl::Status RegistryCore::MayChangeGeneration() const {
  if (!Shared()) return Error(Reason::GENERATION_NOT_DUE, "the log is this node's own");
  if (!quarantine_.empty()) return Error(Reason::REPLICA_QUARANTINED, quarantine_);
  if (!HasReason(failure_, Reason::LOG_DIVERGED)) {
    return Error(Reason::GENERATION_NOT_DUE, failure_.ok() ? Where(applied_) : ToText(failure_));
  }
  return CheckReplicaKey({options_.registry, kHome});
}

absl::Status RegistryCore::CheckProposal(const GenerationProposal& proposal) const {
  if (proposal.domain != options_.domain || proposal.registry != options_.registry) {
    return Error(Reason::GENERATION_OUTDATED, absl::StrCat("it is about ", proposal.domain, "/", proposal.registry));
  }
  const uint64_t now = dependencies_.clock->Now().micros;
  const uint64_t proposed = proposal.proposed.micros;
  if (std::max(now, proposed) - std::min(now, proposed) > kAgreementMaxAgeMicros) {
    return Error(Reason::GENERATION_OUTDATED, absl::StrCat("proposed at ", proposed, ", now it is ", now));
  }
  if (proposal.generation <= applied_.generation || proposal.generation <= proposal.after.generation) {
    return Error(Reason::GENERATION_OUTDATED,
                 absl::StrCat("generation ", proposal.generation, " is not new: this replica has ", Where(applied_)));
  }
  if (proposal.after.index < applied_.index) {
    return Error(Reason::GENERATION_BEHIND, absl::StrCat("replica ", options_.replica_name, " has ", Where(applied_),
                                                         ", it would go on behind ", Where(proposal.after)));
  }
  if (proposal.after.index == applied_.index && !(proposal.after == applied_)) {
    return Error(Reason::GENERATION_BEHIND,
                 absl::StrCat("replica ", options_.replica_name, " has another ", Where(applied_), " than that"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RegistryCore::AgreeGeneration(absl::string_view agreement, uint64_t generation) {
  JCM_RETURN_IF_ERROR(MayChangeGeneration());
  book::Note note;
  if (agreement.empty()) {
    GenerationProposal proposal;
    proposal.domain = options_.domain;
    proposal.registry = options_.registry;
    proposal.generation = generation != 0 ? generation : std::max(applied_.generation, generation_floor_) + 1;
    proposal.after = applied_;
    proposal.proposed = dependencies_.clock->Now();
    note.text = FormatGeneration(proposal);
  } else {
    JCM_ASSIGN_OR_RETURN(note, book::ParseNote(agreement));
  }
  JCM_ASSIGN_OR_RETURN(const GenerationProposal proposal, ParseGeneration(note.text));
  JCM_RETURN_IF_ERROR(CheckProposal(proposal));
  JCM_RETURN_IF_ERROR(
      book::AddSignatureLine(note, book::SignNoteText(note.text, KeyName(), dependencies_.replica_key)));
  // What is signed for must outlive a crash, and so must the record that it was signed.
  std::string bytes = book::FormatNote(note);
  store::WriteBatch writes;
  writes.Put(store::Family::kMeta, kGenerationAgreedKey, bytes);
  JCM_RETURN_IF_ERROR(dependencies_.store->Write(writes, store::Sync::kYes));
  return bytes;
}

void RegistryCore::StartGeneration(const std::string& agreement, std::vector<std::string> without,
                                   std::function<void(absl::StatusOr<GenerationProposal>)> done) {
  struct Asking {
    GenerationProposal proposal;
    std::vector<std::string> without;
    std::map<std::string, absl::StatusOr<replica_v1::ReplicaState>> answers;  // by sibling
    std::function<void(absl::StatusOr<GenerationProposal>)> done;
  };
  auto asking = std::make_shared<Asking>();
  absl::StatusOr<GenerationProposal> proposal = CheckAgreement(agreement);
  if (!proposal.ok()) return done(proposal.status());
  asking->proposal = *std::move(proposal);
  asking->without = std::move(without);
  asking->done = std::move(done);
  const auto decide = [this, asking] {
    for (const auto& [name, answer] : asking->answers) {
      const bool given_up = std::find(asking->without.begin(), asking->without.end(), name) != asking->without.end();
      // Also one that agreed: it may have gone on since, with a log that came back.
      if (!answer.ok() && !given_up) {
        return asking->done(
            Error(Reason::GENERATION_REPLICA_MISSING, absl::StrCat("replica ", name, ": ", answer.status().message())));
      }
      // Whatever was signed before: this is what it has.
      if (answer.ok() && answer->quarantine().empty() && answer->applied_index() > asking->proposal.after.index) {
        return asking->done(
            Error(Reason::GENERATION_BEHIND, absl::StrCat("replica ", name, " has batch ", answer->applied_index(),
                                                          ", this one ", Where(asking->proposal.after))));
      }
    }
    WriteGeneration(asking->proposal, asking->done);
  };
  if (siblings_.empty()) return decide();
  replica_v1::ExchangeRequest request;
  *request.mutable_state() = OwnState();
  const std::string bytes = request.SerializeAsString();
  for (const auto& entry : siblings_) {
    const std::string name = entry.first;
    CallSibling(name, PeerTransport::Method::kExchange, bytes,
                [this, asking, decide, name](absl::StatusOr<std::string> answer) {
                  replica_v1::ExchangeResponse response;
                  absl::Status status = answer.status();
                  if (status.ok()) status = ParseStrict(*answer, &response);
                  if (status.ok()) {
                    asking->answers.emplace(name, response.state());
                  } else {
                    asking->answers.emplace(name, status);
                  }
                  if (asking->answers.size() == siblings_.size()) decide();
                });
  }
}

// The agreement is enough, and about where this replica stands.
absl::StatusOr<GenerationProposal> RegistryCore::CheckAgreement(const std::string& agreement) const {
  JCM_RETURN_IF_ERROR(MayChangeGeneration());
  JCM_ASSIGN_OR_RETURN(const book::Note note, book::ParseNote(agreement));
  JCM_ASSIGN_OR_RETURN(GenerationProposal proposal, ParseGeneration(note.text));
  JCM_RETURN_IF_ERROR(CheckProposal(proposal));
  if (!(proposal.after == applied_)) {
    return Error(Reason::GENERATION_BEHIND,
                 absl::StrCat("replica ", options_.replica_name, " has only ", Where(applied_), "; start it where ",
                              Where(proposal.after), " is the last one"));
  }
  JCM_ASSIGN_OR_RETURN(const book::KeySet keys, OwnKeys({options_.registry, kHome}, UINT64_MAX));
  JCM_ASSIGN_OR_RETURN(const std::vector<std::string> signers, GenerationSigners(note, keys));
  if (signers.size() < keys.k) {
    return Error(Reason::SIGNATURES_NOT_ENOUGH, absl::StrCat(signers.size(), " of ", keys.keys.size(),
                                                             " replicas have agreed, ", keys.k, " are needed"));
  }
  return proposal;
}

void RegistryCore::WriteGeneration(const GenerationProposal& proposal,
                                   std::function<void(absl::StatusOr<GenerationProposal>)> done) {
  // The next batch will name what was applied here: it must be on this disk, not only in the log that is gone.
  store::WriteBatch writes;
  writes.Put(store::Family::kMeta, kGenerationStartedKey, FormatGeneration(proposal));
  const absl::Status written = dependencies_.store->Write(writes, store::Sync::kYes);
  if (!written.ok()) return done(written);
  if (log_busy_) {
    // It looks whether the log goes on; what was asked for waits for that.
    if (when_log_is_free_) return done(Error(Reason::QUEUE_FULL, "another start of a generation"));
    when_log_is_free_ = [this, proposal, done = std::move(done)] { WriteGeneration(proposal, done); };
    return;
  }
  auto result = std::make_shared<absl::Status>();
  log::Log* log = dependencies_.log.get();
  RunLog(
      [log, proposal, result] {
        // It may have come back while people were talking.
        const absl::Status continues = log::CheckContinues(*log, proposal.after);
        *result = HasReason(continues, Reason::LOG_DIVERGED) ? log->StartGeneration(proposal.after, proposal.generation)
                  : continues.ok() ? Error(Reason::GENERATION_NOT_DUE, "the log has this replica's last batch again")
                                   : continues;
      },
      [this, proposal, result, done = std::move(done)] {
        next_log_check_us_ = 0;
        if (!result->ok()) return done(*result);
        warnings_.insert(absl::StrCat("GENERATION ", proposal.generation, " begins behind ", Where(proposal.after)));
        done(proposal);
      });
}

// Stopped by a log that had lost what this replica applied: does it go on from here now?
bool RegistryCore::LookAtLogAgain() {
  if (when_log_is_free_ && !log_busy_) {
    const std::function<void()> work = std::move(when_log_is_free_);
    when_log_is_free_ = nullptr;
    work();
    return true;
  }
  const uint64_t now = dependencies_.clock->MonotonicMicros();
  if (!Shared() || !HasReason(failure_, Reason::LOG_DIVERGED) || log_busy_ || now < next_log_check_us_) return false;
  next_log_check_us_ = now + kLookAgainMicros;
  auto continues = std::make_shared<absl::Status>();
  log::Log* log = dependencies_.log.get();
  const log::LogPosition applied = applied_;
  RunLog([log, applied, continues] { *continues = log::CheckContinues(*log, applied); },
         [this, continues] {
           // Either way this run is over: what was dropped when it stopped is taken up by a new one.
           if (continues->ok()) failure_ = Error(Reason::LOG_BEGUN_ANEW, Where(applied_));
           if (HasReason(*continues, Reason::LOG_TRIMMED)) failure_ = *continues;
         });
  return true;
}

}  // namespace jcm::registry
