// What a benchmark's registry does: lots are decided and issued, cut into blocks of units spread over a thousand
// accounts, and then traded: each transfer takes the oldest few tonnes of some block to another account. Everything
// goes through signed commands and the real rules.
//
//   Workload workload(people, blocks, seed);
//   JCM_RETURN_IF_ERROR(workload.SetUp(submit));             // on an empty registry
//   std::string bundle = workload.NextBundle(1'000);         // signed transfers, by one broker
//
// Where which block lies follows from its number, so that ten million of them need no memory here.
#ifndef TOOLS_JCM_BENCH_WORKLOAD_H_
#define TOOLS_JCM_BENCH_WORKLOAD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "ledger/base/random.h"
#include "ledger/base/types.h"
#include "ledger/registry/registry_host.h"
#include "ledger/state/state.h"
#include "tools/jcm-bench/people.h"

namespace jcm::bench {

inline constexpr uint64_t kLots = 10;
inline constexpr uint64_t kBlockTonnes = 1'000;
inline constexpr uint64_t kTransferTonnesMax = 10;
inline constexpr uint64_t kBlocksPerCommand = 100;

// Hands a bundle in and waits for its outcome.
using Submit = std::function<absl::StatusOr<registry::SubmitOutcome>(std::string bundle)>;
// Told about each step of a long preparation.
using Progress = std::function<void(uint64_t done, uint64_t of)>;
// On one line of the error stream.
void ShowProgress(uint64_t done, uint64_t of);

// OK if the bundle was answered and each part accepted; else the first refusal.
absl::Status MustAccept(const absl::StatusOr<registry::SubmitOutcome>& outcome);

class Workload {
 public:
  // `blocks` is rounded up to a multiple of 2 * kBlocksPerCommand * kLots; `seed` decides the trades. `people` must
  // outlive this.
  Workload(const People& people, uint64_t blocks, uint64_t seed);

  // Partnership, rulebook, projects, accounts, decisions, issuance, blocks.
  absl::Status SetUp(const Submit& submit, const Progress& progress);

  // `count` transfers in one atomic bundle, signed by one broker for accounts that they represent.
  std::string NextBundle(size_t count);
  // One retirement is refused or accepted like any act: a small range of a block of this broker.
  std::string NextRetirement(std::string* retirement_id);

  // Where trades have happened before in this registry, what is left of a block is looked up there.
  void GoOnFrom(const state::StateReader* state) { state_ = state; }

  uint64_t blocks() const { return blocks_; }

 private:
  struct Block {
    std::string lot_id;
    Serial first;
    Serial last;
    int account;
  };
  Block BlockOf(uint64_t number) const;
  // The oldest tonnes of some block that the broker may sell.
  Block Take(int broker);
  absl::Status SetUpHome(const Submit& submit) const;
  absl::Status SetUpLot(uint64_t lot, const Submit& submit) const;
  absl::Status Spread(const Submit& submit, const Progress& progress) const;
  std::string Bundle(const std::string& partnership, const std::vector<v1::Command>& commands,
                     const std::vector<std::string>& signers) const;

  const People& people_;
  const uint64_t blocks_;
  mutable SeededRandom random_;
  const state::StateReader* state_ = nullptr;
  std::unordered_map<uint64_t, Serial> next_;  // first serial not yet sold, of blocks that were traded
  int broker_ = 0;
};

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_WORKLOAD_H_
