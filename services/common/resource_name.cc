#include "services/common/resource_name.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

constexpr size_t kNameBytesMax = 256;
constexpr size_t kObjectIdBytesMax = 64;

absl::Status Invalid(absl::string_view name, absl::string_view expected) {
  if (name.size() > kNameBytesMax) return Error(Reason::RESOURCE_NAME_INVALID, absl::StrCat("expected ", expected));
  return Error(Reason::RESOURCE_NAME_INVALID, absl::StrCat("\"", absl::string_view(name), "\" is not ", expected));
}

bool AllUpper(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_isupper(c); });
}

std::vector<absl::string_view> Split(absl::string_view name) {
  if (name.size() > kNameBytesMax) return {};
  return absl::StrSplit(name, '/');
}

bool IsBook(absl::string_view registry, absl::string_view partnership) {
  return IsRegistryCode(registry) && (partnership == kHome || IsPartnershipCode(partnership));
}

}  // namespace

bool IsRegistryCode(absl::string_view text) { return text.size() == 3 && AllUpper(text); }

bool IsPartnershipCode(absl::string_view text) { return text.size() == 2 && AllUpper(text); }

bool IsObjectId(absl::string_view text) {
  return !text.empty() && text.size() <= kObjectIdBytesMax &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; });
}

absl::StatusOr<BookId> ParseBookName(absl::string_view name) {
  const std::vector<absl::string_view> parts = Split(name);
  if (parts.size() != 3 || parts[0] != "books" || !IsBook(parts[1], parts[2])) {
    return Invalid(name, "books/REGISTRY/PARTNERSHIP");
  }
  return BookId{std::string(parts[1]), std::string(parts[2])};
}

absl::StatusOr<EntryName> ParseEntryName(absl::string_view name) {
  const std::vector<absl::string_view> parts = Split(name);
  uint64_t sequence = 0;
  if (parts.size() != 5 || parts[0] != "books" || !IsBook(parts[1], parts[2]) || parts[3] != "entries" ||
      !absl::SimpleAtoi(parts[4], &sequence) || absl::StrCat(sequence) != parts[4]) {
    return Invalid(name, "books/REGISTRY/PARTNERSHIP/entries/SEQUENCE");
  }
  return EntryName{{std::string(parts[1]), std::string(parts[2])}, sequence};
}

absl::StatusOr<std::string> ParsePartnershipName(absl::string_view name) {
  const std::vector<absl::string_view> parts = Split(name);
  if (parts.size() != 2 || parts[0] != "partnerships" || !IsPartnershipCode(parts[1])) {
    return Invalid(name, "partnerships/PARTNERSHIP");
  }
  return std::string(parts[1]);
}

absl::StatusOr<DecisionName> ParseDecisionName(absl::string_view name) {
  const std::vector<absl::string_view> parts = Split(name);
  if (parts.size() != 4 || parts[0] != "partnerships" || !IsPartnershipCode(parts[1]) || parts[2] != "decisions" ||
      !IsObjectId(parts[3])) {
    return Invalid(name, "partnerships/PARTNERSHIP/decisions/DECISION");
  }
  return DecisionName{std::string(parts[1]), std::string(parts[3])};
}

absl::StatusOr<BookId> ParseBookId(absl::string_view text) {
  const std::vector<absl::string_view> parts = Split(text);
  if (parts.size() != 2 || !IsBook(parts[0], parts[1])) return Invalid(text, "REGISTRY/PARTNERSHIP");
  return BookId{std::string(parts[0]), std::string(parts[1])};
}

std::string BookName(const BookId& book) { return absl::StrCat("books/", book.ToString()); }

std::string EntryNameOf(const BookId& book, uint64_t sequence) {
  return absl::StrCat(BookName(book), "/entries/", sequence);
}

}  // namespace jcm::services
