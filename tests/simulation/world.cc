#include "tests/simulation/world.h"

#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/book/genesis.h"
#include "ledger/log/embedded_log.h"
#include "tools/client/bundle_builder.h"

namespace jcm::simulation {
namespace {

constexpr char kDomain[] = "demo.invalid";
constexpr char kSignerDirectory[] = "/signer";
constexpr char kVaultDirectory[] = "/vault";
constexpr uint64_t kStartMicros = 1'761'700'000'000'000;  // 2025-10-29
// Time passes in steps of so much at most, if no message is due before.
constexpr uint64_t kStepMaxMicros = 50'000;
constexpr uint64_t kCallTimeoutMicros = 3'000'000;

}  // namespace

BookTime NodeClock::Now() {
  BookTime now = world_->Now();
  now.micros = static_cast<uint64_t>(static_cast<int64_t>(now.micros) + offset_us_);
  return now;
}

// One node's calls: the request and the answer each travel, may be lost, and may find nobody.
class World::Transport : public registry::PeerTransport {
 public:
  Transport(World& world, std::string from) : world_(world), from_(std::move(from)) {}

  void Call(const std::string& to, Method method, std::string request, Done done) override {
    World& world = world_;
    const std::string from = from_;
    const uint64_t incarnation = world.nodes_.at(from)->incarnation_;
    if (world.watch_ && world.nodes_.at(from)->registry() != to.substr(0, to.find('/'))) {
      world.watch_(*world.nodes_.at(from), method, false, request);
    }
    auto answer = [&world, from, incarnation, done](absl::StatusOr<std::string> response) {
      Node& node = *world.nodes_.at(from);
      if (node.running() && node.incarnation_ == incarnation) done(std::move(response));
    };
    auto lost = [&world, answer] {
      world.messages_.emplace(world.clock_->MonotonicMicros() + 50'000,
                              [answer] { answer(absl::UnavailableError("no answer")); });
    };
    world.Send(
        from, to,
        [&world, from, to, method, request, answer, lost] {
          Node* callee = world.FindCallee(to);
          if (callee == nullptr || !callee->running()) return lost();
          auto responded = std::make_shared<bool>(false);
          auto respond = [&world, from, to, method, answer, lost, callee,
                          responded](absl::StatusOr<std::string> response) {
            if (*responded) return;
            *responded = true;
            auto tamper = world.tamper_.find(to);
            if (response.ok() && tamper != world.tamper_.end() && tamper->second) tamper->second(method, &*response);
            if (world.watch_ && response.ok() && callee->registry() != from.substr(0, from.find('/'))) {
              world.watch_(*callee, method, true, *response);
            }
            world.Send(
                to, from, [answer, response] { answer(response); }, lost);
          };
          const Node& caller = *world.nodes_.at(from);
          if (caller.registry() == callee->registry()) {
            callee->core().AnswerSibling(caller.options_.replica_name, method, request, respond);
          } else {
            callee->core().AnswerPeer(caller.registry(), method, request, respond);
          }
          if (*responded) return;
          // It thinks about it, and may die over it.
          world.messages_.emplace(world.clock_->MonotonicMicros() + kCallTimeoutMicros, [responded, answer] {
            if (!*responded) answer(absl::DeadlineExceededError("no answer in time"));
            *responded = true;
          });
        },
        lost);
  }

 private:
  World& world_;
  const std::string from_;
};

// A replica's calls to a log that is not its own: they travel, and are lost or arrive when it dies meanwhile.
class World::LogLink : public registry::LogRunner {
 public:
  explicit LogLink(Node& node) : node_(node) {}

  void Run(std::function<void()> work, std::function<void()> done) override {
    World& world = node_.world_;
    Node* node = &node_;
    const uint64_t incarnation = node_.incarnation_;
    node_.log_calls_.emplace(world.LogDelay(), [&world, node, incarnation, work, done] {
      work();
      world.messages_.emplace(world.LogDelay(), [node, incarnation, done] {
        if (node->running() && node->incarnation_ == incarnation) done();
      });
    });
  }

 private:
  Node& node_;
};

Node::Node(World& world, std::string registry, std::vector<Link> links)
    : world_(world),
      registry_(std::move(registry)),
      address_(registry_),
      links_(std::move(links)),
      replica_key_(PrivateKey::Generate(world.random())),
      recovery_key_(PrivateKey::Generate(world.random())),
      offsite_key_(world.random().Bytes(32)),
      disk_(std::make_shared<store::MemoryDisk>()),
      files_(std::make_shared<MemoryFileSystem>()),
      clock_(std::make_shared<NodeClock>(world.clock_)) {
  const std::vector<std::pair<std::string, v1::Role>> people = {
      {"operator", v1::ROLE_SYSTEM_OPERATOR},
      {"operator2", v1::ROLE_SYSTEM_OPERATOR},
      {"secretary", v1::ROLE_SECRETARIAT},
      {"secretary2", v1::ROLE_SECRETARIAT},
      {"designated", v1::ROLE_DESIGNATED_ORGANIZATION},
      {"chair", v1::ROLE_JC_MEMBER},
      {"member", v1::ROLE_JC_MEMBER},
      {"ministry", v1::ROLE_AUTHORIZING_MINISTRY},
      {"company", v1::ROLE_ACCOUNT_REPRESENTATIVE},
      {"rival", v1::ROLE_ACCOUNT_REPRESENTATIVE},
  };
  for (const auto& entry : people) {
    Person person{registry_ + "-" + entry.first, {entry.second}, PrivateKey::Generate(world.random()), {}};
    for (const Link& link : links_) person.pseudonyms[link.partnership] = HexEncode(world.random().Bytes(16));
    persons_.emplace(entry.first, std::move(person));
  }
  options_.registry = registry_;
  options_.domain = kDomain;
  options_.replica_name = "1";
  options_.demonstration = true;
  for (const Link& link : links_) options_.partnerships.push_back({link.partnership, link.peer});
  *options_.genesis.mutable_keys() = keys();
  *options_.genesis.mutable_recovery_key() = recovery_public_key();
  for (const auto& entry : persons_) {
    v1::EnrolPerson* person = options_.genesis.add_persons();
    person->set_person_id(entry.second.id);
    for (v1::Role role : entry.second.roles) person->add_roles(role);
    v1::PublicKeyData* key = person->add_keys()->mutable_key();
    key->set_type(static_cast<uint32_t>(entry.second.key.public_key().type()));
    key->set_key(entry.second.key.public_key().bytes());
    for (const auto& pseudonym : entry.second.pseudonyms) {
      v1::Handle* handle = person->add_pseudonyms();
      handle->set_partnership(pseudonym.first);
      handle->set_handle(pseudonym.second);
    }
  }
  JCM_CHECK(files_->MakeDirs(kSignerDirectory).ok() && files_->MakeDirs(kVaultDirectory).ok());
}

std::string Node::pseudonym(const std::string& id, const std::string& partnership) const {
  return persons_.at(id).pseudonyms.at(partnership);
}

Node::Node(World& world, const Node& other)
    : world_(world),
      registry_(other.registry_),
      address_(other.address_),
      links_(other.links_),
      persons_(other.persons_),
      replica_key_(other.replica_key_),
      key_set_(other.key_set_),
      new_key_(other.new_key_),
      recovery_key_(other.recovery_key_),
      offsite_key_(other.offsite_key_),
      disk_(other.disk_->Copy()),
      files_(other.files_->Copy()),
      clock_(std::make_shared<NodeClock>(world.clock_)),
      options_(other.options_) {
  JCM_CHECK(!other.running());
  if (other.shared_log_ != nullptr) shared_log_ = world.shared_logs_.at(registry_).get();
}

v1::KeySetData Node::keys() const {
  if (key_set_.k() > 0) return key_set_;
  v1::KeySetData keys;
  keys.set_k(1);
  v1::ReplicaKey* replica = keys.add_keys();
  replica->set_name(book::KeyNameOf(kDomain, registry_, "1"));
  replica->mutable_key()->set_type(static_cast<uint32_t>(replica_key_.public_key().type()));
  replica->mutable_key()->set_key(replica_key_.public_key().bytes());
  return keys;
}

v1::PublicKeyData Node::recovery_public_key() const {
  v1::PublicKeyData key;
  key.set_type(static_cast<uint32_t>(recovery_key_.public_key().type()));
  key.set_key(recovery_key_.public_key().bytes());
  return key;
}

absl::Status Node::Restart() {
  JCM_CHECK(!running());
  ++incarnation_;
  JCM_ASSIGN_OR_RETURN(std::unique_ptr<store::MemoryStore> store,
                       store::MemoryStore::Open(disk_, {registry_, kDomain}));
  JCM_ASSIGN_OR_RETURN(absl::optional<std::string> applied, store->Get(store::Family::kMeta, "applied"));
  v1::AppliedPosition position;
  if (applied.has_value()) JCM_CHECK(position.ParseFromString(*applied));
  std::unique_ptr<log::Log> log;
  if (shared_log_ != nullptr) {
    log = shared_log_->Open(address_);
  } else {
    JCM_ASSIGN_OR_RETURN(log, log::EmbeddedLog::Open(store.get(), position.index()));
  }
  registry::Dependencies dependencies{std::move(store),
                                      std::move(log),
                                      std::make_unique<store::SignerRecord>(files_, kSignerDirectory),
                                      std::make_unique<store::Vault>(files_, kVaultDirectory),
                                      clock_,
                                      std::shared_ptr<Random>(std::shared_ptr<Random>(), &world_.random_),
                                      std::make_shared<World::Transport>(world_, address_),
                                      replica_key_,
                                      offsite_key_};
  if (shared_log_ != nullptr) {
    dependencies.hint = shared_log_->Hint(registry_, options_.replica_name);
    dependencies.log_runner = std::make_shared<World::LogLink>(*this);
  }
  absl::StatusOr<std::unique_ptr<registry::RegistryCore>> core =
      registry::RegistryCore::Open(options_, std::move(dependencies));
  JCM_RETURN_IF_ERROR(core.status());
  core_ = *std::move(core);
  if (shared_log_ == nullptr) return absl::OkStatus();
  // The bell travels too, and finds nobody if the replica has died.
  World* world = &world_;
  doorbell_ = std::make_shared<const std::function<void()>>([this, world, incarnation = incarnation_] {
    world->messages_.emplace(world->LogDelay(), [this, incarnation] {
      if (running() && incarnation_ == incarnation) core_->OnDoorbell();
    });
  });
  shared_log_->memory().AddDoorbell(doorbell_);
  return absl::OkStatus();
}

void Node::Kill(uint64_t unsynced_kept) {
  // What it had sent may still arrive at the log.
  auto calls = std::move(log_calls_);
  log_calls_.clear();
  for (auto& call : calls) {
    if (running() && world_.random_.Below(2) == 0) call.second();
  }
  core_.reset();
  disk_->Crash(unsynced_kept);
}

void Node::LoseSite() {
  log_calls_.clear();
  core_.reset();
  disk_ = std::make_shared<store::MemoryDisk>();
  files_ = std::make_shared<MemoryFileSystem>();
  JCM_CHECK(files_->MakeDirs(kSignerDirectory).ok() && files_->MakeDirs(kVaultDirectory).ok());
  options_.create_books = false;
}

void Node::Backup(const std::string& name) { JCM_CHECK(core_->Backup(name).ok()); }

void Node::Restore(const std::string& name) {
  log_calls_.clear();
  core_.reset();
  disk_ = disk_->RestoreBackup(name);
  JCM_CHECK(disk_ != nullptr);
}

World::World(uint64_t seed)
    : random_(seed), clock_(std::make_shared<ManualClock>(BookTime::FromMicros(kStartMicros))) {}

World::World(uint64_t seed, const World& prepared)
    : random_(seed), clock_(std::make_shared<ManualClock>(prepared.clock_->Now())) {
  for (const auto& log : prepared.shared_logs_) shared_logs_[log.first] = log.second->Copy(random_);
  for (const auto& node : prepared.nodes_) nodes_[node.first] = std::make_unique<Node>(*this, *node.second);
  answer_timeout_us_ = prepared.answer_timeout_us_;
}

World::~World() {
  messages_.clear();
  for (auto& node : nodes_) node.second->core_.reset();
}

Node& World::Add(const std::string& registry, std::vector<Link> links) {
  nodes_[registry] = std::make_unique<Node>(*this, registry, std::move(links));
  return *nodes_[registry];
}

std::vector<Node*> World::AddReplicas(const std::string& registry, std::vector<Link> links, int count) {
  shared_logs_[registry] = std::make_unique<SharedLog>(random_);
  std::vector<Node*> replicas;
  for (int i = 1; i <= count; ++i) {
    auto node = std::make_unique<Node>(*this, registry, links);
    node->address_ = registry + "/" + std::to_string(i);
    node->options_.replica_name = std::to_string(i);
    node->shared_log_ = shared_logs_[registry].get();
    if (!replicas.empty()) {
      // The same government: one set of persons, one recovery key, one key for what goes abroad.
      node->persons_ = replicas[0]->persons_;
      node->recovery_key_ = replicas[0]->recovery_key_;
      node->offsite_key_ = replicas[0]->offsite_key_;
      *node->options_.genesis.mutable_persons() = replicas[0]->options_.genesis.persons();
      *node->options_.genesis.mutable_recovery_key() = node->recovery_public_key();
    }
    replicas.push_back(node.get());
    nodes_[node->address_] = std::move(node);
  }
  v1::KeySetData keys;
  keys.set_k(static_cast<uint32_t>(count / 2 + 1));
  for (Node* node : replicas) {
    v1::ReplicaKey* replica = keys.add_keys();
    replica->set_name(book::KeyNameOf(kDomain, registry, node->options_.replica_name));
    *replica->mutable_key() = book::PublicKeyToProto(node->replica_key_.public_key());
  }
  for (Node* node : replicas) {
    node->key_set_ = keys;
    *node->options_.genesis.mutable_keys() = keys;
    for (Node* other : replicas) {
      if (other != node) node->options_.siblings.push_back(other->options_.replica_name);
    }
  }
  return replicas;
}

void World::Replace(Node& replica, Node& sibling) {
  replica.LoseSite();
  const std::string name = "join " + std::to_string(sibling.copies_++);
  JCM_CHECK(sibling.core().Backup(name).ok());
  replica.disk_ = sibling.disk_->RestoreBackup(name);
  JCM_CHECK(replica.disk_ != nullptr);
}

std::vector<Node*> World::Replicas(const std::string& registry) {
  std::vector<Node*> replicas;
  for (auto& node : nodes_) {
    if (node.second->registry() == registry) replicas.push_back(node.second.get());
  }
  return replicas;
}

Node& World::node(const std::string& name) {
  Node* found = FindCallee(name);
  JCM_CHECK(found != nullptr);
  return *found;
}

Node* World::FindCallee(const std::string& name) {
  auto exact = nodes_.find(name);
  if (exact != nodes_.end()) return exact->second.get();
  std::vector<Node*> all;
  std::vector<Node*> running;
  for (auto& entry : nodes_) {
    if (entry.second->registry() != name) continue;
    all.push_back(entry.second.get());
    if (entry.second->running()) running.push_back(entry.second.get());
  }
  if (!running.empty()) return running[random_.Below(running.size())];
  return all.empty() ? nullptr : all[0];
}

uint64_t World::LogDelay() { return clock_->MonotonicMicros() + 1 + random_.Below(delay_max_us_); }

void World::Start() {
  for (auto& node : nodes_) {
    absl::Status started = node.second->Restart();
    if (!started.ok()) std::fprintf(stderr, "%s\n", ToText(started).c_str());
    JCM_CHECK(started.ok());
  }
  Settle();
}

void World::Stop() {
  for (auto& node : nodes_) {
    node.second->log_calls_.clear();
    node.second->core_.reset();
  }
  messages_.clear();
}

void World::Cut(const std::string& a, const std::string& b, bool cut) { cut_[{a, b}] = cut_[{b, a}] = cut; }

void World::TamperWith(const std::string& answers_of, Tamper tamper) { tamper_[answers_of] = std::move(tamper); }

void World::Disturb(uint64_t lost_permille, uint64_t delay_max_us) {
  lost_permille_ = lost_permille;
  delay_max_us_ = delay_max_us;
}

void World::Send(const std::string& from, const std::string& to, std::function<void()> deliver,
                 std::function<void()> lost) {
  if (IsCut(from, to) || random_.Below(1000) < lost_permille_) return lost();
  const uint64_t due = clock_->MonotonicMicros() + 1 + random_.Below(delay_max_us_);
  messages_.emplace(due, [this, from, to, deliver, lost] {
    if (IsCut(from, to)) return lost();
    deliver();
  });
}

bool World::IsCut(const std::string& from, const std::string& to) {
  const auto registry_of = [](const std::string& name) { return name.substr(0, name.find('/')); };
  return cut_[{from, to}] || (registry_of(from) != registry_of(to) && cut_[{registry_of(from), registry_of(to)}]);
}

bool World::Step() {
  bool worked = false;
  if (step_hook_) step_hook_();
  while (!messages_.empty() && messages_.begin()->first <= clock_->MonotonicMicros()) {
    auto deliver = std::move(messages_.begin()->second);
    messages_.erase(messages_.begin());
    deliver();
    worked = true;
  }
  for (auto& log : shared_logs_) log.second->Tick(clock_->MonotonicMicros());
  for (auto& node : nodes_) {
    auto& calls = node.second->log_calls_;
    while (!calls.empty() && calls.begin()->first <= clock_->MonotonicMicros()) {
      auto call = std::move(calls.begin()->second);
      calls.erase(calls.begin());
      call();
      worked = true;
    }
  }
  // Nodes step in an order that the seed decides.
  std::vector<Node*> order;
  for (auto& node : nodes_) {
    if (node.second->running()) order.push_back(node.second.get());
  }
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.Below(i)]);
  for (Node* node : order) worked = node->core().Step() || worked;
  return worked;
}

void World::Run(uint64_t micros) {
  const uint64_t end = clock_->MonotonicMicros() + micros;
  RunUntil([&] { return clock_->MonotonicMicros() >= end; }, micros);
}

bool World::RunUntil(const std::function<bool()>& condition, uint64_t micros) {
  const uint64_t end = clock_->MonotonicMicros() + micros;
  while (!condition()) {
    if (clock_->MonotonicMicros() >= end) return condition();
    if (Step()) continue;
    clock_->Advance(std::min(NextDue(), end) - clock_->MonotonicMicros());
  }
  return true;
}

uint64_t World::NextDue() {
  const uint64_t now = clock_->MonotonicMicros();
  uint64_t next = now + kStepMaxMicros;
  if (!messages_.empty()) next = std::min(next, std::max(messages_.begin()->first, now + 1));
  for (auto& node : nodes_) {
    const auto& calls = node.second->log_calls_;
    if (!calls.empty()) next = std::min(next, std::max(calls.begin()->first, now + 1));
    if (node.second->running())
      next = std::min(next, now + std::max<uint64_t>(node.second->core().WaitMicros(), 1'000));
  }
  for (auto& log : shared_logs_) next = std::min(next, std::max(log.second->NextArrival(), now + 1));
  return next;
}

void World::Settle() { Run(3'000'000); }

void World::AdvanceTo(BookTime time) {
  // Quiet time passes in one go; what is due then is done in the second that follows.
  while (clock_->Now() < time) {
    clock_->Advance(std::min<uint64_t>(time.micros - clock_->Now().micros, 6 * 3'600'000'000ull));
    Run(1'000'000);
  }
}

std::string World::Bundle(Node& node, const std::vector<std::string>& signers, const std::string& partnership,
                          const std::vector<v1::Command>& commands, v1::BundleMode mode) {
  client::BundleBuilder builder(node.registry(), mode, random_);
  for (const v1::Command& command : commands) JCM_CHECK(builder.Add(partnership, command).ok());
  std::vector<PrivateKey> keys;
  for (const std::string& signer : signers) keys.push_back(node.person(signer).key);
  absl::StatusOr<client::BuiltBundle> built = builder.Sign(keys);
  JCM_CHECK(built.ok());
  return built->bytes;
}

void World::AppendUnchecked(Node& node, const BookId& book) {
  node.core_.reset();
  absl::StatusOr<std::unique_ptr<store::MemoryStore>> store =
      store::MemoryStore::Open(node.disk_, {node.registry(), kDomain});
  JCM_CHECK(store.ok());
  absl::StatusOr<v1::BookHead> head = registry::ReadHead(**store, book);
  JCM_CHECK(head.ok() && head->size() > 0);
  registry::StoreState base(**store, book);
  absl::StatusOr<std::unique_ptr<registry::BookDraft>> draft = registry::BookDraft::Open(book, *head, base);
  JCM_CHECK(draft.ok());
  // A member who was never appointed: the command is a system act of no meaning.
  state::Transition invented(base);
  v1::MemberRecord member;
  member.set_member_id("nobody");
  member.set_title("invented");
  JCM_CHECK(invented.Put(v1::TABLE_MEMBER, "nobody", member).ok());
  v1::EntryRecord record;
  record.set_effects(state::Serialise(invented.Effects()));
  v1::Tick tick;
  tick.set_limit(1);
  record.set_command(state::Serialise(tick));
  book::Leaf leaf;
  leaf.kind = book::LeafKind::TICK;
  leaf.book = book;
  leaf.sequence = head->size();
  leaf.time = BookTime::FromMicros(head->last_time_us());
  std::copy(head->last_leaf_hash().begin(), head->last_leaf_hash().end(), leaf.previous_hash.begin());
  leaf.rules_version = head->rules_version();
  absl::StatusOr<absl::optional<v1::CursorRecord>> cursor = base.Get<v1::CursorRecord>(v1::TABLE_CURSOR, "peer");
  JCM_CHECK(cursor.ok() && cursor->has_value());
  leaf.peer_size = (*cursor)->imported_size();
  leaf.command_digest = Sha256(record.command());
  leaf.context_digest = Sha256("");
  leaf.effects_digest = Sha256(record.effects());
  record.set_leaf(book::EncodeLeaf(leaf));
  JCM_CHECK((*draft)->AppendUnexecuted(record).ok());
  JCM_CHECK((*draft)->ExecuteStored(record, /*agreed=*/true, rules::PlainVerifier()).ok());
  store::WriteBatch writes;
  (*draft)->WriteTo(&writes);
  JCM_CHECK((*store)->Write(writes, store::Sync::kYes).ok());
  store->reset();
  JCM_CHECK(node.Restart().ok());
}

void World::AppendImportWithoutBodies(Node& importer, Node& writer, const std::string& partnership) {
  const BookId book{importer.registry(), partnership};
  importer.core_.reset();
  absl::StatusOr<std::unique_ptr<store::MemoryStore>> store =
      store::MemoryStore::Open(importer.disk_, {importer.registry(), kDomain});
  JCM_CHECK(store.ok());
  absl::StatusOr<v1::BookHead> head = registry::ReadHead(**store, book);
  JCM_CHECK(head.ok() && head->size() > 0);
  registry::StoreState base(**store, book);
  absl::StatusOr<absl::optional<v1::CursorRecord>> cursor = base.Get<v1::CursorRecord>(v1::TABLE_CURSOR, "peer");
  JCM_CHECK(cursor.ok() && cursor->has_value());
  mirror::v1::ReadEntriesResponse page;
  absl::StatusOr<std::string> file =
      writer.core().ExportMirrorFile({writer.registry(), partnership}, (*cursor)->imported_size());
  JCM_CHECK(file.ok() && page.ParseFromString(*file) && page.entries_size() > 0);
  v1::Import import;
  import.set_from(page.from());
  import.set_to(page.from() + static_cast<uint64_t>(page.entries_size()));
  for (const v1::EntryRecord& entry : page.entries()) import.add_entries()->set_leaf(entry.leaf());
  import.set_checkpoint(page.checkpoint());
  *import.mutable_consistency_proof() = page.consistency_proof();
  absl::StatusOr<std::unique_ptr<registry::BookDraft>> draft = registry::BookDraft::Open(book, *head, base);
  JCM_CHECK(draft.ok());
  const std::string command = state::Serialise(import);
  absl::StatusOr<registry::AppendedEntry> appended = (*draft)->Append(
      {book::LeafKind::IMPORT, BookTime::FromMicros(std::max(head->last_time_us(), clock_->Now().micros)), command, ""},
      rules::PlainVerifier());
  if (!appended.ok()) std::fprintf(stderr, "%s\n", ToText(appended.status()).c_str());
  JCM_CHECK(appended.ok());
  store::WriteBatch writes;
  (*draft)->WriteTo(&writes);
  JCM_CHECK((*store)->Write(writes, store::Sync::kYes).ok());
  draft->reset();
  store->reset();
  JCM_CHECK(importer.Restart().ok());
}

absl::Status World::ChangeKey(Node& node, const std::vector<BookId>& books) {
  node.new_key_ = PrivateKey::Generate(random_);
  for (const BookId& book : books) {
    absl::StatusOr<registry::BookInfo> info = node.core().View()->Info(book);
    JCM_RETURN_IF_ERROR(info.status());
    v1::KeyChangeBody body;
    body.set_origin(info->origin);
    body.set_effective_size(info->size + 1);
    body.mutable_keys()->set_k(1);
    v1::ReplicaKey* replica = body.mutable_keys()->add_keys();
    replica->set_name(book::KeyNameOf(kDomain, node.registry(), "2"));
    *replica->mutable_key() = book::PublicKeyToProto(node.new_key_->public_key());
    v1::KeyChange change;
    change.set_change(state::Serialise(body));
    book::AddKeyChangeSignature(change, node.replica_key_);
    book::AddKeyChangeSignature(change, *node.new_key_);
    JCM_RETURN_IF_ERROR(
        node.core().SubmitStatement(book.partnership, book::LeafKind::KEY_CHANGE, state::Serialise(change)));
  }
  return absl::OkStatus();
}

void World::UseNewKey(Node& node) { JCM_CHECK(TryNewKey(node).ok()); }

absl::Status World::TryNewKey(Node& node) {
  node.Kill();
  node.replica_key_ = *node.new_key_;
  node.options_.replica_name = "2";
  return node.Restart();
}

std::string World::SignReplicaKeyChange(Node& shown_by, Node& replica, const BookId& book) {
  if (!replica.new_key_.has_value()) replica.new_key_ = PrivateKey::Generate(random_);
  absl::StatusOr<registry::BookInfo> info = shown_by.core().View()->Info(book);
  JCM_CHECK(info.ok());
  v1::KeyChangeBody body;
  body.set_origin(info->origin);
  body.set_effective_size(info->size + 1);
  *body.mutable_keys() = replica.keys();
  for (v1::ReplicaKey& key : *body.mutable_keys()->mutable_keys()) {
    if (key.key().key() != replica.replica_key_.public_key().bytes()) continue;
    *key.mutable_key() = book::PublicKeyToProto(replica.new_key_->public_key());
  }
  v1::KeyChange change;
  change.set_change(state::Serialise(body));
  for (Node* node : Replicas(replica.registry())) book::AddKeyChangeSignature(change, node->replica_key_);
  book::AddKeyChangeSignature(change, *replica.new_key_);
  return state::Serialise(change);
}

absl::Status World::ChangeReplicaKey(Node& hand_in, Node& replica, const std::vector<BookId>& books) {
  replica.new_key_ = PrivateKey::Generate(random_);
  for (const BookId& book : books) {
    JCM_RETURN_IF_ERROR(hand_in.core().SubmitStatement(book.partnership, book::LeafKind::KEY_CHANGE,
                                                       SignReplicaKeyChange(hand_in, replica, book)));
  }
  return absl::OkStatus();
}

void World::UseNewReplicaKey(Node& replica) {
  replica.Kill(UINT32_MAX);
  replica.replica_key_ = *replica.new_key_;
  JCM_CHECK(replica.Restart().ok());
}

std::string World::SignResumeAlone(Node& node, const BookId& book, const std::vector<std::string>& signers) {
  absl::StatusOr<registry::BookInfo> info = node.core().View()->Info(book);
  JCM_CHECK(info.ok());
  v1::ResumeAloneBody body;
  body.set_origin(info->origin);
  body.set_size(info->size);
  body.set_root(std::string(AsBytes(info->root)));
  body.set_reason("the partner cannot be reached");
  v1::ResumeAlone resume;
  resume.set_statement(state::Serialise(body));
  const std::string message = PreAuthEncode("application/vnd.jcm.resume-alone.v1", resume.statement());
  for (const std::string& signer : signers) {
    const PrivateKey& key = node.person(signer).key;
    v1::Signature* signature = resume.add_signatures();
    signature->set_type(static_cast<uint32_t>(key.public_key().type()));
    signature->set_key_id(std::string(AsBytes(key.public_key().KeyId())));
    signature->set_signature(key.Sign(message));
  }
  return state::Serialise(resume);
}

std::string World::SignResolution(const v1::ResolutionBody& body, const std::vector<Node*>& signers) {
  v1::Resolution resolution;
  resolution.set_resolution(state::Serialise(body));
  const std::string message = PreAuthEncode("application/vnd.jcm.resolution.v1", resolution.resolution());
  for (Node* node : signers) {
    v1::Signature* signature = resolution.add_signatures();
    signature->set_type(static_cast<uint32_t>(node->recovery_key_.public_key().type()));
    signature->set_key_id(std::string(AsBytes(node->recovery_key_.public_key().KeyId())));
    signature->set_signature(node->recovery_key_.Sign(message));
  }
  return state::Serialise(resolution);
}

absl::StatusOr<registry::SubmitOutcome> World::SubmitBundle(Node& node, std::string bundle,
                                                            registry::WaitFor wait_for) {
  auto answer = std::make_shared<absl::optional<absl::StatusOr<registry::SubmitOutcome>>>();
  registry::SubmitOptions options;
  options.wait_for = wait_for;
  options.deadline_us = clock_->MonotonicMicros() + answer_timeout_us_;
  Send(node, std::move(bundle), std::move(options),
       [answer](absl::StatusOr<registry::SubmitOutcome> outcome) { *answer = std::move(outcome); });
  if (!RunUntil([&] { return answer->has_value(); }, 2 * answer_timeout_us_)) {
    return absl::DeadlineExceededError("no answer");
  }
  return **answer;
}

void World::Send(Node& node, std::string bundle, registry::SubmitOptions options,
                 std::function<void(absl::StatusOr<registry::SubmitOutcome>)> done) {
  node.core().Submit(std::move(bundle), std::move(options), std::move(done));
}

absl::StatusOr<registry::PartOutcome> World::Submit(Node& node, const std::vector<std::string>& signers,
                                                    const std::string& partnership, const v1::Command& command,
                                                    registry::WaitFor wait_for) {
  JCM_ASSIGN_OR_RETURN(registry::SubmitOutcome outcome,
                       SubmitBundle(node, Bundle(node, signers, partnership, {command}), wait_for));
  JCM_CHECK(outcome.parts.size() == 1);
  const registry::PartOutcome& part = outcome.parts[0];
  if (!part.accepted) return Error(static_cast<Reason>(part.reason), part.detail);
  return part;
}

}  // namespace jcm::simulation
