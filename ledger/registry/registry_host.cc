#include "ledger/registry/registry_host.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <list>
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

// An answer that comes from another replica; unknown if the node ends before.
struct LateAnswer {
  std::promise<absl::Status> promise;
  bool set = false;
  void Set(absl::Status status) {
    if (!set) promise.set_value(std::move(status));
    set = true;
  }
  ~LateAnswer() { Set(Error(Reason::APPEND_UNKNOWN, "the node is stopping")); }
};

// Calls to a log that is not as near as the store: one thread, which hands results over to the engine's.
class ThreadRunner : public LogRunner {
 public:
  explicit ThreadRunner(std::function<void(std::function<void()>)> post)
      : post_(std::move(post)), thread_([this] { Loop(); }) {}
  ~ThreadRunner() override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    bell_.notify_all();
    thread_.join();
  }

  void Run(std::function<void()> work, std::function<void()> done) override {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      JCM_CHECK(!work_);
      work_ = std::move(work);
      done_ = std::move(done);
    }
    bell_.notify_one();
  }

 private:
  void Loop() {
    while (true) {
      std::function<void()> work;
      std::function<void()> done;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        bell_.wait(lock, [this] { return stopped_ || work_; });
        if (stopped_) return;
        work = std::move(work_);
        done = std::move(done_);
        work_ = nullptr;
        done_ = nullptr;
      }
      work();
      post_(std::move(done));
    }
  }

  const std::function<void(std::function<void()>)> post_;
  std::mutex mutex_;
  std::condition_variable bell_;
  std::function<void()> work_;
  std::function<void()> done_;
  bool stopped_ = false;
  std::thread thread_;
};

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
    clock_ = dependencies.clock;
    if (dependencies.hint != nullptr) {
      // Rung from the log's own thread, and often: one call in the inbox is enough.
      auto rung = std::make_shared<std::atomic<bool>>(false);
      doorbell_ = std::make_shared<const std::function<void()>>([this, inbox, rung] {
        if (rung->exchange(true)) return;
        inbox->Post(
            [this, rung] {
              rung->store(false);
              core_->OnDoorbell();
            },
            true);
      });
      dependencies.log->AddDoorbell(doorbell_);
      dependencies.log_runner =
          std::make_shared<ThreadRunner>([inbox](std::function<void()> task) { inbox->Post(std::move(task), true); });
    }
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
                                      done] { core_->AnswerPeer(peer_registry, method, request, done); },
                                     false);
    if (!posted) done(Error(Reason::QUEUE_FULL, "engine inbox"));
  }

  void HandleSiblingCall(const std::string& sibling, PeerTransport::Method method, std::string request,
                         PeerTransport::Done done) override {
    const bool posted = inbox_->Post([this, sibling, method, request = std::move(request),
                                      done] { core_->AnswerSibling(sibling, method, request, done); },
                                     false);
    if (!posted) done(Error(Reason::QUEUE_FULL, "engine inbox"));
  }

  void WhenAt(const BookId& book, uint64_t sequence, uint64_t deadline_us,
              std::function<void(absl::Status)> done) override {
    const bool posted = inbox_->Post(
        [this, book, sequence, deadline_us, done] {
          readers_.push_back(Reader{book, sequence, deadline_us, done});
          ServeReaders();
        },
        false);
    if (!posted) done(Error(Reason::QUEUE_FULL, "engine inbox"));
  }

  absl::Status Failure() const override {
    std::lock_guard<std::mutex> lock(view_mutex_);
    return failure_;
  }

  std::string Quarantine() const override {
    std::lock_guard<std::mutex> lock(view_mutex_);
    return quarantine_;
  }

  absl::StatusOr<std::string> ImportMirrorFile(absl::string_view file) override {
    auto imported = std::make_shared<absl::StatusOr<std::string>>(Error(Reason::COSIGN_TIMEOUT));
    auto answer = std::make_shared<LateAnswer>();
    std::future<absl::Status> future = answer->promise.get_future();
    const bool posted = inbox_->Post(
        [this, bytes = std::string(file), imported, answer = std::move(answer)] {
          core_->ImportMirrorFile(bytes, [this, imported, answer](absl::StatusOr<std::string> result) {
            *imported = std::move(result);
            answers_.push_back([imported, answer] { answer->Set(imported->status()); });
          });
        },
        true);
    JCM_CHECK(posted);  // asked after the host was told to end
    JCM_RETURN_IF_ERROR(future.get());
    return *imported;
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
    auto answer = std::make_shared<LateAnswer>();
    std::future<absl::Status> future = answer->promise.get_future();
    const bool posted = inbox_->Post(
        [this, partnership, kind, statement, answer = std::move(answer)] {
          // Once readers can see it.
          core_->HandInStatement(partnership, static_cast<book::LeafKind>(kind), statement,
                                 [this, answer](absl::Status status) {
                                   answers_.push_back([answer, status = std::move(status)] { answer->Set(status); });
                                 });
        },
        true);
    JCM_CHECK(posted);  // asked after the host was told to end
    return future.get();
  }
  absl::StatusOr<std::string> AgreeGeneration(absl::string_view agreement, uint64_t generation) override {
    return Ask<absl::StatusOr<std::string>>([&] { return core_->AgreeGeneration(agreement, generation); });
  }
  absl::StatusOr<GenerationProposal> StartGeneration(const std::string& agreement,
                                                     const std::vector<std::string>& without) override {
    auto started = std::make_shared<absl::StatusOr<GenerationProposal>>(Error(Reason::APPEND_UNKNOWN));
    auto answer = std::make_shared<LateAnswer>();
    std::future<absl::Status> future = answer->promise.get_future();
    const bool posted = inbox_->Post(
        [this, agreement, without, started, answer = std::move(answer)] {
          core_->StartGeneration(agreement, without, [started, answer](absl::StatusOr<GenerationProposal> result) {
            *started = std::move(result);
            answer->Set(started->status());
          });
        },
        true);
    JCM_CHECK(posted);  // asked after the host was told to end
    const absl::Status status = future.get();
    if (!status.ok()) return status;
    return *started;
  }
  absl::Status Backup(const std::string& directory) override {
    return core_->Backup(directory);  // only the store, which is thread-safe
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
    quarantine_ = core_->quarantine();
    failure_ = core_->failure();
  }

  // Readers who wait for an entry, once they would see it.
  void ServeReaders() {
    if (readers_.empty()) return;
    const uint64_t now = clock_->MonotonicMicros();
    std::shared_ptr<const RegistryView> view = View();
    for (auto it = readers_.begin(); it != readers_.end();) {
      absl::StatusOr<BookInfo> info = view->Info(it->book);
      const bool reached = info.ok() && info->size > it->sequence;
      if (!reached && now < it->deadline_us) {
        ++it;
        continue;
      }
      auto done = std::move(it->done);
      it = readers_.erase(it);
      if (reached) {
        done(absl::OkStatus());
      } else if (!info.ok()) {
        done(info.status());
      } else {
        done(Error(Reason::SEQUENCE_NOT_REACHED, absl::StrCat(info->book.ToString(), " has ", info->size, " entries")));
      }
    }
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
        ServeReaders();
        continue;
      }
      ServeReaders();
      std::unique_lock<std::mutex> lock(inbox_->mutex);
      inbox_->bell.wait_for(lock, std::chrono::microseconds(std::min(core_->WaitMicros(), kIdleWaitMaxMicros)),
                            [this] { return !inbox_->tasks.empty() || inbox_->closed; });
    }
    core_->Close();
    Deliver();
    for (Reader& reader : readers_) reader.done(Error(Reason::SEQUENCE_NOT_REACHED, "the node is stopping"));
    readers_.clear();
    // Views hold snapshots of the store: the last one goes before the store does.
    std::lock_guard<std::mutex> lock(view_mutex_);
    view_.reset();
  }

  struct Reader {
    BookId book;
    uint64_t sequence;
    uint64_t deadline_us;
    std::function<void(absl::Status)> done;
  };

  std::string registry_;
  std::shared_ptr<Clock> clock_;
  std::list<Reader> readers_;  // of the engine thread; bounded by the calls that a node admits
  log::Doorbell doorbell_;
  std::shared_ptr<Inbox> inbox_ = std::make_shared<Inbox>();
  std::vector<std::function<void()>> answers_;  // of the engine thread
  std::unique_ptr<RegistryCore> core_;
  mutable std::mutex view_mutex_;
  std::shared_ptr<const RegistryView> view_;
  std::string quarantine_;
  absl::Status failure_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RegistryHost>> RegistryHost::Start(RegistryOptions options, Dependencies dependencies) {
  auto host = std::make_unique<RegistryHostImpl>();
  JCM_RETURN_IF_ERROR(host->Start(std::move(options), std::move(dependencies)));
  return std::unique_ptr<RegistryHost>(std::move(host));
}

}  // namespace jcm::registry
