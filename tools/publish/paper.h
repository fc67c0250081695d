// A paper in two languages: headings, paragraphs, lists and tables, written as Markdown or as HTML.
//
//   Paper paper({"Agenda", "議題"});
//   paper.Heading({"Registration", "登録"});
//   paper.Table({{"No.", "番号"}, {"Title", "名称"}}, {{{"1", "1"}, {"A project", "案件"}}});
//   std::string markdown = paper.Markdown(Language::kJapanese);
//
// Text is text: what looks like markup in it is escaped. The HTML needs nothing else, prints well, and is what a PDF is
// made from.
#ifndef TOOLS_PUBLISH_PAPER_H_
#define TOOLS_PUBLISH_PAPER_H_

#include <string>
#include <utility>
#include <vector>

#include "tools/publish/names.h"

namespace jcm::publish {

class Paper {
 public:
  using Row = std::vector<Words>;

  explicit Paper(Words title) : title_(std::move(title)) {}

  void Heading(Words text) { blocks_.push_back({Kind::kHeading, {{std::move(text)}}}); }
  void Text(Words text) { blocks_.push_back({Kind::kText, {{std::move(text)}}}); }
  void Bullets(const std::vector<Words>& items);
  // The first row is the head. A table without rows says that there is nothing.
  void Table(Row head, std::vector<Row> rows);

  std::string Markdown(Language language) const;
  std::string Html(Language language) const;

 private:
  enum class Kind { kHeading, kText, kBullets, kTable };
  struct Block {
    Kind kind;
    std::vector<Row> rows;
  };

  Words title_;
  std::vector<Block> blocks_;
};

// The same in both languages: numbers, names, digests.
inline Words Same(std::string text) { return {text, text}; }

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_PAPER_H_
