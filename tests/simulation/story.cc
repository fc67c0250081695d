#include "tests/simulation/story.h"

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/state/state.h"

namespace jcm::simulation {
namespace {

void SetDate(v1::Date* date, int year, int month, int day) {
  date->set_year(year);
  date->set_month(month);
  date->set_day(day);
}

std::string DigestOf(const std::string& text) { return std::string(AsBytes(Sha256(text))); }

constexpr char kRulebook[] = "TEST/2024-01-01";

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
  parameters.set_retirement_needs_itmo(true);
  return parameters;
}

}  // namespace

v1::UnitRange Range(const std::string& lot_id, uint64_t first, uint64_t last) {
  v1::UnitRange range;
  range.set_lot_id(lot_id);
  range.set_first(first);
  range.set_last(last);
  return range;
}

v1::Command Story::Native() {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  return command;
}

Story::Story(World& world, std::string partnership, std::string owner, std::string peer)
    : world_(world), partnership_(std::move(partnership)), owner_(std::move(owner)), peer_(std::move(peer)) {}

Story::Story(World& world, const Story& other)
    : world_(world),
      partnership_(other.partnership_),
      owner_(other.owner_),
      peer_(other.peer_),
      handles_(other.handles_) {}

void Story::Must(absl::Status status, const char* what) {
  if (!status.ok()) std::fprintf(stderr, "%s: %s\n", what, ToText(status).c_str());
  JCM_CHECK(status.ok());
}

absl::Status Story::Do(Node& node, const std::vector<std::string>& signers, const v1::Command& command,
                       registry::WaitFor wait_for) {
  return world_.Submit(node, signers, partnership_, command, wait_for).status();
}

absl::Status Story::DoHome(Node& node, const v1::Command& command) {
  return world_.Submit(node, {"operator", "operator2"}, kHome, command).status();
}

std::string Story::Account(const Node& node, const std::string& name) const {
  return handles_.at({node.registry(), name});
}

void Story::OpenAccount(Node& node, const std::string& name, v1::AccountClass account_class,
                        const std::vector<std::string>& representatives) {
  v1::Command command = Native();
  v1::OpenAccount* open = command.mutable_open_account();
  open->set_account_number(absl::StrCat(node.registry(), "-", partnership_, "-", name));
  open->set_account_class(account_class);
  v1::Handle* handle = open->add_handles();
  handle->set_partnership(partnership_);
  handle->set_handle(HexEncode(world_.random().Bytes(16)));
  handles_[{node.registry(), name}] = handle->handle();
  for (const std::string& id : representatives) open->add_representatives(node.person(id).id);
  open->set_holder_commitment(DigestOf(name));
  Must(DoHome(node, command), "open account");
}

void Story::SetUpSide(Node& node, Node& other, const std::string& project_id, int vintage) {
  v1::Command command = Native();
  v1::OpenPartnership* open = command.mutable_open_partnership();
  open->set_partnership(partnership_);
  open->set_peer_registry(other.registry());
  open->set_peer_domain("demo.invalid");
  open->set_mode(v1::PARTNERSHIP_MODE_NODE);
  *open->mutable_peer_keys() = other.keys();
  *open->mutable_peer_recovery_key() = other.recovery_public_key();
  SetDate(open->mutable_signed_date(), 2015, 11, 19);
  open->set_document_digest(DigestOf("bilateral document"));
  Must(Do(node, {"operator", "operator2"}, command), "open partnership");

  command = Native();
  v1::AdoptRulebook* rulebook = command.mutable_adopt_rulebook();
  rulebook->set_version(kRulebook);
  *rulebook->mutable_parameters() = Parameters();
  SetDate(rulebook->mutable_effective_date(), 2024, 1, 1);
  rulebook->set_document_digest(DigestOf("rulebook"));
  Must(Do(node, {"secretary"}, command), "adopt rulebook");

  for (const char* member : {"chair", "member"}) {
    command = Native();
    v1::AppointMember* appoint = command.mutable_appoint_member();
    appoint->set_member_id(absl::StrCat(node.registry(), "-", member));
    appoint->set_pseudonym(node.pseudonym(member, partnership_));
    appoint->set_co_chair(std::string(member) == "chair");
    appoint->set_title(member);
    Must(Do(node, {"secretary"}, command), "appoint member");
  }
  command = Native();
  v1::RegisterProject* project = command.mutable_register_project();
  project->set_project_id(project_id);
  project->set_title_en("Solar power at an industrial water reservoir");
  project->set_title_ja("工業用水貯水池における太陽光発電");
  SetDate(project->mutable_registration_date(), vintage - 1, 4, 1);
  SetDate(project->mutable_crediting_start(), vintage - 1, 4, 1);
  project->set_document_digest(DigestOf("project"));
  Must(Do(node, {"secretary"}, command), "register project");

  OpenAccount(node, "government", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {"operator"});
  OpenAccount(node, "company", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"company"});
  OpenAccount(node, "rival", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"rival"});
  OpenAccount(node, "retirement", v1::ACCOUNT_CLASS_RETIREMENT, {});
  OpenAccount(node, "cancellation", v1::ACCOUNT_CLASS_CANCELLATION, {});
  OpenAccount(node, "suspense", v1::ACCOUNT_CLASS_SUSPENSE, {});
}

void Story::SetUp(const std::string& project_id, int vintage) {
  SetUpSide(owner(), peer(), project_id, vintage);
  SetUpSide(peer(), owner(), project_id, vintage);
  JCM_CHECK(world_.RunUntil([this] { return InStep(); }));
}

Decided Story::Text(const std::string& decision_id, const std::string& project_id, int vintage,
                    const std::vector<Row>& rows) {
  Decided decided;
  decided.decision_id = decision_id;
  decided.project_id = project_id;
  decided.lot_id = absl::StrCat(project_id, "-", vintage, "-1");
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title(absl::StrCat("Issuance for ", project_id));
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id(project_id);
  SetDate(issuance->mutable_monitoring_start(), vintage, 1, 1);
  SetDate(issuance->mutable_monitoring_end(), vintage, 12, 31);
  issuance->set_allocation_method("explicit");
  uint64_t next = 1;
  for (const Row& row : rows) {
    v1::AllocationRow* allocation = issuance->add_rows();
    allocation->set_row(static_cast<uint32_t>(issuance->rows_size()));
    allocation->set_party(row.party);
    allocation->set_party_label("party");
    allocation->set_issuing_registry(row.issuing_registry);
    *allocation->mutable_range() = Range(decided.lot_id, next, next + row.tonnes - 1);
    next += row.tonnes;
  }
  issuance->set_verified_tonnes(next - 1);
  v1::LotText* lot = issuance->add_lots();
  lot->set_lot_id(decided.lot_id);
  lot->set_vintage(vintage);
  lot->set_tonnes(next - 1);
  decided.text = state::Serialise(text);
  decided.text_digest = DigestOf(decided.text);
  return decided;
}

void Story::OpenMeeting(const Decided& decided) {
  v1::Command command = Native();
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(decided.decision_id);
  open->set_mode(v1::DECISION_MODE_MEETING);
  open->set_rulebook_version(kRulebook);
  open->set_text(decided.text);
  SetDate(open->mutable_meeting_date(), 2025, 10, 30);
  open->set_meeting_name("7th Joint Committee");
  open->set_report_digest(DigestOf("report"));
  open->add_annex_digests(DigestOf("annex 1"));
  Must(Do(owner(), {"secretary"}, command), "open decision");
  JCM_CHECK(world_.RunUntil([this] { return InStep(); }));
  Must(Distribute(decided), "distribute decision");
}

absl::Status Story::OpenElectronic(const Decided& decided) {
  v1::Command command = Native();
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(decided.decision_id);
  open->set_mode(v1::DECISION_MODE_ELECTRONIC);
  open->set_rulebook_version(kRulebook);
  open->set_text(decided.text);
  return Do(owner(), {"secretary"}, command);
}

absl::Status Story::Distribute(const Decided& decided) {
  v1::Command command = Native();
  command.mutable_distribute_decision()->set_decision_id(decided.decision_id);
  command.mutable_distribute_decision()->set_text_digest(decided.text_digest);
  return Do(peer(), {"secretary"}, command);
}

absl::Status Story::Amend(const Decided& decided) {
  v1::Command command = Native();
  command.mutable_amend_decision()->set_decision_id(decided.decision_id);
  command.mutable_amend_decision()->set_text(decided.text);
  return Do(owner(), {"secretary"}, command);
}

absl::Status Story::Withdraw(const Decided& decided) {
  v1::Command command = Native();
  command.mutable_withdraw_decision()->set_decision_id(decided.decision_id);
  command.mutable_withdraw_decision()->set_reason("withdrawn");
  return Do(owner(), {"secretary"}, command);
}

absl::Status Story::TryVote(Node& node, const Decided& decided, const std::string& member, v1::Vote vote) {
  v1::Command command = Native();
  v1::CastVote* cast = command.mutable_cast_vote();
  cast->set_decision_id(decided.decision_id);
  cast->set_text_digest(decided.text_digest);
  cast->set_member_id(absl::StrCat(node.registry(), "-", member));
  cast->set_vote(vote);
  cast->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  return Do(node, {member}, command);
}

void Story::Vote(Node& node, const Decided& decided, const std::string& member, v1::Vote vote) {
  Must(TryVote(node, decided, member, vote), "vote");
}

absl::Status Story::TryConfirm(const Decided& decided, v1::DecisionOutcome outcome) {
  v1::Command command = Native();
  v1::ConfirmOutcome* confirm = command.mutable_confirm_outcome();
  confirm->set_decision_id(decided.decision_id);
  confirm->set_text_digest(decided.text_digest);
  confirm->set_outcome(outcome);
  return Do(peer(), {"secretary"}, command);
}

absl::Status Story::Dispute(const Decided& decided) {
  v1::Command command = Native();
  v1::DisputeOutcome* dispute = command.mutable_dispute_outcome();
  dispute->set_decision_id(decided.decision_id);
  dispute->set_text_digest(decided.text_digest);
  dispute->set_reason("disputed");
  return Do(peer(), {"secretary"}, command);
}

void Story::Confirm(const Decided& decided) {
  Must(TryConfirm(decided, v1::DECISION_OUTCOME_ADOPTED), "confirm outcome");
}

Decided Story::DecideInMeeting(const std::string& decision_id, const std::string& project_id, int vintage,
                               const std::vector<Row>& rows) {
  Decided decided = Text(decision_id, project_id, vintage, rows);
  OpenMeeting(decided);
  Vote(owner(), decided, "chair", v1::VOTE_YES);
  Vote(peer(), decided, "chair", v1::VOTE_YES);
  const BookId peer_book{peer_, partnership_};
  JCM_CHECK(world_.RunUntil([&] {
    auto state = peer().core().View()->State(peer_book);
    auto shadow = state->Get<v1::DecisionRecord>(state::Shadow(v1::TABLE_DECISION), decision_id);
    return shadow.ok() && shadow->has_value() && (*shadow)->state() == v1::DECISION_STATE_ADOPTED;
  }));
  Confirm(decided);
  JCM_CHECK(world_.RunUntil([this] { return InStep(); }));
  return decided;
}

absl::Status Story::Issue(Node& node, const Decided& decided,
                          const std::vector<std::pair<uint32_t, std::string>>& targets) {
  v1::Command command = Native();
  v1::IssueCredits* issue = command.mutable_issue_credits();
  issue->set_decision_id(decided.decision_id);
  issue->set_text_digest(decided.text_digest);
  for (const auto& target : targets) {
    v1::IssueTarget* row = issue->add_targets();
    row->set_row(target.first);
    row->set_account(Account(node, target.second));
  }
  return Do(node, {"operator"}, command);
}

absl::Status Story::Authorize(const std::string& authorization_id, const std::string& project_id, uint64_t quantity,
                              int vintage) {
  v1::Command command = Native();
  v1::AuthorizeItmo* authorize = command.mutable_authorize_itmo();
  authorize->set_authorization_id(authorization_id);
  authorize->set_project_id(project_id);
  authorize->add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
  authorize->set_authorized_party("JPN");
  authorize->set_quantity(quantity);
  authorize->set_vintage_first(vintage);
  authorize->set_vintage_last(vintage);
  authorize->set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
  authorize->set_document_digest(DigestOf("authorization"));
  authorize->set_sector("Energy");
  SetDate(command.mutable_legal_date(), 2025, 10, 31);
  return Do(host(), {"ministry"}, command);
}

absl::Status Story::FirstTransfer(const std::string& id, const std::string& authorization_id,
                                  const v1::UnitRange& range) {
  v1::Command command = Native();
  v1::RecordFirstTransfer* first = command.mutable_record_first_transfer();
  first->set_first_transfer_id(id);
  first->set_authorization_id(authorization_id);
  *first->add_ranges() = range;
  SetDate(first->mutable_action_date(), 2025, 12, 16);
  return Do(host(), {"ministry"}, command);
}

absl::Status Story::Transfer(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                             const std::string& to, const v1::UnitRange& range) {
  v1::Command command = Native();
  v1::TransferCredits* transfer = command.mutable_transfer_credits();
  transfer->set_transfer_id(id);
  transfer->set_from_account(Account(node, from));
  transfer->set_to_account(Account(node, to));
  *transfer->add_ranges() = range;
  return Do(node, {signer}, command);
}

absl::Status Story::Retire(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                           const v1::UnitRange& range, registry::WaitFor wait_for) {
  v1::Command command = Native();
  v1::RetireCredits* retire = command.mutable_retire_credits();
  retire->set_retirement_id(id);
  retire->set_from_account(Account(node, from));
  retire->set_retirement_account(Account(node, "retirement"));
  *retire->add_ranges() = range;
  return Do(node, {signer}, command, wait_for);
}

v1::Command Story::CancelCommand(Node& node, const std::string& id, const std::string& from,
                                 const v1::UnitRange& range) {
  v1::Command command = Native();
  v1::CancelCredits* cancel = command.mutable_cancel_credits();
  cancel->set_cancellation_id(id);
  cancel->set_from_account(Account(node, from));
  cancel->set_cancellation_account(Account(node, "cancellation"));
  *cancel->add_ranges() = range;
  cancel->set_purpose(v1::CANCELLATION_PURPOSE_VOLUNTARY);
  return command;
}

absl::Status Story::Cancel(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                           const v1::UnitRange& range) {
  return Do(node, {signer}, CancelCommand(node, id, from, range));
}

std::string Story::CancelBundle(Node& node, const std::string& id, const std::string& signer, const std::string& from,
                                const v1::UnitRange& range) {
  return world_.Bundle(node, {signer}, partnership_, {CancelCommand(node, id, from, range)});
}

absl::Status Story::InitTransfer(Node& sender, const std::string& id, const std::string& from,
                                 const std::string& authorization_id, const v1::UnitRange& range) {
  v1::Command command = Native();
  v1::InitTransfer* init = command.mutable_init_transfer();
  init->set_transfer_id(id);
  init->set_from_account(Account(sender, from));
  *init->add_ranges() = range;
  init->set_authorization_id(authorization_id);
  init->set_expires_at_us(world_.clock().Now().micros + 30ull * 24 * 3600 * 1'000'000);
  SetDate(init->mutable_action_date(), 2025, 11, 11);
  init->set_to_hint("Government of Japan");
  return Do(sender, {"operator"}, command);
}

absl::Status Story::AcceptTransfer(Node& receiver, const std::string& id, const std::string& to) {
  v1::Command command = Native();
  v1::AcceptTransfer* accept = command.mutable_accept_transfer();
  accept->set_transfer_id(id);
  accept->set_to_account(Account(receiver, to));
  accept->set_suspense_account(Account(receiver, "suspense"));
  SetDate(command.mutable_legal_date(), 2025, 11, 11);
  return Do(receiver, {"operator"}, command);
}

uint64_t Story::TonnesIn(Node& node, v1::BlockState wanted) {
  uint64_t tonnes = 0;
  auto view = node.core().View();
  auto state = view->State({node.registry(), partnership_});
  JCM_CHECK(state
                ->Scan(v1::TABLE_BLOCK, "", "",
                       [&](absl::string_view, absl::string_view value) {
                         v1::BlockRecord block;
                         JCM_CHECK(block.ParseFromArray(value.data(), static_cast<int>(value.size())));
                         if (block.state() == wanted) tonnes += block.last() - block.first() + 1;
                         return true;
                       })
                .ok());
  return tonnes;
}

bool Story::InStep() {
  for (Node* node : {&owner(), &peer()}) {
    if (!node->running()) return false;
    Node& other = node == &owner() ? peer() : owner();
    if (!other.running()) return false;
    const BookId book{node->registry(), partnership_};
    auto own = node->core().View()->Info(book);
    auto mirror = other.core().View()->Info(book);
    if (!own.ok() || !mirror.ok()) return false;
    if (own->checkpoint_size != own->size || own->cosigned_size != own->size) return false;
    if (mirror->executed_size != own->size || mirror->root != own->root) return false;
  }
  // Nothing that would still cause an import is left: another second changes neither book.
  const auto sizes = [this] {
    return std::make_pair(owner().core().View()->Info({owner_, partnership_})->size,
                          peer().core().View()->Info({peer_, partnership_})->size);
  };
  const auto before = sizes();
  world_.Run(1'000'000);
  return owner().running() && peer().running() && sizes() == before;
}

absl::StatusOr<std::string> ImportFile(Node& node, const std::string& file) {
  absl::StatusOr<std::string> answer = absl::UnknownError("not answered at once");
  node.core().ImportMirrorFile(file, [&answer](absl::StatusOr<std::string> done) { answer = std::move(done); });
  return answer;
}

}  // namespace jcm::simulation
