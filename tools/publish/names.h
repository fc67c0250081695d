// The field's words for what the ledger keeps as codes, in English and Japanese.
//
//   StateName("NO_OBJECTION").ja      // "異議なし"
//   PartnerName("TH").en              // "Thailand"
#ifndef TOOLS_PUBLISH_NAMES_H_
#define TOOLS_PUBLISH_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/cycle.pb.h"

namespace jcm::publish {

namespace v1 = ::jcm::ledger::v1;

enum class Language { kEnglish, kJapanese };

// "en", "ja".
const char* Tag(Language language);

struct Words {
  std::string en;
  std::string ja;

  const std::string& In(Language language) const { return language == Language::kEnglish ? en : ja; }
};

// A code that has no name stands for itself; tests make sure that none is missing.
Words StateName(absl::string_view state);
Words StrandName(v1::DossierKind kind, absl::string_view strand);
Words ProgrammeName(v1::FundingProgramme programme);
Words ProjectTypeName(v1::ProjectType type);
Words DecisionKindName(v1::DecisionKind kind);
Words DecisionModeName(v1::DecisionMode mode);
// By ISO alpha-2 of a partner or of Japan.
Words PartnerName(absl::string_view alpha2);
// By ISO alpha-3.
Words CountryOfRegistry(absl::string_view alpha3);

// "23 Aug 16", as the JCM site writes days; empty for a date that is not set.
std::string SiteDate(const v1::Date& date);
// "2016-08-23".
std::string IsoDate(const v1::Date& date);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_NAMES_H_
