// Which replica should sequence now: only a hint, so that replicas don't fight over slots.
//
//   SequencerHint hint(client, "jcm/JPN", "node-2");
//   if (hint.Holder() == "" || ...the holder's node does not answer...) hint.Campaign();
//   if (hint.Holder() == "node-2") ... batch and append ... else ... send clients' commands to the holder ...
//
// Two replicas may both believe that they hold it: one that was paused, or is cut off from etcd, still does for a
// moment. That costs lost slots, never the log: safety comes from the compare of the slot in Append alone. Never skip a
// check because of this class.
#ifndef LEDGER_LOG_ETCD_SEQUENCER_HINT_H_
#define LEDGER_LOG_ETCD_SEQUENCER_HINT_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "ledger/log/etcd/etcd_client.h"
#include "ledger/log/etcd/etcd_layout.h"

namespace jcm::log {

// The smallest that etcd grants at its default election timeout. A holder that dies is gone after about this.
inline constexpr int64_t kSequencerLeaseSeconds = 2;
// How often the holder is asked for and the lease kept alive.
inline constexpr std::chrono::milliseconds kSequencerPollEvery{500};

// Thread-safe. Nothing here waits for etcd but the destructor; a thread asks, and what was asked for happens soon, or
// not. Look at Holder().
class SequencerHint {
 public:
  // `replica` is the name that others see, not empty. Begins by watching only.
  SequencerHint(std::shared_ptr<EtcdClient> client, absl::string_view prefix, absl::string_view replica);
  // Gives the place up if it is held; waits for that for at most the client's call timeout per endpoint.
  ~SequencerHint();

  // As etcd said last; empty if nobody holds it, or if etcd has not answered for as long as the lease runs: then nobody
  // knows, and nobody can append from here.
  std::string Holder() const;
  bool IsHolder() const { return Holder() == replica_; }

  // From now on takes the place whenever it is free, and keeps it.
  void Campaign();
  // Gives it up and wants it no more.
  void Resign();
  // Campaigns, and takes the place from `expected_holder` if that one has it still: for a holder that keeps its lease
  // alive but is known to be of no use. Tried once, when etcd answers next.
  void TakeOver(absl::string_view expected_holder);

 private:
  // What the callers want, for the thread.
  struct Wanted {
    bool campaigning = false;
    absl::optional<std::string> take_over_from;
  };
  // The key as it was read.
  struct Seen {
    std::string holder;
    int64_t lease = 0;
  };

  void Run();
  bool WaitForNextRound();
  Wanted TakeWanted();
  void Round(const Wanted& wanted);
  absl::StatusOr<Seen> Ask();
  void GiveUp(const Seen& seen);
  // Keeps lease_ alive, or gets another one. False if there is none.
  bool HaveLease();
  // Puts our name if the key is as `seen`.
  void Claim(const Seen& seen);
  void Publish(const std::string& holder);

  const std::shared_ptr<EtcdClient> client_;
  const std::string key_;
  const std::string replica_;

  mutable std::mutex mutex_;  // guards what follows; never held during I/O
  std::condition_variable changed_;
  bool stopping_ = false;
  bool hurry_ = false;
  Wanted wanted_;
  std::string holder_;
  std::chrono::steady_clock::time_point answered_at_;

  int64_t lease_ = 0;  // of the thread alone; 0: none
  std::thread thread_;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_ETCD_SEQUENCER_HINT_H_
