#include "ledger/base/bytes.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

BigEndianWriter& BigEndianWriter::Append(uint64_t value, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) {
    out_->push_back(static_cast<char>(static_cast<uint8_t>(value >> shift)));
  }
  return *this;
}

absl::StatusOr<uint64_t> BigEndianReader::Unsigned(size_t size) {
  JCM_ASSIGN_OR_RETURN(absl::string_view bytes, Bytes(size));
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

absl::StatusOr<uint8_t> BigEndianReader::U8() {
  JCM_ASSIGN_OR_RETURN(uint64_t value, Unsigned(1));
  return static_cast<uint8_t>(value);
}

absl::StatusOr<uint16_t> BigEndianReader::U16() {
  JCM_ASSIGN_OR_RETURN(uint64_t value, Unsigned(2));
  return static_cast<uint16_t>(value);
}

absl::StatusOr<uint32_t> BigEndianReader::U32() {
  JCM_ASSIGN_OR_RETURN(uint64_t value, Unsigned(4));
  return static_cast<uint32_t>(value);
}

absl::StatusOr<uint64_t> BigEndianReader::U64() { return Unsigned(8); }

absl::StatusOr<absl::string_view> BigEndianReader::Bytes(size_t size) {
  if (rest_.size() < size) {
    return Error(Reason::MESSAGE_MALFORMED, absl::StrCat(size, " bytes wanted, ", rest_.size(), " left"));
  }
  absl::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

absl::StatusOr<Digest> BigEndianReader::Hash() {
  JCM_ASSIGN_OR_RETURN(absl::string_view bytes, Bytes(Digest().size()));
  return DigestFromBytes(bytes);
}

absl::Status BigEndianReader::ExpectEnd() const {
  if (AtEnd()) return absl::OkStatus();
  return Error(Reason::MESSAGE_MALFORMED, absl::StrCat(rest_.size(), " bytes too many"));
}

std::string HexEncode(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

std::string HexEncode(const Digest& digest) { return HexEncode(AsBytes(digest)); }

absl::StatusOr<std::string> HexDecode(absl::string_view text) {
  if (text.size() % 2 != 0) return Error(Reason::MESSAGE_MALFORMED, "odd number of hexadecimal digits");
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = HexDigit(text[i]);
    int low = HexDigit(text[i + 1]);
    if (high < 0 || low < 0) {
      return Error(Reason::MESSAGE_MALFORMED, absl::StrCat("not lower-case hexadecimal at ", i));
    }
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

std::string Base64Encode(absl::string_view bytes) { return absl::Base64Escape(bytes); }

absl::StatusOr<std::string> Base64Decode(absl::string_view text) {
  std::string bytes;
  // The library's decoder is lenient, so only what encodes to the same text again is accepted.
  if (!absl::Base64Unescape(text, &bytes) || Base64Encode(bytes) != text) {
    return Error(Reason::MESSAGE_MALFORMED, "not canonical Base64");
  }
  return bytes;
}

absl::StatusOr<Digest> DigestFromBytes(absl::string_view bytes) {
  Digest digest;
  if (bytes.size() != digest.size()) {
    return Error(Reason::MESSAGE_MALFORMED, absl::StrCat("a digest of ", bytes.size(), " bytes"));
  }
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace jcm
