#include "services/ledger/ledger_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/base/proto_check.h"
#include "services/common/page_token.h"
#include "services/common/record_list.h"
#include "services/common/resource_name.h"
#include "services/ledger/entry_view.h"
#include "services/ledger/receipt_view.h"
#include "services/ledger/submit_request.h"

namespace jcm::services {
namespace {

namespace api = ::jcm::registry::v1;

// Where the page of a list of entries begins. The token holds the next sequence.
absl::StatusOr<uint64_t> FirstOfPage(const std::string& token, const std::string& list) {
  JCM_ASSIGN_OR_RETURN(const std::string text, DecodePageToken(token, list));
  uint64_t first = 0;
  if (!text.empty() && !absl::SimpleAtoi(text, &first)) return Error(Reason::PAGE_TOKEN_INVALID);
  return first;
}

absl::Status ListEntriesOf(const ReadCall& call, const api::ListEntriesRequest& request,
                           api::ListEntriesResponse* response) {
  JCM_ASSIGN_OR_RETURN(const BookId book, ParseBookName(request.parent()));
  JCM_RETURN_IF_ERROR(CheckMayRead(call.caller, book));
  JCM_ASSIGN_OR_RETURN(const size_t page_size, CheckPageSize(request.page_size()));
  const std::string list = ListKey({"ListEntries", request.parent()});
  JCM_ASSIGN_OR_RETURN(uint64_t sequence, FirstOfPage(request.page_token(), list));
  JCM_ASSIGN_OR_RETURN(const registry::BookInfo info, call.view->Info(book));
  size_t bytes = 0;
  for (; sequence < info.size; ++sequence) {
    if (static_cast<size_t>(response->entries_size()) == page_size) break;
    JCM_ASSIGN_OR_RETURN(auto record, call.view->Entry(book, sequence));
    JCM_ASSIGN_OR_RETURN(api::Entry entry, ToEntry(book, sequence, std::move(record), request.with_records()));
    bytes += entry.ByteSizeLong();
    if (response->entries_size() > 0 && bytes > kPageBytesMax) break;
    *response->add_entries() = std::move(entry);
  }
  if (sequence < info.size) response->set_next_page_token(EncodePageToken(absl::StrCat(sequence), list));
  return absl::OkStatus();
}

// A file that a partner's operator carried here: entries of the partner's book, or its cosignature of ours.
absl::Status ImportFile(const ServiceEnvironment& environment, const api::ImportMirrorRequest& request,
                        api::ImportMirrorResponse* response) {
  if (request.file().empty()) return Error(Reason::FIELD_REQUIRED, "file");
  mirror::v1::AddCosignatureRequest cosignature;
  if (ParseStrict(request.file(), &cosignature).ok() && !cosignature.note().empty()) {
    JCM_ASSIGN_OR_RETURN(const BookId book, ParseBookId(cosignature.book()));
    const auto peer = environment.peers.find(book.partnership);
    if (book.registry != environment.registry || peer == environment.peers.end()) {
      return Error(Reason::BOOK_UNKNOWN, cosignature.book());
    }
    return environment.host->TakeCosignature(peer->second, request.file());
  }
  mirror::v1::ReadEntriesResponse entries;
  JCM_RETURN_IF_ERROR(ParseStrict(request.file(), &entries));
  JCM_ASSIGN_OR_RETURN(const BookId book, ParseBookId(entries.book()));
  JCM_ASSIGN_OR_RETURN(std::string cosigned, environment.host->ImportMirrorFile(request.file()));
  JCM_ASSIGN_OR_RETURN(const registry::BookInfo info, environment.host->View()->Info(book));
  response->set_mirror_size(info.size);
  response->set_cosigned_note(std::move(cosigned));
  return absl::OkStatus();
}

absl::Status ExportFile(const ServiceEnvironment& environment, const api::ExportMirrorRequest& request,
                        api::ExportMirrorResponse* response) {
  JCM_ASSIGN_OR_RETURN(const BookId book, ParseBookId(request.book()));
  if (book.is_home()) return Error(Reason::BOOK_UNKNOWN, "home is never given to another government");
  JCM_ASSIGN_OR_RETURN(std::string file, environment.host->ExportMirrorFile(book, request.from()));
  mirror::v1::ReadEntriesResponse entries;
  JCM_RETURN_IF_ERROR(ParseStrict(file, &entries));
  response->set_next(entries.from() + static_cast<uint64_t>(entries.entries_size()));
  if (!entries.checkpoint().empty()) {
    JCM_ASSIGN_OR_RETURN(const uint64_t size, SizeOfNote(entries.checkpoint()));
    response->set_checkpoint_size(size);
  }
  response->set_file(std::move(file));
  return absl::OkStatus();
}

absl::Status ListBooksOf(const ServiceEnvironment& environment, const registry::RegistryView& view,
                         api::ListBooksResponse* response) {
  JCM_ASSIGN_OR_RETURN(const std::vector<registry::BookInfo> books, view.Books());
  for (const registry::BookInfo& info : books) {
    api::Book* book = response->add_books();
    book->set_name(BookName(info.book));
    book->set_origin(info.origin);
    book->set_size(info.size);
    book->set_root(std::string(AsBytes(info.root)));
    book->set_checkpoint_size(info.checkpoint_size);
    book->set_cosigned_size(info.cosigned_size);
    book->set_mirror(info.mirror);
    JCM_ASSIGN_OR_RETURN(auto record,
                         view.State(info.book)->Get<ledger::v1::BookRecord>(ledger::v1::TABLE_BOOK, "book"));
    book->set_demonstration(record.has_value() ? record->demonstration() : environment.demonstration);
  }
  return absl::OkStatus();
}

absl::Status RecordStatement(const ServiceEnvironment& environment, const api::SubmitStatementRequest& request) {
  JCM_ASSIGN_OR_RETURN(const BookId book, ParseBookName(request.book()));
  if (book.registry != environment.registry) return Error(Reason::BOOK_UNKNOWN, request.book());
  if (!api::StatementKind_IsValid(request.kind()) || request.kind() == api::STATEMENT_KIND_UNSPECIFIED) {
    return Error(Reason::FIELD_INVALID, absl::StrCat("kind ", static_cast<int>(request.kind())));
  }
  if (request.statement().empty()) return Error(Reason::FIELD_REQUIRED, "statement");
  return environment.host->SubmitStatement(book.partnership, static_cast<uint32_t>(request.kind()),
                                           request.statement());
}

}  // namespace

grpc::ServerUnaryReactor* LedgerServiceImpl::SubmitBundle(grpc::CallbackServerContext* context,
                                                          const api::SubmitBundleRequest* request,
                                                          api::SubmitBundleResponse* response) {
  constexpr char kMethod[] = "/jcm.registry.v1.LedgerService/SubmitBundle";
  if (request->validate_only()) {
    return AnswerRead(environment_, context, kMethod, request, response,
                      [this](const ReadCall&, const api::SubmitBundleRequest& request,
                             api::SubmitBundleResponse* response) -> absl::Status {
                        JCM_ASSIGN_OR_RETURN(const registry::SubmitOutcome outcome,
                                             environment_.host->Validate(request.signed_bundle()));
                        *response = ToResponse(outcome);
                        return absl::OkStatus();
                      });
  }
  const auto call = PendingCall<api::SubmitBundleResponse>::Make(response);
  absl::Status admitted = AdmitWrite(environment_, *context, kMethod, *request).status();
  absl::StatusOr<registry::SubmitOptions> options = ToSubmitOptions(
      request->wait_for(), request->vault_keys(), environment_.clock->MonotonicMicros() + RemainingMicros(*context));
  if (admitted.ok()) admitted = options.status();
  if (!admitted.ok()) {
    call->Finish(admitted);
    return call->reactor();
  }
  grpc::ServerUnaryReactor* reactor = call->reactor();
  environment_.host->Submit(
      request->signed_bundle(), *std::move(options), [call](absl::StatusOr<registry::SubmitOutcome> outcome) {
        call->Finish(outcome.status(),
                     [&outcome](api::SubmitBundleResponse* response) { *response = ToResponse(*outcome); });
      });
  return reactor;
}

grpc::ServerBidiReactor<api::SubmitStreamRequest, api::SubmitStreamResponse>* LedgerServiceImpl::SubmitStream(
    grpc::CallbackServerContext* context) {
  return streams_.Open(*context, AdmitWrite(environment_, *context, "/jcm.registry.v1.LedgerService/SubmitStream",
                                            api::SubmitStreamRequest()));
}

grpc::ServerUnaryReactor* LedgerServiceImpl::ListBooks(grpc::CallbackServerContext* context,
                                                       const api::ListBooksRequest* request,
                                                       api::ListBooksResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.LedgerService/ListBooks", request, response,
      [this](const ReadCall& call, const api::ListBooksRequest&, api::ListBooksResponse* response) -> absl::Status {
        return ListBooksOf(environment_, *call.view, response);
      });
}

grpc::ServerUnaryReactor* LedgerServiceImpl::ListEntries(grpc::CallbackServerContext* context,
                                                         const api::ListEntriesRequest* request,
                                                         api::ListEntriesResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.LedgerService/ListEntries", request, response,
                    ListEntriesOf);
}

grpc::ServerUnaryReactor* LedgerServiceImpl::GetEntry(grpc::CallbackServerContext* context,
                                                      const api::GetEntryRequest* request,
                                                      api::GetEntryResponse* response) {
  return AnswerRead(
      environment_, context, "/jcm.registry.v1.LedgerService/GetEntry", request, response,
      [](const ReadCall& call, const api::GetEntryRequest& request, api::GetEntryResponse* response) -> absl::Status {
        JCM_ASSIGN_OR_RETURN(const EntryName name, ParseEntryName(request.name()));
        JCM_RETURN_IF_ERROR(CheckMayRead(call.caller, name.book));
        JCM_RETURN_IF_ERROR(call.view->Info(name.book).status());
        JCM_ASSIGN_OR_RETURN(auto record, call.view->Entry(name.book, name.sequence));
        JCM_ASSIGN_OR_RETURN(*response->mutable_entry(), ToEntry(name.book, name.sequence, std::move(record), true));
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* LedgerServiceImpl::GetCheckpoint(grpc::CallbackServerContext* context,
                                                           const api::GetCheckpointRequest* request,
                                                           api::GetCheckpointResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.LedgerService/GetCheckpoint", request, response,
                    [](const ReadCall& call, const api::GetCheckpointRequest& request,
                       api::GetCheckpointResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const BookId book, ParseBookName(request.name()));
                      JCM_ASSIGN_OR_RETURN(const registry::BookInfo info, call.view->Info(book));
                      JCM_ASSIGN_OR_RETURN(std::string note, call.view->NewestNote(book));
                      if (note.empty())
                        return Error(Reason::NOT_FOUND, "no checkpoint of this book has been signed yet");
                      JCM_ASSIGN_OR_RETURN(const uint64_t size, SizeOfNote(note));
                      JCM_ASSIGN_OR_RETURN(const Digest root, call.view->Root(book, size));
                      response->set_note(std::move(note));
                      response->set_size(size);
                      response->set_root(std::string(AsBytes(root)));
                      response->set_cosigned_size(info.cosigned_size);
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* LedgerServiceImpl::GetReceipt(grpc::CallbackServerContext* context,
                                                        const api::GetReceiptRequest* request,
                                                        api::GetReceiptResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.LedgerService/GetReceipt", request, response,
                    [this](const ReadCall& call, const api::GetReceiptRequest& request,
                           api::GetReceiptResponse* response) -> absl::Status {
                      JCM_ASSIGN_OR_RETURN(const EntryName name, ParseEntryName(request.name()));
                      JCM_RETURN_IF_ERROR(CheckMayRead(call.caller, name.book));
                      const auto peer = environment_.peers.find(name.book.partnership);
                      JCM_ASSIGN_OR_RETURN(*response,
                                           MakeReceipt(*call.view, name.book, name.sequence,
                                                       peer == environment_.peers.end() ? "" : peer->second));
                      return absl::OkStatus();
                    });
}

grpc::ServerUnaryReactor* LedgerServiceImpl::ExportMirror(grpc::CallbackServerContext* context,
                                                          const api::ExportMirrorRequest* request,
                                                          api::ExportMirrorResponse* response) {
  return AnswerRead(environment_, context, "/jcm.registry.v1.LedgerService/ExportMirror", request, response,
                    [this](const ReadCall&, const api::ExportMirrorRequest& request,
                           api::ExportMirrorResponse* response) -> absl::Status {
                      return ExportFile(environment_, request, response);
                    });
}

grpc::ServerUnaryReactor* LedgerServiceImpl::ImportMirror(grpc::CallbackServerContext* context,
                                                          const api::ImportMirrorRequest* request,
                                                          api::ImportMirrorResponse* response) {
  return AnswerWrite(environment_, context, "/jcm.registry.v1.LedgerService/ImportMirror", request, response,
                     [this](const Caller&, const api::ImportMirrorRequest& request, api::ImportMirrorResponse* response)
                         -> absl::Status { return ImportFile(environment_, request, response); });
}

grpc::ServerUnaryReactor* LedgerServiceImpl::SubmitStatement(grpc::CallbackServerContext* context,
                                                             const api::SubmitStatementRequest* request,
                                                             api::SubmitStatementResponse* response) {
  return AnswerWrite(
      environment_, context, "/jcm.registry.v1.LedgerService/SubmitStatement", request, response,
      [this](const Caller&, const api::SubmitStatementRequest& request, api::SubmitStatementResponse*) -> absl::Status {
        return RecordStatement(environment_, request);
      });
}

}  // namespace jcm::services
