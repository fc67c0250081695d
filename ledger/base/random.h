// Randomness as something that is handed in, so that a simulation can repeat itself.
//
//   SystemRandom random;
//   std::string nonce = random.Bytes(12);
//
// Never used inside rules or state. Every implementation is thread-safe.
#ifndef LEDGER_BASE_RANDOM_H_
#define LEDGER_BASE_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "ledger/base/types.h"

namespace jcm {

class Random {
 public:
  virtual ~Random() = default;

  virtual void Fill(uint8_t* out, size_t size) = 0;

  uint64_t U64();
  // Evenly from 0..limit-1; limit is at least 1.
  uint64_t Below(uint64_t limit);
  std::string Bytes(size_t size);
};

// The operating system's randomness through OpenSSL. Ends the process if there is none.
class SystemRandom : public Random {
 public:
  void Fill(uint8_t* out, size_t size) override;
};

// The stream SHA-256(seed || 0), SHA-256(seed || 1), ...: the same on every machine. For tests and simulation only.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : seed_(seed) {}
  void Fill(uint8_t* out, size_t size) override;

 private:
  const uint64_t seed_;
  std::mutex mutex_;
  uint64_t counter_ = 0;
  Digest block_{};
  size_t used_ = sizeof(Digest);
};

}  // namespace jcm

#endif  // LEDGER_BASE_RANDOM_H_
