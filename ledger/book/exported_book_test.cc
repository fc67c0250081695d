#include "ledger/book/exported_book.h"

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/receipt_testing.h"

namespace jcm::book {
namespace {

constexpr uint64_t kSize = ReceiptFixture::kSize;
constexpr uint64_t kCosignedSeconds = 1'790'000'000;

const ReceiptFixture& Fixture() {
  static const ReceiptFixture* const fixture = new ReceiptFixture();
  return *fixture;
}

ExportPiece Piece(const ReceiptFixture& fixture, uint64_t from, uint64_t to, uint64_t checkpoint_size,
                  uint64_t cosigned_seconds = kCosignedSeconds) {
  ExportPiece piece;
  piece.from = from;
  for (uint64_t i = from; i < to; ++i) {
    const FixtureEntry& source = fixture.entries()[i];
    v1::EntryRecord entry;
    entry.set_leaf(source.leaf);
    entry.set_command(source.command);
    entry.set_context(source.context);
    entry.set_effects(source.effects);
    piece.entries.push_back(std::move(entry));
  }
  piece.checkpoint = fixture.NoteAt(checkpoint_size, cosigned_seconds);
  piece.consistency_proof = fixture.ConsistencyFrom(to, checkpoint_size);
  return piece;
}

BookVerdict Judge(const std::vector<ExportPiece>& pieces, const Trust& trust = Fixture().trust()) {
  BookVerifier verifier(trust);
  for (const ExportPiece& piece : pieces) {
    if (!verifier.Add(piece).ok()) break;
  }
  return verifier.Finish();
}

TEST(ExportedBook, IsValidInOnePieceOrMany) {
  for (const std::vector<ExportPiece>& pieces :
       {std::vector<ExportPiece>{Piece(Fixture(), 0, kSize, kSize)},
        std::vector<ExportPiece>{Piece(Fixture(), 0, 1, kSize), Piece(Fixture(), 1, 8, 9),
                                 Piece(Fixture(), 8, kSize, kSize)},
        std::vector<ExportPiece>{Piece(Fixture(), 0, 5, kSize)}}) {
    BookVerdict verdict = Judge(pieces);
    EXPECT_EQ(verdict.reason, absl::OkStatus());
    EXPECT_EQ(verdict.level, Level::BOTH);
    EXPECT_TRUE(verdict.satisfied);
    EXPECT_EQ(verdict.checkpoint_size, kSize);
    EXPECT_EQ(verdict.cosigned_size, kSize);
    EXPECT_EQ(verdict.entries_by_kind["GENESIS"], 1u);
    EXPECT_EQ(verdict.entries_by_kind["COMMAND"], verdict.size - 1);
  }
}

TEST(ExportedBook, SaysHowFarTheOtherGovernmentCosigned) {
  BookVerdict verdict = Judge({Piece(Fixture(), 0, 7, 7), Piece(Fixture(), 7, kSize, kSize, 0)});
  EXPECT_EQ(verdict.level, Level::PENDING);
  EXPECT_FALSE(verdict.satisfied);
  EXPECT_EQ(verdict.cosigned_size, 7u);
  EXPECT_EQ(verdict.size, kSize);
}

TEST(ExportedBook, OfOtherKeysIsOfUnknownKeys) {
  ReceiptFixture forger(kDemonstrationDomain, 2);
  EXPECT_EQ(Judge({Piece(forger, 0, kSize, kSize)}).level, Level::UNKNOWN_KEY);
  ReceiptFixture other("registry.example");
  EXPECT_EQ(Judge({Piece(other, 0, kSize, kSize)}).level, Level::UNKNOWN_KEY);
}

TEST(ExportedBook, AnyChangedByteMakesItInvalid) {
  const ExportPiece valid = Piece(Fixture(), 0, 4, 4);
  auto flip_all = [&](const std::function<std::string*(ExportPiece&)>& part) {
    ExportPiece sized = valid;
    for (size_t i = 0; i < part(sized)->size(); ++i) {
      ExportPiece changed = valid;
      (*part(changed))[i] ^= static_cast<char>(1 << i % 8);
      ASSERT_FALSE(Judge({changed}).satisfied) << i;
    }
  };
  for (size_t entry = 0; entry < 4; ++entry) {
    flip_all([=](ExportPiece& p) { return p.entries[entry].mutable_leaf(); });
    flip_all([=](ExportPiece& p) { return p.entries[entry].mutable_command(); });
    flip_all([=](ExportPiece& p) { return p.entries[entry].mutable_context(); });
    flip_all([=](ExportPiece& p) { return p.entries[entry].mutable_effects(); });
  }
  flip_all([](ExportPiece& p) { return &p.checkpoint; });
}

TEST(ExportedBook, RefusesMissingDoubledAndSwappedEntries) {
  auto expect_invalid = [](const std::function<void(ExportPiece&)>& change, Reason reason) {
    ExportPiece piece = Piece(Fixture(), 0, kSize, kSize);
    change(piece);
    BookVerdict verdict = Judge({piece});
    EXPECT_EQ(verdict.level, Level::INVALID);
    EXPECT_TRUE(HasReason(verdict.reason, reason)) << ToText(verdict.reason);
  };
  expect_invalid([](ExportPiece& p) { p.entries.erase(p.entries.begin() + 3); }, Reason::CHAIN_BROKEN);
  expect_invalid([](ExportPiece& p) { p.entries.insert(p.entries.begin() + 3, p.entries[3]); }, Reason::CHAIN_BROKEN);
  expect_invalid([](ExportPiece& p) { std::swap(p.entries[3], p.entries[4]); }, Reason::CHAIN_BROKEN);
  expect_invalid([](ExportPiece& p) { p.entries.erase(p.entries.begin()); }, Reason::CHAIN_BROKEN);
  expect_invalid([](ExportPiece& p) { p.entries.pop_back(); }, Reason::PROOF_INVALID);
  expect_invalid([](ExportPiece& p) { p.from = 1; }, Reason::CHAIN_BROKEN);
  expect_invalid([](ExportPiece& p) { p.consistency_proof.push_back(Digest{}); }, Reason::PROOF_INVALID);
  expect_invalid([](ExportPiece& p) { p.checkpoint = Fixture().NoteAt(kSize - 1, 0); }, Reason::PROOF_INVALID);
  expect_invalid([](ExportPiece& p) { p.entries.clear(); }, Reason::CHAIN_BROKEN);
  EXPECT_EQ(Judge({}).level, Level::INVALID);
  EXPECT_EQ(Judge({Piece(Fixture(), 0, 3, 3), Piece(Fixture(), 4, kSize, kSize)}).level, Level::INVALID);
}

TEST(ExportedBook, StaysRefusedAfterAnError) {
  BookVerifier verifier(Fixture().trust());
  ASSERT_FALSE(verifier.Add(Piece(Fixture(), 1, 3, 3)).ok());
  EXPECT_FALSE(verifier.Add(Piece(Fixture(), 0, kSize, kSize)).ok());
  EXPECT_EQ(verifier.Finish().level, Level::INVALID);
}

TEST(ExportedBook, RefusesATrustFileWithOtherChangesOfKeys) {
  TrustedBook book = Fixture().trust().books()[0];
  KeySet other = book.keys->At(0);
  other.keys[0].key = ReceiptFixture::Key(700).public_key();
  ASSERT_TRUE(book.keys->Append(5, other, absl::nullopt).ok());
  EXPECT_EQ(Judge({Piece(Fixture(), 0, kSize, kSize)}, *Trust::FromBooks({book})).level, Level::UNKNOWN_KEY);
  TrustedBook later = Fixture().trust().books()[0];
  ASSERT_TRUE(later.keys->Append(kSize + 5, other, absl::nullopt).ok());
  EXPECT_EQ(Judge({Piece(Fixture(), 0, kSize, kSize)}, *Trust::FromBooks({later})).level, Level::BOTH);
}

}  // namespace
}  // namespace jcm::book
