// What people are told about a receipt, in English or Japanese: derived from the verdict, and so from signed bytes
// alone.
//
//   VALID (both governments)
//   Book: demo.invalid/JPN/TH, entry 42, recorded 2026-06-30T14:00:00Z
//   Act: Retirement (無効化) ...
#ifndef LEDGER_BOOK_RECEIPT_TEXT_H_
#define LEDGER_BOOK_RECEIPT_TEXT_H_

#include <string>
#include <vector>

#include "ledger/book/receipt.h"

namespace jcm::book {

enum class Language { ENGLISH, JAPANESE };

// "VALID (both governments)"; "VALID (JPN only, cosignature pending)"; "VALID (JPN only, partner keeps no book)";
// "VALID, fields withheld"; "UNKNOWN KEY"; "INVALID".
std::string Headline(const Verdict& verdict, Language language);

// The lines below it: reason, book, act with serials and tonnes, dates, signatures, openings, remarks.
std::vector<std::string> Explain(const Verdict& verdict, const Receipt& receipt, Language language);

}  // namespace jcm::book

#endif  // LEDGER_BOOK_RECEIPT_TEXT_H_
