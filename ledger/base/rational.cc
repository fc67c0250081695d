#include "ledger/base/rational.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

absl::int128 GreatestCommonDivisor(absl::int128 a, absl::int128 b) {
  while (b != 0) {
    absl::int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a < 0 ? -a : a;
}

}  // namespace

absl::StatusOr<Rational> Rational::Reduce(absl::int128 numerator, absl::int128 denominator) {
  if (denominator == 0) return Error(Reason::FIELD_INVALID, "a fraction with denominator 0");
  absl::int128 divisor = GreatestCommonDivisor(numerator, denominator);
  if (denominator < 0) divisor = -divisor;
  numerator /= divisor;
  denominator /= divisor;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  // The smallest int64_t is left out, so that negation never overflows.
  if (numerator > kMax || numerator < -absl::int128(kMax) || denominator > kMax) {
    return Error(Reason::QUANTITY_OVERFLOW, "a fraction that does not fit");
  }
  return Rational(static_cast<int64_t>(numerator), static_cast<int64_t>(denominator));
}

absl::StatusOr<Rational> Rational::Of(int64_t numerator, int64_t denominator) { return Reduce(numerator, denominator); }

absl::StatusOr<Rational> Rational::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  int64_t numerator = 0;
  int64_t denominator = 1;
  bool readable = absl::SimpleAtoi(text.substr(0, slash), &numerator);
  if (slash != absl::string_view::npos) readable = readable && absl::SimpleAtoi(text.substr(slash + 1), &denominator);
  if (readable) {
    absl::StatusOr<Rational> value = Of(numerator, denominator);
    // One spelling only: what formats to the same text again.
    if (value.ok() && value->ToString() == text) return value;
  }
  return Error(Reason::FIELD_INVALID, absl::StrCat("not a fraction in lowest terms: ", text.substr(0, 60)));
}

// Products of two int64_t and sums of two such products fit in 128 bits.
absl::StatusOr<Rational> Rational::Plus(Rational other) const {
  return Reduce(absl::int128(numerator_) * other.denominator_ + absl::int128(other.numerator_) * denominator_,
                absl::int128(denominator_) * other.denominator_);
}

absl::StatusOr<Rational> Rational::Minus(Rational other) const {
  return Plus(Rational(-other.numerator_, other.denominator_));
}

absl::StatusOr<Rational> Rational::Times(Rational other) const {
  return Reduce(absl::int128(numerator_) * other.numerator_, absl::int128(denominator_) * other.denominator_);
}

absl::StatusOr<Tonnes> Rational::FloorMul(Tonnes tonnes) const {
  if (IsNegative()) return Error(Reason::FIELD_INVALID, "a negative share");
  // 63 bits times 64 bits: no overflow of 127.
  const absl::int128 product = absl::int128(numerator_) * absl::int128(tonnes) / denominator_;
  if (product > absl::int128(std::numeric_limits<Tonnes>::max())) return Error(Reason::QUANTITY_OVERFLOW);
  return static_cast<Tonnes>(product);
}

absl::StatusOr<Rational> Rational::FractionMul(Tonnes tonnes) const {
  JCM_RETURN_IF_ERROR(FloorMul(tonnes).status());
  return Reduce(absl::int128(numerator_) * absl::int128(tonnes) % denominator_, denominator_);
}

std::string Rational::ToString() const {
  return denominator_ == 1 ? absl::StrCat(numerator_) : absl::StrCat(numerator_, "/", denominator_);
}

bool operator<(Rational a, Rational b) {
  return absl::int128(a.numerator_) * b.denominator_ < absl::int128(b.numerator_) * a.denominator_;
}

}  // namespace jcm
