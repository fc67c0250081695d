#include "tools/migration/node_link.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"

namespace jcm::migration {
namespace {

constexpr int kPageSize = 1'000;
constexpr size_t kPagesMax = 100'000;
constexpr auto kFirstPause = std::chrono::milliseconds(100);
constexpr auto kLongestPause = std::chrono::milliseconds(2'000);

// Whether the same bytes, sent again, may have an answer.
bool MayAnswerLater(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::Status NodeLink::Ask(const std::function<absl::Status()>& call) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(patience_.seconds);
  auto pause = std::chrono::milliseconds(kFirstPause);
  while (true) {
    const absl::Status status = call();
    if (status.ok() || !MayAnswerLater(status) || std::chrono::steady_clock::now() + pause > end) return status;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(kLongestPause));
  }
}

absl::StatusOr<Names> NodeLink::ReadNames() {
  Names names;
  auto stub = api::AccountService::NewStub(connection_.channel());
  api::ListAccountsRequest accounts;
  accounts.set_page_size(kPageSize);
  for (size_t page = 0; page < kPagesMax; ++page) {
    api::ListAccountsResponse response;
    JCM_RETURN_IF_ERROR(Ask([&] {
      grpc::ClientContext context;
      connection_.Prepare(&context);
      return services::FromGrpcStatus(stub->ListAccounts(&context, accounts, &response));
    }));
    for (const api::Account& account : response.accounts()) {
      for (const v1::Handle& handle : account.record().handles()) {
        names.accounts[{handle.partnership(), account.record().account_number()}] = handle.handle();
      }
    }
    if (response.next_page_token().empty()) break;
    accounts.set_page_token(response.next_page_token());
  }
  api::ListPersonsRequest persons;
  persons.set_page_size(kPageSize);
  for (size_t page = 0; page < kPagesMax; ++page) {
    api::ListPersonsResponse response;
    JCM_RETURN_IF_ERROR(Ask([&] {
      grpc::ClientContext context;
      connection_.Prepare(&context);
      return services::FromGrpcStatus(stub->ListPersons(&context, persons, &response));
    }));
    for (const v1::PersonRecord& person : response.persons()) {
      for (const v1::Handle& handle : person.pseudonyms()) {
        names.persons[{handle.partnership(), person.person_id()}] = handle.handle();
      }
    }
    if (response.next_page_token().empty()) break;
    persons.set_page_token(response.next_page_token());
  }
  return names;
}

absl::Status NodeLink::ReadRecorded(const std::string& partnership, Recorded* recorded) {
  auto stub = api::LedgerService::NewStub(connection_.channel());
  api::ListEntriesRequest request;
  request.set_parent(absl::StrCat("books/", registry_, "/", partnership));
  request.set_page_size(kPageSize);
  request.set_with_records(true);
  request.set_page_token(next_pages_[partnership]);
  for (size_t page = 0; page < kPagesMax; ++page) {
    api::ListEntriesResponse response;
    JCM_RETURN_IF_ERROR(Ask([&] {
      grpc::ClientContext context;
      connection_.Prepare(&context);
      return services::FromGrpcStatus(stub->ListEntries(&context, request, &response));
    }));
    for (const api::Entry& entry : response.entries()) {
      if (entry.kind() != "COMMAND" || entry.sequence() < read_sizes_[partnership]) continue;
      JCM_RETURN_IF_ERROR(recorded->Add(partnership, entry.sequence(), entry.leaf_hash(), entry.record().command()));
    }
    if (!response.entries().empty()) read_sizes_[partnership] = response.entries().rbegin()->sequence() + 1;
    if (response.next_page_token().empty()) break;
    next_pages_[partnership] = response.next_page_token();
    request.set_page_token(response.next_page_token());
  }
  return absl::OkStatus();
}

absl::StatusOr<api::SubmitBundleResponse> NodeLink::Submit(const api::SubmitBundleRequest& request) {
  auto stub = api::LedgerService::NewStub(connection_.channel());
  api::SubmitBundleResponse response;
  JCM_RETURN_IF_ERROR(Ask([&] {
    response.Clear();
    grpc::ClientContext context;
    connection_.Prepare(&context);
    return services::FromGrpcStatus(stub->SubmitBundle(&context, request, &response));
  }));
  return response;
}

}  // namespace jcm::migration
