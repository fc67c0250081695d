// CSV as RFC 4180 has it: CRLF line ends, quoted where needed; a cell that a spreadsheet would run as a formula (first
// character = + - @, tab or carriage return) gets an apostrophe.
//
//   CsvWriter csv({"Reference No.", "Host country"}, ByteOrderMark::kYes);
//   csv.AddRow({"TH014", "Thailand"});
//   std::string bytes = csv.Take();
#ifndef TOOLS_PUBLISH_CSV_H_
#define TOOLS_PUBLISH_CSV_H_

#include <string>
#include <vector>

namespace jcm::publish {

// Excel reads UTF-8 as such only behind a mark.
enum class ByteOrderMark { kNo, kYes };

class CsvWriter {
 public:
  CsvWriter(const std::vector<std::string>& header, ByteOrderMark mark);

  // As many cells as the header has.
  void AddRow(const std::vector<std::string>& cells);
  std::string Take() { return std::move(text_); }

 private:
  void Write(const std::vector<std::string>& cells);

  const size_t columns_;
  std::string text_;
};

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_CSV_H_
