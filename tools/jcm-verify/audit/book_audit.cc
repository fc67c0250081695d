#include "tools/jcm-verify/audit/book_audit.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/book/genesis.h"

namespace jcm::verify {
namespace {

using book::LeafKind;

constexpr char kResumeAloneType[] = "application/vnd.jcm.resume-alone.v1";
constexpr char kAcceptTimeType[] = "application/vnd.jcm.accept-time.v1";
constexpr char kHomeResetType[] = "application/vnd.jcm.home-reset.v1";
constexpr char kResolutionType[] = "application/vnd.jcm.resolution.v1";
constexpr uint32_t kTableMax = v1::TABLE_FIRST_TRANSFER_RANGE;

}  // namespace

BookAudit::BookAudit(std::unique_ptr<EntrySource> source, const book::TrustedBook* trusted, BookSettings settings,
                     BookReport* report)
    : source_(std::move(source)),
      id_(source_->book()),
      settings_(std::move(settings)),
      report_(*report),
      chain_(id_, trusted, report),
      authors_(id_, settings_.author_signatures, id_.is_home() ? settings_.fill_home : settings_.home, report),
      units_(report),
      acts_(id_, tables_, &authors_, &units_, report),
      imports_(id_, tables_, report) {
  for (const SourcedNote& note : settings_.checkpoints) chain_.AddNote(note);
  Load();
}

void BookAudit::Load() {
  has_next_ = source_->Next(&next_, &report_);
  next_leaf_ = has_next_ ? LeafView(next_.leaf) : LeafView();
  if (!has_next_) window_.End();
}

void BookAudit::Stop(absl::string_view why) {
  if (!intact_) return;
  intact_ = false;
  const std::string reason = absl::StrCat("from entry ", sequence_, " on: ", why);
  for (const Check check : {Check::OLD_VALUE,     Check::STATE_ROOT,       Check::EFFECTS,     Check::UNITS_ONCE,
                            Check::UNITS_FINAL,   Check::ISSUANCE,         Check::PERIODS,     Check::ALLOCATION,
                            Check::ITMO_VINTAGE,  Check::FIRST_TRANSFER,   Check::RESERVE,     Check::SUMS,
                            Check::CONSERVATION,  Check::IMPORT,           Check::SHADOW,      Check::DECISION,
                            Check::TRANSFER_PAIR, Check::AUTHORITY,        Check::TWO_PERSONS, Check::AUTHOR_KEY,
                            Check::AUTHOR_PATH,   Check::AUTHOR_SIGNATURE, Check::ATTESTED,    Check::DOSSIER}) {
    report_.NotCheckable(check, reason);
  }
}

void BookAudit::Step(BookAudit* other) {
  sequence_ = chain_.size();
  last_was_import_ = next_leaf_.kind() == LeafKind::IMPORT;
  const bool bytes_intact = chain_.AddEntry(next_, next_leaf_, *source_);
  effects_read_ = ParseEffects(next_.effects, &effects_);
  if (settings_.keep_window) {
    const bool published =
        effects_read_ && std::any_of(effects_.begin(), effects_.end(),
                                     [](const EffectBytes& effect) { return IsPublished(effect.table); });
    window_.Add({chain_.last_hash(), published});
  }
  if (settings_.keep_hashes) hashes_.push_back(chain_.last_hash());
  if (!bytes_intact) Stop("bytes of that entry are wrong");
  if (intact_) Understand(other == nullptr ? nullptr : &other->window_);
  if (settings_.fill_home != nullptr) {
    if (!effects_read_) effects_.clear();
    settings_.fill_home->AddEntry(next_leaf_.time_us(), chain_.last_hash(), chain_.Root(), effects_);
  }
  for (const SourcedNote& note : source_->TakeNotes()) chain_.AddNote(note);
  Load();
}

void BookAudit::Understand(LeafWindow* other) {
  if (!effects_read_) {
    report_.Fail(Check::FORM, sequence_, source_->PlaceOf(next_.effects), "effects", "bytes that are none");
    return Stop("its effects cannot be read");
  }
  if (!ReadAct()) return Stop("its command or context cannot be read");
  CheckKind(other);
  if (!id_.is_home()) imports_.CheckPeerSize(sequence_, next_leaf_.peer_size());
  if (!FoldEffects()) return Stop("its effects do not start from the present state");
  NoteFacts();
  EntryFacts facts;
  facts.sequence = sequence_;
  facts.time_us = next_leaf_.time_us();
  facts.kind = next_leaf_.kind();
  facts.effects = &effects_;
  facts.act = facts.kind == LeafKind::COMMAND ? &act_ : nullptr;
  acts_.Audit(facts);
}

bool BookAudit::FoldEffects() {
  bool good = true;
  for (const EffectBytes& effect : effects_) {
    const uint32_t table = effect.table > kShadowOffset ? effect.table - kShadowOffset : effect.table;
    if (!v1::Table_IsValid(static_cast<int>(table)) || table > kTableMax || effect.old_value == effect.new_value) {
      report_.Fail(Check::FORM, sequence_, source_->PlaceOf(next_.effects), "a change of a known table",
                   absl::StrCat("one of table ", effect.table));
      good = false;
      continue;
    }
    const bool held = tables_.Change(effect.table, effect.key, effect.old_value, effect.new_value);
    good = JCM_AUDIT_REQUIRE(report_, held, Check::OLD_VALUE, sequence_,
                             absl::StrCat("the present value of a record of table ", effect.table),
                             absl::StrCat("another old value, ", effect.old_value.size(), " bytes")) &&
           good;
  }
  return good;
}

// Command and context, with nothing unknown in them.
bool BookAudit::ReadAct() {
  const auto malformed = [&](absl::string_view bytes, const char* what, const absl::Status& status) {
    report_.Fail(Check::FORM, sequence_, source_->PlaceOf(bytes), what, ToText(status));
    return false;
  };
  absl::Status read = act_reader_.ReadContext(next_.context, &act_.context);
  if (!read.ok()) return malformed(next_.context, "a context", read);
  if (next_leaf_.kind() != LeafKind::COMMAND) return true;
  const char* what = "";
  read = act_reader_.ReadCommand(next_.command, &act_, &what);
  return read.ok() || malformed(next_.command, what, read);
}

void BookAudit::CheckKind(LeafWindow* other) {
  switch (next_leaf_.kind()) {
    case LeafKind::COMMAND:
      authors_.CheckAct(sequence_, next_leaf_.time_us(), act_);
      return;
    case LeafKind::IMPORT: {
      v1::Import import;
      if (!ParseStrict(next_.command, &import).ok()) {
        report_.Fail(Check::FORM, sequence_, source_->PlaceOf(next_.command), "an import", "bytes that are none");
        return;
      }
      authors_.CheckAccounts(sequence_, next_leaf_.time_us(), act_.context);
      imports_.Audit(sequence_, import, effects_, other);
      return;
    }
    case LeafKind::STATE_ROOT:
      return CheckStateRoot();
    default:
      return CheckStatement();
  }
}

void BookAudit::CheckStateRoot() {
  v1::StateRoot stated;
  if (!ParseStrict(next_.command, &stated).ok()) {
    report_.Fail(Check::FORM, sequence_, source_->PlaceOf(next_.command), "a state root", "bytes that are none");
    return;
  }
  if (stated.size() == sequence_) {
    const Tables::Root root = tables_.StateRoot();
    JCM_AUDIT_REQUIRE(report_, stated.root() == AsBytes(root.root) && stated.record_count() == root.count,
                      Check::STATE_ROOT, sequence_,
                      absl::StrCat("root ", HexEncode(root.root), " of ", root.count, " records, as replayed"),
                      absl::StrCat(HexEncode(stated.root()), " of ", stated.record_count()));
  } else {
    report_.NotCheckable(Check::STATE_ROOT,
                         absl::StrCat("entry ", sequence_, " states the root of size ", stated.size()));
  }
  const HomeIndex* home = id_.is_home() ? settings_.fill_home : settings_.home;
  if (home == nullptr || stated.home_size() == 0) return;
  const bool known = stated.home_size() <= home->size();
  JCM_AUDIT_REQUIRE(report_, known && stated.home_root() == AsBytes(home->RootAt(stated.home_size())),
                    Check::STATE_ROOT, sequence_, absl::StrCat("the root of home at size ", stated.home_size()),
                    known ? "another root" : absl::StrCat("home has ", home->size(), " entries"));
}

void BookAudit::CheckRecoverySignatures(absl::string_view payload_type, absl::string_view body,
                                        const google::protobuf::RepeatedPtrField<v1::Signature>& signatures,
                                        bool both) {
  if (!settings_.author_signatures) return;
  const std::string message = PreAuthEncode(payload_type, body);
  const auto signed_by = [&](const PublicKey& key) {
    const Digest id = key.KeyId();
    return std::any_of(signatures.begin(), signatures.end(), [&](const v1::Signature& signature) {
      return signature.key_id() == AsBytes(id) && key.Verify(message, signature.signature()).ok();
    });
  };
  const bool own = chain_.keys().has_value() && signed_by(chain_.keys()->latest().recovery_key);
  const bool other = !both || (peer_recovery_key_.has_value() && signed_by(*peer_recovery_key_));
  JCM_AUDIT_REQUIRE(report_, own && other, Check::AUTHOR_SIGNATURE, sequence_,
                    both ? "signatures of both governments' recovery keys" : "a signature of the recovery key", "none");
}

// Entries that officers or recovery keys sign outside bundles.
void BookAudit::CheckStatement() {
  const auto malformed = [&] {
    report_.Fail(Check::FORM, sequence_, source_->PlaceOf(next_.command), book::KindName(next_leaf_.kind()),
                 "bytes that are none");
  };
  const auto parse = [&](google::protobuf::Message* message) { return ParseStrict(next_.command, message).ok(); };
  const uint64_t time_us = next_leaf_.time_us();
  v1::ResumeAlone resume;
  v1::AcceptTime accept;
  v1::HomeReset reset;
  v1::Resolution resolution;
  switch (next_leaf_.kind()) {
    case LeafKind::RESUME_ALONE:
      if (!parse(&resume)) return malformed();
      return authors_.CheckStatement(sequence_, time_us, kResumeAloneType, resume.statement(), resume.signatures(),
                                     act_.context, 2);
    case LeafKind::ACCEPT_TIME:
      if (!parse(&accept)) return malformed();
      return authors_.CheckStatement(sequence_, time_us, kAcceptTimeType, accept.statement(), accept.signatures(),
                                     act_.context, 1);
    case LeafKind::HOME_RESET:
      if (!parse(&reset)) return malformed();
      return CheckRecoverySignatures(kHomeResetType, reset.statement(), reset.signatures(), /*both=*/false);
    case LeafKind::RESOLUTION:
      if (!parse(&resolution)) return malformed();
      return CheckRecoverySignatures(kResolutionType, resolution.resolution(), resolution.signatures(), /*both=*/true);
    default:
      return;  // genesis and changes of keys are the chain's; ticks and halts nobody signs
  }
}

// What later checks need to know of the book's own records.
void BookAudit::NoteFacts() {
  for (const EffectBytes& effect : effects_) {
    if (effect.table != v1::TABLE_CURSOR) continue;
    v1::CursorRecord cursor;
    if (!cursor.ParseFromArray(effect.new_value.data(), static_cast<int>(effect.new_value.size()))) continue;
    absl::StatusOr<PublicKey> key = book::PublicKeyFromProto(cursor.peer_recovery_key());
    if (!key.ok()) continue;
    peer_recovery_key_ = *key;
    chain_.set_partner_recovery_key(*std::move(key));
  }
  const LeafKind kind = next_leaf_.kind();
  if ((kind == LeafKind::GENESIS || kind == LeafKind::KEY_CHANGE) && chain_.keys().has_value()) {
    imports_.set_own_recovery_key(chain_.keys()->latest().recovery_key);
  }
}

void BookAudit::Finish() {
  for (const SourcedNote& note : source_->TakeNotes()) chain_.AddNote(note);
  chain_.Finish();
}

}  // namespace jcm::verify
