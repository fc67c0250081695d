#include "tools/jcm-bench/measure.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace jcm::bench {

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto index = static_cast<size_t>(share * static_cast<double>(values.size()));
  return values[std::min(index, values.size() - 1)];
}

double Median(std::vector<double> values) { return Percentile(std::move(values), 0.5); }

double Stopwatch::ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

uint64_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    uint64_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib * 1024;
  }
  return 0;
}

nlohmann::ordered_json ToJson(const std::vector<Row>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    nlohmann::ordered_json one;
    one["id"] = row.id;
    one["name"] = row.name;
    one.update(row.figures);
    list.push_back(std::move(one));
  }
  nlohmann::ordered_json json;
  json["rows"] = std::move(list);
  return json;
}

std::string ToTable(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    absl::StrAppend(&text, "(", row.id, ") ", row.name, "\n");
    for (const auto& figure : row.figures.items()) {
      char line[160];
      if (figure.value().is_number_float()) {
        std::snprintf(line, sizeof(line), "    %-28s %14.3f\n", figure.key().c_str(), figure.value().get<double>());
      } else {
        std::snprintf(line, sizeof(line), "    %-28s %14s\n", figure.key().c_str(), figure.value().dump().c_str());
      }
      absl::StrAppend(&text, line);
    }
  }
  return text;
}

}  // namespace jcm::bench
