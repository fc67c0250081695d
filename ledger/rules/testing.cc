#include "ledger/rules/testing.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/hash.h"
#include "ledger/base/proto_check.h"
#include "ledger/book/checkpoint.h"
#include "ledger/rules/import.h"
#include "ledger/rules/key_checks.h"
#include "ledger/rules/record_access.h"

namespace jcm::rules {
namespace {

constexpr char kDomain[] = "demo.invalid";
constexpr int kSettleRoundsMax = 1'000;

std::string Bytes(const Digest& digest) { return std::string(AsBytes(digest)); }

// Signatures already found valid: tests that try many futures meet the same ones again and again.
class Remembering : public SignatureVerifier {
 public:
  absl::Status Verify(const v1::PublicKeyData& key, absl::string_view message, absl::string_view signature) override {
    const auto entry = std::make_tuple(key.key(), std::string(message), std::string(signature));
    if (valid_.count(entry) != 0) return absl::OkStatus();
    JCM_RETURN_IF_ERROR(PlainVerifier().Verify(key, message, signature));
    valid_.insert(entry);
    return absl::OkStatus();
  }

 private:
  std::set<std::tuple<std::string, std::string, std::string>> valid_;
};

SignatureVerifier& Verifier() {
  static Remembering* const verifier = new Remembering;
  return *verifier;
}

}  // namespace

std::string Why(const absl::Status& status) {
  const absl::optional<Reason> reason = ReasonOf(status);
  return reason.has_value() ? Describe(*reason).name : "OK";
}

PrivateKey TestKey(const std::string& name) {
  auto key = PrivateKey::FromSeed(Bytes(Sha256(absl::StrCat("key of ", name))));
  JCM_CHECK(key.ok());
  return *key;
}

v1::PublicKeyData ToData(const PublicKey& key) {
  v1::PublicKeyData data;
  data.set_type(static_cast<uint32_t>(key.type()));
  data.set_key(key.bytes());
  return data;
}

v1::Signature TestSign(const PrivateKey& key, absl::string_view payload_type, absl::string_view body) {
  v1::Signature signature;
  signature.set_type(static_cast<uint32_t>(key.public_key().type()));
  signature.set_key_id(Bytes(key.public_key().KeyId()));
  signature.set_signature(key.Sign(PreAuthEncode(payload_type, body)));
  return signature;
}

std::string TestHandle(const std::string& name) {
  return HexEncode(Sha256(absl::StrCat("handle of ", name))).substr(0, 32);
}

v1::Date MakeDate(int year, int month, int day) { return FromDate(Date{year, month, day}); }

BookTime At(const std::string& rfc3339) {
  auto time = ParseRfc3339(rfc3339);
  JCM_CHECK(time.ok());
  return *time;
}

v1::RulebookParameters TestParameters() {
  v1::RulebookParameters p;
  p.set_e_decision_days(10);
  p.set_e_decision_long_stop_days(90);
  v1::ZoneOffset* zone = p.add_zone_offsets();
  *zone->mutable_from() = MakeDate(2000, 1, 1);
  zone->set_japan_minutes(9 * 60);
  zone->set_partner_minutes(7 * 60);
  p.set_itmo_vintage_from(2021);
  p.set_straddle_2021_forbidden(true);
  p.set_cross_border_mode(v1::CROSS_BORDER_MODE_EITHER);
  p.set_first_transfer_trigger(v1::FIRST_TRANSFER_TRIGGER_INTERNATIONAL_TRANSFER);
  p.set_operation_signatures(1);
  p.set_transfer_expiry_days_max(90);
  p.set_rules_notice_days(90);
  p.set_allocation_rounding("largest_remainder_per_vintage_jp_gov_first");
  p.set_retirement_needs_itmo(true);
  return p;
}

// ---- TestBook
// --------------------------------------------------------------------------------------------------------

absl::Status TestBook::Append(book::LeafKind kind, const std::string& command, const std::string& context,
                              BookTime time) {
  EntryInput input;
  input.book = id_;
  input.kind = kind;
  input.sequence = size();
  input.time = time;
  input.command = command;
  input.context = context;
  JCM_ASSIGN_OR_RETURN(Executed done, Execute(state_, input, Verifier()));
  book::Leaf leaf;
  leaf.kind = kind;
  leaf.book = id_;
  leaf.sequence = size();
  leaf.time = time;
  leaf.previous_hash = tip_.last_hash;
  leaf.rules_version = input.rules_version;
  leaf.peer_size = done.peer_size;
  leaf.command_digest = Sha256(command);
  leaf.context_digest = Sha256(context);
  leaf.effects_digest = Sha256(done.effects);
  JCM_RETURN_IF_ERROR(book::CheckFollows(id_, tip_, leaf));
  v1::Effects effects;
  JCM_RETURN_IF_ERROR(ParseStrict(done.effects, &effects));
  JCM_RETURN_IF_ERROR(state_.Apply(effects));
  v1::EntryRecord entry;
  entry.set_leaf(book::EncodeLeaf(leaf));
  entry.set_command(command);
  entry.set_context(context);
  entry.set_effects(done.effects);
  const Digest hash = book::LeafHash(entry.leaf());
  frontier_.Append(hash, [&](int level, uint64_t index, const Digest& node) { nodes_[{level, index}] = node; });
  tip_ = book::TipAfter(leaf, hash);
  hashes_.push_back(hash);
  entries_.push_back(std::move(entry));
  return absl::OkStatus();
}

v1::Effects TestBook::EffectsOf(uint64_t sequence) const {
  v1::Effects effects;
  JCM_CHECK(ParseStrict(entries_[sequence].effects(), &effects).ok());
  return effects;
}

book::Leaf TestBook::LeafOf(uint64_t sequence) const {
  auto leaf = book::DecodeLeaf(entries_[sequence].leaf());
  JCM_CHECK(leaf.ok());
  return *leaf;
}

absl::StatusOr<Digest> TestBook::Node(int level, uint64_t index) const {
  auto it = nodes_.find({level, index});
  if (it == nodes_.end()) return Error(Reason::NOT_FOUND, "node");
  return it->second;
}

absl::Status TestBook::ReplayAll() const {
  state::MapState state;
  for (uint64_t i = 0; i < size(); ++i) {
    const book::Leaf leaf = LeafOf(i);
    EntryInput input;
    input.book = id_;
    input.kind = leaf.kind;
    input.sequence = i;
    input.time = leaf.time;
    input.rules_version = leaf.rules_version;
    input.command = entries_[i].command();
    input.context = entries_[i].context();
    JCM_ASSIGN_OR_RETURN(Executed done, Execute(state, input, PlainVerifier()));
    if (done.effects != entries_[i].effects() || done.peer_size != leaf.peer_size) {
      return Error(Reason::DIGEST_MISMATCH, absl::StrCat("entry ", i, " gives other effects"));
    }
    JCM_RETURN_IF_ERROR(state.Apply(EffectsOf(i)));
  }
  if (state.records() != state_.records()) return Error(Reason::DIGEST_MISMATCH, "another state");
  return absl::OkStatus();
}

// ---- TestRegistry
// ----------------------------------------------------------------------------------------------------

TestRegistry::TestRegistry(std::string code, std::vector<std::string> partnerships, BookTime now)
    : code_(std::move(code)), partnerships_(std::move(partnerships)), now_(now) {
  Begin(kHome);
  for (const std::string& partnership : partnerships_) Begin(partnership);
}

TestBook& TestRegistry::book(const std::string& partnership) {
  auto it = books_.find(partnership);
  JCM_CHECK(it != books_.end());
  return it->second;
}

v1::KeySetData TestRegistry::replica_keys() const {
  v1::KeySetData keys;
  keys.set_k(1);
  v1::ReplicaKey* key = keys.add_keys();
  key->set_name(book::KeyNameOf(kDomain, code_, "1"));
  *key->mutable_key() = ToData(replica_key().public_key());
  return keys;
}

std::string TestRegistry::Origin(const std::string& partnership) const {
  return book::OriginOf(kDomain, BookId{code_, partnership});
}

std::string TestRegistry::Pseudonym(const std::string& person, const std::string& partnership) const {
  return TestHandle(absl::StrCat(code_, " person ", person, " in ", partnership));
}

std::string TestRegistry::AccountHandle(const std::string& number, const std::string& partnership) const {
  return TestHandle(absl::StrCat(code_, " account ", number, " in ", partnership));
}

namespace {

v1::EnrolPerson MakePerson(const TestRegistry& registry, const std::vector<std::string>& partnerships,
                           const std::string& id, std::vector<v1::Role> roles) {
  v1::EnrolPerson person;
  person.set_person_id(id);
  std::sort(roles.begin(), roles.end());
  for (v1::Role role : roles) person.add_roles(role);
  *person.add_keys()->mutable_key() = ToData(TestKey(absl::StrCat(registry.code(), " ", id)).public_key());
  for (const std::string& partnership : partnerships) {
    v1::Handle* handle = person.add_pseudonyms();
    handle->set_partnership(partnership);
    handle->set_handle(registry.Pseudonym(id, partnership));
  }
  return person;
}

}  // namespace

void TestRegistry::Begin(const std::string& partnership) {
  books_.emplace(partnership, TestBook(BookId{code_, partnership}));
  v1::Genesis genesis;
  genesis.set_format(1);
  genesis.set_origin(Origin(partnership));
  genesis.set_rules_version(kRulesVersion);
  *genesis.mutable_keys() = replica_keys();
  *genesis.mutable_recovery_key() = ToData(recovery_key().public_key());
  genesis.set_demonstration(true);
  if (partnership == kHome) {
    *genesis.add_persons() = MakePerson(*this, partnerships_, "operator", {v1::ROLE_SYSTEM_OPERATOR});
    *genesis.add_persons() = MakePerson(*this, partnerships_, "operator2", {v1::ROLE_SYSTEM_OPERATOR});
  }
  JCM_CHECK(Append(partnership, book::LeafKind::GENESIS, state::Serialise(genesis)).ok());
}

void TestRegistry::AddPerson(const std::string& id, std::vector<v1::Role> roles) {
  v1::Command command;
  *command.mutable_enrol_person() = MakePerson(*this, partnerships_, id, std::move(roles));
  JCM_CHECK(Submit(kHome, command, {"operator"}).ok());
}

std::string TestRegistry::AddAccount(const std::string& number, v1::AccountClass account_class,
                                     std::vector<std::string> representatives) {
  v1::Command command;
  v1::OpenAccount* open = command.mutable_open_account();
  open->set_account_number(number);
  open->set_account_class(account_class);
  for (const std::string& partnership : partnerships_) {
    v1::Handle* handle = open->add_handles();
    handle->set_partnership(partnership);
    handle->set_handle(AccountHandle(number, partnership));
  }
  for (const std::string& person : representatives) open->add_representatives(person);
  JCM_CHECK(Submit(kHome, command, {"operator"}).ok());
  return AccountHandle(number, partnerships_.front());
}

absl::Status TestRegistry::SetAccountState(const std::string& number, v1::AccountState state) {
  v1::Command command;
  command.mutable_set_account_state()->set_account_number(number);
  command.mutable_set_account_state()->set_state(state);
  command.mutable_set_account_state()->set_reason("test");
  return Submit(kHome, command, {"operator"});
}

v1::SignedPart TestRegistry::Sign(const std::string& partnership, const v1::Command& command,
                                  const std::vector<std::string>& signers) {
  v1::BundlePart part;
  part.set_partnership(partnership);
  part.set_command(state::Serialise(command));
  part.set_salt(Bytes(Sha256(absl::StrCat("salt ", requests_))).substr(0, 16));
  v1::SignedPart out;
  out.set_part(state::Serialise(part));
  v1::BundleHeader header;
  header.set_format(1);
  header.set_registry(code_);
  header.set_request_id(Bytes(Sha256(absl::StrCat("request ", requests_++))).substr(0, 16));
  header.set_mode(v1::BUNDLE_MODE_ATOMIC);
  header.set_part_count(1);
  header.set_parts_root(Bytes(book::LeafHash(out.part())));
  if (!signers.empty()) {
    const PrivateKey author = TestKey(absl::StrCat(code_, " ", signers.front()));
    header.set_author_key_id(Bytes(author.public_key().KeyId()));
  }
  out.set_header(state::Serialise(header));
  for (const std::string& signer : signers) {
    *out.add_signatures() = TestSign(TestKey(absl::StrCat(code_, " ", signer)), kBundleHeaderType, out.header());
  }
  return out;
}

absl::Status TestRegistry::Submit(const std::string& partnership, v1::Command command,
                                  const std::vector<std::string>& signers) {
  if (command.provenance() == v1::PROVENANCE_UNSPECIFIED) {
    command.set_provenance(command.has_attest() ? v1::PROVENANCE_ATTESTED : v1::PROVENANCE_NATIVE);
  }
  return Append(partnership, book::LeafKind::COMMAND, state::Serialise(Sign(partnership, command, signers)));
}

absl::Status TestRegistry::Append(const std::string& partnership, book::LeafKind kind, const std::string& command) {
  TestBook& target = book(partnership);
  EntryInput input;
  input.book = target.id();
  input.kind = kind;
  input.sequence = target.size();
  input.time = now_;
  input.command = command;
  JCM_ASSIGN_OR_RETURN(Needs needs, CollectNeeds(target.state(), input));
  const TestBook& home = book(kHome);
  JCM_ASSIGN_OR_RETURN(std::string context, BuildContext(home.state(), target.id(), needs, [&](uint64_t sequence) {
                         return absl::StatusOr<Digest>(home.HashOf(sequence));
                       }));
  return target.Append(kind, command, context, now_);
}

absl::StatusOr<int> TestRegistry::TickAll(const std::string& partnership) {
  v1::Tick tick;
  tick.set_limit(100);
  int ticks = 0;
  while (true) {
    JCM_ASSIGN_OR_RETURN(absl::optional<BookTime> due, EarliestDeadline(book(partnership).state()));
    if (!due.has_value() || *due > now_) return ticks;
    JCM_RETURN_IF_ERROR(Append(partnership, book::LeafKind::TICK, state::Serialise(tick)));
    ++ticks;
  }
}

std::string TestRegistry::CheckpointOf(const std::string& partnership, uint64_t size) {
  TestBook& target = book(partnership);
  auto root = book::RootAt([&](int level, uint64_t index) { return target.Node(level, index); }, size);
  JCM_CHECK(root.ok());
  const book::Checkpoint checkpoint{Origin(partnership), size, *root};
  book::Note note = book::UnsignedCheckpoint(checkpoint);
  JCM_CHECK(book::AddSignatureLine(
                note, book::SignCheckpoint(checkpoint, book::KeyNameOf(kDomain, code_, "1"), replica_key()))
                .ok());
  return book::FormatNote(note);
}

v1::Import MakeImport(TestRegistry& to_registry, TestRegistry& from_registry, const std::string& partnership,
                      uint64_t to) {
  const TestBook& source = from_registry.book(partnership);
  const auto cursor = to_registry.book(partnership).Find<v1::CursorRecord>(v1::TABLE_CURSOR, kCursorKey);
  v1::Import import;
  import.set_from(cursor.has_value() ? cursor->imported_size() : 0);
  import.set_to(to == 0 ? source.size() : to);
  for (uint64_t i = import.from(); i < import.to(); ++i) {
    const v1::EntryRecord& entry = source.entries()[i];
    v1::ImportedEntry* out = import.add_entries();
    out->set_leaf(entry.leaf());
    const book::LeafKind kind = source.LeafOf(i).kind;
    const bool with_command = kind == book::LeafKind::GENESIS || kind == book::LeafKind::KEY_CHANGE;
    if (!with_command && !TouchesPublishedTables(source.EffectsOf(i))) continue;
    out->set_has_body(true);
    out->set_effects(entry.effects());
    if (with_command) out->set_command(entry.command());
  }
  import.set_checkpoint(from_registry.CheckpointOf(partnership, source.size()));
  auto proof = book::ConsistencyProof([&](int level, uint64_t index) { return source.Node(level, index); }, import.to(),
                                      source.size());
  JCM_CHECK(proof.ok());
  for (const Digest& hash : *proof) import.add_consistency_proof(Bytes(hash));
  return import;
}

// ---- TestPair
// --------------------------------------------------------------------------------------------------------

TestPair::TestPair(BookTime now, const std::string& partnership, const std::string& host)
    : partnership_(partnership), jpn_("JPN", {partnership}, now), host_(host, {partnership}, now) {
  Prepare(jpn_, host_);
  Prepare(host_, jpn_);
}

void TestPair::Prepare(TestRegistry& side, TestRegistry& other) {
  side.AddPerson("secretary", {v1::ROLE_SECRETARIAT});
  side.AddPerson("secretary2", {v1::ROLE_SECRETARIAT});
  side.AddPerson("chair", {v1::ROLE_JC_MEMBER});
  side.AddPerson("member", {v1::ROLE_JC_MEMBER});
  side.AddPerson("ministry", {v1::ROLE_AUTHORIZING_MINISTRY});
  side.AddPerson("representative", {v1::ROLE_ACCOUNT_REPRESENTATIVE});
  side.AddPerson("organization", {v1::ROLE_DESIGNATED_ORGANIZATION});

  v1::Command open;
  open.mutable_open_partnership()->set_partnership(partnership_);
  open.mutable_open_partnership()->set_peer_registry(other.code());
  open.mutable_open_partnership()->set_peer_domain(kDomain);
  open.mutable_open_partnership()->set_mode(v1::PARTNERSHIP_MODE_NODE);
  *open.mutable_open_partnership()->mutable_peer_keys() = other.replica_keys();
  *open.mutable_open_partnership()->mutable_peer_recovery_key() = ToData(other.recovery_key().public_key());
  JCM_CHECK(side.Submit(partnership_, open, {"operator", "operator2"}).ok());

  v1::Command rulebook;
  rulebook.mutable_adopt_rulebook()->set_version(partnership_ + "/1");
  *rulebook.mutable_adopt_rulebook()->mutable_parameters() = TestParameters();
  *rulebook.mutable_adopt_rulebook()->mutable_effective_date() = MakeDate(2024, 7, 8);
  JCM_CHECK(side.Submit(partnership_, rulebook, {"secretary"}).ok());

  for (const std::string person : {"chair", "member"}) {
    v1::Command appoint;
    appoint.mutable_appoint_member()->set_member_id(absl::StrCat(side.code(), "-", person));
    appoint.mutable_appoint_member()->set_pseudonym(side.Pseudonym(person, partnership_));
    appoint.mutable_appoint_member()->set_co_chair(person == "chair");
    appoint.mutable_appoint_member()->set_title(person);
    JCM_CHECK(side.Submit(partnership_, appoint, {"secretary"}).ok());
  }

  v1::Command project;
  project.mutable_register_project()->set_project_id(partnership_ + "014");
  project.mutable_register_project()->set_title_en("A synthetic project");
  project.mutable_register_project()->set_synthetic(true);
  JCM_CHECK(side.Submit(partnership_, project, {"secretary"}).ok());
}

void TestPair::SetNow(BookTime now) {
  jpn_.set_now(now);
  host_.set_now(now);
}

void TestPair::Advance(uint64_t micros) {
  jpn_.set_now(BookTime::FromMicros(jpn_.now().micros + micros));
  host_.set_now(BookTime::FromMicros(host_.now().micros + micros));
}

absl::Status TestPair::Import(TestRegistry& into, uint64_t entries) {
  TestRegistry& from = &into == &jpn_ ? host_ : jpn_;
  const auto cursor = into.book(partnership_).Find<v1::CursorRecord>(v1::TABLE_CURSOR, kCursorKey);
  const uint64_t at = cursor.has_value() ? cursor->imported_size() : 0;
  const uint64_t size = from.book(partnership_).size();
  if (at >= size) return absl::OkStatus();
  const uint64_t to = entries == 0 ? size : std::min(size, at + entries);
  return into.Append(partnership_, book::LeafKind::IMPORT, state::Serialise(MakeImport(into, from, partnership_, to)));
}

absl::Status TestPair::Settle() {
  for (int round = 0; round < kSettleRoundsMax; ++round) {
    Advance(1);
    int work = 0;
    for (const bool japan : {true, false}) {
      JCM_ASSIGN_OR_RETURN(int ticks, of(japan).TickAll(partnership_));
      work += ticks;
      const auto cursor = of(japan).book(partnership_).Find<v1::CursorRecord>(v1::TABLE_CURSOR, kCursorKey);
      const TestBook& other = of(!japan).book(partnership_);
      for (uint64_t i = cursor->imported_size(); i < other.size(); ++i) {
        if (!TriggersImport(other.LeafOf(i).kind, other.EffectsOf(i))) continue;
        JCM_RETURN_IF_ERROR(Import(of(japan)));
        ++work;
        break;
      }
    }
    if (work == 0) return absl::OkStatus();
  }
  return Error(Reason::INTERNAL, "the books do not come to rest");
}

}  // namespace jcm::rules
