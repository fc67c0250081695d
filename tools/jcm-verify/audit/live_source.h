// Entries of a running registry, over its LedgerService: what an auditor with a certificate may read.
#ifndef TOOLS_JCM_VERIFY_AUDIT_LIVE_SOURCE_H_
#define TOOLS_JCM_VERIFY_AUDIT_LIVE_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "tools/client/connection.h"
#include "tools/jcm-verify/audit/source.h"

namespace jcm::verify {

// Books that the node shows to this caller, own and mirrored. Errors: those of the call.
absl::StatusOr<std::vector<BookId>> BooksOfNode(const client::Connection& connection);

class LiveSource : public EntrySource {
 public:
  // Up to the newest checkpoint when it was opened; the registry may go on meanwhile. `connection` must outlive this.
  static absl::StatusOr<std::unique_ptr<LiveSource>> Open(const client::Connection& connection, const BookId& book,
                                                          const std::string& address);

  const BookId& book() const override { return book_; }
  const std::string& name() const override { return name_; }
  bool Next(EntryBytes* entry, BookReport* report) override;
  std::vector<SourcedNote> TakeNotes() override;
  std::string PlaceOf(absl::string_view bytes) const override;
  uint64_t entries_expected() const override { return size_; }

 private:
  LiveSource(const client::Connection& connection, const BookId& book, const std::string& address);
  bool Fetch(BookReport* report);

  const client::Connection& connection_;
  const BookId book_;
  const std::string name_;
  std::unique_ptr<jcm::registry::v1::LedgerService::Stub> stub_;
  std::string note_;
  uint64_t size_ = 0;
  jcm::registry::v1::ListEntriesResponse page_;
  int next_in_page_ = 0;
  std::string token_;
  bool last_page_ = false;
  uint64_t given_ = 0;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_LIVE_SOURCE_H_
