#include "tools/jcm-verify/audit/signed_act.h"

#include <algorithm>
#include <utility>

#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {

template <typename Message>
absl::StatusOr<Known<Message>*> ActReader::Cache<Message>::Find(absl::string_view bytes) {
  if (last_ != nullptr && last_->first == bytes) return last_->second.get();
  auto known = known_.find(bytes);
  if (known == known_.end()) {
    auto added = std::make_unique<Known<Message>>();
    JCM_RETURN_IF_ERROR(ParseStrict(bytes, &added->context));
    known = known_.emplace(std::string(bytes), std::move(added)).first;
  }
  last_ = &*known;
  return last_->second.get();
}

absl::Status ActReader::ReadContext(absl::string_view bytes, ContextView* context) {
  if (signers_.MakeRoom()) last_signers_.clear();
  accounts_.MakeRoom();
  context->signers.clear();
  context->accounts.clear();
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (!field.is_bytes) return ReadUnusualContext(bytes, context);
    if (field.number == 1) {
      JCM_ASSIGN_OR_RETURN(KnownSigner * signer, signers_.Find(field.bytes));
      context->signers.push_back(signer);
    } else if (field.number == 2) {
      JCM_ASSIGN_OR_RETURN(KnownAccount * account, accounts_.Find(field.bytes));
      context->accounts.push_back(account);
    } else {
      return ReadUnusualContext(bytes, context);
    }
  }
  return reader.ok() ? absl::OkStatus() : ReadUnusualContext(bytes, context);
}

absl::Status ActReader::ReadUnusualContext(absl::string_view bytes, ContextView* context) {
  v1::Context message;
  JCM_RETURN_IF_ERROR(ParseStrict(bytes, &message));
  context->signers.clear();
  context->accounts.clear();
  for (const v1::SignerContext& signer : message.signers()) {
    JCM_ASSIGN_OR_RETURN(KnownSigner * known, signers_.Find(signer.SerializeAsString()));
    context->signers.push_back(known);
  }
  for (const v1::AccountContext& account : message.accounts()) {
    JCM_ASSIGN_OR_RETURN(KnownAccount * known, accounts_.Find(account.SerializeAsString()));
    context->accounts.push_back(known);
  }
  return absl::OkStatus();
}

absl::Status ActReader::ReadSignedPart(absl::string_view bytes, SignedAct* act) {
  act->header_bytes = act->part = "";
  act->part_index = 0;
  act->part_path.clear();
  signature_views_.clear();
  WireReader reader(bytes);
  WireField field;
  bool plain = true;
  while (plain && reader.Next(&field)) {
    plain = field.number <= 5 && field.is_bytes == (field.number != 3);
    if (field.number == 1) act->header_bytes = field.bytes;
    if (field.number == 2) act->part = field.bytes;
    if (field.number == 3) act->part_index = static_cast<uint32_t>(field.value);
    if (field.number == 4) act->part_path.push_back(field.bytes);
    if (field.number == 5) signature_views_.push_back(field.bytes);
  }
  if (plain && reader.ok()) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(ParseStrict(bytes, &unusual_signed_part_));
  act->header_bytes = unusual_signed_part_.header();
  act->part = unusual_signed_part_.part();
  act->part_index = unusual_signed_part_.part_index();
  act->part_path.assign(unusual_signed_part_.part_path().begin(), unusual_signed_part_.part_path().end());
  unusual_signatures_.clear();
  for (const v1::Signature& signature : unusual_signed_part_.signatures()) {
    unusual_signatures_.push_back(signature.SerializeAsString());
  }
  signature_views_.assign(unusual_signatures_.begin(), unusual_signatures_.end());
  return absl::OkStatus();
}

// The signatures, unless they are those of the entry before.
absl::Status ActReader::ReadSignatures(SignedAct* act) {
  const bool same =
      std::equal(signature_views_.begin(), signature_views_.end(), signature_bytes_.begin(), signature_bytes_.end());
  if (same) return absl::OkStatus();
  act->same_signing = false;
  act->signatures.Clear();
  signature_bytes_.clear();
  for (const absl::string_view bytes : signature_views_) {
    JCM_RETURN_IF_ERROR(ParseStrict(bytes, act->signatures.Add()));
  }
  for (const absl::string_view bytes : signature_views_) signature_bytes_.emplace_back(bytes);
  return absl::OkStatus();
}

absl::Status ActReader::ReadPart(absl::string_view bytes, SignedAct* act, absl::string_view* command) {
  act->partnership = *command = "";
  WireReader reader(bytes);
  WireField field;
  bool plain = true;
  while (plain && reader.Next(&field)) {
    plain = field.number <= 3 && field.is_bytes && (field.number != 1 || IsAscii(field.bytes));
    if (field.number == 1) act->partnership = field.bytes;
    if (field.number == 2) *command = field.bytes;
  }
  if (plain && reader.ok()) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(ParseStrict(bytes, &unusual_part_));
  act->partnership = unusual_part_.partnership();
  *command = unusual_part_.command();
  return absl::OkStatus();
}

absl::Status ActReader::ReadCommand(absl::string_view bytes, SignedAct* act, const char** what) {
  act->same_signing = true;
  *what = "a signed part";
  JCM_RETURN_IF_ERROR(ReadSignedPart(bytes, act));
  JCM_RETURN_IF_ERROR(ReadSignatures(act));
  *what = "a header";
  if (act->header_bytes != header_ || header_.empty()) {
    act->same_signing = false;
    header_.clear();
    JCM_RETURN_IF_ERROR(ParseStrict(act->header_bytes, &act->header));
    header_ = std::string(act->header_bytes);
  }
  const std::vector<KnownSigner*>& signers = act->context.signers;
  if (!std::equal(signers.begin(), signers.end(), last_signers_.begin(), last_signers_.end())) {
    act->same_signing = false;
    last_signers_.assign(signers.begin(), signers.end());
  }
  *what = "a part";
  absl::string_view command;
  JCM_RETURN_IF_ERROR(ReadPart(act->part, act, &command));
  *what = "a command";
  act->is_operation = ReadPlainCommand(command, &act->body, &act->operation);
  if (act->is_operation) return absl::OkStatus();
  JCM_RETURN_IF_ERROR(ParseStrict(command, &act->command));
  act->body = act->command.body_case();
  act->is_operation = OperationOf(act->command, &act->operation);
  return absl::OkStatus();
}

}  // namespace jcm::verify
