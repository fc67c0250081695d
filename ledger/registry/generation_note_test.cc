#include "ledger/registry/generation_note.h"

#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "ledger/base/random.h"
#include "ledger/base/status.h"

namespace jcm::registry {
namespace {

constexpr char kExample[] =
    "demo.invalid/JPN/log\n"
    "new generation 2\n"
    "behind batch 57 of generation 1, hash q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=, time 1764060000000000\n"
    "proposed at 1764060012345678\n";

GenerationProposal Example() {
  GenerationProposal proposal;
  proposal.domain = "demo.invalid";
  proposal.registry = "JPN";
  proposal.generation = 2;
  proposal.after.index = 57;
  proposal.after.generation = 1;
  proposal.after.hash.fill(0xab);
  proposal.after.time = BookTime::FromMicros(1764060000000000);
  proposal.proposed = BookTime::FromMicros(1764060012345678);
  return proposal;
}

book::KeySet KeysOf(const std::vector<PrivateKey>& keys) {
  book::KeySet set;
  set.k = 2;
  for (size_t i = 0; i < keys.size(); ++i) {
    set.keys.push_back({"demo.invalid/JPN/" + std::to_string(i + 1), keys[i].public_key()});
  }
  return set;
}

std::vector<PrivateKey> ThreeKeys() {
  std::vector<PrivateKey> keys;
  SeededRandom random(1);
  for (int i = 0; i < 3; ++i) keys.push_back(PrivateKey::Generate(random));
  return keys;
}

TEST(GenerationNote, IsWrittenAsTheFormatSays) {
  EXPECT_EQ(FormatGeneration(Example()), kExample);
  const absl::StatusOr<GenerationProposal> read = ParseGeneration(kExample);
  ASSERT_TRUE(read.ok()) << ToText(read.status());
  EXPECT_EQ(*read, Example());
}

TEST(GenerationNote, HasOneSpelling) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"generation 2", "generation 02"},
                                                        {"generation 2", "generation "},
                                                        {"q6s=", "q6s"},
                                                        {"q6s=", "q6t="},
                                                        {"/log", "/TH"},
                                                        {"/log\n", "/log"},
                                                        {"5678\n", "5678"},
                                                        {"5678\n", "5678\n\n"},
                                                        {"batch 57", "batch 18446744073709551616"},
                                                        {"demo.invalid/", ""}}) {
    const std::string text = absl::StrReplaceAll(kExample, {{from, to}});
    ASSERT_NE(text, kExample);
    EXPECT_TRUE(HasReason(ParseGeneration(text).status(), Reason::NOTE_MALFORMED)) << text;
  }
  EXPECT_TRUE(HasReason(ParseGeneration("").status(), Reason::NOTE_MALFORMED));
  EXPECT_TRUE(HasReason(ParseGeneration("a/b/log").status(), Reason::NOTE_MALFORMED));
}

TEST(GenerationNote, CountsEachReplicaOnceAndNobodyElse) {
  const std::vector<PrivateKey> keys = ThreeKeys();
  SeededRandom random(2);
  const PrivateKey stranger = PrivateKey::Generate(random);
  book::Note note{kExample, {}};
  note.signatures.push_back(book::SignNoteText(note.text, "demo.invalid/JPN/3", keys[2]));
  note.signatures.push_back(book::SignNoteText(note.text, "demo.invalid/JPN/3", keys[2]));
  note.signatures.push_back(book::SignNoteText(note.text, "demo.invalid/THA/1", stranger));
  const auto signers = GenerationSigners(note, KeysOf(keys));
  ASSERT_TRUE(signers.ok());
  EXPECT_EQ(*signers, std::vector<std::string>{"demo.invalid/JPN/3"});
}

TEST(GenerationNote, RefusesALineThatAReplicaDidNotSign) {
  const std::vector<PrivateKey> keys = ThreeKeys();
  book::Note note{kExample, {}};
  note.signatures.push_back(book::SignNoteText("demo.invalid/JPN/log\n", "demo.invalid/JPN/1", keys[0]));
  EXPECT_TRUE(HasReason(GenerationSigners(note, KeysOf(keys)).status(), Reason::SIGNATURE_INVALID));
}

}  // namespace
}  // namespace jcm::registry
