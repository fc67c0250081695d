#include "ledger/book/authorship.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/book/genesis.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"

namespace jcm::book {
namespace {

constexpr absl::string_view kCommitmentSuffix = "_commitment";

// That the part lies in the tree whose root the header names.
absl::Status CheckPlaceInBundle(const v1::SignedPart& signed_part, const v1::BundleHeader& header) {
  absl::StatusOr<Digest> root = DigestFromBytes(header.parts_root());
  if (!root.ok()) return Error(Reason::MESSAGE_MALFORMED, "parts root");
  std::vector<Digest> path;
  for (const std::string& bytes : signed_part.part_path()) {
    JCM_ASSIGN_OR_RETURN(Digest hash, DigestFromBytes(bytes));
    path.push_back(hash);
  }
  return VerifyInclusion(LeafHash(signed_part.part()), signed_part.part_index(), header.part_count(), path, *root);
}

absl::StatusOr<std::vector<std::string>> VerifySignatures(const v1::SignedPart& signed_part,
                                                          const v1::BundleHeader& header,
                                                          const std::string& context_bytes) {
  v1::Context context;
  JCM_RETURN_IF_ERROR(ParseStrict(context_bytes, &context));
  if (signed_part.signatures_size() == 0) return Error(Reason::SIGNATURE_MISSING);
  if (signed_part.signatures(0).key_id() != header.author_key_id()) {
    return Error(Reason::SIGNATURE_INVALID, "the first signature is not the author's");
  }
  const std::string message = PreAuthEncode(kBundleHeaderPayloadType, signed_part.header());
  std::vector<std::string> key_ids;
  for (const v1::Signature& signature : signed_part.signatures()) {
    const v1::PublicKeyData* data = nullptr;
    for (const v1::SignerContext& signer : context.signers()) {
      if (signer.key_id() == signature.key_id()) data = &signer.key();
    }
    if (data == nullptr) return Error(Reason::KEY_UNKNOWN, "a signer is not in the context");
    JCM_ASSIGN_OR_RETURN(PublicKey key, PublicKeyFromProto(*data));
    const Digest id = key.KeyId();
    if (AsBytes(id) != signature.key_id() || static_cast<uint32_t>(key.type()) != signature.type()) {
      return Error(Reason::SIGNATURE_INVALID, "a key's id is not that of the key");
    }
    JCM_RETURN_IF_ERROR(key.Verify(message, signature.signature()));
    key_ids.push_back(HexEncode(id));
  }
  return key_ids;
}

// The non-empty commitments of the act: "beneficiary" -> 32 bytes. By the fields' names, so that an act that gets one
// later is covered.
std::map<std::string, std::string> CommitmentsOf(const v1::Command& command) {
  std::map<std::string, std::string> commitments;
  const google::protobuf::Reflection& reflection = *command.GetReflection();
  const google::protobuf::OneofDescriptor* body = command.GetDescriptor()->FindOneofByName("body");
  const google::protobuf::FieldDescriptor* act = reflection.GetOneofFieldDescriptor(command, body);
  if (act == nullptr) return commitments;
  const google::protobuf::Message& message = reflection.GetMessage(command, act);
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const std::string& name = field->name();
    if (!absl::EndsWith(name, kCommitmentSuffix) || field->is_repeated()) continue;
    if (field->type() != google::protobuf::FieldDescriptor::TYPE_BYTES) continue;
    commitments[name.substr(0, name.size() - kCommitmentSuffix.size())] =
        message.GetReflection()->GetString(message, field);
  }
  return commitments;
}

}  // namespace

absl::StatusOr<Authored> CheckAuthorship(absl::string_view command_bytes,
                                         const absl::optional<std::string>& context_bytes, const BookId& book) {
  v1::SignedPart signed_part;
  v1::BundleHeader header;
  v1::BundlePart part;
  JCM_RETURN_IF_ERROR(ParseStrict(command_bytes, &signed_part));
  JCM_RETURN_IF_ERROR(ParseStrict(signed_part.header(), &header));
  JCM_RETURN_IF_ERROR(ParseStrict(signed_part.part(), &part));
  if (header.registry() != book.registry || part.partnership() != book.partnership) {
    return Error(Reason::WRONG_REGISTRY, "the command was signed for another book");
  }
  JCM_RETURN_IF_ERROR(CheckPlaceInBundle(signed_part, header));
  Authored authored;
  if (context_bytes.has_value()) {
    JCM_ASSIGN_OR_RETURN(authored.author_key_ids, VerifySignatures(signed_part, header, *context_bytes));
  }
  JCM_RETURN_IF_ERROR(ParseStrict(part.command(), &authored.command));
  return authored;
}

absl::Status CheckOpenings(const v1::Command& command, absl::Span<const Opening> openings,
                           std::vector<std::string>& withheld) {
  const std::map<std::string, std::string> commitments = CommitmentsOf(command);
  std::set<std::string> opened;
  for (const Opening& opening : openings) {
    auto commitment = commitments.find(opening.field);
    if (commitment == commitments.end() || !opened.insert(opening.field).second) {
      return Error(Reason::FIELD_INVALID, absl::StrCat("nothing to open: ", opening.field));
    }
    const Digest digest = Sha256Of({opening.salt, opening.value});
    if (opening.salt.size() != kSaltBytes || AsBytes(digest) != commitment->second) {
      return Error(Reason::DIGEST_MISMATCH, opening.field);
    }
  }
  for (const auto& commitment : commitments) {
    if (opened.count(commitment.first) == 0) withheld.push_back(commitment.first);
  }
  return absl::OkStatus();
}

}  // namespace jcm::book
