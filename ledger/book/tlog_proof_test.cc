#include "ledger/book/tlog_proof.h"

#include <string>

#include "gtest/gtest.h"
#include "ledger/base/hash.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/merkle.h"

namespace jcm::book {
namespace {

TlogProof Example() {
  SeededRandom random(1);
  PrivateKey key = PrivateKey::Generate(random);
  Checkpoint checkpoint{"demo.invalid/JPN/TH", 8, Sha256("root")};
  Note note = UnsignedCheckpoint(checkpoint);
  note.signatures.push_back(SignCheckpoint(checkpoint, "demo.invalid/JPN/1", key));
  TlogProof proof;
  proof.index = 5;
  proof.hashes = {Sha256("a"), Sha256("b"), Sha256("c")};
  proof.checkpoint = FormatNote(note);
  return proof;
}

TEST(TlogProof, RoundTripsWithAndWithoutExtra) {
  for (int kind = 0; kind < 4; ++kind) {
    TlogProof proof = Example();
    if (kind == 1) proof.extra = std::string("any \0 bytes", 11);
    if (kind == 2) proof.extra = "";
    if (kind == 3) proof.hashes.clear();
    absl::StatusOr<TlogProof> again = ParseTlogProof(FormatTlogProof(proof));
    ASSERT_TRUE(again.ok()) << kind;
    EXPECT_EQ(again->extra, proof.extra);
    EXPECT_EQ(again->index, proof.index);
    EXPECT_EQ(again->hashes, proof.hashes);
    EXPECT_EQ(again->checkpoint, proof.checkpoint);
  }
}

TEST(TlogProof, HasTheLinesOfTheSpecification) {
  TlogProof proof = Example();
  proof.hashes.resize(1);
  proof.extra = "ABC";
  EXPECT_EQ(FormatTlogProof(proof),
            "c2sp.org/tlog-proof@v1\n"
            "extra QUJD\n"
            "index 5\n"
            "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=\n"
            "\n" +
                proof.checkpoint);
}

TEST(TlogProof, RefusesOtherForms) {
  const std::string valid = FormatTlogProof(Example());
  auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = valid;
    return text.replace(text.find(from), from.size(), to);
  };
  ASSERT_TRUE(ParseTlogProof(valid).ok());
  TlogProof long_proof = Example();
  long_proof.hashes.resize(kProofHashesMax + 1);
  for (const std::string& wrong : {std::string(),
                                   replaced("@v1", "@v2"),
                                   replaced("index 5", "index 05"),
                                   replaced("index 5", "index -5"),
                                   replaced("index 5", "index"),
                                   replaced("index 5\n", ""),
                                   replaced("index 5", "extra !"),
                                   replaced("index 5", "index 5 "),
                                   replaced("index 5\n", "index 5\n\n"),
                                   replaced("=\n", "\n"),
                                   replaced("c2sp", "\nc2sp"),
                                   valid + "x",
                                   valid + "\n",
                                   valid.substr(0, valid.size() - 1),
                                   valid.substr(1),
                                   replaced("index 5\n", "index 5\nQUJD\n"),
                                   replaced("index 5\n", "index 5\nextra QUJD\n"),
                                   replaced("—", "-"),
                                   FormatTlogProof(long_proof),
                                   std::string(kTlogProofBytesMax + 1, 'x')}) {
    EXPECT_TRUE(HasReason(ParseTlogProof(wrong).status(), Reason::RECEIPT_MALFORMED)) << wrong.substr(0, 100);
  }
}

TEST(TlogProof, ParsesOnlyWhatItWouldFormat) {
  const std::string valid = FormatTlogProof(Example());
  for (size_t i = 0; i < valid.size() * 8; ++i) {
    std::string changed = valid;
    changed[i / 8] ^= static_cast<char>(1 << i % 8);
    absl::StatusOr<TlogProof> proof = ParseTlogProof(changed);
    if (proof.ok()) {
      EXPECT_EQ(FormatTlogProof(*proof), changed);
    }
  }
}

}  // namespace
}  // namespace jcm::book
