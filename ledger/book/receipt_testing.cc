#include "ledger/book/receipt_testing.h"

#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/base/hash.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "ledger/book/authorship.h"
#include "ledger/book/genesis.h"
#include "ledger/book/note.h"
#include "ledger/book/tlog_proof.h"

namespace jcm::book {
namespace {

constexpr uint64_t kStartSeconds = 1'780'000'000;
const BookId kBook = {"JPN", "TH"};

std::string Commitment(const std::string& salt, const std::string& value) {
  const Digest digest = Sha256Of({salt, value});
  return std::string(AsBytes(digest));
}

std::string BytesOf(const Digest& digest) { return std::string(AsBytes(digest)); }

}  // namespace

PrivateKey ReceiptFixture::Key(uint64_t seed) {
  SeededRandom random(seed);
  return PrivateKey::Generate(random);
}

ReceiptFixture::ReceiptFixture(const std::string& domain, uint64_t seed) : seed_(seed), domain_(domain) {
  origin_ = OriginOf(domain, kBook);
  Add(LeafKind::GENESIS, Genesis(), "", "");
  for (uint64_t i = 1; i < kSize; ++i) {
    v1::Command command;
    command.set_provenance(v1::PROVENANCE_NATIVE);
    if (i == kRetirement) {
      v1::RetireCredits* retirement = command.mutable_retire_credits();
      retirement->set_retirement_id("R1");
      v1::UnitRange* range = retirement->add_ranges();
      range->set_lot_id("SYN001-2024-1");
      range->set_first(101);
      range->set_last(400);
      retirement->set_beneficiary_commitment(Commitment(std::string(32, 'b'), "株式会社見本"));
      retirement->set_scheme_commitment(Commitment(std::string(32, 's'), "GX-ETS FY2026"));
    } else {
      command.mutable_rules_notice()->set_rules_version(static_cast<uint32_t>(i));
    }
    AddCommand(command);
  }

  TrustedBook book;
  book.origin = origin_;
  book.demonstration = domain == kDemonstrationDomain;
  book.mode = PartnerMode::NODE;
  book.partner = "THA";
  const Leaf first = *DecodeLeaf(entries_[0].leaf);
  book.keys = CheckGenesis(entries_[0].command, first)->keys;
  KeySet thailand;
  thailand.k = 1;
  thailand.keys = {{KeyNameOf(domain, "THA", "1"), ThailandKey().public_key()}};
  book.cosigner_keys = *KeyHistory::Start(thailand, PublicKey());
  trust_ = *Trust::FromBooks({book});
}

std::string ReceiptFixture::Genesis() const {
  KeySet japan;
  japan.k = 2;
  for (uint64_t replica = 1; replica <= 3; ++replica) {
    japan.keys.push_back({KeyNameOf(domain_, "JPN", std::to_string(replica)), JapanKey(replica).public_key()});
  }
  v1::Genesis genesis;
  genesis.set_format(1);
  genesis.set_origin(origin_);
  genesis.set_rules_version(1);
  *genesis.mutable_keys() = KeySetToProto(japan);
  *genesis.mutable_recovery_key() = PublicKeyToProto(Key(seed_ * 1000 + 50).public_key());
  return genesis.SerializeAsString();
}

void ReceiptFixture::AddCommand(const v1::Command& command) {
  const PrivateKey author = Key(seed_ * 1000 + 70);
  v1::BundlePart part, other;
  part.set_partnership("TH");
  part.set_command(command.SerializeAsString());
  part.set_salt(std::string(16, 'x'));
  other.set_partnership("home");
  const Digest other_leaf = LeafHash(other.SerializeAsString());
  v1::BundleHeader header;
  header.set_format(1);
  header.set_registry("JPN");
  header.set_request_id(std::string(16, 'r'));
  header.set_mode(v1::BUNDLE_MODE_INDEPENDENT);
  header.set_part_count(2);
  header.set_parts_root(BytesOf(NodeHash(other_leaf, LeafHash(part.SerializeAsString()))));
  header.set_author_key_id(BytesOf(author.public_key().KeyId()));
  v1::SignedPart signed_part;
  signed_part.set_header(header.SerializeAsString());
  signed_part.set_part(part.SerializeAsString());
  signed_part.set_part_index(1);
  signed_part.add_part_path(BytesOf(other_leaf));
  *signed_part.add_signatures() = SignToProto(author, kBundleHeaderPayloadType, signed_part.header());
  v1::Context context;
  v1::SignerContext* signer = context.add_signers();
  signer->set_key_id(BytesOf(author.public_key().KeyId()));
  *signer->mutable_key() = PublicKeyToProto(author.public_key());
  v1::Effects effects;
  effects.add_effects()->set_table(1);
  Add(LeafKind::COMMAND, signed_part.SerializeAsString(), context.SerializeAsString(), effects.SerializeAsString());
}

void ReceiptFixture::Add(LeafKind kind, const std::string& command, const std::string& context,
                         const std::string& effects) {
  Leaf leaf;
  leaf.kind = kind;
  leaf.book = kBook;
  leaf.sequence = tip_.size;
  leaf.time = BookTime::FromSeconds(kStartSeconds + 10 * tip_.size);
  leaf.previous_hash = tip_.last_hash;
  leaf.rules_version = 1;
  leaf.command_digest = Sha256(command);
  leaf.context_digest = Sha256(context);
  leaf.effects_digest = Sha256(effects);
  JCM_CHECK(CheckFollows(kBook, tip_, leaf).ok());
  FixtureEntry entry{EncodeLeaf(leaf), command, context, effects};
  const Digest hash = LeafHash(entry.leaf);
  tip_ = TipAfter(leaf, hash);
  frontier_.Append(hash, [this](int level, uint64_t, const Digest& node) {
    if (levels_.size() <= static_cast<size_t>(level)) levels_.emplace_back();
    levels_[static_cast<size_t>(level)].push_back(node);
  });
  entries_.push_back(std::move(entry));
}

NodeReader ReceiptFixture::Reader() const {
  return [this](int level, uint64_t index) -> absl::StatusOr<Digest> {
    return levels_[static_cast<size_t>(level)][index];
  };
}

std::string ReceiptFixture::NoteAt(uint64_t size, uint64_t cosigned_seconds) const {
  const Checkpoint checkpoint{origin_, size, *RootAt(Reader(), size)};
  Note note = UnsignedCheckpoint(checkpoint);
  for (uint64_t replica : {1, 3}) {
    note.signatures.push_back(
        SignCheckpoint(checkpoint, KeyNameOf(domain_, "JPN", std::to_string(replica)), JapanKey(replica)));
  }
  if (cosigned_seconds != 0) {
    note.signatures.push_back(
        Cosign(checkpoint, KeyNameOf(domain_, "THA", "1"), ThailandKey(), BookTime::FromSeconds(cosigned_seconds)));
  }
  return FormatNote(note);
}

std::vector<Digest> ReceiptFixture::ConsistencyFrom(uint64_t old_size, uint64_t new_size) const {
  return *ConsistencyProof(Reader(), old_size, new_size);
}

Receipt ReceiptFixture::ReceiptOf(uint64_t sequence, uint64_t size, bool cosigned) const {
  const FixtureEntry& entry = entries_[sequence];
  Receipt receipt;
  receipt.leaf = entry.leaf;
  receipt.command = entry.command;
  receipt.context = entry.context;
  receipt.effects = entry.effects;
  TlogProof proof;
  proof.index = sequence;
  proof.hashes = *InclusionProof(Reader(), sequence, size);
  proof.checkpoint = NoteAt(size, cosigned ? kStartSeconds + 10 * size + 5 : 0);
  receipt.tlog_proof = FormatTlogProof(proof);
  return receipt;
}

Receipt ReceiptFixture::Certificate(bool cosigned) const {
  Receipt receipt = ReceiptOf(kRetirement, kSize, cosigned);
  receipt.certificate = true;
  receipt.previous_checkpoint = NoteAt(5, kStartSeconds + 50);
  receipt.openings = {{"beneficiary", std::string(32, 'b'), "株式会社見本"},
                      {"scheme", std::string(32, 's'), "GX-ETS FY2026"}};
  return receipt;
}

}  // namespace jcm::book
