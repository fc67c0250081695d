// Figures: percentiles, memory, and rows that are printed as a table and as JSON.
#ifndef TOOLS_JCM_BENCH_MEASURE_H_
#define TOOLS_JCM_BENCH_MEASURE_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace jcm::bench {

class Stopwatch {
 public:
  Stopwatch() : start_(std::chrono::steady_clock::now()) {}
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  // Of this thread alone: what others do on the machine hardly shows in it.
  double cpu_seconds() const { return ThreadCpuSeconds() - cpu_start_; }

 private:
  static double ThreadCpuSeconds();
  std::chrono::steady_clock::time_point start_;
  double cpu_start_ = ThreadCpuSeconds();
};

// The value below which `share` (0..1) of the values lie; 0 if there are none.
double Percentile(std::vector<double> values, double share);
double Median(std::vector<double> values);

uint64_t ResidentBytes();

// One benchmark's result. Columns that do not apply are left out.
struct Row {
  std::string id;  // "a", "g1"
  std::string name;
  nlohmann::ordered_json figures = nlohmann::ordered_json::object();
};

// {"rows": [{"id", "name", figures…}]}
nlohmann::ordered_json ToJson(const std::vector<Row>& rows);
std::string ToTable(const std::vector<Row>& rows);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_MEASURE_H_
