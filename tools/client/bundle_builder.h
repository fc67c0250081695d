// Makes what a registry records: commands, put in parts with random salts, under one header that all approvers sign.
//
//   BundleBuilder builder("JPN", v1::BUNDLE_MODE_ATOMIC, random);
//   builder.Add("TH", command);
//   JCM_ASSIGN_OR_RETURN(BuiltBundle bundle, builder.Sign({author, approver}));
//   Send(bundle.bytes);
//
// Signing fixes the bytes. To ask again for an outcome, send the same bytes again: a bundle made anew has other salts,
// and the same request id would be refused for it. Not thread-safe. Format: proto/jcm/ledger/v1/bundle.proto.
#ifndef TOOLS_CLIENT_BUNDLE_BUILDER_H_
#define TOOLS_CLIENT_BUNDLE_BUILDER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"

namespace jcm::client {

namespace v1 = ::jcm::ledger::v1;

inline constexpr size_t kRequestIdBytes = 16;
inline constexpr size_t kPartSaltBytes = 16;
inline constexpr size_t kCommandBytesMax = 64 * 1024;
inline constexpr size_t kBundleBytesMax = 240 * 1024;
inline constexpr size_t kBundlePartsMax = 1'000;

struct BuiltBundle {
  std::string bytes;   // a serialised SignedBundle
  std::string header;  // what was signed, without its pre-authentication encoding
  std::string request_id;
};

class BundleBuilder {
 public:
  // `random` must outlive the builder. The request id is drawn from it unless one is set.
  BundleBuilder(absl::string_view registry, v1::BundleMode mode, Random& random);

  // 16 bytes. FIELD_INVALID for another length.
  absl::Status SetRequestId(absl::string_view request_id);

  // One act in one book: `partnership` is "TH", or "home". Errors: COMMAND_TOO_LARGE; BUNDLE_TOO_LARGE above 1,000
  // parts.
  absl::Status Add(absl::string_view partnership, const v1::Command& command);
  // Sealed particulars that a command names by the SHA-256 of their ciphertext.
  void Attach(v1::SealedAttachment attachment);

  size_t part_count() const { return parts_.size(); }

  // The first key is the author's, the others approve the same bytes. Errors: BUNDLE_EMPTY, SIGNATURE_MISSING without a
  // key, BUNDLE_TOO_LARGE. A bundle that is too large is never split: the author decides what belongs together.
  absl::StatusOr<BuiltBundle> Sign(absl::Span<const PrivateKey> signers) const;

 private:
  const std::string registry_;
  const v1::BundleMode mode_;
  Random& random_;
  std::string request_id_;
  std::vector<std::string> parts_;
  std::vector<v1::SealedAttachment> attachments_;
};

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_BUNDLE_BUILDER_H_
