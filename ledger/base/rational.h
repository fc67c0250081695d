// Exact fractions for shares and rates: 1/2, 3/100, 577/1000.
//
//   JCM_ASSIGN_OR_RETURN(Rational share, Rational::Of(577, 1000));
//   JCM_ASSIGN_OR_RETURN(Tonnes floor, share.FloorMul(750));        // 432 t
//
// Always in lowest terms with a positive denominator, so equal values are equal objects. Both terms fit in int64_t;
// what would not is QUANTITY_OVERFLOW, never a rounded value. There is no conversion to or from floating point.
#ifndef LEDGER_BASE_RATIONAL_H_
#define LEDGER_BASE_RATIONAL_H_

#include <cstdint>
#include <string>

#include "absl/numeric/int128.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/types.h"

namespace jcm {

class Rational {
 public:
  // Zero.
  constexpr Rational() = default;
  constexpr explicit Rational(int64_t whole) : numerator_(whole) {}

  // Errors: FIELD_INVALID for a denominator of zero, QUANTITY_OVERFLOW.
  static absl::StatusOr<Rational> Of(int64_t numerator, int64_t denominator);
  // "577/1000" or "3"; decimal digits without leading zeros, an optional "-", lowest terms. Errors: FIELD_INVALID.
  static absl::StatusOr<Rational> Parse(absl::string_view text);

  int64_t numerator() const { return numerator_; }
  int64_t denominator() const { return denominator_; }
  bool IsNegative() const { return numerator_ < 0; }

  // Errors: QUANTITY_OVERFLOW.
  absl::StatusOr<Rational> Plus(Rational other) const;
  absl::StatusOr<Rational> Minus(Rational other) const;
  absl::StatusOr<Rational> Times(Rational other) const;

  // The whole tonnes in this share of `tonnes`, rounded down. Errors: FIELD_INVALID if this is negative,
  // QUANTITY_OVERFLOW.
  absl::StatusOr<Tonnes> FloorMul(Tonnes tonnes) const;
  // What FloorMul leaves: this * tonnes - FloorMul(tonnes), at least 0 and below 1. The same errors.
  absl::StatusOr<Rational> FractionMul(Tonnes tonnes) const;

  // "577/1000"; "3" if it is whole.
  std::string ToString() const;

  friend bool operator==(Rational a, Rational b) {
    return a.numerator_ == b.numerator_ && a.denominator_ == b.denominator_;
  }
  friend bool operator!=(Rational a, Rational b) { return !(a == b); }
  friend bool operator<(Rational a, Rational b);
  friend bool operator<=(Rational a, Rational b) { return !(b < a); }
  friend bool operator>(Rational a, Rational b) { return b < a; }
  friend bool operator>=(Rational a, Rational b) { return !(a < b); }

 private:
  constexpr Rational(int64_t numerator, int64_t denominator) : numerator_(numerator), denominator_(denominator) {}
  static absl::StatusOr<Rational> Reduce(absl::int128 numerator, absl::int128 denominator);

  int64_t numerator_ = 0;
  int64_t denominator_ = 1;
};

}  // namespace jcm

#endif  // LEDGER_BASE_RATIONAL_H_
