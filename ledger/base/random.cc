#include "ledger/base/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <limits>

#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm {

uint64_t Random::U64() {
  uint8_t bytes[8];
  Fill(bytes, sizeof(bytes));
  uint64_t value = 0;
  for (uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

uint64_t Random::Below(uint64_t limit) {
  JCM_CHECK(limit > 0);
  // Values in the last, incomplete run of `limit` would make small results likelier; they are drawn again.
  const uint64_t whole_runs_end = std::numeric_limits<uint64_t>::max() / limit * limit;
  uint64_t value = U64();
  while (value >= whole_runs_end) value = U64();
  return value % limit;
}

std::string Random::Bytes(size_t size) {
  std::string bytes(size, '\0');
  Fill(reinterpret_cast<uint8_t*>(&bytes[0]), size);
  return bytes;
}

void SystemRandom::Fill(uint8_t* out, size_t size) {
  constexpr size_t kChunk = 1 << 20;
  for (size_t done = 0; done < size; done += kChunk) {
    JCM_CHECK(RAND_bytes(out + done, static_cast<int>(std::min(kChunk, size - done))) == 1);
  }
}

void SeededRandom::Fill(uint8_t* out, size_t size) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (size_t i = 0; i < size; ++i) {
    if (used_ == block_.size()) {
      BigEndianWriter input;
      input.U64(seed_).U64(counter_++);
      block_ = Sha256(input.str());
      used_ = 0;
    }
    out[i] = block_[used_++];
  }
}

}  // namespace jcm
