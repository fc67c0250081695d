#include "tools/publish/paper.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/publish/feed.h"

namespace jcm::publish {
namespace {

constexpr char kStyle[] =
    "body{font-family:'Noto Sans CJK JP','Noto Sans',sans-serif;max-width:60em;margin:2em auto;line-height:1.5}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid #888;padding:.3em .5em;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}th{background:#eee}h2{page-break-after:avoid}tr{page-break-inside:"
    "avoid}";

// Characters that Markdown would take for markup, and line ends, which would end a cell.
std::string EscapeMarkdown(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      escaped += ' ';
      continue;
    }
    if (absl::string_view("\\`*_[]<>|#").find(c) != absl::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string MarkdownRow(const Paper::Row& row, Language language) {
  std::string line = "|";
  for (const Words& cell : row) absl::StrAppend(&line, " ", EscapeMarkdown(cell.In(language)), " |");
  return line + "\n";
}

std::string HtmlRow(const Paper::Row& row, Language language, const char* cell_name) {
  std::string line = "<tr>";
  for (const Words& cell : row) {
    absl::StrAppend(&line, "<", cell_name, ">", EscapeXml(cell.In(language)), "</", cell_name, ">");
  }
  return line + "</tr>\n";
}

const Words& Nothing() {
  static const Words* const nothing = new Words{"none", "なし"};
  return *nothing;
}

}  // namespace

void Paper::Bullets(const std::vector<Words>& items) {
  Block block{Kind::kBullets, {}};
  for (const Words& item : items) block.rows.push_back({item});
  if (!items.empty()) blocks_.push_back(std::move(block));
}

void Paper::Table(Row head, std::vector<Row> rows) {
  if (rows.empty()) return Text(Nothing());
  rows.insert(rows.begin(), std::move(head));
  blocks_.push_back({Kind::kTable, std::move(rows)});
}

std::string Paper::Markdown(Language language) const {
  std::string text = absl::StrCat("# ", EscapeMarkdown(title_.In(language)), "\n");
  for (const Block& block : blocks_) {
    text += "\n";
    for (size_t i = 0; i < block.rows.size(); ++i) {
      const Row& row = block.rows[i];
      switch (block.kind) {
        case Kind::kHeading:
          absl::StrAppend(&text, "## ", EscapeMarkdown(row[0].In(language)), "\n");
          break;
        case Kind::kText:
          absl::StrAppend(&text, EscapeMarkdown(row[0].In(language)), "\n");
          break;
        case Kind::kBullets:
          absl::StrAppend(&text, "* ", EscapeMarkdown(row[0].In(language)), "\n");
          break;
        case Kind::kTable:
          text += MarkdownRow(row, language);
          if (i > 0) break;
          text += "|";
          for (size_t column = 0; column < row.size(); ++column) text += " --- |";
          text += "\n";
          break;
      }
    }
  }
  return text;
}

std::string Paper::Html(Language language) const {
  const std::string title = EscapeXml(title_.In(language));
  std::string text =
      absl::StrCat("<!DOCTYPE html>\n<html lang=\"", Tag(language), "\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>",
                   title, "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n<h1>", title, "</h1>\n");
  for (const Block& block : blocks_) {
    if (block.kind == Kind::kBullets) text += "<ul>\n";
    if (block.kind == Kind::kTable) text += "<table>\n";
    for (size_t i = 0; i < block.rows.size(); ++i) {
      const Row& row = block.rows[i];
      if (block.kind == Kind::kTable) {
        text += HtmlRow(row, language, i == 0 ? "th" : "td");
        continue;
      }
      const char* name = block.kind == Kind::kHeading ? "h2" : block.kind == Kind::kText ? "p" : "li";
      absl::StrAppend(&text, "<", name, ">", EscapeXml(row[0].In(language)), "</", name, ">\n");
    }
    if (block.kind == Kind::kBullets) text += "</ul>\n";
    if (block.kind == Kind::kTable) text += "</table>\n";
  }
  return text + "</body>\n</html>\n";
}

}  // namespace jcm::publish
