// Strong types for what must not be mixed: digests, times, books, tonnes, serials, vintages.
//
//   BookId book{"JPN", "TH"};            // Japan's book of the Thai partnership, "JPN/TH"
//   BookId home{"JPN", kHome};           // Japan's private book, "JPN/home"
//   BookTime t = BookTime::FromMicros(1'761'782'400'000'000);
#ifndef LEDGER_BASE_TYPES_H_
#define LEDGER_BASE_TYPES_H_

#include <array>
#include <cstdint>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace jcm {

// A SHA-256 hash: exactly 32 bytes, by type.
using Digest = std::array<uint8_t, 32>;

inline absl::string_view AsBytes(const Digest& digest) {
  return absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size());
}

// An instant in microseconds since 1970-01-01T00:00:00Z, as stamped on a batch. Never before 1970, never a float.
struct BookTime {
  uint64_t micros = 0;

  static constexpr BookTime FromMicros(uint64_t micros) { return BookTime{micros}; }
  static constexpr BookTime FromSeconds(uint64_t seconds) { return BookTime{seconds * 1'000'000}; }
  friend bool operator==(BookTime a, BookTime b) { return a.micros == b.micros; }
  friend bool operator!=(BookTime a, BookTime b) { return a.micros != b.micros; }
  friend bool operator<(BookTime a, BookTime b) { return a.micros < b.micros; }
  friend bool operator<=(BookTime a, BookTime b) { return a.micros <= b.micros; }
  friend bool operator>(BookTime a, BookTime b) { return a.micros > b.micros; }
  friend bool operator>=(BookTime a, BookTime b) { return a.micros >= b.micros; }
};

// The partnership part of a registry's private book.
inline constexpr char kHome[] = "home";

// A book: the registry that writes it (ISO 3166-1 alpha-3) and the partnership (partner's alpha-2, or "home").
struct BookId {
  std::string registry;
  std::string partnership;

  bool is_home() const { return partnership == kHome; }
  std::string ToString() const { return absl::StrCat(registry, "/", partnership); }
  friend bool operator==(const BookId& a, const BookId& b) {
    return a.registry == b.registry && a.partnership == b.partnership;
  }
  friend bool operator!=(const BookId& a, const BookId& b) { return !(a == b); }
  friend bool operator<(const BookId& a, const BookId& b) {
    return std::tie(a.registry, a.partnership) < std::tie(b.registry, b.partnership);
  }
};

// Whole tonnes of CO2 equivalent; never negative. 1 credit = 1 t-CO2e.
using Tonnes = uint64_t;

// The position of a unit inside its lot: 1..n. Limited so that sums of ranges cannot overflow.
using Serial = uint64_t;
inline constexpr Serial kSerialMax = 1'000'000'000'000'000;  // 15 digits, as in the Kyoto formats

}  // namespace jcm

#endif  // LEDGER_BASE_TYPES_H_
