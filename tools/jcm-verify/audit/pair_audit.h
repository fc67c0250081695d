// Two books of one partnership against each other, read in the order in which they can have come about: an entry that
// had imported n entries of the other book comes after those n. So each moment of the audit is a cut of design section
// 4, invariant 1, and what must add up over both books is looked at after each import.
#ifndef TOOLS_JCM_VERIFY_AUDIT_PAIR_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_PAIR_AUDIT_H_

#include <functional>
#include <set>
#include <string>

#include "tools/jcm-verify/audit/book_audit.h"

namespace jcm::verify {

// Called now and then with the entries taken since the last call.
using Progress = std::function<void(uint64_t entries)>;
inline constexpr uint64_t kProgressEveryEntries = 1'024;

class PairAudit {
 public:
  // `second` is null if the other side's book is not given, or there is none. Both must outlive this.
  PairAudit(BookAudit* first, BookAudit* second) : first_(*first), second_(second) {}

  // Audits both to their ends.
  void Run(const Progress& progress);

 private:
  void RunAlone(const Progress& progress);
  // The one to take next: the earlier of those whose entry has what it imported; null if both wait for each other.
  BookAudit* Choose();
  bool CanTake(const BookAudit& book, const BookAudit& other) const;
  bool IsCut() const;
  void CheckLots(const std::set<std::string, TextLess>& lots);
  void CheckLotAlone(BookAudit& book, const std::string& lot_id);
  void CheckLot(const std::string& lot_id);
  void CheckEnd();
  void CheckCoverage(const std::string& lot_id, const v1::LotRecord& lot);
  void CheckTransfers(BookAudit& sender, BookAudit& receiver);

  BookAudit& first_;
  BookAudit* const second_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_PAIR_AUDIT_H_
