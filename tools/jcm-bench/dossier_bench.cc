#include "tools/jcm-bench/dossier_bench.h"

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "jcm/registry/v1/cycle_services.grpc.pb.h"
#include "jcm/registry/v1/publication.grpc.pb.h"
#include "ledger/base/file_system.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "services/common/grpc_status.h"
#include "tools/jcm-bench/bench_site.h"
#include "tools/jcm-bench/bundle_caller.h"
#include "tools/jcm-bench/dossier_workload.h"
#include "tools/publish/publication.h"

namespace jcm::bench {
namespace {

namespace api = ::jcm::registry::v1;
using Dossiers = api::DossierService;

constexpr int kPageSize = 100;
constexpr uint64_t kSeed = 11;  // of which question comes when
constexpr std::chrono::seconds kCallSeconds{60};

class Reader {
 public:
  Reader(const std::shared_ptr<grpc::Channel>& channel, uint64_t seed)
      : dossiers_(Dossiers::NewStub(channel)), publication_(api::PublicationService::NewStub(channel)), random_(seed) {}

  template <typename Stub, typename Request, typename Response>
  static absl::StatusOr<Response> Call(Stub& stub,
                                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                       const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallSeconds);
    Response response;
    JCM_RETURN_IF_ERROR(services::FromGrpcStatus((stub.*method)(&context, request, &response)));
    return response;
  }

  absl::StatusOr<api::ListDossiersResponse> List(const api::ListDossiersRequest& request) {
    return Call(*dossiers_, &Dossiers::Stub::ListDossiers, request);
  }
  absl::StatusOr<api::ListInboxResponse> Inbox(const std::string& person) {
    api::ListInboxRequest request;
    request.set_parent("partnerships/-");
    request.set_person(person);
    request.set_page_size(kPageSize);
    return Call(*dossiers_, &Dossiers::Stub::ListInbox, request);
  }
  absl::StatusOr<publish::BookAt> Book(const std::string& partnership) {
    const auto read = [this](const api::ListRecordsAtCheckpointRequest& request) {
      return Call(*publication_, &api::PublicationService::Stub::ListRecordsAtCheckpoint, request);
    };
    return publish::ReadBook(read, partnership, 0);
  }
  uint64_t Below(uint64_t limit) { return random_.Below(limit); }

 private:
  std::unique_ptr<Dossiers::Stub> dossiers_;
  std::unique_ptr<api::PublicationService::Stub> publication_;
  SeededRandom random_;
};

// Each kind of question has been asked once before its time is taken: the node reads what it has at the first one.
absl::StatusOr<Row> Measure(const char* id, std::string name, int calls, const std::function<absl::Status()>& ask) {
  JCM_RETURN_IF_ERROR(ask());
  std::vector<double> milliseconds;
  for (int i = 0; i < calls; ++i) {
    const Stopwatch time;
    JCM_RETURN_IF_ERROR(ask());
    milliseconds.push_back(time.seconds() * 1'000);
  }
  Row row{id, std::move(name), {}};
  row.figures["p50_ms"] = Percentile(milliseconds, 0.5);
  row.figures["p99_ms"] = Percentile(milliseconds, 0.99);
  return row;
}

// Pages in turn, of all partnerships.
absl::StatusOr<Row> MeasureList(Reader& reader, int calls) {
  api::ListDossiersRequest request;
  request.set_parent("partnerships/-");
  request.set_page_size(kPageSize);
  return Measure("l", absl::StrCat("pages of ", kPageSize, " of the list of all dossiers"), calls,
                 [&reader, request]() mutable -> absl::Status {
                   JCM_ASSIGN_OR_RETURN(const api::ListDossiersResponse page, reader.List(request));
                   request.set_page_token(page.next_page_token());
                   return page.total_size() > 0 ? absl::OkStatus() : Error(Reason::INTERNAL, "no dossiers");
                 });
}

std::vector<api::ListDossiersRequest> Filters() {
  std::vector<api::ListDossiersRequest> filters(6);
  for (api::ListDossiersRequest& filter : filters) {
    filter.set_parent("partnerships/-");
    filter.set_page_size(kPageSize);
  }
  filters[0].set_text("factory 17");
  filters[1].set_waits_for("committee");
  filters[2].set_strand("DESIGN");
  filters[2].set_state("PUBLIC");
  filters[3].set_overdue(true);
  filters[4].set_kind(v1::DOSSIER_KIND_METHODOLOGY);
  filters[5].set_parent("partnerships/TH");
  filters[5].set_programme(v1::FUNDING_PROGRAMME_MODEL_PROJECT);
  return filters;
}

absl::StatusOr<Row> MeasureFilters(Reader& reader, int calls) {
  const std::vector<api::ListDossiersRequest> filters = Filters();
  return Measure("m", "filtered lists: text, awaited, state, overdue, kind, programme", calls,
                 [&] { return reader.List(filters[reader.Below(filters.size())]).status(); });
}

absl::StatusOr<Row> MeasureInbox(Reader& reader, const People& people, int calls) {
  const std::vector<std::string> persons = {people.person_id("secretary"), people.person_id("chair"),
                                            people.person_id("operator"), people.person_id("secretary")};
  return Measure("n", absl::StrCat("inboxes of the secretariat, a co-chair, an operator; pages of ", kPageSize), calls,
                 [&] { return reader.Inbox(persons[reader.Below(persons.size())]).status(); });
}

// What `jcmctl publish` does with all books, and what it writes.
absl::StatusOr<Row> MeasurePublication(Reader& reader, const DossierOptions& options, bool tables_only) {
  PosixFileSystem files;
  std::vector<double> seconds;
  Row row{tables_only ? "o" : "o2",
          tables_only ? "the three CSVs, in both forms, read and written" : "everything that is published",
          {}};
  for (int i = 0; i < options.publications; ++i) {
    const Stopwatch time;
    std::vector<publish::BookAt> books;
    for (const auto& [partnership, peer] : AllPartnerships()) {
      JCM_ASSIGN_OR_RETURN(publish::BookAt book, reader.Book(partnership));
      books.push_back(std::move(book));
    }
    publish::PublishSettings settings;
    settings.tables_only = tables_only;
    const std::vector<publish::PublishedFile> publication = publish::MakePublication(books, settings);
    JCM_RETURN_IF_ERROR(publish::WritePublication(
        publication, absl::StrCat(options.directory, "/publication-", row.id, "-", i), files));
    seconds.push_back(time.seconds());
    uint64_t bytes = 0;
    for (const publish::PublishedFile& file : publication) bytes += file.bytes.size();
    row.figures["bytes"] = bytes;
  }
  row.figures["p50_ms"] = Median(seconds) * 1'000;
  row.figures["p99_ms"] = Percentile(seconds, 0.99) * 1'000;
  row.figures["seconds"] = Median(seconds);
  return row;
}

}  // namespace

absl::StatusOr<std::vector<Row>> RunDossiers(const DossierOptions& options) {
  const People people(kPeopleSeed, AllPartnerships());
  BenchSite site;
  JCM_RETURN_IF_ERROR(site.Start({options.directory, options.node, options.pki_script, 1, {}}, people));
  JCM_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, site.Connect(1));
  DossierWorkload workload(people, options.dossiers);
  JCM_RETURN_IF_ERROR(workload.SetUp([&](std::string bundle) { return CallOnce(channel, std::move(bundle)); },
                                     [](uint64_t, uint64_t) {}));
  Reader reader(channel, kSeed);
  std::vector<Row> rows;
  JCM_ASSIGN_OR_RETURN(Row list, MeasureList(reader, options.calls));
  list.figures["dossiers"] = options.dossiers;
  list.figures["decisions"] = workload.decisions();
  rows.push_back(std::move(list));
  JCM_ASSIGN_OR_RETURN(Row filters, MeasureFilters(reader, options.calls));
  rows.push_back(std::move(filters));
  JCM_ASSIGN_OR_RETURN(Row inbox, MeasureInbox(reader, people, options.calls));
  rows.push_back(std::move(inbox));
  for (const bool tables_only : {true, false}) {
    JCM_ASSIGN_OR_RETURN(Row publication, MeasurePublication(reader, options, tables_only));
    rows.push_back(std::move(publication));
  }
  return rows;
}

}  // namespace jcm::bench
