// The papers for a meeting of the Joint Committee: agenda, decision texts, annexes, draft of the minutes, table for the
// press; each in English and Japanese, as Markdown and HTML.
//
//   std::vector<PublishedFile> pack = MakeMeetingPack(book, {Date{2026, 6, 18}, "8th Joint Committee", "Bangkok"});
//
// For the committee and its secretariats: dossiers that are not public are in it. Complete versions of documents,
// opinions and who voted how are not. The same checkpoint and meeting give the same bytes.
#ifndef TOOLS_PUBLISH_MEETING_PACK_H_
#define TOOLS_PUBLISH_MEETING_PACK_H_

#include <string>
#include <vector>

#include "ledger/base/date.h"
#include "tools/publish/agenda.h"
#include "tools/publish/publication.h"

namespace jcm::publish {

struct Meeting {
  Date day;
  std::string name;   // "8th Joint Committee"; empty: "Joint Committee"
  std::string place;  // empty: left open in the papers
};

// The manifest is the last file.
std::vector<PublishedFile> MakeMeetingPack(const BookAt& book, const Meeting& meeting);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_MEETING_PACK_H_
