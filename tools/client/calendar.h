// An inbox as a calendar file (iCalendar, RFC 5545): one event for each item that has a date, in the reader's language.
#ifndef TOOLS_CLIENT_CALENDAR_H_
#define TOOLS_CLIENT_CALENDAR_H_

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace jcm::client {

// Rows are views of InboxItem. The same rows give the same bytes; an event keeps its UID while its item waits, so that
// a calendar which reads the file again changes events instead of doubling them.
std::string CalendarOf(const std::vector<nlohmann::ordered_json>& rows, bool japanese);

}  // namespace jcm::client

#endif  // TOOLS_CLIENT_CALENDAR_H_
