#include "tools/jcm-verify/audit/plain.h"

#include <cstring>

#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {
namespace {

using C = v1::Command;

// Fields of a message, of which each comes once at most and in order, but one that may repeat.
class PlainReader {
 public:
  PlainReader(absl::string_view bytes, uint32_t repeated = 0) : reader_(bytes), repeated_(repeated) {}

  bool Next(WireField* field) {
    if (!reader_.Next(field)) return false;
    in_order_ = in_order_ && (field->number > last_ || (field->number == last_ && field->number == repeated_));
    last_ = field->number;
    return in_order_;
  }
  bool ok() const { return in_order_ && reader_.ok(); }

 private:
  WireReader reader_;
  const uint32_t repeated_;
  uint32_t last_ = 0;
  bool in_order_ = true;
};

bool Text(const WireField& field, absl::string_view* text) {
  *text = field.bytes;
  return field.is_bytes && IsAscii(field.bytes);
}

bool Number(const WireField& field, uint64_t* number) {
  *number = field.value;
  return !field.is_bytes;
}

bool IsDate(absl::string_view bytes) {
  PlainReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number > 3 || field.is_bytes) return false;
  }
  return reader.ok();
}

// Fields 1 to 4, which acts and records have in common; true if it was one of them.
bool ReadCommon(const WireField& field, OperationView* operation) {
  switch (field.number) {
    case 1:
      return Text(field, &operation->id);
    case 2:
      return Text(field, &operation->from_account);
    case 3:
      return Text(field, &operation->to_account);
    case 4:
      operation->ranges.emplace_back();
      return field.is_bytes && operation->ranges.back().Read(field.bytes);
    default:
      return false;
  }
}

bool ReadAct(C::BodyCase act, absl::string_view bytes, OperationView* operation) {
  PlainReader reader(bytes, /*repeated=*/4);
  WireField field;
  while (reader.Next(&field)) {
    if (ReadCommon(field, operation)) continue;
    if (field.number < 5 || field.number > 6 || act == C::kTransferCredits) return false;
    const bool is_purpose = act == C::kCancelCredits && field.number == 5;
    if (field.is_bytes == is_purpose) return false;
  }
  return reader.ok();
}

template <typename Act>
void Copy(const Act& act, const std::string& id, const std::string& to, OperationView* operation) {
  operation->id = id;
  operation->from_account = act.from_account();
  operation->to_account = to;
  operation->ranges.clear();
  for (const v1::UnitRange& range : act.ranges()) {
    operation->ranges.emplace_back(range.lot_id(), range.first(), range.last());
  }
}

void Clear(OperationView* operation) {
  operation->id = operation->from_account = operation->to_account = "";
  operation->ranges.clear();
  operation->tonnes = 0;
}

}  // namespace

bool IsAscii(absl::string_view text) {
  const char* at = text.data();
  size_t left = text.size();
  uint64_t high = 0;
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), at += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    high |= word;
  }
  for (; left > 0; --left, ++at) high |= static_cast<uint8_t>(*at);
  return (high & 0x8080808080808080u) == 0;
}

bool RangeView::Read(absl::string_view bytes) {
  PlainReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    const bool good = field.number == 1   ? Text(field, &lot_id_)
                      : field.number == 2 ? Number(field, &first_)
                      : field.number == 3 ? Number(field, &last_)
                                          : false;
    if (!good) return false;
  }
  return reader.ok();
}

bool ReadPlainCommand(absl::string_view bytes, C::BodyCase* act, OperationView* operation) {
  Clear(operation);
  *act = C::BODY_NOT_SET;
  PlainReader reader(bytes);
  WireField field;
  absl::string_view note;
  while (reader.Next(&field)) {
    bool good = false;
    switch (field.number) {
      case 1:
        good = field.is_bytes && IsDate(field.bytes);
        break;
      case 2:
        good = !field.is_bytes;
        break;
      case 3:
        good = Text(field, &note);
        break;
      case C::kTransferCredits:
      case C::kRetireCredits:
      case C::kCancelCredits:
        good = field.is_bytes && *act == C::BODY_NOT_SET;
        *act = static_cast<C::BodyCase>(field.number);
        good = good && ReadAct(*act, field.bytes, operation);
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  return reader.ok() && *act != C::BODY_NOT_SET;
}

bool OperationOf(const C& command, OperationView* operation) {
  Clear(operation);
  switch (command.body_case()) {
    case C::kTransferCredits: {
      const v1::TransferCredits& act = command.transfer_credits();
      Copy(act, act.transfer_id(), act.to_account(), operation);
      return true;
    }
    case C::kRetireCredits: {
      const v1::RetireCredits& act = command.retire_credits();
      Copy(act, act.retirement_id(), act.retirement_account(), operation);
      return true;
    }
    case C::kCancelCredits: {
      const v1::CancelCredits& act = command.cancel_credits();
      Copy(act, act.cancellation_id(), act.cancellation_account(), operation);
      return true;
    }
    default:
      return false;
  }
}

bool ReadOperationRecord(absl::string_view bytes, OperationView* operation) {
  Clear(operation);
  PlainReader reader(bytes, /*repeated=*/4);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number < 5 && !ReadCommon(field, operation)) return false;
    if (field.number == 5 && !Number(field, &operation->tonnes)) return false;
  }
  return reader.ok();
}

bool BlockView::Read(absl::string_view bytes) {
  *this = BlockView();
  PlainReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    bool good = true;
    switch (field.number) {
      case 1:
        good = Text(field, &lot_id_);
        break;
      case 2:
        good = Number(field, &first_);
        break;
      case 3:
        good = Number(field, &last_);
        break;
      case 4:
        good = Text(field, &account_);
        break;
      case 5:
        good = !field.is_bytes && field.value <= INT32_MAX;
        state_ = static_cast<v1::BlockState>(field.value);
        break;
      case 6:
        good = !field.is_bytes && field.value <= INT32_MAX;
        first_allottee_ = static_cast<v1::PartyKind>(field.value);
        break;
      case 7:
        good = !field.is_bytes && field.value <= UINT32_MAX;
        allocation_row_ = static_cast<uint32_t>(field.value);
        break;
      case 8:
        good = Text(field, &authorization_id_);
        break;
      case 9:
        good = Text(field, &first_transfer_id_);
        break;
      case 10:
        good = Number(field, &itmo_serial_offset_);
        break;
      case 11:
        good = Text(field, &restriction_);
        break;
      case 12:
        good = !field.is_bytes;
        trust_ = field.value != 0;
        break;
      case 13:
        good = Text(field, &end_id_);
        break;
      case 14:
        good = Text(field, &issuing_registry_);
        break;
      default:
        good = false;
    }
    if (!good) return false;
  }
  return reader.ok();
}

}  // namespace jcm::verify
