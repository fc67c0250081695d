#include "tools/jcm-verify/audit/pair_audit.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace jcm::verify {
namespace {

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

struct Stretch {
  Serial first = 0;
  Serial last = 0;
  std::string what;
};

// The record of a lot that a book has, own or imported; of no tonnes if it has none.
v1::LotRecord LotOf(const Tables& tables, absl::string_view lot_id) {
  v1::LotRecord lot;
  for (const uint32_t table : {uint32_t{v1::TABLE_LOT}, v1::TABLE_LOT + kShadowOffset}) {
    const absl::string_view bytes = tables.Get(table, lot_id);
    if (!bytes.empty() && Parse(bytes, &lot)) return lot;
  }
  return v1::LotRecord();
}

LotTotals TotalsOf(BookAudit& book, absl::string_view lot_id) {
  const auto found = book.units().lots().find(lot_id);
  return found == book.units().lots().end() ? LotTotals() : found->second;
}

void AddBlocks(BookAudit& book, const std::string& lot_id, std::vector<Stretch>* stretches) {
  for (const auto& [first, bytes] : book.tables().BlocksOf(lot_id)) {
    BlockView block;
    if (!block.Read(bytes) || block.state() == v1::BLOCK_STATE_SENT) continue;
    stretches->push_back(
        {block.first(), block.last(),
         absl::StrCat(book.id().ToString(), " ", v1::BlockState_Name(block.state()), " in ", block.account())});
  }
}

// What is posted by one side and not credited yet by the other.
void AddUnderWay(BookAudit& sender, BookAudit& receiver, const std::string& lot_id, std::vector<Stretch>* stretches) {
  for (const auto& [id, bytes] : sender.tables().Of(v1::TABLE_TRANSFER_OUT)) {
    v1::TransferOutRecord transfer;
    v1::TransferInRecord answer;
    if (!Parse(bytes, &transfer) || transfer.state() != v1::TRANSFER_OUT_STATE_POSTED) continue;
    if (Parse(receiver.tables().Get(v1::TABLE_TRANSFER_IN, id), &answer) &&
        answer.state() == v1::TRANSFER_IN_STATE_CREDITED) {
      continue;
    }
    for (const v1::UnitRange& range : transfer.ranges()) {
      if (range.lot_id() == lot_id)
        stretches->push_back({range.first(), range.last(), absl::StrCat("under way by ", id)});
    }
  }
}

}  // namespace

void PairAudit::Run(const Progress& progress) {
  if (second_ == nullptr) return RunAlone(progress);
  uint64_t since = 0;
  bool contradicted = false;
  while (first_.HasNext() || second_->HasNext()) {
    BookAudit* book = Choose();
    if (book == nullptr) {
      book = first_.HasNext() ? &first_ : second_;
      if (!contradicted && first_.HasNext() && second_->HasNext()) {
        contradicted = true;
        book->report().Fail(Check::CAUSALITY, book->size(), "", "an order in which both books can have come about",
                            "each waits for entries of the other that come later");
      }
    }
    BookAudit& other = book == &first_ ? *second_ : first_;
    book->Step(&other);
    if (book->last_was_import()) {
      std::set<std::string, TextLess> changed = first_.units().TakeChanged();
      changed.merge(second_->units().TakeChanged());
      CheckLots(changed);
    }
    if (++since == kProgressEveryEntries) progress(std::exchange(since, 0));
  }
  progress(since);
  first_.Finish();
  second_->Finish();
  CheckEnd();
}

void PairAudit::RunAlone(const Progress& progress) {
  uint64_t since = 0;
  std::set<std::string, TextLess> changed;
  while (first_.HasNext()) {
    first_.Step(nullptr);
    if (++since == kProgressEveryEntries) progress(std::exchange(since, 0));
  }
  progress(since);
  first_.Finish();
  if (first_.id().is_home()) return;
  for (const Check check : {Check::IMPORTED_LEAVES, Check::CAUSALITY}) {
    first_.report().NotCheckable(check, "the other side's book is not given");
  }
  first_.report().NotCheckable(Check::CONSERVATION, "the other side's book is not given: this side alone adds up");
  if (!first_.intact()) return;
  for (const auto& [lot_id, totals] : first_.units().lots()) CheckLotAlone(first_, lot_id);
}

bool PairAudit::CanTake(const BookAudit& book, const BookAudit& other) const {
  return book.HasNext() && book.NextLeaf().peer_size() <= other.size();
}

BookAudit* PairAudit::Choose() {
  const bool first = CanTake(first_, *second_);
  const bool second = CanTake(*second_, first_);
  if (first && second) {
    return first_.NextLeaf().time_us() <= second_->NextLeaf().time_us() ? &first_ : second_;
  }
  return first ? &first_ : (second ? second_ : nullptr);
}

bool PairAudit::IsCut() const {
  return first_.intact() && second_->intact() && first_.imported_size() <= second_->size() &&
         second_->imported_size() <= first_.size();
}

void PairAudit::CheckLots(const std::set<std::string, TextLess>& lots) {
  if (!IsCut()) return;
  for (const std::string& lot_id : lots) CheckLot(lot_id);
}

void PairAudit::CheckLotAlone(BookAudit& book, const std::string& lot_id) {
  const LotTotals totals = TotalsOf(book, lot_id);
  JCM_AUDIT_REQUIRE(book.report(), totals.Present() + totals.posted == totals.issued + totals.credited,
                    Check::CONSERVATION, book.size() - 1,
                    absl::StrCat(lot_id, ": ", totals.issued, " t issued and ", totals.credited, " t come in"),
                    absl::StrCat(totals.Present(), " t here and ", totals.posted, " t gone"));
}

void PairAudit::CheckLot(const std::string& lot_id) {
  const LotTotals a = TotalsOf(first_, lot_id);
  const LotTotals b = TotalsOf(*second_, lot_id);
  const Tonnes decided = std::max(LotOf(first_.tables(), lot_id).tonnes(), LotOf(second_->tables(), lot_id).tonnes());
  const Tonnes issued = a.issued + b.issued;
  const bool ordered = a.posted >= b.credited && b.posted >= a.credited && issued <= decided;
  const Tonnes under_way = ordered ? a.posted - b.credited + b.posted - a.credited : 0;
  const Tonnes unissued = ordered ? decided - issued : 0;
  const Tonnes sum = unissued + a.Present() + b.Present() + under_way;
  JCM_AUDIT_REQUIRE(
      first_.report(), ordered && sum == decided, Check::CONSERVATION, first_.size() - 1,
      absl::StrCat(lot_id, ": ", decided, " t decided, at the cut (", first_.size(), ", ", second_->size(), ")"),
      absl::StrCat(unissued, " t unissued, ", a.Present(), " t in ", first_.id().ToString(), ", ", b.Present(),
                   " t in ", second_->id().ToString(), ", ", under_way, " t under way"));
}

void PairAudit::CheckEnd() {
  for (BookAudit* book : {&first_, second_}) {
    BookAudit& other = book == &first_ ? *second_ : first_;
    if (book->imported_size() <= other.size()) continue;
    book->report().NotCheckable(Check::CAUSALITY, absl::StrCat("it imported ", book->imported_size(),
                                                               " entries, of which ", other.size(), " are given"));
    other.report().Warn(Check::COMPLETE, "",
                        absl::StrCat(book->imported_size(), " entries, which ", book->id().ToString(),
                                     " has imported and this registry has signed"),
                        absl::StrCat(other.size(), ": an older copy, or a book that was rolled back"));
  }
  if (!IsCut()) {
    for (BookAudit* book : {&first_, second_}) {
      book->report().NotCheckable(Check::CONSERVATION, "the two books do not end at a cut that both contain");
    }
    return;
  }
  std::set<std::string, TextLess> lots;
  for (BookAudit* book : {&first_, second_}) {
    for (const auto& [lot_id, totals] : book->units().lots()) lots.insert(lot_id);
  }
  for (const std::string& lot_id : lots) {
    CheckLot(lot_id);
    v1::LotRecord lot = LotOf(first_.tables(), lot_id);
    if (lot.tonnes() == 0) lot = LotOf(second_->tables(), lot_id);
    CheckCoverage(lot_id, lot);
  }
  CheckTransfers(first_, *second_);
  CheckTransfers(*second_, first_);
}

// Serial by serial: each of the lot is in exactly one place of one book, under way, or not issued.
void PairAudit::CheckCoverage(const std::string& lot_id, const v1::LotRecord& lot) {
  std::vector<Stretch> stretches;
  AddBlocks(first_, lot_id, &stretches);
  AddBlocks(*second_, lot_id, &stretches);
  AddUnderWay(first_, *second_, lot_id, &stretches);
  AddUnderWay(*second_, first_, lot_id, &stretches);
  absl::optional<v1::IssuanceText> text = first_.decisions().AdoptedText(lot.decision_id());
  if (!text.has_value()) text = second_->decisions().AdoptedText(lot.decision_id());
  if (text.has_value()) {
    for (const v1::AllocationRow& row : text->rows()) {
      const bool by_first = row.issuing_registry() == first_.id().registry;
      BookAudit& issuer = by_first ? first_ : *second_;
      const bool issued = !issuer.tables().Get(v1::TABLE_ISSUANCE, lot.decision_id()).empty();
      if (row.range().lot_id() == lot_id && !issued) {
        stretches.push_back({row.range().first(), row.range().last(), "not issued"});
      }
    }
  }
  std::sort(stretches.begin(), stretches.end(), [](const Stretch& a, const Stretch& b) { return a.first < b.first; });
  // A lot of an earlier registry begins where that one began, and what one side has not stated yet is not known.
  const bool migrated = !lot.statement_id().empty();
  const Serial begin = lot.first_serial() == 0 ? 1 : lot.first_serial();
  Serial next = begin;
  std::string before = "nothing";
  BookReport& report = first_.report();
  const uint64_t sequence = first_.size() - 1;
  for (const Stretch& stretch : stretches) {
    const bool in_place = migrated ? stretch.first >= next : stretch.first == next;
    JCM_AUDIT_REQUIRE(report, in_place, Check::UNITS_ONCE, sequence,
                      absl::StrCat(lot_id, " serial ", next, " in one place of the two books"),
                      stretch.first > next
                          ? absl::StrCat(next, "..", stretch.first - 1, " is nowhere")
                          : absl::StrCat("serial ", stretch.first, " is ", before, " and ", stretch.what));
    next = std::max(next, stretch.last + 1);
    before = stretch.what;
  }
  const Serial end = begin + lot.tonnes();
  JCM_AUDIT_REQUIRE(report, migrated ? next <= end : next == end, Check::UNITS_ONCE, sequence,
                    absl::StrCat(lot_id, " serials ", begin, "..", end - 1), absl::StrCat(begin, "..", next - 1));
}

// Where the receiver has seen that a transfer was posted, it has credited it.
void PairAudit::CheckTransfers(BookAudit& sender, BookAudit& receiver) {
  for (const auto& [id, bytes] : sender.tables().Of(v1::TABLE_TRANSFER_OUT)) {
    v1::TransferOutRecord transfer, seen;
    v1::TransferInRecord answer;
    const bool read = Parse(bytes, &transfer) &&
                      Parse(receiver.tables().Get(v1::TABLE_TRANSFER_OUT + kShadowOffset, id), &seen) &&
                      Parse(receiver.tables().Get(v1::TABLE_TRANSFER_IN, id), &answer);
    if (!read || seen.state() != v1::TRANSFER_OUT_STATE_POSTED) continue;
    JCM_AUDIT_REQUIRE(receiver.report(),
                      answer.state() == v1::TRANSFER_IN_STATE_CREDITED && answer.tonnes() == transfer.tonnes(),
                      Check::TRANSFER_PAIR, receiver.size() - 1,
                      absl::StrCat("transfer ", id, " of ", transfer.tonnes(), " t credited, as it was posted"),
                      absl::StrCat(v1::TransferInState_Name(answer.state()), ", ", answer.tonnes(), " t"));
  }
}

}  // namespace jcm::verify
