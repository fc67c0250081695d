// What a decision of the Joint Committee says, in words: for feeds and for the papers of a meeting.
#ifndef TOOLS_PUBLISH_DECISION_TEXT_H_
#define TOOLS_PUBLISH_DECISION_TEXT_H_

#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tools/publish/book_at.h"
#include "tools/publish/names.h"

namespace jcm::publish {

// One line each: what it does to which project, amounts and shares, documents by SHA-256, rulebook.
std::vector<Words> LinesOf(const BookAt& book, const DecisionAt& decision);
// The same for programs.
nlohmann::ordered_json DataOf(const BookAt& book, const DecisionAt& decision);

// "7th Joint Committee, 2025-10-30" or "Electronic decision, 2026-03-12".
Words OccasionOf(const DecisionAt& decision);
// How it stands: open, adopted and confirmed by both sides, disputed …
Words StandingOf(const DecisionAt& decision);
// "registration": the kind as programs sort by it.
std::string TopicOf(v1::DecisionKind kind);

// A dossier's official number, or its id; `id` as it is if the book has no such dossier.
std::string ReferenceOf(const BookAt& book, const std::string& dossier_id);
// 1234567 -> "1,234,567".
std::string WithCommas(uint64_t value);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_DECISION_TEXT_H_
