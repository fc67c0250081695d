#include "ledger/registry/stored_entries.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/registry/keys.h"
#include "ledger/state/state.h"
#include "lz4.h"

namespace jcm::registry {

namespace v1 = ::jcm::ledger::v1;

namespace {

constexpr uint8_t kPackFormat = 1;
// No pack that is written unpacks to more; whatever says so is damaged.
constexpr uint32_t kUnpackedBytesMax = 32u << 20;

absl::Status Damaged(absl::string_view detail) { return Error(Reason::STORE_CORRUPT, detail); }

}  // namespace

std::string PackEntries(absl::Span<const v1::EntryRecord> entries) {
  JCM_CHECK(!entries.empty() && entries.size() <= kEntriesPerPackMax);
  std::string plain;
  {
    BigEndianWriter sizes(&plain);
    for (const v1::EntryRecord& entry : entries) sizes.U32(static_cast<uint32_t>(entry.ByteSizeLong()));
  }
  for (const v1::EntryRecord& entry : entries) JCM_CHECK(entry.AppendToString(&plain));
  JCM_CHECK(plain.size() <= kUnpackedBytesMax);

  std::string pack;
  BigEndianWriter(&pack)
      .U8(kPackFormat)
      .U32(static_cast<uint32_t>(entries.size()))
      .U32(static_cast<uint32_t>(plain.size()));
  const size_t header = pack.size();
  pack.resize(header + static_cast<size_t>(LZ4_compressBound(static_cast<int>(plain.size()))));
  const int packed = LZ4_compress_default(plain.data(), &pack[header], static_cast<int>(plain.size()),
                                          static_cast<int>(pack.size() - header));
  JCM_CHECK(packed > 0);
  pack.resize(header + static_cast<size_t>(packed));
  return pack;
}

namespace {

// A pack opened: where each of its records begins and ends.
struct OpenedPack {
  std::string plain;
  std::vector<absl::string_view> records;
};

absl::Status OpenPack(absl::string_view pack, OpenedPack* opened) {
  BigEndianReader header(pack);
  absl::StatusOr<uint8_t> format = header.U8();
  absl::StatusOr<uint32_t> count = header.U32();
  absl::StatusOr<uint32_t> size = header.U32();
  if (!format.ok() || *format != kPackFormat || !count.ok() || *count == 0 || *count > kEntriesPerPackMax ||
      !size.ok() || *size > kUnpackedBytesMax) {
    return Damaged("entries of no known form");
  }
  const absl::string_view packed = pack.substr(pack.size() - header.remaining());
  opened->plain.resize(*size);
  const int unpacked = LZ4_decompress_safe(packed.data(), &opened->plain[0], static_cast<int>(packed.size()),
                                           static_cast<int>(opened->plain.size()));
  if (unpacked < 0 || static_cast<uint32_t>(unpacked) != *size) return Damaged("entries cannot be unpacked");
  BigEndianReader sizes(opened->plain);
  uint64_t begin = uint64_t{4} * *count;
  for (uint32_t i = 0; i < *count; ++i) {
    absl::StatusOr<uint32_t> length = sizes.U32();
    if (!length.ok() || begin + *length > *size) return Damaged("entries without their sizes");
    opened->records.push_back(absl::string_view(opened->plain).substr(begin, *length));
    begin += *length;
  }
  return begin == *size ? absl::OkStatus() : Damaged("more than the entries");
}

absl::StatusOr<v1::EntryRecord> ParseRecord(absl::string_view bytes) {
  v1::EntryRecord record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Damaged("an entry record");
  return record;
}

}  // namespace

absl::StatusOr<v1::EntryRecord> UnpackEntry(absl::string_view pack, uint64_t index) {
  OpenedPack opened;
  JCM_RETURN_IF_ERROR(OpenPack(pack, &opened));
  if (index >= opened.records.size()) return Error(Reason::NOT_FOUND, "the pack ends before");
  return ParseRecord(opened.records[index]);
}

absl::StatusOr<std::vector<v1::EntryRecord>> UnpackEntries(absl::string_view pack) {
  OpenedPack opened;
  JCM_RETURN_IF_ERROR(OpenPack(pack, &opened));
  std::vector<v1::EntryRecord> entries;
  for (absl::string_view bytes : opened.records) {
    JCM_ASSIGN_OR_RETURN(v1::EntryRecord record, ParseRecord(bytes));
    entries.push_back(std::move(record));
  }
  return entries;
}

void WriteEntries(const BookId& book, uint64_t first_sequence, absl::Span<const v1::EntryRecord> entries,
                  store::WriteBatch* batch) {
  while (!entries.empty()) {
    size_t count = 0;
    size_t bytes = 0;
    while (count < entries.size() && count < kEntriesPerPackMax && bytes < kPackedBytes) {
      bytes += entries[count++].ByteSizeLong();
    }
    batch->PutOwned(store::Family::kEntry, EntryKey(book, first_sequence), PackEntries(entries.subspan(0, count)));
    entries.remove_prefix(count);
    first_sequence += count;
  }
}

absl::StatusOr<v1::EntryRecord> ReadEntry(const store::ReadView& records, const BookId& book, uint64_t sequence) {
  JCM_ASSIGN_OR_RETURN(auto pack,
                       records.FindAtOrBefore(store::Family::kEntry, BookPrefix(book), EntryKey(book, sequence)));
  const std::string name = absl::StrCat(book.ToString(), " entry ", sequence);
  if (!pack.has_value()) return Error(Reason::NOT_FOUND, name);
  const size_t prefix = BookPrefix(book).size();
  if (pack->first.size() != prefix + 8) return Damaged(name);
  const uint64_t first = state::FromSortableNumber(absl::string_view(pack->first).substr(prefix));
  absl::StatusOr<v1::EntryRecord> record = UnpackEntry(pack->second, sequence - first);
  if (!record.ok()) return Error(*ReasonOf(record.status()), name);
  return record;
}

}  // namespace jcm::registry
