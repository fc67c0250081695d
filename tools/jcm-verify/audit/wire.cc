#include "tools/jcm-verify/audit/wire.h"

namespace jcm::verify {
namespace {

bool ParseEffect(absl::string_view bytes, EffectBytes* effect) {
  WireReader reader(bytes);
  WireField field;
  uint32_t last = 0;
  while (reader.Next(&field)) {
    if (field.number <= last || field.number > 4 || field.is_bytes != (field.number != 1)) return false;
    last = field.number;
    switch (field.number) {
      case 1:
        if (field.value == 0 || field.value > UINT32_MAX) return false;
        effect->table = static_cast<uint32_t>(field.value);
        break;
      case 2:
        effect->key = field.bytes;
        break;
      case 3:
        effect->old_value = field.bytes;
        break;
      default:
        effect->new_value = field.bytes;
    }
  }
  return reader.ok() && effect->table != 0;
}

}  // namespace

bool WireReader::LongVarint(uint64_t* value) {
  uint64_t result = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == end_) return false;
    const uint8_t byte = static_cast<uint8_t>(*at_);
    if (shift == 63 && byte > 1) return false;
    if (byte == 0 && shift > 0) return false;  // a longer spelling than needed
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    ++at_;
    if ((byte & 0x80) == 0) {
      *value = result;
      return true;
    }
  }
  return false;
}

bool ParseEntryRecord(absl::string_view bytes, EntryBytes* entry) {
  *entry = EntryBytes();
  absl::string_view* const fields[] = {&entry->leaf, &entry->command, &entry->context, &entry->effects};
  WireReader reader(bytes);
  WireField field;
  uint32_t last = 0;
  while (reader.Next(&field)) {
    if (!field.is_bytes || field.number <= last || field.number > 4 || field.bytes.empty()) return false;
    last = field.number;
    *fields[field.number - 1] = field.bytes;
  }
  return reader.ok();
}

bool ParseEffects(absl::string_view bytes, std::vector<EffectBytes>* effects) {
  effects->clear();
  WireReader reader(bytes);
  WireField field;
  while (reader.Next(&field)) {
    if (!field.is_bytes || field.number != 1) return false;
    effects->emplace_back();
    if (!ParseEffect(field.bytes, &effects->back())) return false;
  }
  return reader.ok();
}

}  // namespace jcm::verify
