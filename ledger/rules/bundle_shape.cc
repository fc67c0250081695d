#include "ledger/rules/bundle_shape.h"

#include <set>
#include <string>

#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/rules/policy.h"

namespace jcm::rules {
namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr int kAttachmentsMax = 1'000;

absl::Status CheckPartInBundle(absl::string_view bytes) {
  v1::BundlePart part;
  JCM_RETURN_IF_ERROR(ParsePart(bytes, &part));
  v1::Command command;
  JCM_RETURN_IF_ERROR(ParseStrict(part.command(), &command));
  if (command.body_case() == v1::Command::BODY_NOT_SET) return Error(Reason::FIELD_REQUIRED, "a command has no body");
  const bool home = part.partnership() == kHome;
  if (!home && !book::IsPartnershipCode(part.partnership())) {
    return Error(Reason::FIELD_INVALID, "a part names no partnership");
  }
  if (home != BelongsInHome(command.body_case())) {
    return Error(Reason::FIELD_INVALID, "a part's act does not belong in its book");
  }
  return absl::OkStatus();
}

absl::Status CheckAttachments(const v1::SignedBundle& bundle) {
  if (bundle.attachments_size() > kAttachmentsMax) return Error(Reason::BUNDLE_TOO_LARGE, "too many attachments");
  for (const v1::SealedAttachment& attachment : bundle.attachments()) {
    if (attachment.subject().empty()) return Error(Reason::FIELD_REQUIRED, "an attachment has no subject");
    if (attachment.nonce().size() != kNonceBytes || attachment.ciphertext().size() < kTagBytes) {
      return Error(Reason::FIELD_INVALID, "an attachment is not sealed");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseHeader(absl::string_view bytes, v1::BundleHeader* header) {
  JCM_RETURN_IF_ERROR(ParseStrict(bytes, header));
  if (header->format() != 1) return Error(Reason::FIELD_INVALID, "the header's format is not 1");
  if (header->registry().empty()) return Error(Reason::FIELD_REQUIRED, "the header names no registry");
  if (header->request_id().size() != kRequestIdBytes) return Error(Reason::FIELD_INVALID, "request_id is not 16 bytes");
  if (header->mode() != v1::BUNDLE_MODE_ATOMIC && header->mode() != v1::BUNDLE_MODE_INDEPENDENT) {
    return Error(Reason::FIELD_INVALID, "the bundle's mode is not known");
  }
  if (header->part_count() == 0) return Error(Reason::BUNDLE_EMPTY, "no parts");
  if (header->part_count() > kBundlePartsMax) return Error(Reason::BUNDLE_TOO_LARGE, "more than 1,000 parts");
  if (header->parts_root().size() != sizeof(Digest)) return Error(Reason::FIELD_INVALID, "parts_root is not 32 bytes");
  if (header->author_key_id().size() != sizeof(Digest)) {
    return Error(Reason::FIELD_INVALID, "author_key_id is not 32 bytes");
  }
  return absl::OkStatus();
}

absl::Status ParsePart(absl::string_view bytes, v1::BundlePart* part) {
  JCM_RETURN_IF_ERROR(ParseStrict(bytes, part));
  if (part->command().size() > kCommandBytesMax) return Error(Reason::COMMAND_TOO_LARGE, "above 64 KiB");
  if (part->command().empty()) return Error(Reason::FIELD_REQUIRED, "a part has no command");
  if (part->salt().size() < kSaltBytesMin || part->salt().size() > kSaltBytesMax) {
    return Error(Reason::FIELD_INVALID, "a part's salt is not 16 to 64 bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckSignatureList(const google::protobuf::RepeatedPtrField<v1::Signature>& signatures,
                                const v1::BundleHeader& header) {
  if (signatures.empty()) return Error(Reason::SIGNATURE_MISSING, "nobody signed");
  if (signatures.size() > kSignaturesMax) return Error(Reason::FIELD_INVALID, "more than 16 signatures");
  if (signatures.Get(0).key_id() != header.author_key_id()) {
    return Error(Reason::SIGNATURE_INVALID, "the first signature is not the author's");
  }
  std::set<std::string> keys;
  for (const v1::Signature& signature : signatures) {
    if (signature.signature().empty()) return Error(Reason::SIGNATURE_MISSING, "a signature is empty");
    if (!keys.insert(signature.key_id()).second) return Error(Reason::FIELD_INVALID, "a key signed twice");
  }
  return absl::OkStatus();
}

absl::Status CheckBundleShape(absl::string_view signed_bundle, absl::string_view registry) {
  if (signed_bundle.size() > kBundleBytesMax) return Error(Reason::BUNDLE_TOO_LARGE, "above 240 KiB");
  v1::SignedBundle bundle;
  JCM_RETURN_IF_ERROR(ParseStrict(signed_bundle, &bundle));
  if (bundle.parts().empty()) return Error(Reason::BUNDLE_EMPTY, "no parts");
  if (bundle.parts_size() > static_cast<int>(kBundlePartsMax)) {
    return Error(Reason::BUNDLE_TOO_LARGE, "more than 1,000 parts");
  }
  v1::BundleHeader header;
  JCM_RETURN_IF_ERROR(ParseHeader(bundle.header(), &header));
  if (header.registry() != registry) return Error(Reason::WRONG_REGISTRY, "signed for another registry");
  if (header.part_count() != static_cast<uint32_t>(bundle.parts_size())) {
    return Error(Reason::FIELD_INVALID, "part_count is not the number of parts");
  }
  JCM_RETURN_IF_ERROR(CheckSignatureList(bundle.signatures(), header));
  JCM_RETURN_IF_ERROR(CheckAttachments(bundle));
  book::Frontier root;
  for (const std::string& part : bundle.parts()) {
    JCM_RETURN_IF_ERROR(CheckPartInBundle(part));
    root.Append(book::LeafHash(part));
  }
  const Digest parts_root = root.Root();
  if (header.parts_root() != AsBytes(parts_root)) return Error(Reason::PROOF_INVALID, "parts_root is not of the parts");
  return absl::OkStatus();
}

}  // namespace jcm::rules
