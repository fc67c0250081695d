#include "ledger/book/receipt.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/book/note.h"
#include "ledger/book/receipt_testing.h"
#include "ledger/book/receipt_text.h"
#include "ledger/book/tlog_proof.h"

namespace jcm::book {
namespace {

const ReceiptFixture& Fixture() {
  static const ReceiptFixture* const fixture = new ReceiptFixture();
  return *fixture;
}

Verdict Judge(const Receipt& receipt) { return Evaluate(receipt, Fixture().trust()); }

std::string English(const Verdict& verdict) { return Headline(verdict, Language::ENGLISH); }

Trust TrustWith(const std::function<void(TrustedBook&)>& change) {
  TrustedBook book = Fixture().trust().books()[0];
  change(book);
  return *Trust::FromBooks({book});
}

TEST(Receipt, OfACosignedEntryIsValidForBothGovernments) {
  Verdict verdict = Judge(Fixture().Certificate());
  EXPECT_EQ(verdict.reason, absl::OkStatus());
  EXPECT_EQ(English(verdict), "VALID (both governments)");
  EXPECT_EQ(Headline(verdict, Language::JAPANESE), "有効（両政府）");
  EXPECT_TRUE(verdict.satisfied);
  EXPECT_TRUE(verdict.demonstration);
  EXPECT_EQ(verdict.signers.size(), 2u);
  EXPECT_EQ(verdict.cosigners, std::vector<std::string>{"demo.invalid/THA/1"});
  EXPECT_EQ(verdict.author_key_ids.size(), 1u);
  EXPECT_EQ(verdict.command.retire_credits().retirement_id(), "R1");
  EXPECT_LT(*verdict.cosigned_before, verdict.leaf->time);
  EXPECT_GT(*verdict.cosigned_at, verdict.leaf->time);
  EXPECT_FALSE(verdict.late_stamped);
}

TEST(Receipt, TellsWhatWasSignedInBothLanguages) {
  Receipt receipt = Fixture().Certificate();
  Verdict verdict = Judge(receipt);
  std::string english = absl::StrJoin(Explain(verdict, receipt, Language::ENGLISH), "\n");
  EXPECT_NE(english.find("SYN001-2024-1 101..400"), std::string::npos) << english;
  EXPECT_NE(english.find("300 t-CO2e"), std::string::npos) << english;
  EXPECT_NE(english.find("beneficiary = 株式会社見本"), std::string::npos) << english;
  std::string japanese = absl::StrJoin(Explain(verdict, receipt, Language::JAPANESE), "\n");
  EXPECT_NE(japanese.find("無効化"), std::string::npos) << japanese;
  EXPECT_NE(japanese.find("300 t-CO2e"), std::string::npos) << japanese;
}

TEST(Receipt, OfEveryEntryAtEverySizeIsValid) {
  for (uint64_t size = 1; size <= ReceiptFixture::kSize; ++size) {
    for (uint64_t sequence = 0; sequence < size; ++sequence) {
      Verdict verdict = Judge(Fixture().ReceiptOf(sequence, size, true));
      EXPECT_EQ(verdict.level, Level::BOTH) << sequence << " of " << size << ": " << ToText(verdict.reason);
    }
  }
}

TEST(Receipt, WaitsForTheOtherGovernmentAndIsUpgradedLater) {
  Receipt pending = Fixture().Certificate(/*cosigned=*/false);
  Verdict verdict = Judge(pending);
  EXPECT_EQ(English(verdict), "VALID (JPN only, cosignature pending)");
  EXPECT_EQ(verdict.required, Level::BOTH);
  EXPECT_FALSE(verdict.satisfied);
  Receipt upgraded = pending;
  upgraded.tlog_proof = Fixture().Certificate().tlog_proof;
  EXPECT_TRUE(Judge(upgraded).satisfied);
}

TEST(Receipt, OfAPartnershipWhosePartnerKeepsNoBookNeedsOneSide) {
  Trust trust = TrustWith([](TrustedBook& book) {
    book.mode = PartnerMode::ATTESTED;
    book.cosigner_keys.reset();
  });
  Verdict verdict = Evaluate(Fixture().ReceiptOf(9, 13, false), trust);
  EXPECT_EQ(English(verdict), "VALID (JPN only, partner keeps no book)");
  EXPECT_TRUE(verdict.satisfied);
}

TEST(Receipt, SaysThatAHostedPartnerIsNotIndependent) {
  Trust trust = TrustWith([](TrustedBook& book) { book.mode = PartnerMode::HOSTED; });
  Receipt receipt = Fixture().Certificate();
  Verdict verdict = Evaluate(receipt, trust);
  EXPECT_TRUE(verdict.hosted);
  EXPECT_NE(absl::StrJoin(Explain(verdict, receipt, Language::ENGLISH), "\n").find("not independent"),
            std::string::npos);
}

TEST(Receipt, MayWithholdBodiesAndOpenings) {
  Receipt receipt = Fixture().Certificate();
  receipt.context.reset();
  receipt.effects.reset();
  receipt.openings.pop_back();
  Verdict verdict = Judge(receipt);
  EXPECT_EQ(English(verdict), "VALID, fields withheld");
  EXPECT_EQ(verdict.withheld, (std::vector<std::string>{"context", "effects", "scheme"}));
  EXPECT_TRUE(verdict.satisfied);
  EXPECT_TRUE(verdict.author_key_ids.empty());
  receipt.openings.clear();
  receipt.command.reset();
  verdict = Judge(receipt);
  EXPECT_EQ(English(verdict), "VALID, fields withheld");
  EXPECT_FALSE(verdict.command_understood);
}

TEST(Receipt, OfOtherKeysIsOfUnknownKeys) {
  ReceiptFixture forger(kDemonstrationDomain, 2);
  Verdict verdict = Judge(forger.Certificate());
  EXPECT_EQ(English(verdict), "UNKNOWN KEY");
  EXPECT_FALSE(verdict.satisfied);
  ReceiptFixture other("registry.example", 1);
  EXPECT_EQ(English(Judge(other.Certificate())), "UNKNOWN KEY");
  EXPECT_EQ(Evaluate(other.Certificate(), other.trust()).level, Level::BOTH);
}

TEST(Receipt, IsExplainedOnlyIfValid) {
  ReceiptFixture forger(kDemonstrationDomain, 2);
  Receipt receipt = forger.Certificate();
  std::string text = absl::StrJoin(Explain(Judge(receipt), receipt, Language::ENGLISH), "\n");
  EXPECT_EQ(text.find("300"), std::string::npos) << text;
  EXPECT_NE(text.find("KEY_UNKNOWN"), std::string::npos) << text;
}

TEST(Receipt, NeedsKSignatures) {
  Receipt receipt = Fixture().Certificate();
  TlogProof proof = *ParseTlogProof(receipt.tlog_proof);
  Note note = *ParseNote(proof.checkpoint);
  note.signatures.erase(note.signatures.begin());
  proof.checkpoint = FormatNote(note);
  receipt.tlog_proof = FormatTlogProof(proof);
  Verdict verdict = Judge(receipt);
  EXPECT_EQ(English(verdict), "INVALID");
  EXPECT_TRUE(HasReason(verdict.reason, Reason::SIGNATURES_NOT_ENOUGH));
}

TEST(Receipt, NeedsTheKeysThatHeldAtItsSize) {
  KeySet later = Fixture().trust().books()[0].keys->At(0);
  for (uint64_t i = 0; i < 3; ++i) later.keys[i].key = ReceiptFixture::Key(500 + i).public_key();
  Trust replaced_before = TrustWith(
      [&](TrustedBook& book) { EXPECT_TRUE(book.keys->Append(ReceiptFixture::kSize, later, absl::nullopt).ok()); });
  EXPECT_EQ(Evaluate(Fixture().Certificate(), replaced_before).level, Level::UNKNOWN_KEY);
  Trust replaced_after = TrustWith(
      [&](TrustedBook& book) { EXPECT_TRUE(book.keys->Append(ReceiptFixture::kSize + 1, later, absl::nullopt).ok()); });
  EXPECT_EQ(Evaluate(Fixture().Certificate(), replaced_after).level, Level::BOTH);
}

TEST(Receipt, CosignatureMayBeOfLaterKeysButNotOfReplacedOnes) {
  KeySet other = Fixture().trust().books()[0].cosigner_keys->At(0);
  const KeySet own = other;
  other.keys[0].key = ReceiptFixture::Key(600).public_key();
  Trust replaced = TrustWith([&](TrustedBook& book) {
    EXPECT_TRUE(book.cosigner_keys->Append(ReceiptFixture::kSize, other, absl::nullopt).ok());
  });
  Receipt receipt = Fixture().Certificate();
  receipt.previous_checkpoint.clear();
  EXPECT_EQ(Evaluate(receipt, replaced).level, Level::PENDING);
  Trust later = TrustWith([&](TrustedBook& book) {
    book.cosigner_keys = *KeyHistory::Start(other, PublicKey());
    EXPECT_TRUE(book.cosigner_keys->Append(ReceiptFixture::kSize + 7, own, absl::nullopt).ok());
  });
  EXPECT_EQ(Evaluate(receipt, later).level, Level::BOTH);
}

TEST(Receipt, RefusesAPreviousCheckpointThatIsNotOneBeforeTheLeaf) {
  Receipt receipt = Fixture().Certificate();
  receipt.previous_checkpoint = Fixture().NoteAt(ReceiptFixture::kRetirement, 1'780'000'000);
  EXPECT_TRUE(Judge(receipt).satisfied);
  receipt.previous_checkpoint = Fixture().NoteAt(ReceiptFixture::kRetirement + 1, 1'780'000'000);
  EXPECT_EQ(Judge(receipt).level, Level::INVALID);
  receipt.previous_checkpoint = Fixture().NoteAt(5, 0);
  EXPECT_EQ(Judge(receipt).level, Level::INVALID);
  receipt.previous_checkpoint = ReceiptFixture(kDemonstrationDomain, 2).NoteAt(5, 1'780'000'000);
  EXPECT_EQ(Judge(receipt).level, Level::INVALID);
}

TEST(Receipt, FlagsAStampFromBeforeTheLastCosignature) {
  Receipt receipt = Fixture().Certificate();
  receipt.previous_checkpoint = Fixture().NoteAt(5, 1'780'000'090 + 120);
  EXPECT_FALSE(Judge(receipt).late_stamped);
  receipt.previous_checkpoint = Fixture().NoteAt(5, 1'780'000'090 + 121);
  EXPECT_TRUE(Judge(receipt).late_stamped);
}

TEST(Receipt, RefusesOpeningsThatDoNotFit) {
  auto expect_invalid = [](const std::function<void(Receipt&)>& change) {
    Receipt receipt = Fixture().Certificate();
    change(receipt);
    EXPECT_EQ(Judge(receipt).level, Level::INVALID);
  };
  expect_invalid([](Receipt& r) { r.openings[0].value = "株式会社他人"; });
  expect_invalid([](Receipt& r) { r.openings[0].salt[0] ^= 1; });
  expect_invalid([](Receipt& r) { r.openings[0].field = "scheme"; });
  expect_invalid([](Receipt& r) { r.openings[0].field = "holder"; });
  expect_invalid([](Receipt& r) { r.openings[1] = r.openings[0]; });
  // The border between salt and value is fixed by the salt's length.
  expect_invalid([](Receipt& r) {
    r.openings[0].value = r.openings[0].salt.back() + r.openings[0].value;
    r.openings[0].salt.pop_back();
  });
  expect_invalid([](Receipt& r) { r.command.reset(); });
}

TEST(Receipt, RefusesAnEntryFromAnotherPlace) {
  Receipt receipt = Fixture().Certificate();
  receipt.leaf = Fixture().entries()[8].leaf;
  EXPECT_EQ(Judge(receipt).level, Level::INVALID);
  receipt = Fixture().ReceiptOf(8, 13, true);
  receipt.tlog_proof = Fixture().Certificate().tlog_proof;
  EXPECT_EQ(Judge(receipt).level, Level::INVALID);
}

// ---- no byte may be changed ----------------------------------------------------------------------------------------

void FlipEveryByte(const char* what, const std::function<std::string&(Receipt&)>& part, bool may_be_pending) {
  const Receipt valid = Fixture().Certificate();
  Receipt sized = valid;
  for (size_t i = 0; i < part(sized).size(); ++i) {
    for (int bit : {0, 3, 5, 7}) {
      Receipt changed = valid;
      part(changed)[i] ^= static_cast<char>(1 << bit);
      Verdict verdict = Judge(changed);
      ASSERT_FALSE(verdict.satisfied) << what << " byte " << i << " bit " << bit;
      ASSERT_NE(verdict.level, Level::BOTH) << what << " byte " << i;
      if (!may_be_pending) {
        ASSERT_FALSE(IsValid(verdict.level)) << what << " byte " << i;
      }
    }
  }
}

TEST(ReceiptBytes, OfLeafAndBodiesCannotBeChanged) {
  FlipEveryByte(
      "leaf", [](Receipt& r) -> std::string& { return r.leaf; }, false);
  FlipEveryByte(
      "command", [](Receipt& r) -> std::string& { return *r.command; }, false);
  FlipEveryByte(
      "context", [](Receipt& r) -> std::string& { return *r.context; }, false);
  FlipEveryByte(
      "effects", [](Receipt& r) -> std::string& { return *r.effects; }, false);
}

TEST(ReceiptBytes, OfOpeningsCannotBeChanged) {
  FlipEveryByte(
      "salt", [](Receipt& r) -> std::string& { return r.openings[0].salt; }, false);
  FlipEveryByte(
      "value", [](Receipt& r) -> std::string& { return r.openings[0].value; }, false);
}

TEST(ReceiptBytes, OfThePreviousCheckpointCannotBeChanged) {
  FlipEveryByte(
      "previous", [](Receipt& r) -> std::string& { return r.previous_checkpoint; }, false);
}

// A line whose key's name or id was changed is one of an unknown key, and is ignored: without the cosignature the
// receipt says that it is pending, which is less than its body needs.
TEST(ReceiptBytes, OfProofCheckpointAndSignaturesCannotBeChanged) {
  const Receipt valid = Fixture().Certificate();
  const size_t cosignature = valid.tlog_proof.find("demo.invalid/THA/1");
  ASSERT_NE(cosignature, std::string::npos);
  FlipEveryByte(
      "tlog_proof", [](Receipt& r) -> std::string& { return r.tlog_proof; }, true);
  for (size_t i = 0; i < cosignature - 4; ++i) {
    Receipt changed = valid;
    changed.tlog_proof[i] ^= 1;
    EXPECT_FALSE(IsValid(Judge(changed).level)) << "byte " << i;
  }
}

TEST(ReceiptBytes, CannotBeLostOrAdded) {
  const Receipt valid = Fixture().Certificate();
  for (auto part :
       {+[](Receipt& r) -> std::string& { return r.leaf; }, +[](Receipt& r) -> std::string& { return *r.command; },
        +[](Receipt& r) -> std::string& { return *r.context; }, +[](Receipt& r) -> std::string& { return *r.effects; },
        +[](Receipt& r) -> std::string& { return r.tlog_proof; },
        +[](Receipt& r) -> std::string& { return r.previous_checkpoint; }}) {
    Receipt changed = valid;
    part(changed) += "x";
    EXPECT_FALSE(IsValid(Judge(changed).level));
    changed = valid;
    part(changed).pop_back();
    EXPECT_FALSE(IsValid(Judge(changed).level));
    changed = valid;
    part(changed).erase(0, 1);
    EXPECT_FALSE(IsValid(Judge(changed).level));
  }
}

// ---- the file ------------------------------------------------------------------------------------------------------

TEST(ReceiptFile, RoundTrips) {
  Receipt certificate = Fixture().Certificate();
  std::string text = FormatReceipt(certificate);
  EXPECT_NE(text.find(kDemonstrationNotice), std::string::npos);
  EXPECT_EQ(FormatReceipt(*ParseReceipt(text)), text);
  EXPECT_TRUE(Judge(*ParseReceipt(text)).satisfied);
  Receipt bare = Fixture().ReceiptOf(3, 7, false);
  bare.context.reset();
  text = FormatReceipt(bare);
  EXPECT_EQ(FormatReceipt(*ParseReceipt(text)), text);
  EXPECT_EQ(FormatReceipt(ReceiptFixture("registry.example").Certificate()).find("notice"), std::string::npos);
  EXPECT_EQ(*OriginOfReceipt(certificate), "demo.invalid/JPN/TH");
}

TEST(ReceiptFile, AFlippedByteIsRefusedOrIsOnlyWhiteSpace) {
  const std::string text = FormatReceipt(Fixture().Certificate());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= static_cast<char>(1 << i % 8);
    absl::StatusOr<Receipt> receipt = ParseReceipt(changed);
    if (!receipt.ok() || !Judge(*receipt).satisfied) continue;
    EXPECT_EQ(FormatReceipt(*receipt), text) << "byte " << i;
  }
}

TEST(ReceiptFile, IsReadStrictly) {
  const std::string valid = FormatReceipt(Fixture().Certificate());
  auto replaced = [&](const std::string& from, const std::string& to) {
    EXPECT_NE(valid.find(from), std::string::npos) << from;
    return absl::StrReplaceAll(valid, {{from, to}});
  };
  for (const std::string& wrong :
       {std::string(), std::string("null"), std::string("{}"), valid + "{}", replaced("jcm-receipt-1", "jcm-receipt-2"),
        replaced("CERTIFICATE", "RECEIPT"), replaced("CERTIFICATE", "OTHER"), replaced("\"leaf\"", "\"leave\""),
        replaced("\"kind\"", "\"kind\": \"CERTIFICATE\", \"kind\""), replaced("DEMONSTRATION, NOT", "NOT"),
        replaced("\"format\"", "\"amount\": 5, \"format\""), replaced("6262", "62"), replaced("6262", "62G2"),
        replaced("GX-ETS", "GX\\u001b-ETS"), std::string(kReceiptBytesMax + 1, ' ')}) {
    EXPECT_TRUE(HasReason(ParseReceipt(wrong).status(), Reason::RECEIPT_MALFORMED)) << wrong.substr(0, 200);
  }
}

}  // namespace
}  // namespace jcm::book
