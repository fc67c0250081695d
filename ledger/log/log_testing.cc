#include "ledger/log/log_testing.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"

namespace jcm::log {

std::string Next(const LogPosition& tail, const std::string& body, uint64_t generation, uint64_t later_micros) {
  BatchHeader header;
  header.generation = generation != 0 ? generation : tail.generation != 0 ? tail.generation : 1;
  header.index = tail.index + 1;
  header.previous = tail.hash;
  header.time = BookTime::FromMicros(tail.time.micros + later_micros);
  return EncodeBatch(header, body);
}

LogPosition TailOf(Log& log) {
  const auto tail = log.Tail();
  EXPECT_TRUE(tail.ok()) << ToText(tail.status());
  return tail.ok() ? *tail : LogPosition{};
}

void AppendAll(Log& log, int count) {
  for (int i = 0; i < count; ++i) {
    const LogPosition tail = TailOf(log);
    const absl::Status appended = log.Append(tail.index + 1, Next(tail, absl::StrCat("body ", tail.index + 1)));
    ASSERT_TRUE(appended.ok()) << ToText(appended);
  }
}

std::string Bodies(const absl::StatusOr<std::vector<Batch>>& batches) {
  if (!batches.ok()) return ToText(batches.status());
  std::string text;
  for (const Batch& batch : *batches) {
    EXPECT_EQ(batch.body, absl::StrCat("body ", batch.header.index));
    absl::StrAppend(&text, text.empty() ? "" : " ", batch.header.index);
  }
  return text;
}

}  // namespace jcm::log
