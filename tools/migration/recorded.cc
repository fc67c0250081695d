#include "tools/migration/recorded.h"

#include "jcm/ledger/v1/bundle.pb.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"

namespace jcm::migration {

Recorded::Key Recorded::KeyOf(absl::string_view partnership, const v1::Command& command) {
  return {std::string(partnership), command.source().file(), command.source().object(),
          static_cast<int>(command.body_case())};
}

absl::Status Recorded::Add(absl::string_view partnership, uint64_t sequence, absl::string_view leaf_hash,
                           absl::string_view command_bytes) {
  v1::SignedPart signed_part;
  v1::BundlePart part;
  v1::Command command;
  JCM_RETURN_IF_ERROR(ParseStrict(command_bytes, &signed_part));
  JCM_RETURN_IF_ERROR(ParseStrict(signed_part.part(), &part));
  JCM_RETURN_IF_ERROR(ParseStrict(part.command(), &command));
  if (!command.has_source()) return absl::OkStatus();
  acts_[KeyOf(partnership, command)] = {std::string(partnership), sequence, std::string(leaf_hash),
                                        command.source().row_commitment()};
  return absl::OkStatus();
}

const RecordedAct* Recorded::Find(const std::string& partnership, const v1::Command& command) const {
  const auto found = acts_.find(KeyOf(partnership, command));
  return found == acts_.end() ? nullptr : &found->second;
}

}  // namespace jcm::migration
