#include "services/ledger/entry_view.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/leaf.h"
#include "ledger/book/note.h"
#include "services/common/resource_name.h"
#include "services/common/summary.h"

namespace jcm::services {

namespace api = ::jcm::registry::v1;

google::protobuf::Timestamp ToTimestamp(BookTime time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(static_cast<int64_t>(time.micros / kMicrosPerSecond));
  timestamp.set_nanos(static_cast<int32_t>(time.micros % kMicrosPerSecond * 1'000));
  return timestamp;
}

absl::Status CheckMayRead(const Caller& caller, const BookId& book) {
  if (!book.is_home() || caller.SeesPrivate()) return absl::OkStatus();
  return Error(Reason::METHOD_NOT_ALLOWED,
               absl::StrCat("entries of ", book.ToString(), " are for operators and auditors"));
}

absl::StatusOr<api::Entry> ToEntry(const BookId& book, uint64_t sequence, ledger::v1::EntryRecord record,
                                   bool with_record) {
  JCM_ASSIGN_OR_RETURN(const book::Leaf leaf, book::DecodeLeaf(record.leaf()));
  api::Entry entry;
  entry.set_name(EntryNameOf(book, sequence));
  entry.set_sequence(sequence);
  entry.set_kind(book::KindName(leaf.kind));
  *entry.mutable_batch_time() = ToTimestamp(leaf.time);
  entry.set_leaf_hash(std::string(AsBytes(book::LeafHash(record.leaf()))));
  entry.set_summary(SummaryOf(leaf.kind, record.command()));
  if (with_record) *entry.mutable_record() = std::move(record);
  return entry;
}

namespace {

api::Refusal ToRefusal(const registry::PartRefusal& refusal) {
  const ReasonInfo& reason = Describe(static_cast<Reason>(refusal.reason));
  api::Refusal result;
  result.set_reason(reason.name);
  result.set_reason_number(refusal.reason);
  result.set_message_en(reason.english);
  result.set_message_ja(reason.japanese);
  result.set_detail(refusal.detail);
  result.set_rule(refusal.rule);
  return result;
}

}  // namespace

api::SubmitBundleResponse ToResponse(const registry::SubmitOutcome& outcome) {
  api::SubmitBundleResponse response;
  for (const registry::PartOutcome& part : outcome.parts) {
    api::PartResult* result = response.add_results();
    result->set_book(BookName(part.book));
    result->set_accepted(part.accepted);
    if (part.accepted) {
      result->set_sequence(part.sequence);
      result->set_leaf_hash(std::string(AsBytes(part.leaf_hash)));
      continue;
    }
    const ReasonInfo& reason = Describe(static_cast<Reason>(part.reason));
    result->set_reason(reason.name);
    result->set_reason_number(static_cast<uint32_t>(reason.reason));
    result->set_message_en(reason.english);
    result->set_message_ja(reason.japanese);
    result->set_detail(part.detail);
    for (const registry::PartRefusal& refusal : part.refusals) *result->add_refusals() = ToRefusal(refusal);
  }
  response.set_replayed(outcome.replayed);
  *response.mutable_batch_time() = ToTimestamp(outcome.batch_time);
  response.set_cosigned(outcome.cosigned);
  return response;
}

absl::StatusOr<uint64_t> SizeOfNote(absl::string_view note_text) {
  JCM_ASSIGN_OR_RETURN(const book::Note note, book::ParseNote(note_text));
  JCM_ASSIGN_OR_RETURN(const book::Checkpoint checkpoint, book::ParseCheckpoint(note.text));
  return checkpoint.size;
}

}  // namespace jcm::services
