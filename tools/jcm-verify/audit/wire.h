// The wire form of protobuf, read by hand: views into the bytes, nothing copied. For the messages that every entry has
// (EntryRecord, Effects, pages of an export); all others are parsed by their generated classes.
//
//   WireReader reader(bytes);
//   WireField field;
//   while (reader.Next(&field)) if (field.number == 3) Use(field.bytes);
//   if (!reader.ok()) ...   // not such a message
//
// Strict: a number in more bytes than it needs is refused, as no writer of this system makes one. Thread-safe by
// sharing nothing.
#ifndef TOOLS_JCM_VERIFY_AUDIT_WIRE_H_
#define TOOLS_JCM_VERIFY_AUDIT_WIRE_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

namespace jcm::verify {

struct WireField {
  uint32_t number = 0;
  bool is_bytes = false;    // else a varint
  uint64_t value = 0;       // of a varint
  absl::string_view bytes;  // of a length-delimited field
};

class WireReader {
 public:
  explicit WireReader(absl::string_view bytes) : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()) {}

  // False at the end and at the first error. Only varints and length-delimited fields are known here.
  bool Next(WireField* field) {
    if (!ok_ || at_ == end_) return false;
    const char* const start = at_;
    uint64_t tag = 0;
    if (!Varint(&tag) || tag > UINT32_MAX || (tag >> 3) == 0 || !Varint(&field->value)) return Fail(start);
    field->number = static_cast<uint32_t>(tag >> 3);
    field->is_bytes = (tag & 7) == kWireBytes;
    if (!field->is_bytes) return (tag & 7) == kWireVarint || Fail(start);
    if (field->value > static_cast<uint64_t>(end_ - at_)) return Fail(start);
    field->bytes = absl::string_view(at_, field->value);
    at_ += field->value;
    return true;
  }
  bool ok() const { return ok_; }
  // Where reading stands, or where it failed: bytes from the beginning.
  uint64_t position() const { return static_cast<uint64_t>(at_ - begin_); }

 private:
  static constexpr uint32_t kWireVarint = 0;
  static constexpr uint32_t kWireBytes = 2;

  bool Varint(uint64_t* value) {
    if (at_ == end_) return false;
    const uint8_t byte = static_cast<uint8_t>(*at_);
    if (byte >= 0x80) return LongVarint(value);
    *value = byte;
    ++at_;
    return true;
  }
  bool LongVarint(uint64_t* value);
  bool Fail(const char* start) {
    at_ = start;
    ok_ = false;
    return false;
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

// An entry as stored, exported and mirrored (jcm.ledger.v1.EntryRecord).
struct EntryBytes {
  absl::string_view leaf, command, context, effects;
};
// False unless exactly fields 1 to 4, each at most once, in order, none empty that is written.
bool ParseEntryRecord(absl::string_view bytes, EntryBytes* entry);

// One change of a record (jcm.ledger.v1.Effect).
struct EffectBytes {
  uint32_t table = 0;
  absl::string_view key, old_value, new_value;
};
// Replaces `effects`. False unless `bytes` are a jcm.ledger.v1.Effects with nothing unknown.
bool ParseEffects(absl::string_view bytes, std::vector<EffectBytes>* effects);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_WIRE_H_
