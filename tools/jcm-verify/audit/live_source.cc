#include "tools/jcm-verify/audit/live_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"
#include "services/common/grpc_status.h"

namespace jcm::verify {
namespace {

namespace api = ::jcm::registry::v1;

constexpr int kPageEntries = 1'000;
constexpr absl::string_view kBooks = "books/";

}  // namespace

absl::StatusOr<std::vector<BookId>> BooksOfNode(const client::Connection& connection) {
  const auto stub = api::LedgerService::NewStub(connection.channel());
  grpc::ClientContext context;
  connection.Prepare(&context);
  api::ListBooksResponse response;
  JCM_RETURN_IF_ERROR(services::FromGrpcStatus(stub->ListBooks(&context, api::ListBooksRequest(), &response)));
  std::vector<BookId> books;
  for (const api::Book& book : response.books()) {
    const std::vector<std::string> parts = absl::StrSplit(absl::StripPrefix(book.name(), kBooks), '/');
    if (parts.size() != 2 || !book::IsRegistryCode(parts[0]) || !book::IsPartnershipCode(parts[1])) {
      return Error(Reason::MESSAGE_MALFORMED, absl::StrCat("a book called ", book.name()));
    }
    books.push_back(BookId{parts[0], parts[1]});
  }
  return books;
}

LiveSource::LiveSource(const client::Connection& connection, const BookId& book, const std::string& address)
    : connection_(connection),
      book_(book),
      name_(absl::StrCat(address, " ", book.ToString())),
      stub_(api::LedgerService::NewStub(connection.channel())) {}

absl::StatusOr<std::unique_ptr<LiveSource>> LiveSource::Open(const client::Connection& connection, const BookId& book,
                                                             const std::string& address) {
  std::unique_ptr<LiveSource> source(new LiveSource(connection, book, address));
  grpc::ClientContext context;
  connection.Prepare(&context);
  api::GetCheckpointRequest request;
  request.set_name(absl::StrCat(kBooks, book.ToString()));
  api::GetCheckpointResponse response;
  JCM_RETURN_IF_ERROR(services::FromGrpcStatus(source->stub_->GetCheckpoint(&context, request, &response)));
  source->note_ = response.note();
  source->size_ = response.size();
  return source;
}

bool LiveSource::Fetch(BookReport* report) {
  grpc::ClientContext context;
  connection_.Prepare(&context);
  api::ListEntriesRequest request;
  request.set_parent(absl::StrCat(kBooks, book_.ToString()));
  request.set_page_size(kPageEntries);
  request.set_page_token(token_);
  request.set_with_records(true);
  page_.Clear();
  next_in_page_ = 0;
  const absl::Status status = services::FromGrpcStatus(stub_->ListEntries(&context, request, &page_));
  if (!status.ok()) {
    report->FailBook(Check::COMPLETE, name_, absl::StrCat("entries from ", given_, " on"), ToText(status));
    return false;
  }
  token_ = page_.next_page_token();
  last_page_ = token_.empty();
  return page_.entries_size() > 0;
}

bool LiveSource::Next(EntryBytes* entry, BookReport* report) {
  if (given_ == size_) return false;
  if (next_in_page_ == page_.entries_size() && (last_page_ || !Fetch(report))) return false;
  const jcm::ledger::v1::EntryRecord& record = page_.entries(next_in_page_++).record();
  *entry = EntryBytes{record.leaf(), record.command(), record.context(), record.effects()};
  report->bytes += record.ByteSizeLong();
  ++given_;
  return true;
}

std::vector<SourcedNote> LiveSource::TakeNotes() {
  if (note_.empty()) return {};
  SourcedNote note;
  note.note = std::exchange(note_, "");
  note.place = absl::StrCat(name_, " checkpoint");
  return {note};
}

std::string LiveSource::PlaceOf(absl::string_view) const { return absl::StrCat(name_, " entry ", given_ - 1); }

}  // namespace jcm::verify
