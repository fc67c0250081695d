#include "tests/simulation/shared_log.h"

#include <utility>

#include "ledger/base/status.h"

namespace jcm::simulation {

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
      const bool in = shared_.random_.Below(2) == 0;
      if (in) static_cast<void>(shared_.memory().Append(index, record));
      return Error(Reason::APPEND_UNKNOWN, "no answer");
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
    if (shared_.Reaches(replica_) && shared_.holder_.empty()) shared_.holder_ = name_;
  }
  void TakeOver(const std::string& holder) override {
    if (shared_.Reaches(replica_) && shared_.holder_ == holder) shared_.holder_ = name_;
  }
  void Resign() override {
    if (shared_.holder_ == name_) shared_.holder_.clear();
  }

 private:
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
