#include "ledger/book/checkpoint.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "ledger/book/merkle.h"

namespace jcm::book {
namespace {

PrivateKey Key(uint64_t seed) {
  SeededRandom random(seed);
  return PrivateKey::Generate(random);
}

// Replicas 1..count of a registry, with the keys of seeds first_seed...
KeySet Registry(const std::string& registry, uint32_t k, uint64_t count, uint64_t first_seed) {
  KeySet set;
  set.k = k;
  for (uint64_t i = 0; i < count; ++i) {
    set.keys.push_back({KeyNameOf("demo.invalid", registry, std::to_string(i + 1)), Key(first_seed + i).public_key()});
  }
  return set;
}

const Checkpoint kCheckpoint = {"demo.invalid/JPN/TH", 1234, Sha256("root")};

Note SignedBy(const std::vector<uint64_t>& replicas) {
  Note note = UnsignedCheckpoint(kCheckpoint);
  for (uint64_t replica : replicas) {
    NoteSignature line =
        SignCheckpoint(kCheckpoint, KeyNameOf("demo.invalid", "JPN", std::to_string(replica)), Key(replica));
    EXPECT_TRUE(AddSignatureLine(note, line).ok());
  }
  return note;
}

void AddCosignature(Note& note, uint64_t replica, uint64_t seconds) {
  NoteSignature line = Cosign(kCheckpoint, KeyNameOf("demo.invalid", "THA", std::to_string(replica)),
                              Key(100 + replica), BookTime::FromSeconds(seconds));
  ASSERT_TRUE(AddSignatureLine(note, line).ok());
}

const KeySet& Japan() {
  static const KeySet* const keys = new KeySet(Registry("JPN", 2, 3, 1));
  return *keys;
}

const KeySet& Thailand() {
  static const KeySet* const keys = new KeySet(Registry("THA", 2, 3, 101));
  return *keys;
}

TEST(Checkpoint, HasThreeLines) {
  EXPECT_EQ(FormatCheckpoint(kCheckpoint),
            "demo.invalid/JPN/TH\n1234\n" + Base64Encode(AsBytes(Sha256("root"))) + "\n");
  EXPECT_EQ(*ParseCheckpoint(FormatCheckpoint(kCheckpoint)), kCheckpoint);
  Checkpoint largest = kCheckpoint;
  largest.size = kTreeSizeMax;
  EXPECT_EQ(*ParseCheckpoint(FormatCheckpoint(largest)), largest);
}

TEST(Checkpoint, HasOneSpelling) {
  const std::string root = Base64Encode(AsBytes(Sha256("root")));
  auto text = [&](const std::string& origin, const std::string& size, const std::string& hash) {
    return origin + "\n" + size + "\n" + hash + "\n";
  };
  const std::string origin = "demo.invalid/JPN/TH";
  ASSERT_TRUE(ParseCheckpoint(text(origin, "1234", root)).ok());
  for (const std::string& wrong : {text(origin, "01234", root),
                                   text(origin, "+1234", root),
                                   text(origin, " 1234", root),
                                   text(origin, "1234 ", root),
                                   text(origin, "", root),
                                   text(origin, "-1", root),
                                   text(origin, "9223372036854775808", root),
                                   text(origin, "99999999999999999999", root),
                                   text(origin, "1234", root.substr(1)),
                                   text(origin, "1234", Base64Encode("short")),
                                   text("", "1234", root),
                                   text("demo.invalid/JPN", "1234", root),
                                   text("demo.invalid/JPN/THA", "1234", root),
                                   text("demo.invalid/JP/TH", "1234", root),
                                   text("Demo.invalid/JPN/TH", "1234", root),
                                   text("https://demo.invalid/JPN/TH", "1234", root),
                                   text("demo invalid/JPN/TH", "1234", root),
                                   text("/JPN/TH", "1234", root),
                                   text(origin, "1234", root) + "extension\n",
                                   text(origin, "1234", root) + "\n",
                                   origin + "\n1234\n" + root,
                                   origin + "\r\n1234\n" + root + "\n"}) {
    EXPECT_TRUE(HasReason(ParseCheckpoint(wrong).status(), Reason::CHECKPOINT_MALFORMED)) << wrong;
  }
}

TEST(Checkpoint, OriginNamesDomainAndBook) {
  EXPECT_EQ(OriginOf("demo.invalid", BookId{"JPN", "TH"}), "demo.invalid/JPN/TH");
  EXPECT_EQ(KeyNameOf("demo.invalid", "JPN", "1"), "demo.invalid/JPN/1");
  Origin origin = *ParseOrigin("registry.example/THA/home");
  EXPECT_EQ(origin.domain, "registry.example");
  EXPECT_EQ(origin.book, (BookId{"THA", "home"}));
}

TEST(VerifyCheckpoint, CountsDifferentKeysOfTheSet) {
  EXPECT_EQ(VerifyCheckpoint(SignedBy({1, 3}), Japan())->signers,
            (std::vector<std::string>{"demo.invalid/JPN/1", "demo.invalid/JPN/3"}));
  EXPECT_EQ(VerifyCheckpoint(FormatNote(SignedBy({3, 2, 1})), Japan())->checkpoint, kCheckpoint);
  EXPECT_TRUE(HasReason(VerifyCheckpoint(SignedBy({1}), Japan()).status(), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(HasReason(VerifyCheckpoint(SignedBy({4, 5}), Japan()).status(), Reason::SIGNATURES_NOT_ENOUGH));
  EXPECT_TRUE(FindSigners(SignedBy({4, 5}), Japan())->signers.empty());
  EXPECT_TRUE(HasReason(VerifyCheckpoint(SignedBy({1}), KeySet()).status(), Reason::SIGNATURES_NOT_ENOUGH));
}

TEST(VerifyCheckpoint, CountsOneKeyOnceHoweverOftenItSigned) {
  Note note = SignedBy({1});
  note.signatures.push_back(note.signatures[0]);
  note.signatures.push_back(note.signatures[0]);
  EXPECT_TRUE(HasReason(VerifyCheckpoint(note, Japan()).status(), Reason::SIGNATURES_NOT_ENOUGH));
}

TEST(VerifyCheckpoint, DoesNotTakeACosignatureForASignature) {
  Note note = UnsignedCheckpoint(kCheckpoint);
  for (uint64_t replica : {1, 2}) {
    NoteSignature line = Cosign(kCheckpoint, KeyNameOf("demo.invalid", "JPN", std::to_string(replica)), Key(replica),
                                BookTime::FromSeconds(5));
    ASSERT_TRUE(AddSignatureLine(note, line).ok());
  }
  EXPECT_TRUE(HasReason(VerifyCheckpoint(note, Japan()).status(), Reason::SIGNATURES_NOT_ENOUGH));
}

TEST(VerifyCheckpoint, RefusesSignaturesOverAnotherTree) {
  Note note = SignedBy({1, 2});
  Checkpoint other = kCheckpoint;
  other.size = 1235;
  note.text = FormatCheckpoint(other);
  EXPECT_TRUE(HasReason(VerifyCheckpoint(note, Japan()).status(), Reason::SIGNATURE_INVALID));
}

TEST(VerifyCheckpoint, IsNeverSatisfiedAfterAnyFlippedBit) {
  const std::string valid = FormatNote(SignedBy({1, 2}));
  ASSERT_TRUE(VerifyCheckpoint(valid, Japan()).ok());
  for (size_t i = 0; i < valid.size(); ++i) {
    std::string changed = valid;
    changed[i] ^= static_cast<char>(1 << i % 8);
    EXPECT_FALSE(VerifyCheckpoint(changed, Japan()).ok()) << i;
  }
}

TEST(AddSignatureLine, KeepsALineOnceAndHasALimit) {
  Note note = SignedBy({1});
  ASSERT_TRUE(AddSignatureLine(note, note.signatures[0]).ok());
  EXPECT_EQ(note.signatures.size(), 1u);
  for (uint64_t i = 1; i < kNoteSignaturesMax; ++i) AddCosignature(note, 1, i);
  EXPECT_EQ(note.signatures.size(), kNoteSignaturesMax);
  EXPECT_TRUE(
      HasReason(AddSignatureLine(note, Cosign(kCheckpoint, "one-more", Key(1), BookTime())), Reason::NOTE_MALFORMED));
}

TEST(Cosignature, HasTheLayoutOfTheSpecification) {
  NoteSignature line = Cosign(kCheckpoint, "demo.invalid/THA/1", Key(101), BookTime::FromMicros(1'761'782'400'999'999));
  // In the note: 4 bytes key id, 8 bytes time, 64 bytes signature.
  EXPECT_EQ(sizeof(line.key_id) + line.signature.size(), kCosignatureBytes);
  EXPECT_EQ(line.key_id, NoteKeyId("demo.invalid/THA/1", NoteKeyType::COSIGNATURE_V1, Key(101).public_key().bytes()));
  EXPECT_EQ(*BigEndianReader(line.signature).U64(), 1'761'782'400u);
  std::string message = "cosignature/v1\ntime 1761782400\n" + FormatCheckpoint(kCheckpoint);
  EXPECT_TRUE(Key(101).public_key().Verify(message, line.signature.substr(8)).ok());
}

TEST(VerifyCosignatures, SaysWhoCosignedAndWhen) {
  Note note = SignedBy({1, 2});
  Cosignatures none = *VerifyCosignatures(note, Thailand());
  EXPECT_TRUE(none.signers.empty());
  EXPECT_FALSE(none.enough);
  AddCosignature(note, 3, 30);
  EXPECT_FALSE(VerifyCosignatures(note, Thailand())->enough);
  AddCosignature(note, 3, 20);
  AddCosignature(note, 1, 50);
  AddCosignature(note, 9, 10);
  Cosignatures two = *VerifyCosignatures(note, Thailand());
  EXPECT_EQ(two.signers, (std::vector<std::string>{"demo.invalid/THA/1", "demo.invalid/THA/3"}));
  EXPECT_TRUE(two.enough);
  EXPECT_EQ(two.earliest, BookTime::FromSeconds(20));
  EXPECT_EQ(two.latest, BookTime::FromSeconds(50));
  EXPECT_EQ(*two.cosigned_at, BookTime::FromSeconds(50));
  AddCosignature(note, 2, 40);
  EXPECT_EQ(*VerifyCosignatures(note, Thailand())->cosigned_at, BookTime::FromSeconds(40));
  EXPECT_TRUE(VerifyCheckpoint(note, Japan()).ok());
}

TEST(VerifyCosignatures, RefusesAKnownCosignersBadLine) {
  Note valid = SignedBy({1, 2});
  AddCosignature(valid, 1, 30);
  NoteSignature& line = valid.signatures.back();
  for (size_t i = 0; i < line.signature.size(); ++i) {
    line.signature[i] ^= 1;
    EXPECT_TRUE(HasReason(VerifyCosignatures(valid, Thailand()).status(), Reason::SIGNATURE_INVALID)) << i;
    line.signature[i] ^= 1;
  }
  const std::string good = line.signature;
  for (const std::string& wrong : {good.substr(1), good + "x", good.substr(0, 8), std::string("x")}) {
    line.signature = wrong;
    EXPECT_TRUE(HasReason(VerifyCosignatures(valid, Thailand()).status(), Reason::SIGNATURE_INVALID));
  }
  line.signature = std::string(8, '\xff') + good.substr(8);
  EXPECT_TRUE(HasReason(VerifyCosignatures(valid, Thailand()).status(), Reason::SIGNATURE_INVALID));
}

TEST(VerifyCosignatures, DoesNotTakeASignatureForACosignature) {
  Note note = UnsignedCheckpoint(kCheckpoint);
  for (uint64_t replica : {1, 2}) {
    NoteSignature line =
        SignCheckpoint(kCheckpoint, KeyNameOf("demo.invalid", "THA", std::to_string(replica)), Key(100 + replica));
    ASSERT_TRUE(AddSignatureLine(note, line).ok());
  }
  EXPECT_FALSE(VerifyCosignatures(note, Thailand())->enough);
}

}  // namespace
}  // namespace jcm::book
