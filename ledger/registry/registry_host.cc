#include "ledger/registry/registry_host.h"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/registry/registry_core.h"
#include "ledger/rules/engine.h"

namespace jcm::registry {
namespace {

// Tasks that other threads have for the engine. Beyond it callers are told that the queue is full.
constexpr size_t kInboxTasksMax = 16'384;
constexpr uint64_t kIdleWaitMaxMicros = 100'000;

// Hands answers of the real transport over to the engine thread.
class PostingTransport : public PeerTransport {
 public:
  PostingTransport(std::shared_ptr<PeerTransport> real, std::function<void(std::function<void()>)> post)
      : real_(std::move(real)), post_(std::move(post)) {}

  void Call(const std::string& peer_registry, Method method, std::string request, Done done) override {
    auto post = post_;
    real_->Call(peer_registry, method, std::move(request), [post, done](absl::StatusOr<std::string> response) {
      post([done, response = std::move(response)]() mutable { done(std::move(response)); });
    });
  }

 private:
  std::shared_ptr<PeerTransport> real_;
  std::function<void(std::function<void()>)> post_;
};

class RegistryHostImpl : public RegistryHost {
 public:
  ~RegistryHostImpl() override {
    {
      std::lock_guard<std::mutex> lock(inbox_->mutex);
      inbox_->closed = true;
    }
    inbox_->bell.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Start(RegistryOptions options, Dependencies dependencies) {
    std::shared_ptr<Inbox> inbox = inbox_;
    dependencies.transport = std::make_shared<PostingTransport>(
        std::move(dependencies.transport), [inbox](std::function<void()> task) { inbox->Post(std::move(task), true); });
    registry_ = options.registry;
    JCM_ASSIGN_OR_RETURN(core_, RegistryCore::Open(std::move(options), std::move(dependencies)));
    Publish();
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  void Submit(std::string signed_bundle, SubmitOptions options,
              std::function<void(absl::StatusOr<SubmitOutcome>)> done) override {
    // Shape is checked on the caller's thread: garbage never reaches the engine.
    absl::Status shape = rules::CheckBundleShape(signed_bundle, registry_);
    if (!shape.ok()) return done(shape);
    auto bundle = std::make_shared<std::string>(std::move(signed_bundle));
    // Whoever was told that an act is recorded sees it: answers go out after the view that shows what they say.
    auto answer = [this, done](absl::StatusOr<SubmitOutcome> outcome) {
      answers_.push_back([done, outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
    };
    const bool posted =
        inbox_->Post([this, bundle, options, answer] { core_->Submit(std::move(*bundle), options, answer); }, false);
    if (!posted) done(Error(Reason::QUEUE_FULL, "engine inbox"));
  }

  absl::StatusOr<SubmitOutcome> Validate(absl::string_view signed_bundle) override {
    JCM_RETURN_IF_ERROR(rules::CheckBundleShape(signed_bundle, registry_));
    return Ask<absl::StatusOr<SubmitOutcome>>([&] { return core_->Validate(signed_bundle); });
  }

  std::shared_ptr<const RegistryView> View() const override {
    std::lock_guard<std::mutex> lock(view_mutex_);
    return view_;
  }

  void HandlePeerCall(const std::string& peer_registry, PeerTransport::Method method, std::string request,
                      PeerTransport::Done done) override {
    const bool posted = inbox_->Post([this, peer_registry, method, request = std::move(request),
                                      done] { done(core_->HandlePeerCall(peer_registry, method, request)); },
                                     false);
    if (!posted) done(Error(Reason::QUEUE_FULL, "engine inbox"));
  }

  absl::StatusOr<std::string> ImportMirrorFile(absl::string_view file) override {
    return Ask<absl::StatusOr<std::string>>([&] { return ThenPublish(core_->ImportMirrorFile(file)); });
  }
  absl::StatusOr<std::string> ExportMirrorFile(const BookId& book, uint64_t from) override {
    return Ask<absl::StatusOr<std::string>>([&] { return core_->ExportMirrorFile(book, from); });
  }
  absl::Status TakeCosignature(const std::string& peer_registry, absl::string_view file) override {
    return Ask<absl::Status>([&] {
      return ThenPublish(
          core_->HandlePeerCall(peer_registry, PeerTransport::Method::kAddCosignature, std::string(file)).status());
    });
  }
  absl::StatusOr<std::string> OpenAttachment(absl::string_view digest) override {
    return Ask<absl::StatusOr<std::string>>([&] { return core_->OpenAttachment(digest); });
  }
  absl::Status SubmitStatement(const std::string& partnership, uint32_t kind, std::string statement) override {
    return Ask<absl::Status>(
        [&] { return core_->SubmitStatement(partnership, static_cast<book::LeafKind>(kind), statement); });
  }
  absl::Status Backup(const std::string& directory) override {
    return Ask<absl::Status>([&] { return core_->Backup(directory); });
  }
  RegistryStatus Status() override {
    return Ask<RegistryStatus>([&] { return core_->Status(); });
  }

 private:
  struct Inbox {
    std::mutex mutex;
    std::condition_variable bell;
    std::deque<std::function<void()>> tasks;
    bool closed = false;

    // False if it is closed, or full and the task may be turned away.
    bool Post(std::function<void()> task, bool must) {
      {
        std::lock_guard<std::mutex> lock(mutex);
        if (closed || (!must && tasks.size() >= kInboxTasksMax)) return false;
        tasks.push_back(std::move(task));
      }
      bell.notify_one();
      return true;
    }
  };

  // Runs `question` on the engine thread and waits for its answer.
  template <typename Answer, typename Question>
  Answer Ask(Question question) {
    std::promise<Answer> promise;
    std::future<Answer> answer = promise.get_future();
    const bool posted = inbox_->Post([&] { promise.set_value(question()); }, true);
    JCM_CHECK(posted);  // asked after the host was told to end
    return answer.get();
  }

  // What a change answered, once readers can see the change.
  template <typename Answer>
  Answer ThenPublish(Answer answer) {
    Publish();
    return answer;
  }

  void Deliver() {
    std::vector<std::function<void()>> answers;
    answers.swap(answers_);
    for (const std::function<void()>& answer : answers) answer();
  }

  void Publish() {
    std::shared_ptr<const RegistryView> view = core_->View();
    std::lock_guard<std::mutex> lock(view_mutex_);
    view_ = std::move(view);
  }

  void Run() {
    while (true) {
      std::deque<std::function<void()>> tasks;
      {
        std::lock_guard<std::mutex> lock(inbox_->mutex);
        tasks.swap(inbox_->tasks);
        if (tasks.empty() && inbox_->closed) break;
      }
      for (std::function<void()>& task : tasks) task();
      const bool worked = core_->Step();
      if (worked || !tasks.empty() || !answers_.empty()) {
        Publish();
        Deliver();
        continue;
      }
      std::unique_lock<std::mutex> lock(inbox_->mutex);
      inbox_->bell.wait_for(lock, std::chrono::microseconds(std::min(core_->WaitMicros(), kIdleWaitMaxMicros)),
                            [this] { return !inbox_->tasks.empty() || inbox_->closed; });
    }
    core_->Close();
    Deliver();
    // Views hold snapshots of the store: the last one goes before the store does.
    std::lock_guard<std::mutex> lock(view_mutex_);
    view_.reset();
  }

  std::string registry_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::vector<std::function<void()>> answers_;  // of the engine thread
  std::unique_ptr<RegistryCore> core_;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const RegistryView> view_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RegistryHost>> RegistryHost::Start(RegistryOptions options, Dependencies dependencies) {
  auto host = std::make_unique<RegistryHostImpl>();
  JCM_RETURN_IF_ERROR(host->Start(std::move(options), std::move(dependencies)));
  return std::unique_ptr<RegistryHost>(std::move(host));
}

}  // namespace jcm::registry
