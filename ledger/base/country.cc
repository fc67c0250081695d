#include "ledger/base/country.h"

namespace jcm {
namespace {

constexpr Country kJapan = {kJapanAlpha2, kJapanAlpha3, "Japan", "日本", {}};

constexpr Country kPartners[] = {
    {"MN", "MNG", "Mongolia", "モンゴル", {2013, 1, 8}},
    {"BD", "BGD", "Bangladesh", "バングラデシュ", {2013, 3, 19}},
    {"ET", "ETH", "Ethiopia", "エチオピア", {2013, 5, 27}},
    {"KE", "KEN", "Kenya", "ケニア", {2013, 6, 12}},
    {"MV", "MDV", "Maldives", "モルディブ", {2013, 6, 29}},
    {"VN", "VNM", "Viet Nam", "ベトナム", {2013, 7, 2}},
    {"LA", "LAO", "Lao PDR", "ラオス", {2013, 8, 7}},
    {"ID", "IDN", "Indonesia", "インドネシア", {2013, 8, 26}},
    {"CR", "CRI", "Costa Rica", "コスタリカ", {2013, 12, 9}},
    {"PW", "PLW", "Palau", "パラオ", {2014, 1, 13}},
    {"KH", "KHM", "Cambodia", "カンボジア", {2014, 4, 11}},
    {"MX", "MEX", "Mexico", "メキシコ", {2014, 7, 25}},
    {"SA", "SAU", "Saudi Arabia", "サウジアラビア", {2015, 5, 13}},
    {"CL", "CHL", "Chile", "チリ", {2015, 5, 26}},
    {"MM", "MMR", "Myanmar", "ミャンマー", {2015, 9, 16}},
    {"TH", "THA", "Thailand", "タイ", {2015, 11, 19}},
    {"PH", "PHL", "Philippines", "フィリピン", {2017, 1, 12}},
    {"SN", "SEN", "Senegal", "セネガル", {2022, 8, 25}},
    {"TN", "TUN", "Tunisia", "チュニジア", {2022, 8, 26}},
    {"AZ", "AZE", "Azerbaijan", "アゼルバイジャン", {2022, 9, 5}},
    {"MD", "MDA", "Moldova", "モルドバ", {2022, 9, 6}},
    {"GE", "GEO", "Georgia", "ジョージア", {2022, 9, 13}},
    {"LK", "LKA", "Sri Lanka", "スリランカ", {2022, 10, 10}},
    {"UZ", "UZB", "Uzbekistan", "ウズベキスタン", {2022, 10, 25}},
    {"PG", "PNG", "Papua New Guinea", "パプアニューギニア", {2022, 11, 18}},
    {"AE", "ARE", "United Arab Emirates", "アラブ首長国連邦", {2023, 4, 16}},
    {"KG", "KGZ", "Kyrgyz Republic", "キルギス", {2023, 7, 6}},
    {"KZ", "KAZ", "Kazakhstan", "カザフスタン", {2023, 10, 30}},
    {"UA", "UKR", "Ukraine", "ウクライナ", {2024, 2, 19}},
    {"TZ", "TZA", "Tanzania", "タンザニア", {2025, 5, 28}},
    {"IN", "IND", "India", "インド", {2025, 8, 7}},
};

}  // namespace

absl::Span<const Country> Partners() { return kPartners; }

const Country* FindCountryByAlpha2(absl::string_view alpha2) {
  if (alpha2 == kJapan.alpha2) return &kJapan;
  for (const Country& country : kPartners) {
    if (alpha2 == country.alpha2) return &country;
  }
  return nullptr;
}

const Country* FindCountryByAlpha3(absl::string_view alpha3) {
  if (alpha3 == kJapan.alpha3) return &kJapan;
  for (const Country& country : kPartners) {
    if (alpha3 == country.alpha3) return &country;
  }
  return nullptr;
}

}  // namespace jcm
