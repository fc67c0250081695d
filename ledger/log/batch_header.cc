#include "ledger/log/batch_header.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::log {
namespace {

constexpr absl::string_view kMagic = "JLB1";

absl::Status CheckHeader(const BatchHeader& header) {
  if (header.generation == 0) return Error(Reason::MESSAGE_MALFORMED, "batch of generation 0");
  if (header.index == 0) return Error(Reason::MESSAGE_MALFORMED, "batch of index 0");
  if ((header.index == 1) != (header.previous == Digest{})) {
    return Error(Reason::MESSAGE_MALFORMED,
                 absl::StrCat("batch ", header.index, " and the hash of its predecessor do not fit"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeBatch(const BatchHeader& header, absl::string_view body) {
  JCM_CHECK(CheckHeader(header).ok());
  JCM_CHECK(body.size() <= kBatchBodyMaxBytes);
  std::string record;
  record.reserve(kBatchHeaderBytes + body.size());
  BigEndianWriter(&record)
      .Bytes(kMagic)
      .U32(static_cast<uint32_t>(body.size()))
      .U64(header.generation)
      .U64(header.index)
      .Bytes(AsBytes(header.previous))
      .U64(header.time.micros)
      .Bytes(body);
  return record;
}

absl::StatusOr<Batch> DecodeBatch(absl::string_view record) {
  if (record.size() > kBatchRecordMaxBytes) return Error(Reason::MESSAGE_MALFORMED, "batch record too large");
  BigEndianReader reader(record);
  Batch batch;
  JCM_ASSIGN_OR_RETURN(const absl::string_view magic, reader.Bytes(kMagic.size()));
  if (magic != kMagic) return Error(Reason::MESSAGE_MALFORMED, "not a batch record");
  JCM_ASSIGN_OR_RETURN(const uint32_t body_bytes, reader.U32());
  JCM_ASSIGN_OR_RETURN(batch.header.generation, reader.U64());
  JCM_ASSIGN_OR_RETURN(batch.header.index, reader.U64());
  JCM_ASSIGN_OR_RETURN(batch.header.previous, reader.Hash());
  JCM_ASSIGN_OR_RETURN(batch.header.time.micros, reader.U64());
  JCM_ASSIGN_OR_RETURN(const absl::string_view body, reader.Bytes(body_bytes));
  JCM_RETURN_IF_ERROR(reader.ExpectEnd());
  JCM_RETURN_IF_ERROR(CheckHeader(batch.header));
  batch.body = std::string(body);
  batch.hash = BatchHash(record);
  return batch;
}

Digest BatchHash(absl::string_view record) { return Sha256(record); }

absl::Status CheckFollows(const LogPosition& before, const BatchHeader& next) {
  if (next.index != before.index + 1) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("batch ", next.index, " after ", before.index));
  }
  if (next.previous != before.hash) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("batch ", next.index, " names another predecessor"));
  }
  if (next.generation < before.generation) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("batch ", next.index, " of generation ", next.generation,
                                                    " after generation ", before.generation));
  }
  if (next.time < before.time) {
    return Error(Reason::CHAIN_BROKEN, absl::StrCat("the time of batch ", next.index, " goes back"));
  }
  return absl::OkStatus();
}

LogPosition PositionOf(const Batch& batch) {
  return {batch.header.generation, batch.header.index, batch.hash, batch.header.time};
}

}  // namespace jcm::log
