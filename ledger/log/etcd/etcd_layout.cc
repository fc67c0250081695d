#include "ledger/log/etcd/etcd_layout.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"

namespace jcm::log {
namespace {

constexpr absl::string_view kGenerationMagic = "JLG1";
constexpr size_t kGenerationBytes = 4 + 1 + 8 + 8 + sizeof(Digest) + 8;

absl::Status Damaged(absl::string_view what, absl::string_view how) {
  return Error(Reason::STORE_CORRUPT, absl::StrCat("etcd: ", what, ": ", how));
}

}  // namespace

std::string EtcdKeys::Generation(uint64_t number) const {
  return absl::StrFormat("%s/generation/%010d", prefix_, number);
}

// '0' follows '/'.
std::string EtcdKeys::GenerationsEnd() const { return absl::StrCat(prefix_, "/generation0"); }

std::string EtcdKeys::Slot(uint64_t generation, uint64_t index) const {
  return absl::StrFormat("%s/log/%010d/%020d", prefix_, generation, index);
}

std::string EtcdKeys::SlotsEnd(uint64_t generation) const {
  return absl::StrFormat("%s/log/%010d0", prefix_, generation);
}

std::string EtcdKeys::Slots() const { return absl::StrCat(prefix_, "/log/"); }

std::string EtcdKeys::Sequencer() const { return absl::StrCat(prefix_, "/sequencer"); }

absl::StatusOr<uint64_t> EtcdKeys::LastNumber(absl::string_view key) {
  const absl::string_view digits = key.substr(std::min(key.rfind('/') + 1, key.size()));
  uint64_t number = 0;
  const bool all_digits = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits.empty() || !all_digits || !absl::SimpleAtoi(digits, &number)) return Damaged(key, "not a key of the log");
  return number;
}

std::string EncodeGeneration(const Generation& generation) {
  BigEndianWriter writer;
  writer.Bytes(kGenerationMagic)
      .U8(generation.begins_log ? 1 : 0)
      .U64(generation.before.generation)
      .U64(generation.before.index)
      .Bytes(AsBytes(generation.before.hash))
      .U64(generation.before.time.micros);
  return writer.str();
}

absl::StatusOr<Generation> DecodeGeneration(uint64_t number, absl::string_view value) {
  const std::string what = absl::StrCat("generation ", number);
  if (value.size() != kGenerationBytes || value.substr(0, kGenerationMagic.size()) != kGenerationMagic) {
    return Damaged(what, "not a generation record");
  }
  BigEndianReader reader(value.substr(kGenerationMagic.size()));
  Generation generation;
  generation.number = number;
  JCM_ASSIGN_OR_RETURN(const uint8_t begins_log, reader.U8());
  JCM_ASSIGN_OR_RETURN(generation.before.generation, reader.U64());
  JCM_ASSIGN_OR_RETURN(generation.before.index, reader.U64());
  JCM_ASSIGN_OR_RETURN(generation.before.hash, reader.Hash());
  JCM_ASSIGN_OR_RETURN(generation.before.time.micros, reader.U64());
  if (begins_log > 1) return Damaged(what, "not a generation record");
  if (generation.before.generation >= number) return Damaged(what, "not above the one before it");
  generation.begins_log = begins_log == 1;
  return generation;
}

std::string EncodeSlot(absl::string_view record) { return absl::StrCat(AsBytes(BatchHash(record)), record); }

absl::StatusOr<Batch> DecodeSlot(uint64_t generation, uint64_t index, absl::string_view value) {
  const std::string what = absl::StrCat("batch ", index, " of generation ", generation);
  if (value.size() < sizeof(Digest)) return Damaged(what, "too short");
  absl::StatusOr<Batch> batch = DecodeBatch(value.substr(sizeof(Digest)));
  if (!batch.ok()) return Damaged(what, batch.status().message());
  if (AsBytes(batch->hash) != value.substr(0, sizeof(Digest))) return Damaged(what, "its hash is another one");
  if (batch->header.index != index || batch->header.generation != generation) {
    return Damaged(what, absl::StrCat("says that it is ", batch->header.index, " of ", batch->header.generation));
  }
  return batch;
}

}  // namespace jcm::log
