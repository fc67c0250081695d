// Resource names of the API, read strictly: each has exactly one spelling.
//
//   books/JPN/TH    books/JPN/TH/entries/42    partnerships/TH    partnerships/TH/decisions/TH-JC7-TH014
//
// Anything else is RESOURCE_NAME_INVALID. Whether the thing exists is for the caller to find out.
#ifndef SERVICES_COMMON_RESOURCE_NAME_H_
#define SERVICES_COMMON_RESOURCE_NAME_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm::services {

struct EntryName {
  BookId book;
  uint64_t sequence = 0;
};

struct DecisionName {
  std::string partnership;
  std::string decision_id;
};

absl::StatusOr<BookId> ParseBookName(absl::string_view name);
absl::StatusOr<EntryName> ParseEntryName(absl::string_view name);
absl::StatusOr<std::string> ParsePartnershipName(absl::string_view name);
absl::StatusOr<DecisionName> ParseDecisionName(absl::string_view name);
// "JPN/TH", as the mirror protocol and file exports write it.
absl::StatusOr<BookId> ParseBookId(absl::string_view text);

std::string BookName(const BookId& book);
std::string EntryNameOf(const BookId& book, uint64_t sequence);

// "JPN": three capital letters. "TH": two. Ids: 1..64 of A-Z a-z 0-9 . _ -
bool IsRegistryCode(absl::string_view text);
bool IsPartnershipCode(absl::string_view text);
bool IsObjectId(absl::string_view text);

}  // namespace jcm::services

#endif  // SERVICES_COMMON_RESOURCE_NAME_H_
