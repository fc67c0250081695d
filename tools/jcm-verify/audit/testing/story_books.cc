#include "tools/jcm-verify/audit/testing/story_books.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/genesis.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/book/note.h"
#include "ledger/registry/state_roots.h"

namespace jcm::verify {
namespace {

constexpr char kLot2021[] = "TH014-2021-1";
constexpr char kLot2022[] = "TH014-2022-1";
constexpr uint64_t kDayMicros = 86'400'000'000;
constexpr uint64_t kCosignedSeconds = 1'790'000'000;

std::string Text(const Digest& digest) { return std::string(AsBytes(digest)); }

void AddRow(v1::IssuanceText* text, v1::PartyKind party, const std::string& registry, const std::string& lot,
            Serial first, Serial last) {
  v1::AllocationRow* row = text->add_rows();
  row->set_row(static_cast<uint32_t>(text->rows_size()));
  row->set_party(party);
  row->set_party_label(v1::PartyKind_Name(party));
  row->set_issuing_registry(registry);
  row->mutable_range()->set_lot_id(lot);
  row->mutable_range()->set_first(first);
  row->mutable_range()->set_last(last);
}

v1::DecisionText IssuanceText(int year, const std::string& lot_id, Tonnes tonnes) {
  v1::DecisionText text;
  text.set_kind(v1::DECISION_KIND_ISSUANCE);
  text.set_title(absl::StrCat("Issuance of ", lot_id));
  v1::IssuanceText* issuance = text.mutable_issuance();
  issuance->set_project_id("TH014");
  *issuance->mutable_monitoring_start() = rules::MakeDate(year, 1, 1);
  *issuance->mutable_monitoring_end() = rules::MakeDate(year, 12, 31);
  issuance->set_verified_tonnes(tonnes);
  issuance->set_allocation_method("explicit");
  v1::LotText* lot = issuance->add_lots();
  lot->set_lot_id(lot_id);
  lot->set_vintage(year);
  lot->set_tonnes(tonnes);
  return text;
}

void SetRange(v1::UnitRange* range, const std::string& lot, Serial first, Serial last) {
  range->set_lot_id(lot);
  range->set_first(first);
  range->set_last(last);
}

}  // namespace

StoryBooks::StoryBooks(Tonnes more_tonnes)
    : StoryBooks(std::make_unique<rules::TestPair>(rules::At("2025-10-30T03:00:00Z")), more_tonnes) {
  for (bool japan : {true, false}) {
    rules::TestRegistry& side = pair_.of(japan);
    side.AddAccount("GOV", v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING, {});
    side.AddAccount("ENT", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
    side.AddAccount("ENT2", v1::ACCOUNT_CLASS_ENTITY_HOLDING, {"representative"});
    side.AddAccount("RET", v1::ACCOUNT_CLASS_RETIREMENT, {});
    side.AddAccount("CAN", v1::ACCOUNT_CLASS_CANCELLATION, {});
    side.AddAccount("SUS", v1::ACCOUNT_CLASS_SUSPENSE, {});
  }
  FirstYear();
  StateRoots();
  SecondYear();
  StateRoots();
  Settle();
}

void StoryBooks::Submit(bool japan, const v1::Command& command, const std::vector<std::string>& signers) {
  const absl::Status done = pair_.of(japan).Submit("TH", command, signers);
  if (!done.ok()) CheckFailed(__FILE__, __LINE__, (ToText(done) + command.ShortDebugString()).c_str());
}

void StoryBooks::Settle() {
  const absl::Status settled = pair_.Settle();
  if (!settled.ok()) CheckFailed(__FILE__, __LINE__, ToText(settled).c_str());
}

std::string StoryBooks::Decide(bool japan, const std::string& decision_id, const v1::DecisionText& text, bool meeting) {
  const std::string bytes = state::Serialise(text);
  const std::string digest = Text(Sha256(bytes));
  v1::Command open;
  v1::OpenDecision* decision = open.mutable_open_decision();
  decision->set_decision_id(decision_id);
  decision->set_mode(meeting ? v1::DECISION_MODE_MEETING : v1::DECISION_MODE_ELECTRONIC);
  decision->set_rulebook_version("TH/1");
  decision->set_text(bytes);
  if (meeting) {
    *decision->mutable_meeting_date() = rules::MakeDate(2025, 10, 30);
    decision->set_meeting_name("7th Joint Committee");
    decision->set_report_digest(std::string(32, 'r'));
  }
  Submit(japan, open, {"secretary"});
  Settle();
  if (!meeting) {
    v1::Command distribute;
    distribute.mutable_distribute_decision()->set_decision_id(decision_id);
    distribute.mutable_distribute_decision()->set_text_digest(digest);
    Submit(!japan, distribute, {"secretary"});
    Settle();
  }
  for (bool side : {true, false}) {
    for (const std::string member : {"chair", "member"}) {
      if (meeting && member == "member") continue;
      v1::Command vote;
      vote.mutable_cast_vote()->set_decision_id(decision_id);
      vote.mutable_cast_vote()->set_text_digest(digest);
      vote.mutable_cast_vote()->set_member_id(absl::StrCat(pair_.of(side).code(), "-", member));
      vote.mutable_cast_vote()->set_vote(v1::VOTE_YES);
      vote.mutable_cast_vote()->set_form(v1::VOTE_FORM_SIGNED_BY_MEMBER);
      Submit(side, vote, {member});
    }
  }
  Settle();
  v1::Command confirm;
  confirm.mutable_confirm_outcome()->set_decision_id(decision_id);
  confirm.mutable_confirm_outcome()->set_text_digest(digest);
  confirm.mutable_confirm_outcome()->set_outcome(v1::DECISION_OUTCOME_ADOPTED);
  Submit(!japan, confirm, {"secretary"});
  Settle();
  return digest;
}

void StoryBooks::Issue(bool japan, const std::string& decision_id, const std::string& digest,
                       const std::vector<std::pair<uint32_t, std::string>>& targets) {
  v1::Command issue;
  issue.mutable_issue_credits()->set_decision_id(decision_id);
  issue.mutable_issue_credits()->set_text_digest(digest);
  for (const auto& [row, account] : targets) {
    v1::IssueTarget* target = issue.mutable_issue_credits()->add_targets();
    target->set_row(row);
    target->set_account(Handle(japan, account));
  }
  Submit(japan, issue, {"operator"});
}

void StoryBooks::Authorize(const std::string& id, uint64_t quantity, int vintage, v1::FirstTransferTrigger trigger) {
  v1::Command command;
  v1::AuthorizeItmo* authorize = command.mutable_authorize_itmo();
  authorize->set_authorization_id(id);
  authorize->set_project_id("TH014");
  authorize->add_purposes(v1::AUTHORIZED_PURPOSE_NDC);
  authorize->set_authorized_party("JPN");
  authorize->set_quantity(quantity);
  authorize->set_vintage_first(vintage);
  authorize->set_vintage_last(vintage);
  authorize->set_first_transfer_trigger(trigger);
  authorize->set_document_digest(std::string(32, 'a'));
  Submit(false, command, {"ministry"});
}

void StoryBooks::Init(const std::string& id, const std::string& lot, Serial first, Serial last,
                      const std::string& authorization, const std::string& account) {
  v1::Command command;
  v1::InitTransfer* init = command.mutable_init_transfer();
  init->set_transfer_id(id);
  init->set_from_account(Handle(false, account));
  SetRange(init->add_ranges(), lot, first, last);
  init->set_authorization_id(authorization);
  init->set_expires_at_us(pair_.host().now().micros + 20 * kDayMicros);
  *init->mutable_action_date() = rules::MakeDate(2025, 11, 11);
  Submit(false, command, {account == "GOV" ? "operator" : "representative"});
}

void StoryBooks::FirstYear() {
  v1::DecisionText text = IssuanceText(2021, kLot2021, 2017);
  AddRow(text.mutable_issuance(), v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "THA", kLot2021, 1, 1009);
  AddRow(text.mutable_issuance(), v1::PARTY_KIND_PARTICIPANT, "THA", kLot2021, 1010, 2017);
  const std::string digest = Decide(true, "TH-JC7-TH014", text, /*meeting=*/true);
  Issue(false, "TH-JC7-TH014", digest, {{1, "GOV"}, {2, "ENT"}});
  Authorize("TH-A1", 1009, 2021, v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);

  Init("X0", kLot2021, 1, 1009, "TH-A1", "GOV");
  v1::Command withdraw;
  withdraw.mutable_withdraw_transfer()->set_transfer_id("X0");
  Submit(false, withdraw, {"operator"});
  Init("X1", kLot2021, 1, 1009, "TH-A1", "GOV");
  Settle();
  v1::Command accept;
  accept.mutable_accept_transfer()->set_transfer_id("X1");
  accept.mutable_accept_transfer()->set_to_account(Handle(true, "GOV"));
  accept.mutable_accept_transfer()->set_suspense_account(Handle(true, "SUS"));
  Submit(true, accept, {"operator"});
  Settle();

  v1::Command transfer;
  transfer.mutable_transfer_credits()->set_transfer_id("T1");
  transfer.mutable_transfer_credits()->set_from_account(Handle(true, "GOV"));
  transfer.mutable_transfer_credits()->set_to_account(Handle(true, "ENT"));
  SetRange(transfer.mutable_transfer_credits()->add_ranges(), kLot2021, 501, 600);
  Submit(true, transfer, {"operator"});
  v1::Command retire;
  retire.mutable_retire_credits()->set_retirement_id("R1");
  retire.mutable_retire_credits()->set_from_account(Handle(true, "ENT"));
  retire.mutable_retire_credits()->set_retirement_account(Handle(true, "RET"));
  SetRange(retire.mutable_retire_credits()->add_ranges(), kLot2021, 511, 560);
  Submit(true, retire, {"representative"});
  v1::Command cancel;
  cancel.mutable_cancel_credits()->set_cancellation_id("C1");
  cancel.mutable_cancel_credits()->set_from_account(Handle(false, "ENT"));
  cancel.mutable_cancel_credits()->set_cancellation_account(Handle(false, "CAN"));
  cancel.mutable_cancel_credits()->set_purpose(v1::CANCELLATION_PURPOSE_VOLUNTARY);
  SetRange(cancel.mutable_cancel_credits()->add_ranges(), kLot2021, 1101, 1110);
  Submit(false, cancel, {"representative"});
  transfer.mutable_transfer_credits()->set_from_account(Handle(false, "ENT"));
  transfer.mutable_transfer_credits()->set_to_account(Handle(false, "ENT2"));
  SetRange(transfer.mutable_transfer_credits()->mutable_ranges(0), kLot2021, 1010, 1020);
  SetRange(transfer.mutable_transfer_credits()->add_ranges(), kLot2021, 1021, 1030);
  Submit(false, transfer, {"representative", "operator"});
  Settle();
}

void StoryBooks::SecondYear() {
  v1::DecisionText text = IssuanceText(2022, kLot2022, 1000 + more_tonnes_);
  AddRow(text.mutable_issuance(), v1::PARTY_KIND_GOVERNMENT_OF_JAPAN, "JPN", kLot2022, 1, 600);
  AddRow(text.mutable_issuance(), v1::PARTY_KIND_PARTICIPANT, "THA", kLot2022, 601, 1000);
  std::vector<std::pair<uint32_t, std::string>> own = {{1, "GOV"}};
  if (more_tonnes_ > 0) {
    AddRow(text.mutable_issuance(), v1::PARTY_KIND_PARTICIPANT, "JPN", kLot2022, 1001, 1000 + more_tonnes_);
    own.emplace_back(3, "ENT");
  }
  const std::string digest = Decide(false, "TH-JC8-TH014", text, /*meeting=*/true);
  Issue(true, "TH-JC8-TH014", digest, own);
  Settle();
  Issue(false, "TH-JC8-TH014", digest, {{2, "ENT"}});
  Authorize("TH-A2", 700, 2022, v1::FIRST_TRANSFER_TRIGGER_AUTHORIZATION);
  v1::Command first;
  first.mutable_record_first_transfer()->set_first_transfer_id("F1");
  first.mutable_record_first_transfer()->set_authorization_id("TH-A2");
  SetRange(first.mutable_record_first_transfer()->add_ranges(), kLot2022, 1, 300);
  *first.mutable_record_first_transfer()->mutable_action_date() = rules::MakeDate(2025, 12, 1);
  Submit(false, first, {"ministry"});
  Settle();
  v1::Command retire;
  retire.mutable_retire_credits()->set_retirement_id("R2");
  retire.mutable_retire_credits()->set_from_account(Handle(true, "GOV"));
  retire.mutable_retire_credits()->set_retirement_account(Handle(true, "RET"));
  SetRange(retire.mutable_retire_credits()->add_ranges(), kLot2022, 11, 20);
  Submit(true, retire, {"operator"});

  v1::DecisionText document;
  document.set_kind(v1::DECISION_KIND_DOCUMENT);
  document.set_title("Guidelines");
  document.set_document_digest(std::string(32, 'g'));
  Decide(true, "TH-E1", document, /*meeting=*/false);

  Authorize("TH-A3", 400, 2022, v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
  Init("X2", kLot2022, 601, 610, "TH-A3", "ENT");
  Settle();
  v1::Command refuse;
  refuse.mutable_refuse_transfer()->set_transfer_id("X2");
  refuse.mutable_refuse_transfer()->set_reason("not agreed");
  Submit(true, refuse, {"operator"});
  Settle();
  Init("X3", kLot2022, 611, 620, "TH-A3", "ENT");
  Init("X4", kLot2022, 621, 630, "TH-A3", "ENT");
  v1::Command revoke;
  Settle();
  pair_.Advance(21 * kDayMicros);  // both expire
  Settle();
  Init("X5", kLot2022, 631, 640, "TH-A3", "ENT");
  Settle();
}

void StoryBooks::StateRoots() {
  Settle();
  for (bool japan : {true, false}) {
    rules::TestRegistry& side = pair_.of(japan);
    for (const std::string partnership : {"home", "TH"}) {
      rules::TestBook& book = side.book(partnership);
      absl::StatusOr<registry::StateRootValue> value = registry::ComputeStateRoot(book.state());
      JCM_CHECK(value.ok());
      const uint64_t home_size = side.home().size();
      auto home_root =
          book::RootAt([&](int level, uint64_t index) { return side.home().Node(level, index); }, home_size);
      JCM_CHECK(home_root.ok());
      v1::StateRoot root;
      root.set_size(book.size());
      root.set_root(Text(value->root));
      root.set_record_count(value->record_count);
      root.set_home_size(home_size);
      root.set_home_root(Text(*home_root));
      JCM_CHECK(side.Append(partnership, book::LeafKind::STATE_ROOT, state::Serialise(root)).ok());
    }
  }
}

BookCopy StoryBooks::Copy(const std::string& registry, const std::string& partnership) {
  BookCopy copy;
  copy.id = BookId{registry, partnership};
  copy.entries = pair_.of(registry == "JPN").book(partnership).entries();
  Rebuild(&copy);
  return copy;
}

std::vector<BookCopy> StoryBooks::All() {
  return {Copy("JPN", "home"), Copy("JPN", "TH"), Copy("THA", "home"), Copy("THA", "TH")};
}

void StoryBooks::Rebuild(BookCopy* copy) {
  rules::TestRegistry& side = pair_.of(copy->id.registry == "JPN");
  rules::TestRegistry& other = pair_.of(copy->id.registry != "JPN");
  book::Frontier frontier;
  Digest previous{};
  for (v1::EntryRecord& entry : copy->entries) {
    absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(entry.leaf());
    JCM_CHECK(leaf.ok());
    leaf->sequence = frontier.size();
    leaf->previous_hash = previous;
    leaf->command_digest = Sha256(entry.command());
    leaf->context_digest = Sha256(entry.context());
    leaf->effects_digest = Sha256(entry.effects());
    entry.set_leaf(book::EncodeLeaf(*leaf));
    previous = book::LeafHash(entry.leaf());
    frontier.Append(previous);
  }
  const book::Checkpoint checkpoint{side.Origin(copy->id.partnership), frontier.size(), frontier.Root()};
  book::Note note = book::UnsignedCheckpoint(checkpoint);
  JCM_CHECK(book::AddSignatureLine(
                note, book::SignCheckpoint(checkpoint, side.replica_keys().keys(0).name(), side.replica_key()))
                .ok());
  if (!copy->id.is_home()) {
    JCM_CHECK(book::AddSignatureLine(note, book::Cosign(checkpoint, other.replica_keys().keys(0).name(),
                                                        other.replica_key(), BookTime::FromSeconds(kCosignedSeconds)))
                  .ok());
  }
  copy->checkpoint = book::FormatNote(note);
}

book::Trust StoryBooks::TrustFile() {
  std::vector<book::TrustedBook> books;
  const auto history = [](rules::TestRegistry& registry) {
    auto keys = book::KeySetFromProto(registry.replica_keys());
    JCM_CHECK(keys.ok());
    auto history = book::KeyHistory::Start(*keys, registry.recovery_key().public_key());
    JCM_CHECK(history.ok());
    return *history;
  };
  for (bool japan : {true, false}) {
    rules::TestRegistry& side = pair_.of(japan);
    for (const std::string partnership : {"home", "TH"}) {
      book::TrustedBook book;
      book.origin = side.Origin(partnership);
      book.book = BookId{side.code(), partnership};
      book.demonstration = true;
      book.mode = book.book.is_home() ? book::PartnerMode::HOME : book::PartnerMode::NODE;
      book.keys = history(side);
      if (!book.book.is_home()) {
        book.partner = pair_.of(!japan).code();
        book.cosigner_keys = history(pair_.of(!japan));
      }
      books.push_back(std::move(book));
    }
  }
  auto trust = book::Trust::FromBooks(std::move(books));
  JCM_CHECK(trust.ok());
  return *trust;
}

void StoryBooks::ChangeEffects(BookCopy* copy, uint64_t sequence, const std::function<void(v1::Effects*)>& change) {
  v1::Effects effects;
  JCM_CHECK(effects.ParseFromString(copy->entries[sequence].effects()));
  change(&effects);
  copy->entries[sequence].set_effects(state::Serialise(effects));
}

v1::Command StoryBooks::CommandOf(const v1::EntryRecord& entry) {
  v1::SignedPart signed_part;
  v1::BundlePart part;
  v1::Command command;
  JCM_CHECK(signed_part.ParseFromString(entry.command()) && part.ParseFromString(signed_part.part()) &&
            command.ParseFromString(part.command()));
  return command;
}

uint64_t StoryBooks::Find(const BookCopy& copy, v1::Command::BodyCase act, const std::string& id) {
  for (uint64_t i = 0; i < copy.entries.size(); ++i) {
    absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(copy.entries[i].leaf());
    if (!leaf.ok() || leaf->kind != book::LeafKind::COMMAND) continue;
    const v1::Command command = CommandOf(copy.entries[i]);
    if (command.body_case() == act &&
        (id.empty() || command.ShortDebugString().find("\"" + id + "\"") != std::string::npos)) {
      return i;
    }
  }
  CheckFailed(__FILE__, __LINE__, "no such act in the story");
}

void StoryBooks::ChangeCommand(BookCopy* copy, uint64_t sequence, const std::function<void(v1::Command*)>& change,
                               const std::vector<std::string>& signers) {
  v1::Command command = CommandOf(copy->entries[sequence]);
  change(&command);
  rules::TestRegistry& side = pair_.of(copy->id.registry == "JPN");
  copy->entries[sequence].set_command(state::Serialise(side.Sign(copy->id.partnership, command, signers)));
}

std::vector<std::string> StoryBooks::Export(const BookCopy& copy, size_t entries_per_page) {
  std::vector<std::string> pages;
  book::Frontier frontier;
  std::map<std::pair<int, uint64_t>, Digest> nodes;
  for (const v1::EntryRecord& entry : copy.entries) {
    frontier.Append(book::LeafHash(entry.leaf()), [&](int level, uint64_t index, const Digest& hash) {
      nodes[{level, index}] = hash;
    });
  }
  const book::NodeReader read = [&](int level, uint64_t index) -> absl::StatusOr<Digest> {
    return nodes.at({level, index});
  };
  const uint64_t size = copy.entries.size();
  for (uint64_t from = 0; from < size; from += entries_per_page) {
    jcm::mirror::v1::ReadEntriesResponse page;
    page.set_book(copy.id.ToString());
    page.set_from(from);
    const uint64_t to = std::min<uint64_t>(size, from + entries_per_page);
    for (uint64_t i = from; i < to; ++i) *page.add_entries() = copy.entries[i];
    page.set_checkpoint(copy.checkpoint);
    auto proof = book::ConsistencyProof(read, to, size);
    JCM_CHECK(proof.ok());
    for (const Digest& hash : *proof) page.add_consistency_proof(Text(hash));
    if (from > 0) {
      page.set_prior_leaf_hash(Text(nodes.at({0, from - 1})));
      auto path = book::InclusionProof(read, from - 1, size);
      JCM_CHECK(path.ok());
      for (const Digest& hash : *path) page.add_prior_leaf_proof(Text(hash));
    }
    pages.push_back(page.SerializeAsString());
  }
  return pages;
}

AuditReport StoryBooks::Audit(const std::vector<BookCopy>& copies, AuditSettings settings) {
  std::vector<std::unique_ptr<EntrySource>> sources;
  for (const BookCopy& copy : copies) sources.push_back(std::make_unique<MemorySource>(copy));
  AuditReport report;
  AuditBooks(std::move(sources), {TrustFile()}, settings, &report);
  return report;
}

bool MemorySource::Next(EntryBytes* entry, BookReport* report) {
  if (next_ == copy_.entries.size()) return false;
  const v1::EntryRecord& record = copy_.entries[next_++];
  *entry = EntryBytes{record.leaf(), record.command(), record.context(), record.effects()};
  report->bytes += record.ByteSizeLong();
  return true;
}

std::vector<SourcedNote> MemorySource::TakeNotes() {
  if (next_ != copy_.entries.size() || copy_.checkpoint.empty()) return {};
  SourcedNote note;
  note.note = copy_.checkpoint;
  note.place = name_;
  return {note};
}

std::string MemorySource::PlaceOf(absl::string_view) const { return absl::StrCat(name_, " entry ", next_ - 1); }

std::string FailedChecks(const AuditReport& report) {
  std::set<std::string> names;
  for (const BookReport& book : report.books()) {
    for (const Finding& finding : book.findings()) names.insert(Describe(finding.check).name);
  }
  return absl::StrJoin(names, " ");
}

std::string AllFindings(const AuditReport& report) {
  std::string text;
  for (const BookReport& book : report.books()) {
    for (const Finding& finding : book.findings()) {
      absl::StrAppend(&text, book.name(), " entry ", finding.sequence, " ", Describe(finding.check).name, " ",
                      finding.place, ": expected ", finding.expected, "; found ", finding.found, "\n");
    }
  }
  return text;
}

}  // namespace jcm::verify
