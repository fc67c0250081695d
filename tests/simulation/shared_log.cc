#include "tests/simulation/shared_log.h"

#include <utility>

#include "ledger/base/status.h"

namespace jcm::simulation {
namespace {

constexpr uint64_t kLateMaxMicros = 400'000;
constexpr uint64_t kLeaseMicros = 2'000'000;

}  // namespace

void SharedLog::Reach(const std::string& replica, bool reachable) { unreachable_[replica] = !reachable; }

void SharedLog::Tick(uint64_t now_us) {
  now_us_ = now_us;
  if (holder_.empty() || Reaches(holder_address_)) {
    cut_since_us_ = 0;
  } else if (cut_since_us_ == 0) {
    cut_since_us_ = now_us;
  } else if (now_us >= cut_since_us_ + kLeaseMicros) {
    holder_.clear();
    cut_since_us_ = 0;
  }
  if (now_us < arrival_us_) return;
  arrival_us_ = UINT64_MAX;
  memory_->SettleLate(true);
}

std::unique_ptr<SharedLog> SharedLog::Copy(Random& random) const {
  auto copy = std::make_unique<SharedLog>(random);
  copy->memory_ = memory_->Copy();
  return copy;
}

class SharedLog::Handle : public log::Log {
 public:
  Handle(SharedLog& shared, std::string replica) : shared_(shared), replica_(std::move(replica)) {}

  absl::StatusOr<log::LogPosition> Tail() override {
    if (!Reaches()) return Unreachable();
    return shared_.memory().Tail();
  }
  absl::StatusOr<uint64_t> First() override {
    if (!Reaches()) return Unreachable();
    return shared_.memory().First();
  }
  absl::Status Append(uint64_t index, absl::string_view record) override {
    if (!Reaches()) return Error(Reason::APPEND_UNKNOWN, "the log can't be reached");
    if (shared_.random_.Below(1000) < shared_.lost_answers_permille_) {
      const uint64_t fate = shared_.random_.Below(3);
      if (fate == 2 && shared_.arrival_us_ == UINT64_MAX) {
        shared_.arrival_us_ = shared_.now_us_ + shared_.random_.Below(kLateMaxMicros);
      }
      shared_.memory().NextAppend(fate == 0   ? log::AppendFate::kUnknownIn
                                  : fate == 1 ? log::AppendFate::kUnknownOut
                                              : log::AppendFate::kUnknownLater);
      const absl::Status status = shared_.memory().Append(index, record);
      // Whatever it was, the answer does not arrive.
      shared_.memory().ForgetFates();
      return HasReason(status, Reason::APPEND_UNKNOWN) ? status : Error(Reason::APPEND_UNKNOWN, "no answer");
    }
    return shared_.memory().Append(index, record);
  }
  absl::StatusOr<std::vector<log::Batch>> Read(uint64_t from, uint64_t to, size_t max_bytes) override {
    if (!Reaches()) return Unreachable();
    return shared_.memory().Read(from, to, max_bytes);
  }
  absl::Status Trim(uint64_t below) override {
    if (!Reaches()) return Unreachable();
    return shared_.memory().Trim(below);
  }
  absl::Status StartGeneration(const log::LogPosition& after, uint64_t generation) override {
    if (!Reaches()) return Unreachable();
    return shared_.memory().StartGeneration(after, generation);
  }
  absl::StatusOr<uint64_t> Generation() override {
    if (!Reaches()) return Unreachable();
    return shared_.memory().Generation();
  }
  void AddDoorbell(const log::Doorbell& doorbell) override { shared_.memory().AddDoorbell(doorbell); }

 private:
  bool Reaches() { return shared_.Reaches(replica_); }
  absl::Status Unreachable() const { return absl::UnavailableError("the log can't be reached"); }

  SharedLog& shared_;
  const std::string replica_;
};

class SharedLog::SharedHint : public registry::SequencerHint {
 public:
  SharedHint(SharedLog& shared, std::string registry, std::string name)
      : shared_(shared), replica_(registry + "/" + name), name_(std::move(name)) {}

  std::string Holder() override {
    const std::string& told = shared_.deceived_[replica_];
    if (!told.empty()) return told;
    // Without the cluster nobody knows who orders.
    return shared_.Reaches(replica_) ? shared_.holder_ : std::string();
  }
  void Campaign() override {
    if (shared_.Reaches(replica_) && shared_.holder_.empty()) Take();
  }
  void TakeOver(const std::string& holder) override {
    if (shared_.Reaches(replica_) && shared_.holder_ == holder) Take();
  }
  void Resign() override {
    if (shared_.holder_ == name_) shared_.holder_.clear();
  }

 private:
  void Take() {
    shared_.holder_ = name_;
    shared_.holder_address_ = replica_;
    shared_.cut_since_us_ = 0;
  }

  SharedLog& shared_;
  const std::string replica_;
  const std::string name_;
};

std::unique_ptr<log::Log> SharedLog::Open(const std::string& replica) {
  return std::make_unique<Handle>(*this, replica);
}

std::shared_ptr<registry::SequencerHint> SharedLog::Hint(const std::string& registry, const std::string& replica) {
  return std::make_shared<SharedHint>(*this, registry, replica);
}

}  // namespace jcm::simulation
