// What is ripe for a meeting of the Joint Committee, from one book at a checkpoint.
//
//   Agenda agenda = AgendaOf(book, Date{2026, 6, 18});
//
// Ripe is a strand whose next step is a decision and on which none is open yet; a decision that is open; one that was
// taken in a meeting of just that day. For information: decided amounts that are not issued yet, decisions that wait
// for the other side or are disputed, members whose terms end.
#ifndef TOOLS_PUBLISH_AGENDA_H_
#define TOOLS_PUBLISH_AGENDA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/base/date.h"
#include "tools/publish/book_at.h"
#include "tools/publish/names.h"

namespace jcm::publish {

// A term that ends within so many days after the meeting is on the agenda.
inline constexpr int64_t kTermNoticeDays = 180;

enum class Ripeness { kRipe, kOpen, kTaken };

struct AgendaItem {
  size_t number = 0;  // 1, 2 …
  Ripeness ripeness = Ripeness::kRipe;
  v1::DecisionKind kind = v1::DECISION_KIND_UNSPECIFIED;
  std::string name;       // of the dossier or decision
  std::string reference;  // official number
  Words title;
  Words standing;  // "ripe", "open" …
  std::vector<Words> participants;
  std::vector<Words> facts;                            // what the committee has to know: amounts, periods, shares
  std::vector<Words> outcomes;                         // sentences between which it chooses; of a decision: its text
  std::vector<v1::Document> documents;                 // public versions
  std::vector<std::pair<Words, std::string>> digests;  // of the decision's text, report and annexes
  uint64_t since_us = 0;                               // waits since
  uint64_t due_us = 0;                                 // 0: no date
};

struct AgendaNote {
  Words text;
};

struct Agenda {
  std::vector<AgendaItem> items;  // by kind, then number
  std::vector<AgendaNote> for_information;
  std::vector<AgendaNote> mandates;
};

Agenda AgendaOf(const BookAt& book, Date day);

Words RipenessName(Ripeness ripeness);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_AGENDA_H_
