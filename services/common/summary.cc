#include "services/common/summary.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/repeated_field.h"
#include "jcm/ledger/v1/book.pb.h"
#include "jcm/ledger/v1/bundle.pb.h"

namespace jcm::services {
namespace {

namespace v1 = ::jcm::ledger::v1;

constexpr size_t kHandleDigitsShown = 8;

std::string Tonnes(const google::protobuf::RepeatedPtrField<v1::UnitRange>& ranges) {
  uint64_t tonnes = 0;
  for (const v1::UnitRange& range : ranges) tonnes += range.last() - range.first() + 1;
  return absl::StrCat(tonnes, " t");
}

std::string Short(const std::string& handle) {
  return handle.size() <= kHandleDigitsShown ? handle : absl::StrCat(handle.substr(0, kHandleDigitsShown), "…");
}

// What distinguishes acts that people look for; all others are named by their object.
std::string Details(const v1::Command& command) {
  switch (command.body_case()) {
    case v1::Command::kTransferCredits: {
      const auto& act = command.transfer_credits();
      return absl::StrCat(": ", Tonnes(act.ranges()), " from ", Short(act.from_account()), " to ",
                          Short(act.to_account()));
    }
    case v1::Command::kRetireCredits:
      return absl::StrCat(": ", Tonnes(command.retire_credits().ranges()), " from ",
                          Short(command.retire_credits().from_account()));
    case v1::Command::kCancelCredits:
      return absl::StrCat(": ", Tonnes(command.cancel_credits().ranges()), " from ",
                          Short(command.cancel_credits().from_account()));
    case v1::Command::kInitTransfer:
      return absl::StrCat(": ", Tonnes(command.init_transfer().ranges()), " from ",
                          Short(command.init_transfer().from_account()));
    case v1::Command::kAcceptTransfer:
      return absl::StrCat(" into ", Short(command.accept_transfer().to_account()));
    case v1::Command::kRecordFirstTransfer:
      return absl::StrCat(": ", Tonnes(command.record_first_transfer().ranges()), " under ",
                          command.record_first_transfer().authorization_id());
    case v1::Command::kAuthorizeItmo:
      return absl::StrCat(": ", command.authorize_itmo().quantity(), " t of ", command.authorize_itmo().project_id());
    case v1::Command::kCastVote: {
      const std::string& name = v1::Vote_Name(command.cast_vote().vote());
      // Never as if the member had signed what the secretariat filed.
      const bool recorded = command.cast_vote().form() == v1::VOTE_FORM_RECORDED_BY_SECRETARIAT;
      return absl::StrCat(": ", name.substr(name.find('_') + 1), recorded ? " of " : " by ",
                          command.cast_vote().member_id(), recorded ? ", recorded by the secretariat" : "");
    }
    case v1::Command::kConfirmOutcome: {
      const std::string& name = v1::DecisionOutcome_Name(command.confirm_outcome().outcome());
      return absl::StrCat(": ", name.substr(sizeof("DECISION_OUTCOME_") - 1));
    }
    default:
      return "";
  }
}

// The object's id is the first field of every command that has one.
std::string ObjectId(const google::protobuf::Message& body) {
  const google::protobuf::FieldDescriptor* field = body.GetDescriptor()->FindFieldByNumber(1);
  if (field == nullptr || field->is_repeated() || field->type() != google::protobuf::FieldDescriptor::TYPE_STRING) {
    return "";
  }
  return body.GetReflection()->GetString(body, field);
}

std::string Cut(std::string text) {
  if (text.size() <= kSummaryBytesMax) return text;
  size_t end = kSummaryBytesMax - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

std::string CommandSummary(absl::string_view bytes) {
  v1::SignedPart signed_part;
  v1::BundlePart part;
  v1::Command command;
  if (!signed_part.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !part.ParseFromString(signed_part.part()) || !command.ParseFromString(part.command())) {
    return "";
  }
  return SummaryOf(command);
}

}  // namespace

std::string SummaryOf(const v1::Command& command) {
  const google::protobuf::FieldDescriptor* body =
      command.GetReflection()->GetOneofFieldDescriptor(command, v1::Command::descriptor()->FindOneofByName("body"));
  if (body == nullptr) return "";
  const google::protobuf::Message& message = command.GetReflection()->GetMessage(command, body);
  const std::string id = ObjectId(message);
  return Cut(absl::StrCat(message.GetDescriptor()->name(), id.empty() ? "" : " ", id, Details(command)));
}

std::string SummaryOf(book::LeafKind kind, absl::string_view command_bytes) {
  std::string summary;
  const int size = static_cast<int>(command_bytes.size());
  if (kind == book::LeafKind::COMMAND) {
    summary = CommandSummary(command_bytes);
  } else if (kind == book::LeafKind::GENESIS) {
    v1::Genesis genesis;
    if (genesis.ParseFromArray(command_bytes.data(), size)) summary = absl::StrCat("Genesis of ", genesis.origin());
  } else if (kind == book::LeafKind::IMPORT) {
    v1::Import import;
    if (import.ParseFromArray(command_bytes.data(), size) && import.to() > import.from()) {
      summary = absl::StrCat("Import entries ", import.from(), "..", import.to() - 1);
    }
  } else if (kind == book::LeafKind::STATE_ROOT) {
    v1::StateRoot root;
    if (root.ParseFromArray(command_bytes.data(), size)) {
      summary = absl::StrCat("StateRoot at size ", root.size(), ", ", root.record_count(), " records");
    }
  } else if (kind == book::LeafKind::HALT) {
    v1::Halt halt;
    if (halt.ParseFromArray(command_bytes.data(), size)) {
      summary = absl::StrCat("Halt at the partner's entry ", halt.peer_sequence(), ": ", halt.detail());
    }
  }
  return summary.empty() ? std::string(book::KindName(kind)) : Cut(std::move(summary));
}

}  // namespace jcm::services
