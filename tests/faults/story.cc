#include "tests/faults/story.h"

#include <chrono>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "jcm/registry/v1/ledger_service.grpc.pb.h"
#include "jcm/registry/v1/read_services.grpc.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"

namespace jcm::faults {
namespace {

constexpr char kProject[] = "TH014";
constexpr char kDecision[] = "TH-JC7-TH014";
constexpr char kRulebook[] = "TEST/2024-01-01";
constexpr char kAuthorization[] = "AUTH-1";
constexpr int kVintage = 2021;
constexpr int kPageSize = 1'000;
constexpr int kReadSeconds = 3;
constexpr uint64_t kMonthMicros = 30ull * 24 * 3600 * 1'000'000;

std::string PeerOf(const std::string& registry) { return registry == "JPN" ? "THA" : "JPN"; }

std::string DigestOf(const std::string& text) { return std::string(AsBytes(Sha256(text))); }

void SetDate(v1::Date* date, int year, int month, int day) {
  date->set_year(year);
  date->set_month(month);
  date->set_day(day);
}

void SetRange(v1::UnitRange* range, uint64_t first, uint64_t last) {
  range->set_lot_id(kLot);
  range->set_first(first);
  range->set_last(last);
}

v1::Command Native() {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  return command;
}

void SetKey(const PublicKey& from, v1::PublicKeyData* to) {
  to->set_type(static_cast<uint32_t>(from.type()));
  to->set_key(from.bytes());
}

v1::RulebookParameters Parameters() {
  v1::RulebookParameters parameters;
  parameters.set_e_decision_days(10);
  parameters.set_e_decision_long_stop_days(90);
  v1::ZoneOffset* offsets = parameters.add_zone_offsets();
  SetDate(offsets->mutable_from(), 2013, 1, 1);
  offsets->set_japan_minutes(540);
  offsets->set_partner_minutes(420);
  parameters.set_itmo_vintage_from(2021);
  parameters.set_straddle_2021_forbidden(true);
  parameters.set_cross_border_mode(v1::CROSS_BORDER_MODE_EITHER);
  parameters.set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
  parameters.set_operation_signatures(1);
  parameters.set_transfer_expiry_days_max(90);
  parameters.set_rules_notice_days(90);
  parameters.set_allocation_rounding("largest_remainder_per_vintage_jp_gov_first");
  parameters.set_retirement_needs_itmo(false);
  return parameters;
}

std::string TextOfDecision() {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title("Issuance for TH014");
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id(kProject);
  SetDate(issuance->mutable_monitoring_start(), kVintage, 1, 1);
  SetDate(issuance->mutable_monitoring_end(), kVintage, 12, 31);
  issuance->set_allocation_method("explicit");
  issuance->set_verified_tonnes(2 * kIssuedPerSide);
  v1::LotText* lot = issuance->add_lots();
  lot->set_lot_id(kLot);
  lot->set_vintage(kVintage);
  lot->set_tonnes(2 * kIssuedPerSide);
  const std::pair<v1::PartyKind, const char*> rows[] = {{v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN"},
                                                        {v1::PARTY_KIND_PARTICIPANT, "THA"}};
  for (uint32_t i = 0; i < 2; ++i) {
    v1::AllocationRow* row = issuance->add_rows();
    row->set_row(i + 1);
    row->set_party(rows[i].first);
    row->set_party_label("party");
    row->set_issuing_registry(rows[i].second);
    SetRange(row->mutable_range(), i * kIssuedPerSide + 1, (i + 1) * kIssuedPerSide);
  }
  return text.SerializeAsString();
}

// All pages of a list.
template <typename Stub, typename Request, typename Response, typename Take>
void ForAllPages(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                 Request request, Take take) {
  request.set_page_size(kPageSize);
  do {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) std::fprintf(stderr, "list: %s\n", status.error_message().c_str());
    JCM_CHECK(status.ok());
    take(response);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
}

api::ListRequest OfPartnership() {
  api::ListRequest request;
  request.set_parent(absl::StrCat("partnerships/", kPartnership));
  return request;
}

std::vector<api::Book> BooksOf(Site& site, const std::string& registry) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  api::ListBooksResponse response;
  if (!api::LedgerService::NewStub(site.Channel(registry))->ListBooks(&context, {}, &response).ok()) return {};
  return {response.books().begin(), response.books().end()};
}

const api::Book* Find(const std::vector<api::Book>& books, const std::string& registry) {
  for (const api::Book& book : books) {
    if (book.name() == absl::StrCat("books/", registry, "/", kPartnership)) return &book;
  }
  return nullptr;
}

}  // namespace

std::string Story::SignerOf(const std::string& account) const {
  if (account == "company") return "company-1";
  return account == "rival" ? "company-2" : "operator-1";
}

void Story::Do(const std::string& registry, const std::vector<std::string>& signers, const v1::Command& command,
               api::WaitFor wait_for) {
  desk_.Acknowledge(desk_.Sign(registry, signers, kPartnership, command), wait_for);
}

void Story::DoWhenPossible(const std::string& registry, const std::vector<std::string>& signers,
                           const v1::Command& command) {
  desk_.AcknowledgeWhenPossible(desk_.Sign(registry, signers, kPartnership, command));
}

void Story::OpenAccount(const std::string& registry, const std::string& name, v1::AccountClass account_class,
                        const std::vector<std::string>& representatives, const std::string& number,
                        const nlohmann::ordered_json& holder, api::WaitFor wait_for) {
  v1::Command command = Native();
  v1::OpenAccount* open = command.mutable_open_account();
  open->set_account_number(number.empty() ? absl::StrCat(registry, "-", name) : number);
  open->set_account_class(account_class);
  v1::Handle* handle = open->add_handles();
  handle->set_partnership(kPartnership);
  handle->set_handle(HexEncode(desk_.RandomBytes(16)));
  handles_[{registry, name}] = handle->handle();
  for (const std::string& id : representatives) open->add_representatives(id);
  if (holder.is_null()) {
    desk_.Acknowledge(desk_.Sign(registry, {"operator-1", "operator-2"}, kHome, command), wait_for);
    return;
  }
  open->set_holder_commitment(desk_.Commit(holder.at("holder").get<std::string>()).digest);
  const client::SealedParticulars sealed = desk_.Seal(absl::StrCat("account/", open->account_number()), holder);
  open->set_sealed_digest(sealed.digest);
  desk_.Acknowledge(desk_.Sign(registry, {"operator-1", "operator-2"}, kHome, command, &sealed), wait_for);
}

void Story::SetUpSide(const std::string& registry) {
  const std::string peer = PeerOf(registry);
  v1::Command command = Native();
  v1::OpenPartnership* open = command.mutable_open_partnership();
  open->set_partnership(kPartnership);
  open->set_peer_registry(peer);
  open->set_peer_domain(kDomain);
  open->set_mode(v1::PARTNERSHIP_MODE_NODE);
  open->mutable_peer_keys()->set_k(static_cast<uint32_t>(site_.replicas(peer) / 2 + 1));
  for (int i = 1; i <= site_.replicas(peer); ++i) {
    v1::ReplicaKey* replica = open->mutable_peer_keys()->add_keys();
    replica->set_name(book::KeyNameOf(kDomain, peer, absl::StrCat(i)));
    SetKey(site_.ReplicaKey(peer, i), replica->mutable_key());
  }
  SetKey(site_.RecoveryKey(peer), open->mutable_peer_recovery_key());
  SetDate(open->mutable_signed_date(), 2015, 11, 19);
  open->set_document_digest(DigestOf("bilateral document"));
  Do(registry, {"operator-1", "operator-2"}, command);

  command = Native();
  v1::AdoptRulebook* rulebook = command.mutable_adopt_rulebook();
  rulebook->set_version(kRulebook);
  *rulebook->mutable_parameters() = Parameters();
  SetDate(rulebook->mutable_effective_date(), 2024, 1, 1);
  rulebook->set_document_digest(DigestOf("rulebook"));
  Do(registry, {"secretariat-1"}, command);

  command = Native();
  v1::AppointMember* appoint = command.mutable_appoint_member();
  appoint->set_member_id(registry + "-chair");
  appoint->set_pseudonym(site_.Pseudonym(registry, "chair-1"));
  appoint->set_co_chair(true);
  appoint->set_title("co-chair");
  Do(registry, {"secretariat-1"}, command);

  command = Native();
  v1::RegisterProject* project = command.mutable_register_project();
  project->set_project_id(kProject);
  project->set_title_en("Solar power at an industrial water reservoir");
  project->set_title_ja(kProjectTitleJa);
  SetDate(project->mutable_registration_date(), kVintage - 1, 4, 1);
  SetDate(project->mutable_crediting_start(), kVintage - 1, 4, 1);
  project->set_document_digest(DigestOf("project"));
  Do(registry, {"secretariat-1"}, command);

  OpenAccount(registry, "government", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator-1"});
  OpenAccount(registry, "company", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"company-1"});
  OpenAccount(registry, "rival", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"company-2"});
  OpenAccount(registry, "retirement", v1::ACCOUNT_CLASS_RETIREMENT, {});
  OpenAccount(registry, "cancellation", v1::ACCOUNT_CLASS_CANCELLATION, {});
  OpenAccount(registry, "suspense", v1::ACCOUNT_CLASS_SUSPENSE, {});
}

void Story::Decide() {
  const std::string text = TextOfDecision();
  const std::string digest = DigestOf(text);
  v1::Command command = Native();
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(kDecision);
  open->set_mode(v1::DECISION_MODE_MEETING);
  open->set_rulebook_version(kRulebook);
  open->set_text(text);
  SetDate(open->mutable_meeting_date(), 2025, 10, 30);
  open->set_meeting_name("7th Joint Committee");
  open->set_report_digest(DigestOf("report"));
  open->add_annex_digests(DigestOf("annex 1"));
  DoWhenPossible("JPN", {"secretariat-1"}, command);

  command = Native();
  command.mutable_distribute_decision()->set_decision_id(kDecision);
  command.mutable_distribute_decision()->set_text_digest(digest);
  DoWhenPossible("THA", {"secretariat-1"}, command);

  for (const char* registry : {"JPN", "THA"}) {
    command = Native();
    v1::CastVote* cast = command.mutable_cast_vote();
    cast->set_decision_id(kDecision);
    cast->set_text_digest(digest);
    cast->set_member_id(absl::StrCat(registry, "-chair"));
    cast->set_vote(v1::VOTE_YES);
    cast->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
    DoWhenPossible(registry, {"chair-1"}, command);
  }
  command = Native();
  v1::ConfirmOutcome* confirm = command.mutable_confirm_outcome();
  confirm->set_decision_id(kDecision);
  confirm->set_text_digest(digest);
  confirm->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  DoWhenPossible("THA", {"secretariat-1"}, command);

  const std::pair<const char*, const char*> targets[] = {{"JPN", "government"}, {"THA", "company"}};
  for (uint32_t i = 0; i < 2; ++i) {
    command = Native();
    v1::IssueCredits* issue = command.mutable_issue_credits();
    issue->set_decision_id(kDecision);
    issue->set_text_digest(digest);
    v1::IssueTarget* target = issue->add_targets();
    target->set_row(i + 1);
    target->set_account(handles_.at(targets[i]));
    DoWhenPossible(targets[i].first, {"operator-1"}, command);
  }
  command = Native();
  v1::AuthorizeItmo* authorize = command.mutable_authorize_itmo();
  authorize->set_authorization_id(kAuthorization);
  authorize->set_project_id(kProject);
  authorize->add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
  authorize->set_authorized_party("JPN");
  authorize->set_quantity(kIssuedPerSide);
  authorize->set_vintage_first(kVintage);
  authorize->set_vintage_last(kVintage);
  authorize->set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
  authorize->set_document_digest(DigestOf("authorization"));
  authorize->set_sector("Energy");
  SetDate(command.mutable_legal_date(), 2025, 10, 31);
  Do("THA", {"ministry-1"}, command);
}

void Story::SetUp() {
  SetUpSide("JPN");
  SetUpSide("THA");
  Decide();
}

void Story::Transfer(const std::string& registry, const std::string& id, const std::string& from, const std::string& to,
                     uint64_t first, uint64_t last, api::WaitFor wait_for) {
  v1::Command command = Native();
  v1::TransferCredits* transfer = command.mutable_transfer_credits();
  transfer->set_transfer_id(id);
  transfer->set_from_account(handles_.at({registry, from}));
  transfer->set_to_account(handles_.at({registry, to}));
  SetRange(transfer->add_ranges(), first, last);
  Do(registry, {SignerOf(from)}, command, wait_for);
}

void Story::Retire(const std::string& registry, const std::string& id, const std::string& from, uint64_t first,
                   uint64_t last, api::WaitFor wait_for, const std::string& beneficiary) {
  v1::Command command = Native();
  v1::RetireCredits* retire = command.mutable_retire_credits();
  retire->set_retirement_id(id);
  retire->set_from_account(handles_.at({registry, from}));
  retire->set_retirement_account(handles_.at({registry, "retirement"}));
  SetRange(retire->add_ranges(), first, last);
  if (!beneficiary.empty()) retire->set_beneficiary_commitment(desk_.Commit(beneficiary).digest);
  Do(registry, {SignerOf(from)}, command, wait_for);
}

Act Story::CancelAct(const std::string& registry, const std::string& id, const std::string& from, uint64_t first,
                     uint64_t last) {
  v1::Command command = Native();
  v1::CancelCredits* cancel = command.mutable_cancel_credits();
  cancel->set_cancellation_id(id);
  cancel->set_from_account(handles_.at({registry, from}));
  cancel->set_cancellation_account(handles_.at({registry, "cancellation"}));
  SetRange(cancel->add_ranges(), first, last);
  cancel->set_purpose(v1::CANCELLATION_PURPOSE_VOLUNTARY);
  Act act = desk_.Sign(registry, {SignerOf(from)}, kPartnership, command);
  act.what = id;
  act.serial = first;
  return act;
}

void Story::Cancel(const std::string& registry, const std::string& id, const std::string& from, uint64_t first,
                   uint64_t last, api::WaitFor wait_for) {
  desk_.Acknowledge(CancelAct(registry, id, from, first, last), wait_for);
}

void Story::InitTransfer(const std::string& id, uint64_t first, uint64_t last) {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  v1::Command command = Native();
  v1::InitTransfer* init = command.mutable_init_transfer();
  init->set_transfer_id(id);
  init->set_from_account(handles_.at({"THA", "company"}));
  SetRange(init->add_ranges(), first, last);
  init->set_authorization_id(kAuthorization);
  init->set_expires_at_us(static_cast<uint64_t>(now.count()) + kMonthMicros);
  SetDate(init->mutable_action_date(), 2025, 11, 11);
  init->set_to_hint("Government of Japan");
  Do("THA", {"company-1"}, command);
}

void Story::AcceptTransfer(const std::string& id) {
  v1::Command command = Native();
  v1::AcceptTransfer* accept = command.mutable_accept_transfer();
  accept->set_transfer_id(id);
  accept->set_to_account(handles_.at({"JPN", "government"}));
  accept->set_suspense_account(handles_.at({"JPN", "suspense"}));
  SetDate(command.mutable_legal_date(), 2025, 11, 11);
  DoWhenPossible("JPN", {"operator-1"}, command);
}

bool Story::InStep() {
  for (const char* registry : {"JPN", "THA"}) {
    const std::vector<api::Book> own = BooksOf(site_, registry);
    const std::vector<api::Book> peer = BooksOf(site_, PeerOf(registry));
    const api::Book* book = Find(own, registry);
    const api::Book* mirror = Find(peer, registry);
    if (book == nullptr || mirror == nullptr || book->mirror() || !mirror->mirror()) return false;
    if (book->checkpoint_size() != book->size() || book->cosigned_size() != book->size()) return false;
    if (mirror->size() != book->size() || mirror->root() != book->root()) return false;
  }
  return true;
}

std::string Story::Sizes() {
  std::string text;
  for (const char* registry : {"JPN", "THA"}) {
    for (const api::Book& book : BooksOf(site_, registry)) {
      absl::StrAppend(&text, registry, " has ", book.name(), ": size ", book.size(), ", signed ",
                      book.checkpoint_size(), ", cosigned ", book.cosigned_size(), "\n");
    }
    const api::GetNodeStatusResponse status = site_.Status(registry);
    for (const api::PartnerStatus& partner : status.partners()) {
      absl::StrAppend(&text, registry, ": ", partner.ShortDebugString(), "\n");
    }
  }
  return text;
}

std::map<v1::BlockState, uint64_t> Story::TonnesByState(const std::string& registry) {
  std::map<v1::BlockState, uint64_t> tonnes;
  api::ListUnitBlocksRequest request;
  request.set_parent(absl::StrCat("partnerships/", kPartnership));
  const auto stub = api::OperationService::NewStub(site_.Channel(registry));
  ForAllPages(*stub, &api::OperationService::Stub::ListUnitBlocks, request,
              [&](const api::ListUnitBlocksResponse& page) {
                for (const api::UnitBlock& block : page.blocks()) {
                  tonnes[block.record().state()] += block.record().last() - block.record().first() + 1;
                }
              });
  return tonnes;
}

bool Story::TryRead(const std::string& node, uint64_t at_least) {
  const std::string registry = node.substr(0, 3);
  Reading reading;
  reading.registry = registry;
  reading.book = absl::StrCat("books/", registry, "/", kPartnership);
  reading.node = node;
  reading.at_least = at_least;
  api::ListUnitBlocksRequest request;
  request.set_parent(absl::StrCat("partnerships/", kPartnership));
  request.set_page_size(kPageSize);
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(kReadSeconds));
  context.AddMetadata("jcm-at-least", absl::StrCat(registry, "/", kPartnership, "=", at_least));
  api::ListUnitBlocksResponse response;
  const std::shared_ptr<grpc::Channel> channel = site_.ChannelTo(node);
  if (!api::OperationService::NewStub(channel)->ListUnitBlocks(&context, request, &response).ok()) return false;
  // One page is one instant; several need not be.
  JCM_CHECK(response.next_page_token().empty());
  for (const api::UnitBlock& block : response.blocks()) {
    const v1::BlockRecord& record = block.record();
    reading.total += record.last() - record.first() + 1;
    if (record.state() != v1::BLOCK_STATE_CANCELLED) continue;
    for (uint64_t serial = record.first(); serial <= record.last(); ++serial) reading.gone.insert(serial);
  }
  desk_.history().Read(std::move(reading));
  return true;
}

std::string Story::CheckHistory(const std::string& registry) {
  WrittenBooks books;
  for (const char* partnership : {"home", kPartnership}) {
    std::vector<WrittenEntry>& book = books[absl::StrCat("books/", registry, "/", partnership)];
    for (const api::Entry& entry : Entries(registry, partnership)) {
      book.push_back({entry.leaf_hash(), entry.kind() == "COMMAND"});
    }
  }
  return desk_.history().Check(registry, books, kIssuedPerSide);
}

std::vector<api::Entry> Story::Entries(const std::string& registry, const std::string& partnership) {
  std::vector<api::Entry> entries;
  api::ListEntriesRequest request;
  request.set_parent(absl::StrCat("books/", registry, "/", partnership));
  const auto stub = api::LedgerService::NewStub(site_.Channel(registry));
  ForAllPages(*stub, &api::LedgerService::Stub::ListEntries, request, [&](const api::ListEntriesResponse& page) {
    entries.insert(entries.end(), page.entries().begin(), page.entries().end());
  });
  return entries;
}

std::vector<std::string> Story::TransferIds(const std::string& registry) {
  std::vector<std::string> ids;
  const auto stub = api::OperationService::NewStub(site_.Channel(registry));
  ForAllPages(*stub, &api::OperationService::Stub::ListTransfers, OfPartnership(),
              [&](const api::ListTransfersResponse& page) {
                for (const v1::TransferRecord& record : page.transfers()) ids.push_back(record.transfer_id());
              });
  return ids;
}

std::vector<std::string> Story::RetirementIds(const std::string& registry) {
  std::vector<std::string> ids;
  const auto stub = api::OperationService::NewStub(site_.Channel(registry));
  ForAllPages(*stub, &api::OperationService::Stub::ListRetirements, OfPartnership(),
              [&](const api::ListRetirementsResponse& page) {
                for (const v1::RetirementRecord& record : page.retirements()) ids.push_back(record.retirement_id());
              });
  return ids;
}

std::vector<std::string> Story::CancellationIds(const std::string& registry) {
  std::vector<std::string> ids;
  const auto stub = api::OperationService::NewStub(site_.Channel(registry));
  ForAllPages(*stub, &api::OperationService::Stub::ListCancellations, OfPartnership(),
              [&](const api::ListCancellationsResponse& page) {
                for (const v1::CancellationRecord& record : page.cancellations()) {
                  ids.push_back(record.cancellation_id());
                }
              });
  return ids;
}

std::vector<api::Account> Story::Accounts(const std::string& registry) {
  std::vector<api::Account> accounts;
  const auto stub = api::AccountService::NewStub(site_.Channel(registry));
  ForAllPages(*stub, &api::AccountService::Stub::ListAccounts, api::ListAccountsRequest(),
              [&](const api::ListAccountsResponse& page) {
                accounts.insert(accounts.end(), page.accounts().begin(), page.accounts().end());
              });
  return accounts;
}

std::vector<v1::PersonRecord> Story::Persons(const std::string& registry) {
  std::vector<v1::PersonRecord> persons;
  const auto stub = api::AccountService::NewStub(site_.Channel(registry));
  ForAllPages(*stub, &api::AccountService::Stub::ListPersons, api::ListPersonsRequest(),
              [&](const api::ListPersonsResponse& page) {
                persons.insert(persons.end(), page.persons().begin(), page.persons().end());
              });
  return persons;
}

api::BookStatus Story::BookOf(const std::string& registry, const std::string& partnership) {
  const api::GetNodeStatusResponse status = site_.Status(registry);
  for (const api::BookStatus& book : status.books()) {
    if (book.book() == absl::StrCat("books/", registry, "/", partnership)) return book;
  }
  return {};
}

}  // namespace jcm::faults
