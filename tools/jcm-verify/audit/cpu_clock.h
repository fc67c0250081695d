// Processor time of the calling thread: what work costs, however busy the machine is.
#ifndef TOOLS_JCM_VERIFY_AUDIT_CPU_CLOCK_H_
#define TOOLS_JCM_VERIFY_AUDIT_CPU_CLOCK_H_

#include <time.h>

namespace jcm::verify {

inline double ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Adds what its life has cost.
class CpuStopwatch {
 public:
  explicit CpuStopwatch(double* seconds) : seconds_(seconds), start_(ThreadCpuSeconds()) {}
  ~CpuStopwatch() { *seconds_ += ThreadCpuSeconds() - start_; }
  CpuStopwatch(const CpuStopwatch&) = delete;
  CpuStopwatch& operator=(const CpuStopwatch&) = delete;

 private:
  double* const seconds_;
  const double start_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_CPU_CLOCK_H_
