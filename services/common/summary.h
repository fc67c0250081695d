// One line that says what an entry is, for people who scroll through a book.
//
//   "RetireCredits RET-1: 100 t from 5f0c…"     "Import entries 40..44"     "Tick"
//
// Not for programs, and not for deciding anything: the entry's bytes are.
#ifndef SERVICES_COMMON_SUMMARY_H_
#define SERVICES_COMMON_SUMMARY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/book/leaf.h"

namespace jcm::services {

inline constexpr size_t kSummaryBytesMax = 200;

// From an entry's command bytes. Bytes that can't be read give the kind alone.
std::string SummaryOf(book::LeafKind kind, absl::string_view command_bytes);

std::string SummaryOf(const ledger::v1::Command& command);

}  // namespace jcm::services

#endif  // SERVICES_COMMON_SUMMARY_H_
