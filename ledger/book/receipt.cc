#include "ledger/book/receipt.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/authorship.h"
#include "ledger/book/merkle.h"
#include "ledger/book/note.h"
#include "ledger/book/strict_json.h"
#include "ledger/book/tlog_proof.h"

namespace jcm::book {
namespace {

constexpr char kFormat[] = "jcm-receipt-1";
constexpr char kReceiptKind[] = "RECEIPT";
constexpr char kCertificateKind[] = "CERTIFICATE";

absl::Status Malformed(absl::string_view detail) { return Error(Reason::RECEIPT_MALFORMED, detail); }

// ---- the evaluation, step by step; each step returns why the receipt is not valid ----------------------------------

absl::Status CheckDigest(const absl::optional<std::string>& body, const Digest& digest, const char* name,
                         Verdict& verdict) {
  if (!body.has_value()) {
    verdict.withheld.push_back(name);
    return absl::OkStatus();
  }
  return Sha256(*body) == digest ? absl::OkStatus() : Error(Reason::DIGEST_MISMATCH, name);
}

absl::Status CheckEntry(const Receipt& receipt, Verdict& verdict) {
  JCM_ASSIGN_OR_RETURN(verdict.leaf, DecodeLeaf(receipt.leaf));
  JCM_RETURN_IF_ERROR(CheckDigest(receipt.command, verdict.leaf->command_digest, "command", verdict));
  JCM_RETURN_IF_ERROR(CheckDigest(receipt.context, verdict.leaf->context_digest, "context", verdict));
  return CheckDigest(receipt.effects, verdict.leaf->effects_digest, "effects", verdict);
}

// That the checkpoint is one of the leaf's book and has the leaf in its place.
absl::Status CheckInclusion(const Receipt& receipt, const TlogProof& proof, const Note& note, Verdict& verdict) {
  JCM_ASSIGN_OR_RETURN(verdict.checkpoint, ParseCheckpoint(note.text));
  JCM_ASSIGN_OR_RETURN(Origin origin, ParseOrigin(verdict.checkpoint->origin));
  if (proof.extra.has_value()) return Malformed("a receipt's proof has no extra data");
  if (origin.book != verdict.leaf->book) return Error(Reason::PROOF_INVALID, "the checkpoint is another book's");
  if (proof.index != verdict.leaf->sequence) return Error(Reason::PROOF_INVALID, "the leaf has another place");
  return VerifyInclusion(LeafHash(receipt.leaf), proof.index, verdict.checkpoint->size, proof.hashes,
                         verdict.checkpoint->root);
}

// KEY_UNKNOWN if no signature is by a key that the reader knows; SIGNATURES_NOT_ENOUGH if some are, but too few.
absl::Status CheckSigners(const Note& note, const TrustedBook& book, std::vector<std::string>* signers) {
  JCM_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpoint(note.text));
  const KeySet& keys = book.keys->At(checkpoint.size);
  JCM_ASSIGN_OR_RETURN(VerifiedCheckpoint found, FindSigners(note, keys));
  if (signers != nullptr) *signers = found.signers;
  if (found.signers.empty()) return Error(Reason::KEY_UNKNOWN, "no signature by a trusted key of the book");
  return VerifyCheckpoint(note, keys).status();
}

// The cosignatures by one key set: the one that held at the checkpoint's size or a later one, as a tree may be cosigned
// again after a change of keys; never by keys that had been replaced before.
absl::StatusOr<Cosignatures> FindCosignatures(const Note& note, const TrustedBook& book, uint64_t size) {
  Cosignatures best;
  const uint64_t era_at_size = book.cosigner_keys->EraAt(size).from_size;
  for (const KeyEra& era : book.cosigner_keys->eras()) {
    if (era.from_size < era_at_size) continue;
    JCM_ASSIGN_OR_RETURN(Cosignatures found, VerifyCosignatures(note, era.keys));
    if (!best.enough) best = std::move(found);
  }
  return best;
}

// The last cosigned checkpoint before the leaf: it bounds backdating.
absl::Status CheckPrevious(const std::string& text, const TrustedBook& book, Verdict& verdict) {
  if (text.empty()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(Note note, ParseNote(text));
  JCM_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpoint(note.text));
  if (checkpoint.origin != book.origin || checkpoint.size > verdict.leaf->sequence) {
    return Error(Reason::PROOF_INVALID, "the previous checkpoint is not one before the leaf");
  }
  JCM_RETURN_IF_ERROR(CheckSigners(note, book, nullptr));
  if (!book.cosigner_keys.has_value()) return Error(Reason::PROOF_INVALID, "nobody cosigns this book");
  JCM_ASSIGN_OR_RETURN(Cosignatures found, FindCosignatures(note, book, checkpoint.size));
  if (!found.enough) return Error(Reason::SIGNATURES_NOT_ENOUGH, "cosignatures of the previous checkpoint");
  verdict.cosigned_before = found.cosigned_at;
  verdict.late_stamped = verdict.leaf->time.micros + kLateStampMicros < found.cosigned_at->micros;
  return absl::OkStatus();
}

absl::Status CheckCosigners(const Note& note, const TrustedBook& book, Verdict& verdict) {
  if (!book.cosigner_keys.has_value()) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(Cosignatures found, FindCosignatures(note, book, verdict.checkpoint->size));
  verdict.cosigners = found.signers;
  verdict.cosigned_at = found.cosigned_at;
  return absl::OkStatus();
}

// The command with its author's signatures, if both it and the context are shown; then the openings.
absl::Status CheckBody(const Receipt& receipt, Verdict& verdict) {
  if (receipt.command.has_value() && verdict.leaf->kind == LeafKind::COMMAND) {
    absl::StatusOr<Authored> authored = CheckAuthorship(*receipt.command, receipt.context, verdict.leaf->book);
    if (authored.ok()) {
      verdict.command = authored->command;
      verdict.command_understood = true;
      verdict.author_key_ids = authored->author_key_ids;
    } else if (!HasReason(authored.status(), Reason::UNKNOWN_FIELD)) {
      return authored.status();
    }
    // A command with fields from after this reader's time is as valid as its signatures; it is only not explained.
  }
  if (receipt.openings.empty() && !receipt.certificate) return absl::OkStatus();
  return CheckOpenings(verdict.command, receipt.openings, verdict.withheld);
}

void Decide(const TrustedBook& book, const absl::Status& status, Verdict& verdict) {
  const bool one_sided = !book.cosigner_keys.has_value();
  verdict.required = one_sided ? Level::NO_PARTNER_BOOK : Level::BOTH;
  verdict.reason = status;
  if (HasReason(status, Reason::KEY_UNKNOWN)) {
    verdict.level = Level::UNKNOWN_KEY;
  } else if (!status.ok()) {
    verdict.level = Level::INVALID;
  } else if (one_sided) {
    verdict.level = Level::NO_PARTNER_BOOK;
  } else if (verdict.cosigned_at.has_value()) {
    verdict.level = Level::BOTH;
  } else {
    verdict.level = Level::PENDING;
    verdict.reason = Error(Reason::SIGNATURES_NOT_ENOUGH, absl::StrCat("cosignatures of ", book.partner));
  }
  verdict.satisfied = verdict.level == verdict.required;
}

}  // namespace

bool IsValid(Level level) { return level == Level::BOTH || level == Level::PENDING || level == Level::NO_PARTNER_BOOK; }

Verdict Evaluate(const Receipt& receipt, const Trust& trust) {
  Verdict verdict;
  verdict.reason = CheckEntry(receipt, verdict);
  if (!verdict.reason.ok()) return verdict;
  absl::StatusOr<TlogProof> proof = ParseTlogProof(receipt.tlog_proof);
  verdict.reason = proof.status();
  if (!proof.ok()) return verdict;
  absl::StatusOr<Note> note = ParseNote(proof->checkpoint);
  verdict.reason = note.status();
  if (!note.ok()) return verdict;
  verdict.reason = CheckInclusion(receipt, *proof, *note, verdict);
  if (!verdict.reason.ok()) return verdict;

  const TrustedBook* book = trust.Find(verdict.checkpoint->origin);
  if (book == nullptr) {
    verdict.level = Level::UNKNOWN_KEY;
    verdict.reason = Error(Reason::KEY_UNKNOWN, absl::StrCat("no trusted keys of ", verdict.checkpoint->origin));
    return verdict;
  }
  verdict.demonstration = book->demonstration;
  verdict.hosted = book->mode == PartnerMode::HOSTED;
  absl::Status status = CheckSigners(*note, *book, &verdict.signers);
  if (status.ok()) status = CheckCosigners(*note, *book, verdict);
  if (status.ok()) {
    status = CheckPrevious(receipt.previous_checkpoint, *book, verdict);
    // The receipt's own keys are known by now: an unknown one here is a defect of the receipt.
    if (HasReason(status, Reason::KEY_UNKNOWN)) status = Error(Reason::SIGNATURES_NOT_ENOUGH, status.message());
  }
  if (status.ok()) {
    status = CheckBody(receipt, verdict);
    if (HasReason(status, Reason::KEY_UNKNOWN)) status = Error(Reason::SIGNATURE_INVALID, status.message());
  }
  Decide(*book, status, verdict);
  return verdict;
}

absl::StatusOr<std::string> OriginOfReceipt(const Receipt& receipt) {
  JCM_ASSIGN_OR_RETURN(TlogProof proof, ParseTlogProof(receipt.tlog_proof));
  absl::StatusOr<Note> note = ParseNote(proof.checkpoint);
  if (!note.ok()) return Malformed(note.status().message());
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(note->text);
  if (!checkpoint.ok()) return Malformed(checkpoint.status().message());
  return checkpoint->origin;
}

std::string FormatReceipt(const Receipt& receipt) {
  nlohmann::ordered_json root;
  root["format"] = kFormat;
  root["kind"] = receipt.certificate ? kCertificateKind : kReceiptKind;
  absl::StatusOr<std::string> origin = OriginOfReceipt(receipt);
  if (origin.ok() && ParseOrigin(*origin)->domain == kDemonstrationDomain) root["notice"] = kDemonstrationNotice;
  root["leaf"] = Base64Encode(receipt.leaf);
  if (receipt.command.has_value()) root["command"] = Base64Encode(*receipt.command);
  if (receipt.context.has_value()) root["context"] = Base64Encode(*receipt.context);
  if (receipt.effects.has_value()) root["effects"] = Base64Encode(*receipt.effects);
  root["tlog_proof"] = receipt.tlog_proof;
  if (!receipt.previous_checkpoint.empty()) root["previous_checkpoint"] = receipt.previous_checkpoint;
  if (!receipt.openings.empty()) root["openings"] = nlohmann::ordered_json::array();
  for (const Opening& opening : receipt.openings) {
    root["openings"].push_back(
        nlohmann::ordered_json{{"field", opening.field}, {"salt", HexEncode(opening.salt)}, {"value", opening.value}});
  }
  // What is not UTF-8 is replaced, and will not verify, instead of ending the process.
  return root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

namespace {

absl::Status ParseOpenings(const JsonObject& object, Receipt& receipt) {
  if (!object.Has("openings")) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(const nlohmann::json* openings, object.Array("openings"));
  if (openings->size() > kOpeningsMax) return Malformed("too many openings");
  for (const nlohmann::json& value : *openings) {
    JCM_ASSIGN_OR_RETURN(JsonObject item, JsonObject::Of(value, {"field", "salt", "value"}, Reason::RECEIPT_MALFORMED));
    Opening opening;
    JCM_ASSIGN_OR_RETURN(opening.field, item.String("field"));
    JCM_ASSIGN_OR_RETURN(opening.value, item.String("value"));
    JCM_ASSIGN_OR_RETURN(std::string salt, item.String("salt"));
    absl::StatusOr<std::string> bytes = HexDecode(salt);
    if (!bytes.ok() || bytes->size() != kSaltBytes) return Malformed("a salt");
    // It will be shown on terminals and paper as it is.
    for (char c : opening.value) {
      if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) return Malformed("a control character in an opened field");
    }
    opening.salt = *std::move(bytes);
    receipt.openings.push_back(std::move(opening));
  }
  return absl::OkStatus();
}

// Bodies that may be withheld.
absl::Status ParseBody(const JsonObject& object, const char* name, absl::optional<std::string>& body) {
  if (!object.Has(name)) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(body, object.Base64(name));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Receipt> ParseReceipt(absl::string_view json) {
  JCM_ASSIGN_OR_RETURN(nlohmann::json root, ParseJson(json, kReceiptBytesMax, Reason::RECEIPT_MALFORMED));
  JCM_ASSIGN_OR_RETURN(JsonObject object, JsonObject::Of(root,
                                                         {"format", "kind", "notice", "leaf", "command", "context",
                                                          "effects", "tlog_proof", "previous_checkpoint", "openings"},
                                                         Reason::RECEIPT_MALFORMED));
  JCM_ASSIGN_OR_RETURN(std::string format, object.String("format"));
  JCM_ASSIGN_OR_RETURN(std::string kind, object.String("kind"));
  if (format != kFormat || (kind != kReceiptKind && kind != kCertificateKind)) return Malformed("format or kind");
  if (object.Has("notice")) {
    JCM_ASSIGN_OR_RETURN(std::string notice, object.String("notice"));
    if (notice != kDemonstrationNotice) return Malformed("notice");
  }
  Receipt receipt;
  receipt.certificate = kind == kCertificateKind;
  JCM_ASSIGN_OR_RETURN(receipt.leaf, object.Base64("leaf"));
  JCM_RETURN_IF_ERROR(ParseBody(object, "command", receipt.command));
  JCM_RETURN_IF_ERROR(ParseBody(object, "context", receipt.context));
  JCM_RETURN_IF_ERROR(ParseBody(object, "effects", receipt.effects));
  JCM_ASSIGN_OR_RETURN(receipt.tlog_proof, object.String("tlog_proof"));
  if (object.Has("previous_checkpoint")) {
    JCM_ASSIGN_OR_RETURN(receipt.previous_checkpoint, object.String("previous_checkpoint"));
    if (receipt.previous_checkpoint.empty()) return Malformed("an empty previous checkpoint");
  }
  JCM_RETURN_IF_ERROR(ParseOpenings(object, receipt));
  if (!receipt.openings.empty() && !receipt.certificate) return Malformed("a receipt opens no fields");
  return receipt;
}

}  // namespace jcm::book
