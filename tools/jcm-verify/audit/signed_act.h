// Command and context of an entry, read for the checks.
//
//   ActReader reader;
//   SignedAct act;
//   const char* what = "";
//   absl::Status read = reader.ReadContext(entry.context, &act.context);
//   read = reader.ReadCommand(entry.command, &act, &what);   // of a COMMAND entry
//
// Nothing unknown is let pass. What entries have in common is parsed once: persons and accounts of contexts, which come
// again and again, and the header and signatures of a bundle, whose parts follow each other. Not thread-safe.
#ifndef TOOLS_JCM_VERIFY_AUDIT_SIGNED_ACT_H_
#define TOOLS_JCM_VERIFY_AUDIT_SIGNED_ACT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "tools/jcm-verify/audit/plain.h"

namespace jcm::verify {

// So many persons, and so many accounts, are kept parsed.
inline constexpr size_t kKnownMax = 100'000;

// What home says of a person or account in a context: kept, as it is the same for all entries until home changes.
struct HomeVerdict {
  bool judged = false;
  uint64_t home_size = 0;      // when it was judged
  std::string contradiction;   // empty: home says the same
  uint64_t changes_at_us = 0;  // a later change in home; the largest number if there is none
};

// One signer or account of a context, by its bytes.
template <typename Message>
struct Known {
  Message context;
  HomeVerdict home;
  // Of a signer: whether its key is the one of its id.
  bool key_judged = false;
  bool key_good = false;
};
using KnownSigner = Known<v1::SignerContext>;
using KnownAccount = Known<v1::AccountContext>;

struct ContextView {
  std::vector<KnownSigner*> signers;
  std::vector<KnownAccount*> accounts;
};

using Signatures = google::protobuf::RepeatedPtrField<v1::Signature>;

struct SignedAct {
  ContextView context;
  absl::string_view header_bytes;
  v1::BundleHeader header;
  Signatures signatures;
  // Header, signatures and signers are those of the entry before.
  bool same_signing = false;
  absl::string_view part;
  uint32_t part_index = 0;
  std::vector<absl::string_view> part_path;
  absl::string_view partnership;
  v1::Command::BodyCase body = v1::Command::BODY_NOT_SET;
  // Of a transfer, retirement or cancellation there is `operation`, of all other acts `command`.
  bool is_operation = false;
  OperationView operation;
  v1::Command command;
};

class ActReader {
 public:
  // What the views show must outlive them: the bytes, and this until the next call. `what`: the part that is at fault.
  absl::Status ReadContext(absl::string_view bytes, ContextView* context);
  absl::Status ReadCommand(absl::string_view bytes, SignedAct* act, const char** what);

 private:
  template <typename Message>
  class Cache {
   public:
    absl::StatusOr<Known<Message>*> Find(absl::string_view bytes);
    // True if all were forgotten.
    bool MakeRoom() {
      if (known_.size() < kKnownMax) return false;
      known_.clear();
      last_ = nullptr;
      return true;
    }

   private:
    // Found last: often it is asked for again.
    const std::pair<const std::string, std::unique_ptr<Known<Message>>>* last_ = nullptr;
    absl::node_hash_map<std::string, std::unique_ptr<Known<Message>>> known_;
  };

  absl::Status ReadUnusualContext(absl::string_view bytes, ContextView* context);
  absl::Status ReadSignedPart(absl::string_view bytes, SignedAct* act);
  absl::Status ReadSignatures(SignedAct* act);
  absl::Status ReadPart(absl::string_view bytes, SignedAct* act, absl::string_view* command);

  Cache<v1::SignerContext> signers_;
  Cache<v1::AccountContext> accounts_;
  std::string header_;
  std::vector<absl::string_view> signature_views_;
  std::vector<std::string> signature_bytes_;
  std::vector<const KnownSigner*> last_signers_;
  // Where bytes are not as plain as writers make them.
  v1::SignedPart unusual_signed_part_;
  v1::BundlePart unusual_part_;
  std::vector<std::string> unusual_signatures_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_SIGNED_ACT_H_
