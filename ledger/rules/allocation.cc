#include "ledger/rules/allocation.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::rules {
namespace {

// Party -> place in the priority list.
absl::StatusOr<std::map<PartyId, size_t>> Places(absl::Span<const Share> shares, absl::Span<const PartyId> priority) {
  std::map<PartyId, size_t> places;
  for (const PartyId& party : priority) {
    if (!places.emplace(party, places.size()).second)
      return Error(Reason::UNKNOWN_PARTY, absl::StrCat(party, " twice"));
  }
  std::map<PartyId, size_t> named;
  for (const Share& share : shares) {
    if (places.count(share.party) == 0 || !named.emplace(share.party, 0).second) {
      return Error(Reason::UNKNOWN_PARTY, share.party);
    }
  }
  if (named.size() != places.size()) return Error(Reason::UNKNOWN_PARTY, "a party with priority has no share");
  return places;
}

absl::Status CheckSumIsOne(absl::Span<const Share> shares) {
  Rational sum;
  for (const Share& share : shares) {
    if (share.fraction.IsNegative()) return Error(Reason::SHARES_NOT_ONE, "a share is negative");
    JCM_ASSIGN_OR_RETURN(sum, sum.Plus(share.fraction));
  }
  if (sum != Rational(1)) return Error(Reason::SHARES_NOT_ONE, sum.ToString());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<AllocatedShare>> Allocate(Tonnes amount, absl::Span<const Share> shares,
                                                     absl::Span<const PartyId> priority) {
  if (shares.size() > kSharesMax) return Error(Reason::FIELD_INVALID, "too many shares");
  if (amount > kSerialMax) return Error(Reason::QUANTITY_OVERFLOW, "amount");
  JCM_ASSIGN_OR_RETURN(auto places, Places(shares, priority));
  JCM_RETURN_IF_ERROR(CheckSumIsOne(shares));

  struct Candidate {
    size_t index;
    Rational remainder;
    size_t place;
  };
  std::vector<AllocatedShare> allocated;
  std::vector<Candidate> candidates;
  Tonnes left = amount;
  for (size_t i = 0; i < shares.size(); ++i) {
    JCM_ASSIGN_OR_RETURN(Tonnes floor, shares[i].fraction.FloorMul(amount));
    JCM_ASSIGN_OR_RETURN(Rational remainder, shares[i].fraction.FractionMul(amount));
    allocated.push_back({shares[i].party, floor});
    candidates.push_back({i, remainder, places[shares[i].party]});
    left -= floor;
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (a.remainder != b.remainder) return a.remainder > b.remainder;
    return a.place < b.place;
  });
  // The remainders are below one each and add up to `left`, so there are enough candidates.
  JCM_CHECK(left < candidates.size() + 1);
  for (Tonnes i = 0; i < left; ++i) ++allocated[candidates[i].index].tonnes;
  return allocated;
}

absl::StatusOr<Tonnes> RoundedUpShare(Tonnes amount, Rational share) {
  if (share.IsNegative() || Rational(1) < share) return Error(Reason::FIELD_INVALID, share.ToString());
  JCM_ASSIGN_OR_RETURN(const Tonnes floor, share.FloorMul(amount));
  JCM_ASSIGN_OR_RETURN(const Rational rest, share.FractionMul(amount));
  return rest == Rational() ? floor : floor + 1;
}

}  // namespace jcm::rules
