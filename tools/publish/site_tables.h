// The three tables that the JCM web site offers as CSV: projects, methodologies, credits. Either in the site's form
// (its columns and order, dates "23 Aug 16", English) or with ISO dates, more columns and both languages. README.md
// says what is known of the site's files and what was chosen.
//
//   std::string csv = ProjectsCsv(books, TableForm::kSite);
#ifndef TOOLS_PUBLISH_SITE_TABLES_H_
#define TOOLS_PUBLISH_SITE_TABLES_H_

#include <string>
#include <vector>

#include "tools/publish/book_at.h"

namespace jcm::publish {

enum class TableForm { kSite, kIso };

// Rows by partnership in the order of `books`, then by number.
std::string ProjectsCsv(const std::vector<BookAt>& books, TableForm form);
std::string MethodologiesCsv(const std::vector<BookAt>& books, TableForm form);
// One row for each vintage of each decision on issuance that both sides have confirmed.
std::string CreditsCsv(const std::vector<BookAt>& books, TableForm form);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_SITE_TABLES_H_
