// Who had which serials, told from the history alone: issued to, transferred, retired, cancelled, in the order of days.
//
//   History history(migration);
//   history.lots().at({"TH", "TH014-2016"})   // stretches of serials and the account in which each ended
//   history.contradictions()                  // acts that took what was not there
//
// Of one day, issuances come before transfers and these before retirements and cancellations; within a kind, rows come
// in the order of their file. An act that takes serials from an account which does not have them is a contradiction;
// the rest of the history is told as if it had been possible, so that one mistake is told once.
#ifndef TOOLS_MIGRATION_HISTORY_H_
#define TOOLS_MIGRATION_HISTORY_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ledger/base/types.h"
#include "tools/migration/rows.h"

namespace jcm::migration {

using LotKey = std::pair<std::string, std::string>;  // partnership, lot

// Serials to accounts, by the first serial of each stretch; stretches don't overlap.
class Stretches {
 public:
  struct Stretch {
    Serial last;
    std::string account;
  };

  // What of [first, last] is not in `account` ("": in no account); empty if all is.
  std::vector<std::pair<Serial, Serial>> MissingIn(const std::string& account, Serial first, Serial last) const;
  // Puts [first, last] into `account`, wherever it was.
  void Put(const std::string& account, Serial first, Serial last);
  const std::map<Serial, Stretch>& all() const { return all_; }
  // The account of a serial; empty: none.
  std::string At(Serial serial) const;

 private:
  void CutBefore(Serial serial);

  std::map<Serial, Stretch> all_;
};

struct Contradiction {
  Origin origin;  // of the act
  std::string partnership;
  std::string text;
};

class History {
 public:
  explicit History(const Migration& migration);

  const std::map<LotKey, Stretches>& lots() const { return lots_; }
  const std::vector<Contradiction>& contradictions() const { return contradictions_; }

 private:
  void Issue(const AllotmentRow& row);
  void Move(const Origin& origin, const std::string& partnership, const RangeOfLot& range, const std::string& from,
            const std::string& to);

  std::map<LotKey, Stretches> lots_;
  std::vector<Contradiction> contradictions_;
};

}  // namespace jcm::migration

#endif  // TOOLS_MIGRATION_HISTORY_H_
