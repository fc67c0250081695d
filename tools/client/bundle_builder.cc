#include "tools/client/bundle_builder.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/book/authorship.h"
#include "ledger/book/genesis.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"

namespace jcm::client {
namespace {

constexpr uint32_t kHeaderFormat = 1;

}  // namespace

BundleBuilder::BundleBuilder(absl::string_view registry, v1::BundleMode mode, Random& random)
    : registry_(registry), mode_(mode), random_(random), request_id_(random.Bytes(kRequestIdBytes)) {}

absl::Status BundleBuilder::SetRequestId(absl::string_view request_id) {
  if (request_id.size() != kRequestIdBytes) return Error(Reason::FIELD_INVALID, "a request id has 16 bytes");
  request_id_ = std::string(request_id);
  return absl::OkStatus();
}

absl::Status BundleBuilder::Add(absl::string_view partnership, const v1::Command& command) {
  if (parts_.size() == kBundlePartsMax) return Error(Reason::BUNDLE_TOO_LARGE, "more than 1,000 parts");
  v1::BundlePart part;
  part.set_partnership(std::string(partnership));
  part.set_command(command.SerializeAsString());
  part.set_salt(random_.Bytes(kPartSaltBytes));
  if (part.command().size() > kCommandBytesMax) {
    return Error(Reason::COMMAND_TOO_LARGE, absl::StrCat(part.command().size(), " bytes"));
  }
  parts_.push_back(part.SerializeAsString());
  return absl::OkStatus();
}

void BundleBuilder::Attach(v1::SealedAttachment attachment) { attachments_.push_back(std::move(attachment)); }

absl::StatusOr<BuiltBundle> BundleBuilder::Sign(absl::Span<const PrivateKey> signers) const {
  if (parts_.empty()) return Error(Reason::BUNDLE_EMPTY);
  if (signers.empty()) return Error(Reason::SIGNATURE_MISSING, "no signing key was given");
  book::Frontier tree;
  for (const std::string& part : parts_) tree.Append(book::LeafHash(part));

  v1::BundleHeader header;
  header.set_format(kHeaderFormat);
  header.set_registry(registry_);
  header.set_request_id(request_id_);
  header.set_mode(mode_);
  header.set_part_count(static_cast<uint32_t>(parts_.size()));
  header.set_parts_root(std::string(AsBytes(tree.Root())));
  header.set_author_key_id(std::string(AsBytes(signers.front().public_key().KeyId())));

  v1::SignedBundle bundle;
  bundle.set_header(header.SerializeAsString());
  for (const std::string& part : parts_) bundle.add_parts(part);
  for (const PrivateKey& signer : signers) {
    *bundle.add_signatures() = book::SignToProto(signer, book::kBundleHeaderPayloadType, bundle.header());
  }
  for (const v1::SealedAttachment& attachment : attachments_) *bundle.add_attachments() = attachment;

  BuiltBundle built;
  built.bytes = bundle.SerializeAsString();
  built.header = bundle.header();
  built.request_id = request_id_;
  if (built.bytes.size() > kBundleBytesMax) {
    return Error(Reason::BUNDLE_TOO_LARGE, absl::StrCat(built.bytes.size(), " bytes"));
  }
  return built;
}

}  // namespace jcm::client
