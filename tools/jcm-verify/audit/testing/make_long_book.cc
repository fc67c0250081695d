// Writes a long, valid book as an export, to measure the auditor with: the story's Japanese book, then transfers
// between two accounts in signed bundles of 1,000, over as many blocks as asked for.
//
//   make_long_book OUT_DIRECTORY ENTRIES [BLOCKS]
//   jcm-verify audit --trust OUT_DIRECTORY/trust.json OUT_DIRECTORY/long.mirror
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "jcm/mirror/v1/mirror.pb.h"
#include "ledger/base/file_system.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/rules/testing.h"
#include "tools/jcm-verify/audit/testing/story_books.h"
#include "tools/jcm-verify/audit/unit_audit.h"

namespace jcm::verify {
namespace {

constexpr char kLot[] = "TH014-2022-1";
constexpr Serial kFirst = 1001;
constexpr size_t kPartsPerBundle = 1'000;
constexpr size_t kPageBytes = 1024 * 1024;
constexpr char kBundleHeaderType[] = "application/vnd.jcm.bundle-header.v1";

std::string Text(const Digest& digest) { return std::string(AsBytes(digest)); }

// Every node of a growing tree.
class Nodes {
 public:
  void Append(const Digest& leaf) {
    frontier_.Append(leaf, [&](int level, uint64_t, const Digest& hash) {
      if (levels_.size() <= static_cast<size_t>(level)) levels_.resize(static_cast<size_t>(level) + 1);
      levels_[static_cast<size_t>(level)].push_back(hash);
    });
  }
  book::NodeReader Reader() const {
    return [this](int level, uint64_t index) -> absl::StatusOr<Digest> {
      return levels_.at(static_cast<size_t>(level)).at(index);
    };
  }
  const book::Frontier& frontier() const { return frontier_; }

 private:
  book::Frontier frontier_;
  std::vector<std::vector<Digest>> levels_;
};

class Maker {
 public:
  Maker(std::string directory, uint64_t entries, uint64_t blocks)
      : directory_(std::move(directory)), wanted_(entries), blocks_(blocks), story_(blocks) {}

  void Run() {
    JCM_CHECK(files_.MakeDirs(directory_).ok());
    JCM_CHECK(files_.WriteFileAtomically(directory_ + "/trust.json", story_.TrustFile().Format()).ok());
    const BookCopy start = story_.Copy("JPN", "TH");
    for (const v1::EntryRecord& entry : start.entries) {
      leaf_ = *book::DecodeLeaf(entry.leaf());
      Add(entry);
    }
    context_ = TransferContext();
    while (tree_.frontier().size() < wanted_) Bundle();
    if (page_.entries_size() > 0) WritePage();
    std::printf("%llu entries, %llu bytes, %llu files\n", static_cast<unsigned long long>(tree_.frontier().size()),
                static_cast<unsigned long long>(bytes_), static_cast<unsigned long long>(pages_));
  }

 private:
  // As the rules give it to a transfer of the representative between ENT and ENT2.
  std::string TransferContext() {
    v1::Command command;
    v1::TransferCredits* transfer = command.mutable_transfer_credits();
    transfer->set_transfer_id("L0");
    transfer->set_from_account(story_.Handle(true, "ENT"));
    transfer->set_to_account(story_.Handle(true, "ENT2"));
    *transfer->add_ranges() = Range(kFirst, kFirst);
    JCM_CHECK(story_.pair().jpn().Submit("TH", command, {"representative"}).ok());
    return story_.pair().jpn().book("TH").entries().back().context();
  }

  static v1::UnitRange Range(Serial first, Serial last) {
    v1::UnitRange range;
    range.set_lot_id(kLot);
    range.set_first(first);
    range.set_last(last);
    return range;
  }

  // A holding of the same representative; to the book it is but a handle with a context.
  static std::string ThirdAccount() { return rules::TestHandle("a third holding"); }

  v1::BlockRecord Block(Serial first, Serial last, bool second_account) {
    v1::BlockRecord block;
    block.set_lot_id(kLot);
    block.set_first(first);
    block.set_last(last);
    block.set_account(story_.Handle(true, second_account ? "ENT2" : "ENT"));
    block.set_state(v1::BLOCK_STATE_HELD);
    block.set_first_allottee(v1::PARTY_KIND_PARTICIPANT);
    block.set_allocation_row(3);
    block.set_issuing_registry("JPN");
    return block;
  }

  void AddEffect(v1::Effects* effects, Serial first, const v1::BlockRecord* before, const v1::BlockRecord* after) {
    v1::Effect* effect = effects->add_effects();
    effect->set_table(v1::TABLE_BLOCK);
    effect->set_key(RangeKey(kLot, first));
    if (before != nullptr) effect->set_old_value(state::Serialise(*before));
    if (after != nullptr) effect->set_new_value(state::Serialise(*after));
  }

  // First every second serial goes to the other account, which makes the blocks; then these go back and forth.
  v1::Effects Effects(v1::TransferCredits* transfer) {
    const Serial last = kFirst + blocks_ - 1;
    const Serial serial = kFirst + 1 + 2 * (transfers_ % (blocks_ / 2));
    const uint64_t round = transfers_ / (blocks_ / 2);
    const bool back = round % 2 == 1;
    v1::Effects effects;
    if (round == 0) {
      const v1::BlockRecord whole = Block(serial - 1, last, false);
      const v1::BlockRecord left = Block(serial - 1, serial - 1, false);
      const v1::BlockRecord moved = Block(serial, serial, true);
      const v1::BlockRecord right = Block(serial + 1, last, false);
      AddEffect(&effects, serial - 1, &whole, &left);
      AddEffect(&effects, serial, nullptr, &moved);
      if (serial < last) AddEffect(&effects, serial + 1, nullptr, &right);
    } else {
      // Neighbours are ENT's, so that nothing merges.
      v1::BlockRecord before = Block(serial, serial, true);
      v1::BlockRecord after = before;
      (back ? after : before).set_account(ThirdAccount());
      AddEffect(&effects, serial, &before, &after);
      transfer->set_from_account(before.account());
      transfer->set_to_account(after.account());
    }
    *transfer->add_ranges() = Range(serial, serial);
    v1::TransferRecord record;
    record.set_transfer_id(transfer->transfer_id());
    record.set_from_account(transfer->from_account());
    record.set_to_account(transfer->to_account());
    *record.mutable_ranges() = transfer->ranges();
    record.set_tonnes(1);
    record.set_at_us(leaf_.time.micros);
    *record.mutable_legal_date() = rules::MakeDate(2026, 1, 5);
    v1::Effect* effect = effects.add_effects();
    effect->set_table(v1::TABLE_TRANSFER);
    effect->set_key(transfer->transfer_id());
    effect->set_new_value(state::Serialise(record));
    return effects;
  }

  std::string ContextOf(const v1::TransferCredits& transfer) {
    v1::Context context;
    JCM_CHECK(context.ParseFromString(context_));
    std::vector<v1::AccountContext> accounts;
    for (const std::string& handle : {transfer.from_account(), transfer.to_account()}) {
      v1::AccountContext account = context.accounts(0);
      account.set_handle(handle);
      accounts.push_back(account);
    }
    if (accounts[1].handle() < accounts[0].handle()) std::swap(accounts[0], accounts[1]);
    context.clear_accounts();
    for (const v1::AccountContext& account : accounts) *context.add_accounts() = account;
    return state::Serialise(context);
  }

  void Bundle() {
    leaf_.time.micros += 1'000;
    const size_t count = std::min<uint64_t>(kPartsPerBundle, wanted_ - tree_.frontier().size());
    std::vector<std::string> parts, effects, contexts;
    Nodes tree;
    for (size_t i = 0; i < count; ++i, ++transfers_) {
      v1::Command command;
      command.set_provenance(v1::PROVENANCE_NATIVE);
      v1::TransferCredits* transfer = command.mutable_transfer_credits();
      char id[32];
      std::snprintf(id, sizeof id, "L%012llu", static_cast<unsigned long long>(transfers_ + 1));
      transfer->set_transfer_id(id);
      transfer->set_from_account(story_.Handle(true, "ENT"));
      transfer->set_to_account(story_.Handle(true, "ENT2"));
      effects.push_back(state::Serialise(Effects(transfer)));
      contexts.push_back(ContextOf(*transfer));
      v1::BundlePart part;
      part.set_partnership("TH");
      part.set_command(state::Serialise(command));
      part.set_salt(Text(Sha256(transfer->transfer_id())).substr(0, 16));
      parts.push_back(state::Serialise(part));
      tree.Append(book::LeafHash(parts.back()));
    }
    const PrivateKey author = rules::TestKey("JPN representative");
    v1::BundleHeader header;
    header.set_format(1);
    header.set_registry("JPN");
    header.set_request_id(Text(Sha256(absl::StrCat("bundle ", transfers_))).substr(0, 16));
    header.set_mode(v1::BUNDLE_MODE_ATOMIC);
    header.set_part_count(static_cast<uint32_t>(count));
    header.set_parts_root(Text(tree.frontier().Root()));
    header.set_author_key_id(Text(author.public_key().KeyId()));
    v1::SignedPart signed_part;
    signed_part.set_header(state::Serialise(header));
    *signed_part.add_signatures() = rules::TestSign(author, kBundleHeaderType, signed_part.header());
    for (size_t i = 0; i < count; ++i) {
      signed_part.set_part(parts[i]);
      signed_part.set_part_index(static_cast<uint32_t>(i));
      signed_part.clear_part_path();
      auto path = book::InclusionProof(tree.Reader(), i, count);
      JCM_CHECK(path.ok());
      for (const Digest& hash : *path) signed_part.add_part_path(Text(hash));
      v1::EntryRecord entry;
      entry.set_command(state::Serialise(signed_part));
      entry.set_context(contexts[i]);
      entry.set_effects(effects[i]);
      leaf_.kind = book::LeafKind::COMMAND;
      leaf_.sequence = tree_.frontier().size();
      leaf_.previous_hash = last_hash_;
      leaf_.command_digest = Sha256(entry.command());
      leaf_.context_digest = Sha256(entry.context());
      leaf_.effects_digest = Sha256(entry.effects());
      entry.set_leaf(book::EncodeLeaf(leaf_));
      Add(entry);
    }
  }

  void Add(const v1::EntryRecord& entry) {
    last_hash_ = book::LeafHash(entry.leaf());
    tree_.Append(last_hash_);
    *page_.add_entries() = entry;
    page_bytes_ += entry.ByteSizeLong();
    if (page_bytes_ >= kPageBytes) WritePage();
  }

  // Each page with a checkpoint of its own end, as if it had been exported when it was full.
  void WritePage() {
    rules::TestRegistry& side = story_.pair().jpn();
    rules::TestRegistry& other = story_.pair().host();
    const book::Checkpoint checkpoint{side.Origin("TH"), tree_.frontier().size(), tree_.frontier().Root()};
    book::Note note = book::UnsignedCheckpoint(checkpoint);
    JCM_CHECK(book::AddSignatureLine(
                  note, book::SignCheckpoint(checkpoint, side.replica_keys().keys(0).name(), side.replica_key()))
                  .ok());
    JCM_CHECK(book::AddSignatureLine(note, book::Cosign(checkpoint, other.replica_keys().keys(0).name(),
                                                        other.replica_key(), BookTime::FromSeconds(1'790'000'000)))
                  .ok());
    page_.set_book("JPN/TH");
    page_.set_from(page_from_);
    page_.set_checkpoint(book::FormatNote(note));
    if (page_from_ > 0) {
      auto path = book::InclusionProof(tree_.Reader(), page_from_ - 1, checkpoint.size);
      JCM_CHECK(path.ok());
      page_.set_prior_leaf_hash(Text(*tree_.Reader()(0, page_from_ - 1)));
      for (const Digest& hash : *path) page_.add_prior_leaf_proof(Text(hash));
    }
    const std::string name = absl::StrCat(directory_, "/long.mirror", pages_ == 0 ? "" : absl::StrCat(".", pages_));
    const std::string content = page_.SerializeAsString();
    std::FILE* file = std::fopen(name.c_str(), "wb");  // no fsync: these are many, and only to be measured
    JCM_CHECK(file != nullptr && std::fwrite(content.data(), 1, content.size(), file) == content.size());
    std::fclose(file);
    bytes_ += content.size();
    ++pages_;
    page_.Clear();
    page_bytes_ = 0;
    page_from_ = checkpoint.size;
  }

  const std::string directory_;
  const uint64_t wanted_;
  const uint64_t blocks_;
  StoryBooks story_;
  PosixFileSystem files_;
  std::string context_;
  book::Leaf leaf_;
  Nodes tree_;
  Digest last_hash_{};
  uint64_t transfers_ = 0;
  jcm::mirror::v1::ReadEntriesResponse page_;
  size_t page_bytes_ = 0;
  uint64_t page_from_ = 0;
  uint64_t pages_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace
}  // namespace jcm::verify

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "make_long_book OUT_DIRECTORY ENTRIES [BLOCKS]\n");
    return 64;
  }
  const uint64_t blocks = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 100'000;
  jcm::verify::Maker(argv[1], std::strtoull(argv[2], nullptr, 10), blocks).Run();
  return 0;
}
