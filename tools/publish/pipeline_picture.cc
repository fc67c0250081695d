// The pipeline as an SVG: a bar for each country and programme, cut into stages, and below how long projects have
// waited in each stage. Whole numbers only, so that every machine draws the same bytes.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ledger/base/date.h"
#include "tools/publish/decision_text.h"
#include "tools/publish/feed.h"
#include "tools/publish/pipeline.h"

namespace jcm::publish {
namespace {

constexpr uint64_t kWidth = 1160;
constexpr uint64_t kMargin = 20;
constexpr uint64_t kLabelWidth = 400;
constexpr uint64_t kBarWidth = 660;
constexpr uint64_t kRowHeight = 26;
constexpr uint64_t kBarHeight = 18;
constexpr uint64_t kDigitsWidthMin = 14;  // a narrower piece has no number in it

// Distinct in grey too; the last one is what has ended.
constexpr const char* kColors[kStages] = {"#c7dcef", "#8fbbdd", "#5795c4", "#2f6fa7",
                                          "#1f4f7f", "#f2b705", "#3a9a52", "#bdbdbd"};
constexpr bool kDark[kStages] = {false, false, false, true, true, false, true, false};

class Canvas {
 public:
  uint64_t y() const { return y_; }
  void Down(uint64_t by) { y_ += by; }

  void Text(uint64_t x, const std::string& text, const char* attributes = "") {
    absl::StrAppend(&svg_, "<text x=\"", x, "\" y=\"", y_, "\"", attributes, ">", EscapeXml(text), "</text>\n");
  }
  // `title` is what a reader who points at it, or hears the picture, is told.
  void Box(uint64_t x, uint64_t width, const char* color, const std::string& title) {
    absl::StrAppend(&svg_, "<rect x=\"", x, "\" y=\"", y_ - kBarHeight + 4, "\" width=\"", width, "\" height=\"",
                    kBarHeight, "\" fill=\"", color, "\"><title>", EscapeXml(title), "</title></rect>\n");
  }
  std::string Take() { return std::move(svg_); }

 private:
  std::string svg_;
  uint64_t y_ = 0;
};

std::string Both(const Words& words) { return absl::StrCat(words.en, " ", words.ja); }

uint64_t TotalOf(const PipelineBar& bar) {
  uint64_t total = 0;
  for (const uint64_t projects : bar.projects) total += projects;
  return total;
}

void DrawLegend(Canvas* canvas) {
  constexpr uint64_t kPerLine = 3;
  for (size_t stage = 0; stage < kStages; ++stage) {
    const uint64_t x = kMargin + (stage % kPerLine) * ((kWidth - 2 * kMargin) / kPerLine);
    canvas->Box(x, kBarHeight, kColors[stage], Both(StageName(static_cast<Stage>(stage))));
    canvas->Text(x + kBarHeight + 6, Both(StageName(static_cast<Stage>(stage))));
    if (stage % kPerLine == kPerLine - 1 || stage + 1 == kStages) canvas->Down(kRowHeight);
  }
}

void DrawBar(const PipelineBar& bar, uint64_t most, Canvas* canvas) {
  const Words country = PartnerName(bar.partnership);
  const Words programme = ProgrammeName(bar.programme);
  canvas->Text(kMargin, absl::StrCat(country.en, " ", country.ja, " · ", programme.en));
  const uint64_t total = TotalOf(bar);
  uint64_t before = 0;
  for (size_t stage = 0; stage < kStages; ++stage) {
    if (bar.projects[stage] == 0) continue;
    const uint64_t from = before * kBarWidth / most;
    before += bar.projects[stage];
    const uint64_t to = before * kBarWidth / most;
    const uint64_t width = std::max<uint64_t>(to - from, 1);
    canvas->Box(kLabelWidth + from, width, kColors[stage],
                absl::StrCat(country.en, ", ", programme.en, ", ", StageName(static_cast<Stage>(stage)).en, ": ",
                             bar.projects[stage]));
    const std::string digits = WithCommas(bar.projects[stage]);
    if (width >= kDigitsWidthMin + 7 * (digits.size() - 1)) {
      canvas->Text(kLabelWidth + from + width / 2, digits,
                   kDark[stage] ? " text-anchor=\"middle\" fill=\"white\"" : " text-anchor=\"middle\"");
    }
  }
  canvas->Text(kLabelWidth + before * kBarWidth / most + 6, WithCommas(total), " font-weight=\"bold\"");
  canvas->Down(kRowHeight);
}

void DrawWaiting(const PipelinePicture& picture, Canvas* canvas) {
  canvas->Text(kMargin, "Days in the present stage: median, longest 現段階の経過日数（中央値、最長）",
               " font-weight=\"bold\"");
  canvas->Down(kRowHeight);
  uint64_t most = 1;
  for (const DaysOf& days : picture.waiting) most = std::max(most, days.longest);
  for (size_t stage = 0; stage + 1 < kStages; ++stage) {  // what has ended waits for nothing
    const DaysOf& days = picture.waiting[stage];
    if (days.count == 0) continue;
    const Words name = StageName(static_cast<Stage>(stage));
    canvas->Text(kMargin, Both(name));
    const uint64_t longest = std::max<uint64_t>(days.longest * kBarWidth / most, 1);
    canvas->Box(kLabelWidth, longest, "#e4e4e4", absl::StrCat(name.en, ", longest: ", days.longest, " days"));
    canvas->Box(kLabelWidth, std::max<uint64_t>(days.median * kBarWidth / most, 1), kColors[stage],
                absl::StrCat(name.en, ", median: ", days.median, " days"));
    canvas->Text(kLabelWidth + longest + 6, absl::StrCat(WithCommas(days.median), ", ", WithCommas(days.longest)));
    canvas->Down(kRowHeight);
  }
}

}  // namespace

std::string PipelineSvg(const std::vector<BookAt>& books) {
  const PipelinePicture picture = PictureOf(books);
  const Words title = Marked(IsDemonstration(books), {"JCM projects by stage", "JCMプロジェクトの段階"});
  Canvas canvas;
  canvas.Down(kMargin + 10);
  canvas.Text(kMargin, Both(title), " font-size=\"16\" font-weight=\"bold\"");
  canvas.Down(kRowHeight);
  canvas.Text(kMargin, absl::StrCat("As of ", FormatRfc3339(BookTime::FromMicros(NewestTime(books)))));
  canvas.Down(kRowHeight + 6);
  DrawLegend(&canvas);
  canvas.Down(10);
  uint64_t most = 1;
  for (const PipelineBar& bar : picture.bars) most = std::max(most, TotalOf(bar));
  for (const PipelineBar& bar : picture.bars) DrawBar(bar, most, &canvas);
  canvas.Down(10);
  DrawWaiting(picture, &canvas);
  const uint64_t height = canvas.y() + kMargin;
  std::string svg =
      absl::StrCat("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"",
                   kWidth, "\" height=\"", height, "\" viewBox=\"0 0 ", kWidth, " ", height,
                   "\" role=\"img\" font-family=\"'Noto Sans CJK JP', 'Noto Sans', sans-serif\" font-size=\"13\">\n");
  absl::StrAppend(&svg, "<title>", EscapeXml(Both(title)), "</title>\n<metadata>\n");
  for (const BookAt& book : books) absl::StrAppend(&svg, "checkpoint ", EscapeXml(book.CheckpointText()), "\n");
  absl::StrAppend(&svg, "</metadata>\n<rect width=\"", kWidth, "\" height=\"", height, "\" fill=\"white\"/>\n",
                  canvas.Take(), "</svg>\n");
  return svg;
}

}  // namespace jcm::publish
