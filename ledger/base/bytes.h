// Bytes as they are hashed, signed and stored: big-endian records, hexadecimal and Base64.
//
//   BigEndianWriter writer;
//   writer.U8(1).U64(sequence).Bytes(AsBytes(previous));
//   BigEndianReader reader(record);
//   JCM_ASSIGN_OR_RETURN(uint64_t sequence, reader.U64());
//
// Readers and decoders are strict: each value has exactly one accepted spelling. All functions are thread-safe; the
// reader keeps a view, so the bytes must outlive it.
#ifndef LEDGER_BASE_BYTES_H_
#define LEDGER_BASE_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm {

// Appends to a string of its own, or to one that the caller owns.
class BigEndianWriter {
 public:
  BigEndianWriter() : out_(&own_) {}
  explicit BigEndianWriter(std::string* out) : out_(out) {}
  BigEndianWriter(const BigEndianWriter&) = delete;
  BigEndianWriter& operator=(const BigEndianWriter&) = delete;

  BigEndianWriter& U8(uint8_t value) { return Append(value, 1); }
  BigEndianWriter& U16(uint16_t value) { return Append(value, 2); }
  BigEndianWriter& U32(uint32_t value) { return Append(value, 4); }
  BigEndianWriter& U64(uint64_t value) { return Append(value, 8); }
  BigEndianWriter& Bytes(absl::string_view bytes) {
    out_->append(bytes.data(), bytes.size());
    return *this;
  }

  const std::string& str() const { return *out_; }

 private:
  BigEndianWriter& Append(uint64_t value, int size);

  std::string own_;
  std::string* out_;
};

// Each read returns MESSAGE_MALFORMED if fewer bytes are left than it needs, and then consumes nothing.
class BigEndianReader {
 public:
  explicit BigEndianReader(absl::string_view bytes) : rest_(bytes) {}

  absl::StatusOr<uint8_t> U8();
  absl::StatusOr<uint16_t> U16();
  absl::StatusOr<uint32_t> U32();
  absl::StatusOr<uint64_t> U64();
  absl::StatusOr<absl::string_view> Bytes(size_t size);
  absl::StatusOr<Digest> Hash();

  bool AtEnd() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  // MESSAGE_MALFORMED unless everything was read.
  absl::Status ExpectEnd() const;

 private:
  absl::StatusOr<uint64_t> Unsigned(size_t size);

  absl::string_view rest_;
};

// Lower-case hexadecimal. Decoding accepts lower case only, and an even number of digits; else MESSAGE_MALFORMED.
std::string HexEncode(absl::string_view bytes);
std::string HexEncode(const Digest& digest);
absl::StatusOr<std::string> HexDecode(absl::string_view text);

// RFC 4648 Base64, standard alphabet, padded. Decoding accepts exactly what encoding writes: no line breaks, no missing
// padding, no bits set in the unused part of the last character; else MESSAGE_MALFORMED.
std::string Base64Encode(absl::string_view bytes);
absl::StatusOr<std::string> Base64Decode(absl::string_view text);

// The 32 bytes as a Digest; MESSAGE_MALFORMED for another length.
absl::StatusOr<Digest> DigestFromBytes(absl::string_view bytes);

}  // namespace jcm

#endif  // LEDGER_BASE_BYTES_H_
