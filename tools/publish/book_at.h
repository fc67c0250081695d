// A partnership's book at one checkpoint, put together from what PublicationService lists.
//
//   JCM_ASSIGN_OR_RETURN(BookAt book, ReadBook(reader, "TH", /*size=*/0));     // at the newest checkpoint
//   book.checkpoint.size(), book.dossiers, book.decisions …
//
// Everything that is published is a function of BookAts.
#ifndef TOOLS_PUBLISH_BOOK_AT_H_
#define TOOLS_PUBLISH_BOOK_AT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/registry/v1/publication.pb.h"
#include "ledger/base/types.h"

namespace jcm::publish {

namespace api = ::jcm::registry::v1;
namespace v1 = ::jcm::ledger::v1;

inline constexpr int kPageSize = 1'000;
inline constexpr size_t kPagesMax = 100'000;

struct DossierAt {
  bool peer = false;  // the other government keeps it
  v1::DossierRecord record;
  std::vector<v1::StrandRecord> strands;     // by name, instances ascending
  std::vector<v1::DossierStepRecord> steps;  // oldest first
  std::vector<v1::ReferenceRecord> references;

  // Null: it has not begun.
  const v1::StrandRecord* Find(absl::string_view strand, uint32_t instance = 1) const;
  // Empty: not begun.
  std::string StateOf(absl::string_view strand, uint32_t instance = 1) const;
  // The last time that a step was taken; null: never.
  const v1::DossierStepRecord* LastStep(absl::string_view strand, uint32_t instance, absl::string_view step) const;
  bool Ever(absl::string_view strand, absl::string_view step) const;
  // "TH014", "TH_PIN001"; else the dossier's id.
  std::string BestReference() const;
};

struct DecisionAt {
  bool peer = false;
  v1::DecisionRecord record;
  v1::DecisionText text;
  absl::optional<v1::ReactionRecord> reaction;  // of the side that did not open it

  // Whether the other side's answer, once given, is about the text as it is now.
  bool Confirmed() const;
  bool Disputed() const;
  // Of a meeting its day, else the legal day of the decision.
  v1::Date Day() const;
};

struct MemberAt {
  bool peer = false;
  v1::MemberRecord record;
};

// What each side has issued for a decision.
struct IssuanceAt {
  absl::optional<v1::IssuanceRecord> own;
  absl::optional<v1::IssuanceRecord> peer;
};

struct BookAt {
  api::BookCheckpoint checkpoint;
  v1::PartnershipRecord partnership;
  std::map<std::string, v1::RulebookRecord> rulebooks;  // by version
  std::vector<MemberAt> members;
  std::vector<std::pair<bool, v1::ProjectRecord>> projects;  // whether the peer's; registered without a dossier too
  std::vector<DecisionAt> decisions;                         // own before peer, by id
  std::map<std::string, IssuanceAt> issuances;               // by decision
  std::vector<DossierAt> dossiers;                           // own before peer, by id

  BookTime time() const;
  // "registry.example/JPN/TH 1204 <base64 of the root>": the three lines of a checkpoint's note, in one.
  std::string CheckpointText() const;
  // Null if this book has no such rulebook.
  const v1::RulebookParameters* ParametersOf(const std::string& version) const;
};

// One call of PublicationService.
using RecordReader =
    std::function<absl::StatusOr<api::ListRecordsAtCheckpointResponse>(const api::ListRecordsAtCheckpointRequest&)>;

// All pages. `size` 0: the newest checkpoint. The errors of `read`; INTERNAL if the book goes on for more than
// kPagesMax.
absl::StatusOr<BookAt> ReadBook(const RecordReader& read, const std::string& partnership, uint64_t size);

// Puts one page into the book; records of a table come in the order of their keys.
absl::Status AddPage(const api::ListRecordsAtCheckpointResponse& page, BookAt* book);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_BOOK_AT_H_
