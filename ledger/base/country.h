// Japan and its partner countries, as of January 2026, with the day on which each signed its bilateral document.
//
//   const Country* thailand = FindCountryByAlpha2("TH");    // alpha3 "THA", name_ja "タイ", signed_on 2015-11-19
//
// Names are those of the official lists. A country that is not in the table keeps no registry here.
#ifndef LEDGER_BASE_COUNTRY_H_
#define LEDGER_BASE_COUNTRY_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "ledger/base/date.h"

namespace jcm {

struct Country {
  const char* alpha2;  // ISO 3166-1
  const char* alpha3;
  const char* name_en;
  const char* name_ja;
  Date signed_on;  // of Japan: not used
};

inline constexpr char kJapanAlpha2[] = "JP";
inline constexpr char kJapanAlpha3[] = "JPN";

// The 31 partners in the order of signature. Without Japan.
absl::Span<const Country> Partners();

// Japan or a partner by its upper-case code; null if there is none. Lives for ever.
const Country* FindCountryByAlpha2(absl::string_view alpha2);
const Country* FindCountryByAlpha3(absl::string_view alpha3);

}  // namespace jcm

#endif  // LEDGER_BASE_COUNTRY_H_
