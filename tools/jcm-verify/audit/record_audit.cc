#include "tools/jcm-verify/audit/record_audit.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "tools/jcm-verify/audit/unit_audit.h"

namespace jcm::verify {
namespace {

using book::LeafKind;

bool Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

std::tuple<int, int, int> Day(const v1::Date& date) { return {date.year(), date.month(), date.day()}; }

bool IsRange(Serial first, Serial last) { return first > 0 && first <= last && last <= kSerialMax; }

bool IsAttest(const SignedAct* act) { return act != nullptr && act->body == v1::Command::kAttest; }

}  // namespace

bool SameUnits(const google::protobuf::RepeatedPtrField<v1::UnitRange>& ranges,
               const google::protobuf::RepeatedPtrField<v1::BlockRecord>& blocks) {
  int next = 0;
  for (const v1::UnitRange& range : ranges) {
    Serial serial = range.first();
    while (serial <= range.last()) {
      if (next == blocks.size()) return false;
      const v1::BlockRecord& block = blocks[next++];
      if (block.lot_id() != range.lot_id() || block.first() != serial || block.last() < serial ||
          block.last() > range.last()) {
        return false;
      }
      serial = block.last() + 1;
    }
  }
  return next == blocks.size();
}

RecordAudit::RecordAudit(const BookId& book, const Tables& tables, BookReport* report)
    : book_(book),
      tables_(tables),
      report_(*report),
      decisions_(tables, report),
      dossiers_(tables, decisions_, report) {}

bool RecordAudit::ParseBoth(uint64_t sequence, const EffectBytes& effect, google::protobuf::Message* before,
                            google::protobuf::Message* after) {
  if (Parse(effect.old_value, before) && Parse(effect.new_value, after)) return true;
  report_.Fail(Check::FORM, sequence, "", absl::StrCat("a record of table ", effect.table), "bytes that are none");
  return false;
}

void RecordAudit::Check(uint64_t sequence, uint64_t time_us, LeafKind kind, const EffectBytes& effect,
                        const SignedAct* act) {
  const bool imported = effect.table > kShadowOffset;
  const uint32_t table = imported ? effect.table - kShadowOffset : effect.table;
  if (kind == LeafKind::RESOLUTION) return;  // agreed by both governments; units are checked all the same
  switch (table) {
    case v1::TABLE_TRANSFER:
    case v1::TABLE_RETIREMENT:
    case v1::TABLE_CANCELLATION:
      return CheckOperation(sequence, effect, act);
    case v1::TABLE_DECISION:
      return decisions_.CheckDecision(sequence, effect, imported);
    case v1::TABLE_REACTION:
      return decisions_.CheckReaction(sequence, effect, imported);
    case v1::TABLE_VOTE:
      return decisions_.CheckVote(sequence, time_us, effect, imported, IsAttest(act));
    case v1::TABLE_VOTES_CLOSED:
      return decisions_.CheckVotesClosed(sequence, time_us, effect, imported);
    case v1::TABLE_DOSSIER:
    case v1::TABLE_STRAND:
    case v1::TABLE_DOSSIER_STEP:
    case v1::TABLE_REFERENCE:
    case v1::TABLE_DOSSIER_REACTION:
      return dossiers_.Check({sequence, time_us, kind, act}, effect, imported);
    case v1::TABLE_LOT:
      return CheckLot(sequence, effect, imported);
    case v1::TABLE_ISSUANCE:
      return CheckIssuance(sequence, effect, imported);
    case v1::TABLE_ISSUED_PERIOD:
      return CheckPeriod(sequence, effect);
    case v1::TABLE_AUTHORIZATION:
      return CheckAuthorization(sequence, effect, imported);
    case v1::TABLE_FIRST_TRANSFER:
      return CheckFirstTransfer(sequence, effect, imported);
    case v1::TABLE_FIRST_TRANSFER_RANGE:
      return CheckFirstTransferRange(sequence, effect);
    case v1::TABLE_TRANSFER_OUT:
      return CheckTransferOut(sequence, effect, imported);
    case v1::TABLE_TRANSFER_IN:
      return CheckTransferIn(sequence, effect, imported);
    default:
      return;
  }
}

// ---- sums and ranges -----------------------------------------------------------------------------------------------

template <typename Ranges>
void RecordAudit::CheckSum(uint64_t sequence, const Ranges& ranges, Tonnes stated, absl::string_view what) {
  Tonnes sum = 0;
  bool good = ranges.size() > 0 || stated == 0;
  for (const auto& range : ranges) {
    good = good && IsRange(range.first(), range.last()) && sum <= kSerialMax * 1'000;
    sum += range.last() - range.first() + 1;
  }
  JCM_AUDIT_REQUIRE(report_, good && sum == stated, Check::SUMS, sequence,
                    absl::StrCat(sum, " t, the sum of the ranges of ", what), absl::StrCat(stated, " t"));
}

void RecordAudit::CheckOperation(uint64_t sequence, const EffectBytes& effect, const SignedAct* act) {
  if (act == nullptr || !effect.old_value.empty() || effect.new_value.empty()) {
    report_.Fail(Check::EFFECTS, sequence, "", "a record that is written once, by its command",
                 absl::StrCat("a change of table ", effect.table));
    return;
  }
  if (act->body == v1::Command::kMigrateUnits) {
    return CheckMigratedEnd(sequence, effect, act->command.migrate_units());
  }
  const bool its_table = (effect.table == v1::TABLE_TRANSFER && act->body == v1::Command::kTransferCredits) ||
                         (effect.table == v1::TABLE_RETIREMENT && act->body == v1::Command::kRetireCredits) ||
                         (effect.table == v1::TABLE_CANCELLATION && act->body == v1::Command::kCancelCredits);
  if (!its_table || !ReadOperationRecord(effect.new_value, &record_)) {
    report_.Fail(Check::EFFECTS, sequence, "", "a record of the act commanded",
                 absl::StrCat("one of table ", effect.table));
    return;
  }
  const OperationView& commanded = act->operation;
  const bool same = effect.key == commanded.id && record_.id == commanded.id &&
                    record_.from_account == commanded.from_account && record_.to_account == commanded.to_account &&
                    SameRanges(record_.ranges, commanded.ranges);
  JCM_AUDIT_REQUIRE(report_, same, Check::EFFECTS, sequence,
                    absl::StrCat("a record of ", commanded.id, " as commanded"), "another");
  CheckSum(sequence, record_.ranges, record_.tonnes, commanded.id);
}

// What an earlier registry had transferred, retired or cancelled. Units that were retired or cancelled are checked as
// moves of the command; a transfer is history, and moves nothing.
void RecordAudit::CheckMigratedEnd(uint64_t sequence, const EffectBytes& effect, const v1::MigrateUnits& command) {
  if (!ReadOperationRecord(effect.new_value, &record_) || record_.id != effect.key) {
    report_.Fail(Check::FORM, sequence, "", absl::StrCat("a record of table ", effect.table), "bytes that are none");
    return;
  }
  if (effect.table == v1::TABLE_TRANSFER) {
    const bool commanded =
        std::any_of(command.transfers().begin(), command.transfers().end(), [this](const v1::MigratedTransfer& one) {
          return one.transfer_id() == record_.id && one.from_account() == record_.from_account &&
                 one.to_account() == record_.to_account && SameRanges(record_.ranges, one.ranges());
        });
    JCM_AUDIT_REQUIRE(report_, commanded, Check::EFFECTS, sequence,
                      absl::StrCat("a past transfer ", record_.id, " as commanded"), "another");
  }
  CheckSum(sequence, record_.ranges, record_.tonnes, record_.id);
}

// ---- issuance ------------------------------------------------------------------------------------------------------

void RecordAudit::CheckLot(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::LotRecord before, after, other;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  const auto same = [](const v1::LotRecord& a, const v1::LotRecord& b) {
    return a.decision_id() == b.decision_id() && a.vintage() == b.vintage() && a.tonnes() == b.tonnes() &&
           a.project_id() == b.project_id() && a.first_serial() == b.first_serial();
  };
  bool good = after.lot_id() == effect.key && after.tonnes() > 0 && after.tonnes() <= kSerialMax;
  good = good && (effect.old_value.empty() || same(before, after));
  const absl::string_view there =
      tables_.Get(imported ? uint32_t{v1::TABLE_LOT} : v1::TABLE_LOT + kShadowOffset, effect.key);
  good = good && (there.empty() || (Parse(there, &other) && same(other, after)));
  JCM_AUDIT_REQUIRE(report_, good, Check::ALLOCATION, sequence,
                    absl::StrCat("lot ", effect.key, " as both sides have it, for ever"), after.ShortDebugString());
}

void RecordAudit::CheckIssuance(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::IssuanceRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  JCM_AUDIT_REQUIRE(report_, effect.old_value.empty() && !effect.new_value.empty(), Check::ISSUANCE, sequence,
                    absl::StrCat("one issuance from ", effect.key), "another one");
  JCM_AUDIT_REQUIRE(report_, (after.registry() == book_.registry) != imported, Check::ISSUANCE, sequence,
                    "each registry issuing its own share", absl::StrCat("issuance of ", after.registry()));
  const absl::optional<v1::IssuanceText> text = decisions_.AdoptedText(after.decision_id());
  Tonnes own = 0;
  if (text.has_value()) {
    for (const v1::AllocationRow& row : text->rows()) {
      if (row.issuing_registry() == after.registry()) own += row.range().last() - row.range().first() + 1;
    }
  }
  JCM_AUDIT_REQUIRE(report_, text.has_value() && own == after.tonnes(), Check::ISSUANCE, sequence,
                    absl::StrCat(own, " t, the share of ", after.registry(), " in ", after.decision_id()),
                    absl::StrCat(after.tonnes(), " t"));
}

void RecordAudit::CheckPeriod(uint64_t sequence, const EffectBytes& effect) {
  v1::IssuedPeriodRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  const std::string prefix = absl::StrCat(after.project_id(), "/");
  bool good = !effect.new_value.empty() && Day(after.start()) <= Day(after.end());
  std::string overlaps = "a period that ends before it begins";
  const Records& periods = tables_.Of(v1::TABLE_ISSUED_PERIOD);
  for (auto at = periods.lower_bound(prefix); at != periods.end() && absl::StartsWith(at->first, prefix); ++at) {
    v1::IssuedPeriodRecord other;
    if (!Parse(at->second, &other) || other.decision_id() == after.decision_id()) continue;
    if (Day(other.start()) <= Day(after.end()) && Day(after.start()) <= Day(other.end())) {
      good = false;
      overlaps = absl::StrCat("days of ", other.decision_id());
    }
  }
  JCM_AUDIT_REQUIRE(report_, good, Check::PERIODS, sequence,
                    absl::StrCat("a period of ", after.project_id(), " by ", after.decision_id(), " alone"), overlaps);
}

// ---- Article 6 -----------------------------------------------------------------------------------------------------

int32_t RecordAudit::VintageOf(absl::string_view lot_id) const {
  for (const uint32_t table : {uint32_t{v1::TABLE_LOT}, v1::TABLE_LOT + kShadowOffset}) {
    v1::LotRecord lot;
    const absl::string_view bytes = tables_.Get(table, lot_id);
    if (!bytes.empty() && Parse(bytes, &lot)) return lot.vintage();
  }
  // Under parallel issuance the host may name serials that no side has issued yet: the decision knows them.
  for (const uint32_t table : {uint32_t{v1::TABLE_DECISION}, v1::TABLE_DECISION + kShadowOffset}) {
    for (const auto& [id, bytes] : tables_.Of(table)) {
      const absl::optional<v1::IssuanceText> text = decisions_.AdoptedText(id);
      if (!text.has_value()) continue;
      for (const v1::LotText& lot : text->lots()) {
        if (lot.lot_id() == lot_id) return lot.vintage();
      }
    }
  }
  return 0;
}

void RecordAudit::CheckAuthorization(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::AuthorizationRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  JCM_AUDIT_REQUIRE(report_, after.vintage_first() >= kFirstItmoVintage, Check::ITMO_VINTAGE, sequence,
                    "an authorization from 2021 on", absl::StrCat("vintage ", after.vintage_first()));
  const bool within =
      after.first_transferred() <= after.quantity() && after.held() <= after.quantity() - after.first_transferred();
  JCM_AUDIT_REQUIRE(report_, within, Check::FIRST_TRANSFER, sequence,
                    absl::StrCat("at most ", after.quantity(), " t under ", effect.key),
                    absl::StrCat(after.first_transferred(), " t first transferred and ", after.held(), " t held"));
  const bool kept = effect.old_value.empty() || (before.quantity() == after.quantity() && !effect.new_value.empty() &&
                                                 after.first_transferred() >= before.first_transferred());
  JCM_AUDIT_REQUIRE(report_, kept, Check::FIRST_TRANSFER, sequence,
                    absl::StrCat("authorization ", effect.key, " whose quantity stays"), "another");
  touched_.insert({imported, after.authorization_id()});
}

void RecordAudit::CheckFirstTransfer(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::FirstTransferRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  const bool once = effect.old_value.empty() && !effect.new_value.empty();
  JCM_AUDIT_REQUIRE(report_, once && after.first_transfer_id() == effect.key, Check::FIRST_TRANSFER, sequence,
                    absl::StrCat("first transfer ", effect.key, " written once"), "a change of it");
  CheckSum(sequence, after.ranges(), after.tonnes(), effect.key);
  for (const v1::UnitRange& range : after.ranges()) {
    const int32_t vintage = VintageOf(range.lot_id());
    JCM_AUDIT_REQUIRE(report_, vintage >= kFirstItmoVintage, Check::ITMO_VINTAGE, sequence,
                      absl::StrCat("units of 2021 or later in ", effect.key),
                      absl::StrCat(range.lot_id(), " of vintage ", vintage));
  }
  used_[{imported, after.authorization_id()}].first_transferred += after.tonnes();
  touched_.insert({imported, after.authorization_id()});
}

void RecordAudit::FinishEntry(uint64_t sequence) {
  dossiers_.FinishEntry();
  for (const auto& [imported, id] : touched_) {
    const Used& used = used_[{imported, id}];
    v1::AuthorizationRecord authorization;
    const absl::string_view bytes = tables_.Get(v1::TABLE_AUTHORIZATION + (imported ? kShadowOffset : 0), id);
    const bool known = !bytes.empty() && Parse(bytes, &authorization);
    JCM_AUDIT_REQUIRE(
        report_,
        known && authorization.first_transferred() == used.first_transferred && authorization.held() == used.held,
        Check::FIRST_TRANSFER, sequence,
        absl::StrCat(used.first_transferred, " t first transferred and ", used.held, " t held under ", id,
                     ", as its records add up"),
        absl::StrCat(authorization.first_transferred(), " t and ", authorization.held(), " t"));
    JCM_AUDIT_REQUIRE(report_, used.first_transferred + used.held <= authorization.quantity(), Check::FIRST_TRANSFER,
                      sequence, absl::StrCat("at most ", authorization.quantity(), " t under ", id),
                      absl::StrCat(used.first_transferred, " t and ", used.held, " t held"));
  }
  touched_.clear();
}

void RecordAudit::CheckFirstTransferRange(uint64_t sequence, const EffectBytes& effect) {
  v1::FirstTransferRangeRecord before, after, other;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  bool good = effect.old_value.empty() && !effect.new_value.empty() && after.first() > 0 &&
              after.first() <= after.last() && effect.key == RangeKey(after.lot_id(), after.first());
  const Records& ranges = tables_.Of(v1::TABLE_FIRST_TRANSFER_RANGE);
  const auto at = ranges.find(effect.key);
  if (good && at != ranges.end()) {
    if (at != ranges.begin() && Parse(std::prev(at)->second, &other) && other.lot_id() == after.lot_id()) {
      good = other.last() < after.first();
    }
    if (std::next(at) != ranges.end() && Parse(std::next(at)->second, &other) && other.lot_id() == after.lot_id()) {
      good = good && after.last() < other.first();
    }
  }
  JCM_AUDIT_REQUIRE(report_, good, Check::FIRST_TRANSFER, sequence,
                    absl::StrCat("serials of ", after.lot_id(), " first transferred once"),
                    absl::StrCat(after.first(), "..", after.last(), " again, or changed"));
}

void RecordAudit::CheckTransferOut(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::TransferOutRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  CheckSum(sequence, after.ranges(), after.tonnes(), effect.key);
  // One import may bring both: that it was initiated, and that it was voided.
  const bool fresh = effect.old_value.empty();
  const bool begins = fresh && (after.state() == v1::TRANSFER_OUT_STATE_INITIATED ||
                                (imported && after.state() == v1::TRANSFER_OUT_STATE_VOIDED));
  const bool ends =
      before.state() == v1::TRANSFER_OUT_STATE_INITIATED &&
      (after.state() == v1::TRANSFER_OUT_STATE_POSTED || after.state() == v1::TRANSFER_OUT_STATE_VOIDED) &&
      before.tonnes() == after.tonnes() && SameRanges(before.ranges(), after.ranges());
  JCM_AUDIT_REQUIRE(
      report_, begins || ends, Check::TRANSFER_PAIR, sequence,
      absl::StrCat("transfer ", effect.key, " initiated, then decided once"),
      absl::StrCat(v1::TransferOutState_Name(before.state()), " to ", v1::TransferOutState_Name(after.state())));
  if (after.authorization_id().empty() || !(begins || ends)) return;
  Used& used = used_[{imported, after.authorization_id()}];
  if (begins && after.state() == v1::TRANSFER_OUT_STATE_INITIATED) used.held += after.tonnes();
  if (ends) used.held -= std::min(used.held, after.tonnes());
  touched_.insert({imported, after.authorization_id()});
}

void RecordAudit::CheckTransferIn(uint64_t sequence, const EffectBytes& effect, bool imported) {
  v1::TransferInRecord before, after;
  if (!ParseBoth(sequence, effect, &before, &after)) return;
  const bool begins = effect.old_value.empty() && (after.state() == v1::TRANSFER_IN_STATE_ACCEPTED ||
                                                   after.state() == v1::TRANSFER_IN_STATE_REFUSED ||
                                                   (imported && after.state() == v1::TRANSFER_IN_STATE_VOIDED));
  const bool ends = before.state() == v1::TRANSFER_IN_STATE_ACCEPTED &&
                    (after.state() == v1::TRANSFER_IN_STATE_CREDITED || after.state() == v1::TRANSFER_IN_STATE_VOIDED);
  v1::TransferOutRecord transfer;
  const absl::string_view out =
      tables_.Get(imported ? uint32_t{v1::TABLE_TRANSFER_OUT} : v1::TABLE_TRANSFER_OUT + kShadowOffset, effect.key);
  const bool known = !out.empty() && Parse(out, &transfer) && transfer.tonnes() == after.tonnes();
  JCM_AUDIT_REQUIRE(report_, (begins || ends) && known, Check::TRANSFER_PAIR, sequence,
                    absl::StrCat("an answer to a known transfer ", effect.key, ", once"),
                    absl::StrCat(v1::TransferInState_Name(before.state()), " to ",
                                 v1::TransferInState_Name(after.state()), ", ", after.tonnes(), " t"));
}

}  // namespace jcm::verify
