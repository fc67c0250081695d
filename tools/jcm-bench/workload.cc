#include "tools/jcm-bench/workload.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/rules/units.h"
#include "tools/client/bundle_builder.h"

namespace jcm::bench {
namespace {

constexpr char kRulebook[] = "TH/2024-01-01";
constexpr size_t kAccountsPerBundle = 200;
constexpr size_t kCommandsPerBundle = 60;  // of kBlocksPerCommand ranges each: below 240 KiB
constexpr int kVintage = 2019;             // before ITMOs: retired without an authorization
constexpr char kRetirementAccount[] = "JPN-TH-retirement";

uint64_t RoundUp(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

std::string DigestOf(absl::string_view text) { return std::string(AsBytes(Sha256(text))); }

void SetDate(v1::Date* date, int year, int month, int day) {
  date->set_year(year);
  date->set_month(month);
  date->set_day(day);
}

v1::Command Native() {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_NATIVE);
  return command;
}

std::string LotId(uint64_t lot) { return absl::StrCat("TH", 100 + lot, "-", kVintage, "-1"); }
std::string ProjectId(uint64_t lot) { return absl::StrCat("TH", 100 + lot); }
std::string DecisionId(uint64_t lot) { return absl::StrCat("TH-JC-", 100 + lot); }
// Who gets a whole lot when it is issued, and spreads it.
int IssuedTo(uint64_t lot) { return static_cast<int>(lot); }

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

v1::Command OpenPartnership() {
  v1::Command command = Native();
  v1::OpenPartnership* open = command.mutable_open_partnership();
  open->set_partnership(kPartnership);
  open->set_peer_registry(kPeer);
  open->set_peer_domain(kDomain);
  open->set_mode(v1::PARTNERSHIP_MODE_ATTESTED);
  SetDate(open->mutable_signed_date(), 2015, 11, 19);
  open->set_document_digest(DigestOf("bilateral document"));
  return command;
}

v1::Command AdoptRulebook() {
  v1::Command command = Native();
  v1::AdoptRulebook* rulebook = command.mutable_adopt_rulebook();
  rulebook->set_version(kRulebook);
  *rulebook->mutable_parameters() = Parameters();
  SetDate(rulebook->mutable_effective_date(), 2024, 1, 1);
  rulebook->set_document_digest(DigestOf("rulebook"));
  return command;
}

v1::Command RegisterProject(uint64_t lot) {
  v1::Command command = Native();
  v1::RegisterProject* project = command.mutable_register_project();
  project->set_project_id(ProjectId(lot));
  project->set_title_en("Solar power at an industrial water reservoir");
  project->set_title_ja("工業用水貯水池における太陽光発電");
  SetDate(project->mutable_registration_date(), kVintage - 1, 4, 1);
  SetDate(project->mutable_crediting_start(), kVintage - 1, 4, 1);
  project->set_document_digest(DigestOf("project"));
  return command;
}

v1::Command OpenAccount(const std::string& number, v1::AccountClass account_class, const std::string& handle_text,
                        const std::string& representative) {
  v1::Command command = Native();
  v1::OpenAccount* open = command.mutable_open_account();
  open->set_account_number(number);
  open->set_account_class(account_class);
  v1::Handle* handle = open->add_handles();
  handle->set_partnership(kPartnership);
  handle->set_handle(handle_text);
  if (!representative.empty()) open->add_representatives(representative);
  open->set_holder_commitment(DigestOf(number));
  return command;
}

std::string DecisionText(uint64_t lot, Tonnes tonnes) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title(absl::StrCat("Issuance for ", ProjectId(lot)));
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id(ProjectId(lot));
  SetDate(issuance->mutable_monitoring_start(), kVintage, 1, 1);
  SetDate(issuance->mutable_monitoring_end(), kVintage, 12, 31);
  issuance->set_allocation_method("explicit");
  issuance->set_verified_tonnes(tonnes);
  v1::AllocationRow* row = issuance->add_rows();
  row->set_row(1);
  row->set_party(v1::PARTY_KIND_PARTICIPANT);
  row->set_party_label("participants");
  row->set_issuing_registry(kRegistry);
  row->mutable_range()->set_lot_id(LotId(lot));
  row->mutable_range()->set_first(1);
  row->mutable_range()->set_last(tonnes);
  v1::LotText* lot_text = issuance->add_lots();
  lot_text->set_lot_id(LotId(lot));
  lot_text->set_vintage(kVintage);
  lot_text->set_tonnes(tonnes);
  return state::Serialise(text);
}

v1::Command OpenDecision(uint64_t lot, const std::string& text) {
  v1::Command command = Native();
  v1::OpenDecision* open = command.mutable_open_decision();
  open->set_decision_id(DecisionId(lot));
  open->set_mode(v1::DECISION_MODE_MEETING);
  open->set_rulebook_version(kRulebook);
  open->set_text(text);
  SetDate(open->mutable_meeting_date(), 2025, 10, 30);
  open->set_meeting_name("7th Joint Committee");
  open->set_report_digest(DigestOf("report"));
  return command;
}

v1::CastVote YesOf(const std::string& member, uint64_t lot, const std::string& text) {
  v1::CastVote vote;
  vote.set_decision_id(DecisionId(lot));
  vote.set_text_digest(DigestOf(text));
  vote.set_member_id(member);
  vote.set_vote(v1::VOTE_YES);
  vote.set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
  return vote;
}

v1::Command Attest(v1::AttestedStage stage) {
  v1::Command command;
  command.set_provenance(v1::PROVENANCE_ATTESTED);
  SetDate(command.mutable_legal_date(), 2025, 10, 30);
  command.mutable_attest()->set_stage(stage);
  command.mutable_attest()->set_document_digest(DigestOf("document"));
  return command;
}

}  // namespace

void ShowProgress(uint64_t done, uint64_t of) {
  std::fprintf(stderr, "\r  %llu of %llu blocks", static_cast<unsigned long long>(done),
               static_cast<unsigned long long>(of));
  if (done >= of) std::fprintf(stderr, "\n");
}

absl::Status MustAccept(const absl::StatusOr<registry::SubmitOutcome>& outcome) {
  if (!outcome.ok()) return outcome.status();
  for (const registry::PartOutcome& part : outcome->parts) {
    if (!part.accepted) return Error(static_cast<Reason>(part.reason), part.detail);
  }
  return absl::OkStatus();
}

Workload::Workload(const People& people, uint64_t blocks, uint64_t seed)
    : people_(people), blocks_(RoundUp(std::max<uint64_t>(blocks, 1), 2 * kBlocksPerCommand * kLots)), random_(seed) {}

std::string Workload::Bundle(const std::string& partnership, const std::vector<v1::Command>& commands,
                             const std::vector<std::string>& signers) const {
  client::BundleBuilder builder(kRegistry, v1::BUNDLE_MODE_ATOMIC, random_);
  for (const v1::Command& command : commands) JCM_CHECK(builder.Add(partnership, command).ok());
  std::vector<PrivateKey> keys;
  for (const std::string& signer : signers) keys.push_back(people_.key(signer));
  absl::StatusOr<client::BuiltBundle> built = builder.Sign(keys);
  JCM_CHECK(built.ok());
  return std::move(built->bytes);
}

// Blocks come in groups of 2 * kBlocksPerCommand: the even ones of a group lie in one account, the odd ones in another.
Workload::Block Workload::BlockOf(uint64_t number) const {
  const uint64_t per_lot = blocks_ / kLots;
  const uint64_t in_lot = number % per_lot;
  const uint64_t group = number / (2 * kBlocksPerCommand);
  Block block;
  block.lot_id = LotId(number / per_lot);
  block.first = in_lot * kBlockTonnes + 1;
  block.last = (in_lot + 1) * kBlockTonnes;
  block.account = static_cast<int>((2 * group + number % 2) % kAccounts);
  return block;
}

absl::Status Workload::SetUpHome(const Submit& submit) const {
  const std::vector<std::string> officers = {"operator", "operator2"};
  std::vector<v1::Command> accounts;
  for (int i = 0; i < kAccounts; ++i) {
    accounts.push_back(OpenAccount(absl::StrCat("JPN-TH-", i), v1::ACCOUNT_CLASS_ENTITY_HOLDING, people_.handle(i),
                                   people_.person_id(People::Broker(i % kBrokers))));
    if (accounts.size() < kAccountsPerBundle && i + 1 < kAccounts) continue;
    JCM_RETURN_IF_ERROR(MustAccept(submit(Bundle(kHome, accounts, officers))));
    accounts.clear();
  }
  JCM_RETURN_IF_ERROR(MustAccept(submit(Bundle(kHome,
                                               {OpenAccount(kRetirementAccount, v1::ACCOUNT_CLASS_RETIREMENT,
                                                            HexEncode(DigestOf("retirement").substr(0, 16)), "")},
                                               officers))));
  JCM_RETURN_IF_ERROR(MustAccept(submit(Bundle(kPartnership, {OpenPartnership()}, officers))));
  v1::Command appoint = Native();
  appoint.mutable_appoint_member()->set_member_id("JPN-chair");
  appoint.mutable_appoint_member()->set_pseudonym(people_.pseudonym("chair"));
  appoint.mutable_appoint_member()->set_co_chair(true);
  appoint.mutable_appoint_member()->set_title("co-chair");
  return MustAccept(submit(Bundle(kPartnership, {AdoptRulebook(), appoint}, {"secretary"})));
}

absl::Status Workload::SetUpLot(uint64_t lot, const Submit& submit) const {
  const std::string text = DecisionText(lot, blocks_ / kLots * kBlockTonnes);
  JCM_RETURN_IF_ERROR(
      MustAccept(submit(Bundle(kPartnership, {RegisterProject(lot), OpenDecision(lot, text)}, {"secretary"}))));
  v1::Command vote = Native();
  *vote.mutable_cast_vote() = YesOf("JPN-chair", lot, text);
  JCM_RETURN_IF_ERROR(MustAccept(submit(Bundle(kPartnership, {vote}, {"chair"}))));
  v1::Command theirs = Attest(v1::ATTESTED_STAGE_VOTE);
  *theirs.mutable_attest()->mutable_vote() = YesOf("THA-chair", lot, text);
  theirs.mutable_attest()->set_vote_by_co_chair(true);
  JCM_RETURN_IF_ERROR(MustAccept(submit(Bundle(kPartnership, {theirs}, {"secretary", "secretary2"}))));

  v1::Command confirm = Attest(v1::ATTESTED_STAGE_OUTCOME_CONFIRMED);
  v1::ConfirmOutcome* confirmed = confirm.mutable_attest()->mutable_confirmed();
  confirmed->set_decision_id(DecisionId(lot));
  confirmed->set_text_digest(DigestOf(text));
  confirmed->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  // The outcome is written by the registry's own tick, a moment later.
  absl::Status done;
  for (int attempt = 0; attempt < 100; ++attempt) {
    done = MustAccept(submit(Bundle(kPartnership, {confirm}, {"secretary", "secretary2"})));
    if (!HasReason(done, Reason::OUTCOME_DIFFERS)) break;
  }
  JCM_RETURN_IF_ERROR(done);
  v1::Command command = Native();
  v1::IssueCredits* issue = command.mutable_issue_credits();
  issue->set_decision_id(DecisionId(lot));
  issue->set_text_digest(DigestOf(text));
  v1::IssueTarget* target = issue->add_targets();
  target->set_row(1);
  target->set_account(people_.handle(IssuedTo(lot)));
  return MustAccept(submit(Bundle(kPartnership, {command}, {"operator"})));
}

absl::Status Workload::Spread(const Submit& submit, const Progress& progress) const {
  const uint64_t per_lot = blocks_ / kLots;
  for (uint64_t lot = 0; lot < kLots; ++lot) {
    std::vector<v1::Command> commands;
    for (uint64_t group = 0; group < per_lot / (2 * kBlocksPerCommand); ++group) {
      for (uint64_t half = 0; half < 2; ++half) {
        const uint64_t begin = lot * per_lot + group * 2 * kBlocksPerCommand + half;
        const int account = BlockOf(begin).account;
        if (account == IssuedTo(lot)) continue;  // it lies there already
        v1::Command command = Native();
        v1::TransferCredits* transfer = command.mutable_transfer_credits();
        transfer->set_transfer_id(absl::StrCat("SPREAD-", begin));
        transfer->set_from_account(people_.handle(IssuedTo(lot)));
        transfer->set_to_account(people_.handle(account));
        for (uint64_t i = 0; i < kBlocksPerCommand; ++i) {
          const Block block = BlockOf(begin + 2 * i);
          v1::UnitRange* range = transfer->add_ranges();
          range->set_lot_id(block.lot_id);
          range->set_first(block.first);
          range->set_last(block.last);
        }
        commands.push_back(std::move(command));
      }
      const bool last = group + 1 == per_lot / (2 * kBlocksPerCommand);
      if (commands.size() + 2 <= kCommandsPerBundle && !last) continue;
      JCM_RETURN_IF_ERROR(
          MustAccept(submit(Bundle(kPartnership, commands, {People::Broker(IssuedTo(lot) % kBrokers)}))));
      commands.clear();
      progress(lot * per_lot + (group + 1) * 2 * kBlocksPerCommand, blocks_);
    }
  }
  return absl::OkStatus();
}

absl::Status Workload::SetUp(const Submit& submit, const Progress& progress) {
  JCM_RETURN_IF_ERROR(SetUpHome(submit));
  for (uint64_t lot = 0; lot < kLots; ++lot) JCM_RETURN_IF_ERROR(SetUpLot(lot, submit));
  return Spread(submit, progress);
}

Workload::Block Workload::Take(int broker) {
  while (true) {
    const uint64_t number = random_.Below(blocks_);
    Block block = BlockOf(number);
    if (block.account % kBrokers != broker) continue;
    auto next = next_.find(number);
    if (next == next_.end()) {
      Serial first = block.first;
      if (state_ != nullptr) {
        // What was not sold is the last piece of the block.
        auto found = state_->FindAtOrBefore(v1::TABLE_BLOCK, absl::StrCat(block.lot_id, "/"),
                                            rules::BlockKey(block.lot_id, block.last));
        v1::BlockRecord record;
        JCM_CHECK(found.ok() && found->has_value() && record.ParseFromString((*found)->second));
        first = record.first();
      }
      next = next_.emplace(number, first).first;
    }
    if (next->second + kTransferTonnesMax >= block.last) continue;
    block.first = next->second;
    block.last = block.first + random_.Below(kTransferTonnesMax);
    next->second = block.last + 1;
    return block;
  }
}

std::string Workload::NextBundle(size_t count) {
  const int broker = broker_;
  broker_ = (broker_ + 1) % kBrokers;
  std::vector<v1::Command> commands;
  commands.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const Block block = Take(broker);
    v1::Command command = Native();
    v1::TransferCredits* transfer = command.mutable_transfer_credits();
    transfer->set_transfer_id(absl::StrCat("T", HexEncode(random_.Bytes(10))));
    transfer->set_from_account(people_.handle(block.account));
    int to = block.account;
    while (to == block.account) to = static_cast<int>(random_.Below(kAccounts));
    transfer->set_to_account(people_.handle(to));
    v1::UnitRange* range = transfer->add_ranges();
    range->set_lot_id(block.lot_id);
    range->set_first(block.first);
    range->set_last(block.last);
    commands.push_back(std::move(command));
  }
  return Bundle(kPartnership, commands, {People::Broker(broker)});
}

std::string Workload::NextRetirement(std::string* retirement_id) {
  const Block block = Take(0);
  v1::Command command = Native();
  v1::RetireCredits* retire = command.mutable_retire_credits();
  *retirement_id = absl::StrCat("R", HexEncode(random_.Bytes(10)));
  retire->set_retirement_id(*retirement_id);
  retire->set_from_account(people_.handle(block.account));
  retire->set_retirement_account(HexEncode(DigestOf("retirement").substr(0, 16)));
  v1::UnitRange* range = retire->add_ranges();
  range->set_lot_id(block.lot_id);
  range->set_first(block.first);
  range->set_last(block.last);
  return Bundle(kPartnership, {command}, {People::Broker(0)});
}

}  // namespace jcm::bench
