// What is in etcd of one log: the reading half of EtcdLog, which has the contract. Every answer comes from one
// linearizable Txn, so that a trim or a new generation in between can't look like damage.
#ifndef LEDGER_LOG_ETCD_ETCD_LOG_VIEW_H_
#define LEDGER_LOG_ETCD_ETCD_LOG_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "ledger/log/batch_header.h"
#include "ledger/log/etcd/etcd_client.h"
#include "ledger/log/etcd/etcd_layout.h"

namespace jcm::log {

// Generations whose records are still there; each takes an operator's act and goes when it is trimmed.
inline constexpr size_t kGenerationsMax = 100;
// Read in one go: at most 2.5 MiB, which has the call timeout to arrive.
inline constexpr uint64_t kReadPageBatches = 8;

// A generation, and how etcd knows that its record is the same one.
struct OpenGeneration {
  Generation generation;
  int64_t create_revision = 0;
};

// The last batch, and the key that proves that it is there: its slot, or its generation's record if that has no batch
// yet. No key: the log is empty. The create revision tells this key from one that was put into an emptied etcd; it is
// compared for equality only.
struct LastBatch {
  LogPosition position;
  std::string key;
  int64_t create_revision = 0;
  bool is_slot = false;
};

struct LogState {
  std::vector<OpenGeneration> generations;  // ascending
  LastBatch last;
  uint64_t newest() const { return generations.empty() ? 0 : generations.back().generation.number; }
};

// Thread-safe.
class EtcdLogView {
 public:
  EtcdLogView(std::shared_ptr<EtcdClient> client, EtcdKeys keys) : client_(std::move(client)), keys_(std::move(keys)) {}

  // LOG_UNAVAILABLE, STORE_CORRUPT: at every member that answered. A linearizable read is answered from the disk of the
  // member that was asked, and that disk alone may have rotted: so the others are asked before it is called damage.
  absl::StatusOr<LogState> Look();
  // What the last Look or Learn saw; no I/O.
  LogState Remembered() const;
  // `state` was seen or made. Forget: something in it turned out to be otherwise.
  void Learn(const LogState& state);
  void Forget();

  absl::StatusOr<uint64_t> First();
  absl::StatusOr<std::vector<Batch>> Read(uint64_t from, uint64_t to, size_t max_bytes);

  // Which member gave a damaged record that another one has, the last time; empty: none did.
  std::string Damage() const;

  // The smallest index in [from, to) of a generation; nullopt if there is none. LOG_UNAVAILABLE.
  absl::StatusOr<absl::optional<uint64_t>> FirstSlotOf(uint64_t generation, uint64_t from, uint64_t to);

  // The generation from which on the log is read: the last one that begins it.
  static size_t BeginOf(const std::vector<OpenGeneration>& generations);

  // The slots [from, to) of a generation; kToTail: all that follow.
  etcdserverpb::RangeRequest SlotsOf(uint64_t generation, uint64_t from, uint64_t to) const;

 private:
  struct Page;

  template <typename T, typename Looking>
  absl::StatusOr<T> FromASoundMember(const Looking& look);
  absl::StatusOr<LogState> LookOnce();
  absl::StatusOr<std::vector<Batch>> ReadOnce(uint64_t from, uint64_t to, size_t max_bytes);
  absl::StatusOr<etcdserverpb::TxnResponse> Ask(const std::vector<etcdserverpb::RangeRequest>& ranges,
                                                std::vector<OpenGeneration>* generations);
  absl::StatusOr<std::vector<OpenGeneration>> Generations();
  absl::StatusOr<bool> FetchLast(uint64_t generation, uint64_t index, LogState* state);
  absl::Status FetchPage(uint64_t from, uint64_t to, uint64_t limit, Page* page);
  absl::Status Explain(uint64_t from, Page* page);
  void AddLowest(const std::vector<OpenGeneration>& generations, std::vector<etcdserverpb::RangeRequest>* ranges) const;

  const std::shared_ptr<EtcdClient> client_;
  const EtcdKeys keys_;
  mutable std::mutex mutex_;  // guards what follows; never held during I/O
  LogState remembered_;
  std::string damage_;
};

}  // namespace jcm::log

#endif  // LEDGER_LOG_ETCD_ETCD_LOG_VIEW_H_
