// FORMAT.md is the contract with other implementations: its examples are executed here.
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/book/leaf.h"

namespace jcm::book {
namespace {

std::string Document() {
  std::ifstream file("ledger/book/FORMAT.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The content of the block that opens with ```name, without line breaks.
std::string Block(const std::string& name) {
  const std::string document = Document();
  const std::string opening = "```" + name + "\n";
  const size_t begin = document.find(opening);
  if (begin == std::string::npos) return "no such block";
  const size_t from = begin + opening.size();
  return absl::StrReplaceAll(document.substr(from, document.find("```", from) - from), {{"\n", ""}});
}

TEST(FormatPage, ItsLeafIsTheOneThatItDescribes) {
  Leaf leaf;
  leaf.kind = LeafKind::COMMAND;
  leaf.book = BookId{"JPN", "TH"};
  leaf.sequence = 7;
  leaf.time = BookTime::FromMicros(1'761'782'400'000'000);
  leaf.previous_hash = Sha256("previous");
  leaf.rules_version = 1;
  leaf.peer_size = 5;
  leaf.command_digest = Sha256("command");
  leaf.context_digest = Sha256("context");
  leaf.effects_digest = EmptyDigest();
  EXPECT_EQ(HexEncode(EncodeLeaf(leaf)), Block("leaf"));
  EXPECT_EQ(*DecodeLeaf(*HexDecode(Block("leaf"))), leaf);
  EXPECT_EQ(HexEncode(LeafHash(EncodeLeaf(leaf))), Block("leaf-hash"));
}

TEST(FormatPage, ItsTableOfFieldsIsContiguousAndComplete) {
  size_t next = 0;
  int rows = 0;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(Document(), '\n'))) {
    std::vector<std::string> cells = absl::StrSplit(line, '|');
    size_t offset = 0, size = 0;
    if (cells.size() < 6 || !absl::SimpleAtoi(cells[1], &offset) || !absl::SimpleAtoi(cells[2], &size)) continue;
    EXPECT_EQ(offset, next) << line;
    next += size;
    ++rows;
  }
  EXPECT_EQ(next, kLeafBytes);
  EXPECT_EQ(rows, 12);
}

TEST(FormatPage, NamesEveryKindWithItsNumber) {
  const std::string document = Document();
  for (uint8_t number = 1; IsKnownKind(number); ++number) {
    const std::string entry = std::to_string(number) + " " + KindName(static_cast<LeafKind>(number));
    EXPECT_NE(document.find(entry), std::string::npos) << entry;
  }
}

}  // namespace
}  // namespace jcm::book
