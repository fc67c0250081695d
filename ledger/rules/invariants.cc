#include "ledger/rules/invariants.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/types.h"
#include "ledger/rules/units.h"

namespace jcm::rules {
namespace {

namespace v1 = ::jcm::ledger::v1;

v1::UnitRange RangeOf(const v1::BlockRecord& block) {
  v1::UnitRange range;
  range.set_lot_id(block.lot_id());
  range.set_first(block.first());
  range.set_last(block.last());
  return range;
}

constexpr int32_t kFirstItmoVintage = 2021;

// All records of one table by key.
template <typename Record>
using Records = std::map<std::string, Record>;

struct Interval {
  Serial first = 0;
  Serial last = 0;
  std::string what;

  friend bool operator<(const Interval& a, const Interval& b) {
    return std::tie(a.first, a.last) < std::tie(b.first, b.last);
  }
};

struct Book {
  const char* name;
  Records<v1::LotRecord> lots;
  Records<v1::BlockRecord> blocks;
  Records<v1::IssuanceRecord> issuances;
  Records<v1::DecisionRecord> decisions;
  Records<v1::DecisionRecord> imported_decisions;
  Records<v1::ReactionRecord> reactions;
  Records<v1::ReactionRecord> imported_reactions;
  Records<v1::TransferOutRecord> transfers_out;
  Records<v1::TransferInRecord> transfers_in;
  Records<v1::AuthorizationRecord> authorizations;
  Records<v1::FirstTransferRecord> first_transfers;
  Records<v1::FirstTransferRangeRecord> first_transfer_ranges;
  Records<v1::RetirementRecord> retirements;
  Records<v1::CancellationRecord> cancellations;
};

class Checker {
 public:
  Checker(const state::StateReader& japan, const state::StateReader& host) {
    Load(japan, "JPN", &books_[0]);
    Load(host, "host", &books_[1]);
  }

  std::vector<std::string> Run() {
    for (const Book& book : books_) {
      CheckBlocks(book);
      CheckIssuances(book);
      CheckEndings(book);
    }
    CheckLots();
    CheckPeriods();
    CheckFirstTransfers(books_[1]);
    return std::move(violations_);
  }

 private:
  template <typename... Parts>
  void Report(const Parts&... parts) {
    violations_.push_back(absl::StrCat(parts...));
  }

  template <typename Record>
  void LoadTable(const state::StateReader& reader, uint32_t table, Records<Record>* records) {
    const absl::Status scanned = reader.Scan(table, "", "", [&](absl::string_view key, absl::string_view value) {
      Record record;
      if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
        Report("table ", table, " holds a record that cannot be parsed");
      }
      (*records)[std::string(key)] = std::move(record);
      return true;
    });
    if (!scanned.ok()) Report("table ", table, " cannot be read: ", scanned.message());
  }

  void Load(const state::StateReader& reader, const char* name, Book* book) {
    book->name = name;
    LoadTable(reader, v1::TABLE_LOT, &book->lots);
    LoadTable(reader, v1::TABLE_BLOCK, &book->blocks);
    LoadTable(reader, v1::TABLE_ISSUANCE, &book->issuances);
    LoadTable(reader, v1::TABLE_DECISION, &book->decisions);
    LoadTable(reader, state::Shadow(v1::TABLE_DECISION), &book->imported_decisions);
    LoadTable(reader, v1::TABLE_REACTION, &book->reactions);
    LoadTable(reader, state::Shadow(v1::TABLE_REACTION), &book->imported_reactions);
    LoadTable(reader, v1::TABLE_TRANSFER_OUT, &book->transfers_out);
    LoadTable(reader, v1::TABLE_TRANSFER_IN, &book->transfers_in);
    LoadTable(reader, v1::TABLE_AUTHORIZATION, &book->authorizations);
    LoadTable(reader, v1::TABLE_FIRST_TRANSFER, &book->first_transfers);
    LoadTable(reader, v1::TABLE_FIRST_TRANSFER_RANGE, &book->first_transfer_ranges);
    LoadTable(reader, v1::TABLE_RETIREMENT, &book->retirements);
    LoadTable(reader, v1::TABLE_CANCELLATION, &book->cancellations);
  }

  static std::string Name(const v1::BlockRecord& block) {
    return absl::StrCat(block.lot_id(), " ", block.first(), "..", block.last());
  }

  template <typename Ranges>
  static Tonnes Sum(const Ranges& ranges) {
    Tonnes sum = 0;
    for (const auto& range : ranges) sum += range.last() - range.first() + 1;
    return sum;
  }

  // The text of an adopted decision that this book knows; null if there is none.
  const v1::IssuanceText* TextOf(const Book& book, const std::string& decision_id) {
    for (const Records<v1::DecisionRecord>* decisions : {&book.decisions, &book.imported_decisions}) {
      const auto found = decisions->find(decision_id);
      if (found == decisions->end() || found->second.state() != v1::DECISION_STATE_ADOPTED) continue;
      v1::DecisionText& text = texts_[{book.name, decision_id}];
      if (text.ParseFromString(found->second.text())) return &text.issuance();
    }
    return nullptr;
  }

  void CheckBlocks(const Book& book) {
    for (const auto& [key, block] : book.blocks) {
      const auto lot = book.lots.find(block.lot_id());
      if (lot == book.lots.end()) {
        Report(book.name, ": block ", Name(block), " has no lot");
        continue;
      }
      if (block.first() == 0 || block.first() > block.last() || !LiesInLot(RangeOf(block), lot->second)) {
        Report(book.name, ": block ", Name(block), " lies outside its lot");
      }
      if (block.account().empty() || block.state() == v1::BLOCK_STATE_UNSPECIFIED) {
        Report(book.name, ": block ", Name(block), " has no account or no state");
      }
      if (!block.first_transfer_id().empty() && lot->second.vintage() < kFirstItmoVintage) {
        Report(book.name, ": block ", Name(block), " of vintage ", lot->second.vintage(), " is an ITMO");
      }
      if (block.state() == v1::BLOCK_STATE_IN_TRANSIT) {
        const auto transfer = book.transfers_out.find(block.end_id());
        if (transfer == book.transfers_out.end() || transfer->second.state() != v1::TRANSFER_OUT_STATE_INITIATED) {
          Report(book.name, ": block ", Name(block), " is in transit by no transfer in flight");
        }
      }
    }
  }

  void CheckIssuances(const Book& book) {
    for (const auto& [decision_id, issuance] : book.issuances) {
      const v1::IssuanceText* text = TextOf(book, decision_id);
      bool confirmed = false;
      for (const Records<v1::ReactionRecord>* reactions : {&book.reactions, &book.imported_reactions}) {
        const auto reaction = reactions->find(decision_id);
        confirmed |= reaction != reactions->end() && reaction->second.state() == v1::REACTION_STATE_CONFIRMED &&
                     reaction->second.outcome() == v1::DECISION_OUTCOME_ADOPTED;
      }
      if (text == nullptr || !confirmed) {
        Report(book.name, ": issued from decision ", decision_id, ", which is not adopted and confirmed");
        continue;
      }
      Tonnes decided = 0;
      Tonnes own = 0;
      for (const v1::LotText& lot : text->lots()) decided += lot.tonnes();
      for (const v1::AllocationRow& row : text->rows()) {
        if (row.issuing_registry() == issuance.registry()) own += row.range().last() - row.range().first() + 1;
      }
      if (decided > text->verified_tonnes()) Report(book.name, ": ", decision_id, " decides more than was verified");
      if (own != issuance.tonnes()) Report(book.name, ": ", decision_id, " issued ", issuance.tonnes(), " t of ", own);
    }
  }

  // Stored sums are those of their ranges.
  void CheckEndings(const Book& book) {
    for (const auto& [id, record] : book.retirements) {
      if (Sum(record.ranges()) != record.tonnes()) Report(book.name, ": retirement ", id, " has another sum");
    }
    for (const auto& [id, record] : book.cancellations) {
      if (Sum(record.ranges()) != record.tonnes()) Report(book.name, ": cancellation ", id, " has another sum");
    }
    for (const auto& [id, record] : book.transfers_out) {
      if (Sum(record.ranges()) != record.tonnes()) Report(book.name, ": transfer ", id, " has another sum");
    }
  }

  void AddBlocks(const Book& book, const Book& other, std::map<std::string, std::vector<Interval>>* covered) {
    for (const auto& [key, block] : book.blocks) {
      if (block.state() == v1::BLOCK_STATE_SENT) {
        const auto transfer = book.transfers_out.find(block.end_id());
        if (transfer == book.transfers_out.end() || transfer->second.state() != v1::TRANSFER_OUT_STATE_POSTED) {
          Report(book.name, ": tombstone ", Name(block), " of a transfer that was not posted");
        }
        const auto answer = other.transfers_in.find(block.end_id());
        if (answer != other.transfers_in.end() && answer->second.state() == v1::TRANSFER_IN_STATE_CREDITED) continue;
      }
      (*covered)[block.lot_id()].push_back(
          {block.first(), block.last(), absl::StrCat(book.name, " ", v1::BlockState_Name(block.state()))});
    }
  }

  void CheckLots() {
    std::map<std::string, std::vector<Interval>> covered;
    AddBlocks(books_[0], books_[1], &covered);
    AddBlocks(books_[1], books_[0], &covered);
    std::map<std::string, v1::LotRecord> lots;
    for (const Book& book : books_) {
      for (const auto& [lot_id, lot] : book.lots) {
        const auto [known, inserted] = lots.emplace(lot_id, lot);
        if (!inserted && (known->second.tonnes() != lot.tonnes() || known->second.vintage() != lot.vintage() ||
                          known->second.decision_id() != lot.decision_id())) {
          Report("lot ", lot_id, " differs between the books");
        }
      }
    }
    for (const auto& [lot_id, lot] : lots) {
      // Of a migrated lot, what the partner has not stated yet is not known.
      if (lot.statement_id().empty()) AddUnissued(lot, &covered[lot_id]);
      CheckCovered(lot, &covered[lot_id]);
    }
  }

  void AddUnissued(const v1::LotRecord& lot, std::vector<Interval>* covered) {
    std::set<std::string> issued_by;
    const v1::IssuanceText* text = nullptr;
    for (const Book& book : books_) {
      if (text == nullptr) text = TextOf(book, lot.decision_id());
      const auto issuance = book.issuances.find(lot.decision_id());
      if (issuance != book.issuances.end()) issued_by.insert(issuance->second.registry());
    }
    if (text == nullptr) {
      Report("lot ", lot.lot_id(), " has no adopted decision");
      return;
    }
    for (const v1::AllocationRow& row : text->rows()) {
      if (row.range().lot_id() != lot.lot_id() || issued_by.count(row.issuing_registry()) > 0) continue;
      covered->push_back({row.range().first(), row.range().last(), "not issued"});
    }
  }

  void CheckCovered(const v1::LotRecord& lot, std::vector<Interval>* covered) {
    const std::string& lot_id = lot.lot_id();
    std::sort(covered->begin(), covered->end());
    Serial next = FirstSerial(lot);
    std::string before = "nothing";
    for (const Interval& interval : *covered) {
      if (interval.first < next) {
        Report("lot ", lot_id, ": serial ", interval.first, " is both ", before, " and ", interval.what);
      } else if (interval.first > next && lot.statement_id().empty()) {
        Report("lot ", lot_id, ": serials ", next, "..", interval.first - 1, " are nowhere");
      }
      next = std::max(next, interval.last + 1);
      before = interval.what;
    }
    const Serial end = FirstSerial(lot) + lot.tonnes();
    if (next > end || (next < end && lot.statement_id().empty())) {
      Report("lot ", lot_id, ": ", next - FirstSerial(lot), " t are accounted for, ", lot.tonnes(), " t were decided");
    }
  }

  void CheckPeriods() {
    std::map<std::string, const v1::IssuanceText*> issued;
    for (const Book& book : books_) {
      for (const auto& [decision_id, issuance] : book.issuances) issued[decision_id] = TextOf(book, decision_id);
    }
    const auto day = [](const v1::Date& date) { return std::make_tuple(date.year(), date.month(), date.day()); };
    for (auto a = issued.begin(); a != issued.end(); ++a) {
      for (auto b = std::next(a); b != issued.end(); ++b) {
        if (a->second == nullptr || b->second == nullptr || a->second->project_id() != b->second->project_id())
          continue;
        if (day(a->second->monitoring_start()) <= day(b->second->monitoring_end()) &&
            day(b->second->monitoring_start()) <= day(a->second->monitoring_end())) {
          Report("decisions ", a->first, " and ", b->first, " are issued for the same days of a project");
        }
      }
    }
  }

  void CheckFirstTransfers(const Book& host) {
    std::map<std::string, Tonnes> first_transferred;
    std::map<std::string, std::vector<Interval>> ranges;
    for (const auto& [id, record] : host.first_transfers) {
      if (Sum(record.ranges()) != record.tonnes()) Report("first transfer ", id, " has another sum");
      first_transferred[record.authorization_id()] += record.tonnes();
      for (const v1::UnitRange& range : record.ranges()) {
        ranges[range.lot_id()].push_back({range.first(), range.last(), id});
      }
    }
    for (auto& [lot_id, list] : ranges) {
      std::sort(list.begin(), list.end());
      for (size_t i = 1; i < list.size(); ++i) {
        if (list[i].first <= list[i - 1].last) {
          Report("lot ", lot_id, ": serial ", list[i].first, " is first transferred by ", list[i - 1].what, " and ",
                 list[i].what);
        }
      }
    }
    std::map<std::string, Tonnes> held;
    for (const auto& [id, record] : host.transfers_out) {
      if (record.state() == v1::TRANSFER_OUT_STATE_INITIATED) held[record.authorization_id()] += record.tonnes();
    }
    for (const auto& [id, authorization] : host.authorizations) {
      if (authorization.first_transferred() != first_transferred[id] || authorization.held() != held[id]) {
        Report("authorization ", id, " says ", authorization.first_transferred(), " t first transferred and ",
               authorization.held(), " t held; ranges say ", first_transferred[id], " and ", held[id]);
      }
      if (authorization.first_transferred() + authorization.held() > authorization.quantity()) {
        Report("authorization ", id, " is exceeded");
      }
    }
  }

  std::array<Book, 2> books_;  // Japan's, the host's
  std::map<std::pair<std::string, std::string>, v1::DecisionText> texts_;
  std::vector<std::string> violations_;
};

std::vector<v1::BlockRecord> FinalBlocks(const state::StateReader& reader, std::vector<std::string>* violations) {
  std::vector<v1::BlockRecord> blocks;
  const absl::Status scanned = reader.Scan(v1::TABLE_BLOCK, "", "", [&](absl::string_view, absl::string_view value) {
    v1::BlockRecord block;
    if (block.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
        (block.state() == v1::BLOCK_STATE_RETIRED || block.state() == v1::BLOCK_STATE_CANCELLED)) {
      blocks.push_back(std::move(block));
    }
    return true;
  });
  if (!scanned.ok()) violations->push_back(absl::StrCat("blocks cannot be read: ", scanned.message()));
  return blocks;
}

}  // namespace

std::vector<std::string> CheckInvariants(const state::StateReader& japan, const state::StateReader& host) {
  return Checker(japan, host).Run();
}

std::vector<std::string> CheckFinality(const state::StateReader& before, const state::StateReader& after) {
  std::vector<std::string> violations;
  const std::vector<v1::BlockRecord> now = FinalBlocks(after, &violations);
  for (const v1::BlockRecord& was : FinalBlocks(before, &violations)) {
    // A first transfer that becomes known later may cut a block in pieces, so the pieces are followed.
    Serial next = was.first();
    for (const v1::BlockRecord& block : now) {
      if (block.lot_id() == was.lot_id() && block.first() <= next && next <= block.last() &&
          block.account() == was.account() && block.state() == was.state() && block.end_id() == was.end_id()) {
        next = block.last() + 1;
      }
    }
    if (next <= was.last()) {
      violations.push_back(absl::StrCat("final unit ", was.lot_id(), " ", next, " has moved"));
    }
  }
  return violations;
}

}  // namespace jcm::rules
