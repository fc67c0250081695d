// Filters of lists: a small part of AIP-160, on any message.
//
//   JCM_ASSIGN_OR_RETURN(Filter filter, Filter::Parse("state = ADOPTED AND text.kind = issuance", *descriptor));
//   if (filter.Matches(record)) ...
//
// Comparisons joined by AND: FIELD OPERATOR VALUE. A field is a path of names; inside a list, one element that holds is
// enough. Operators: = != < <= > >= and ":", which means that a text contains it, or that a list has it. A value is a
// word or in double quotes. Enumerations are named by their last words, in any case ("not-adopted"); dates are written
// 2025-10-30, times 2025-10-30T00:00:00Z (a date stands for its midnight in UTC, for fields that end in _us too); bytes
// in hexadecimal. A field of bytes that holds a decision's text is looked into: text.kind, text.issuance.project_id.
// FILTER_INVALID says what cannot be read.
#ifndef SERVICES_COMMON_FILTER_H_
#define SERVICES_COMMON_FILTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace jcm::services {

inline constexpr size_t kFilterBytesMax = 1'000;
inline constexpr size_t kFilterTermsMax = 20;

class Filter {
 public:
  // Empty text: everything matches.
  static absl::StatusOr<Filter> Parse(absl::string_view text, const google::protobuf::Descriptor& record);

  bool Matches(const google::protobuf::Message& record) const;
  bool empty() const { return terms_.empty(); }

 private:
  enum class Operator { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kHas };
  struct Term {
    std::vector<const google::protobuf::FieldDescriptor*> path;
    Operator op = Operator::kEqual;
    std::string text;    // lower case, unquoted
    int64_t number = 0;  // of a number, an enumeration, a time, true
  };

  static absl::StatusOr<Term> ParseTerm(absl::string_view field, absl::string_view op, absl::string_view value,
                                        const google::protobuf::Descriptor& record);
  static absl::Status ReadValue(Term* term);
  static bool Holds(const Term& term, size_t at, const google::protobuf::Message& message);
  static bool HoldsAt(const Term& term, size_t at, const google::protobuf::Message& message, int index);

  std::vector<Term> terms_;
};

}  // namespace jcm::services

#endif  // SERVICES_COMMON_FILTER_H_
