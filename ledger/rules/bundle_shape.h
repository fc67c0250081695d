// The shape of what clients sign: header, parts and list of signatures, before any state is asked.
#ifndef LEDGER_RULES_BUNDLE_SHAPE_H_
#define LEDGER_RULES_BUNDLE_SHAPE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "ledger/rules/engine.h"

namespace jcm::rules {

inline constexpr int kSignaturesMax = 16;
inline constexpr size_t kRequestIdBytes = 16;
inline constexpr size_t kSaltBytesMin = 16;
inline constexpr size_t kSaltBytesMax = 64;

// Strictly parses a BundleHeader and checks format, request id, mode, part count, root and author.
// Errors: those of ParseStrict, FIELD_REQUIRED, FIELD_INVALID, BUNDLE_EMPTY, BUNDLE_TOO_LARGE.
absl::Status ParseHeader(absl::string_view bytes, v1::BundleHeader* header);

// Strictly parses a BundlePart and checks its salt and the size of its command; the command itself stays unread.
// Errors: those of ParseStrict, FIELD_INVALID, FIELD_REQUIRED, COMMAND_TOO_LARGE.
absl::Status ParsePart(absl::string_view bytes, v1::BundlePart* part);

// 1 to 16 signatures, each key once, the author's first. SIGNATURE_MISSING, SIGNATURE_INVALID, FIELD_INVALID.
absl::Status CheckSignatureList(const google::protobuf::RepeatedPtrField<v1::Signature>& signatures,
                                const v1::BundleHeader& header);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_BUNDLE_SHAPE_H_
