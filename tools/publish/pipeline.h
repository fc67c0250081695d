// How many projects stand where, for how long, and how long each step has taken: by country and funding programme. All
// projects count, also those that are not published yet, as numbers only.
#ifndef TOOLS_PUBLISH_PIPELINE_H_
#define TOOLS_PUBLISH_PIPELINE_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/publish/book_at.h"
#include "tools/publish/names.h"

namespace jcm::publish {

// Whole days of a number of strands in one state.
struct DaysOf {
  uint64_t count = 0;
  uint64_t median = 0;
  uint64_t longest = 0;
};
DaysOf Summarize(std::vector<uint64_t> days);

struct PipelineRow {
  std::string partnership;
  v1::FundingProgramme programme = v1::FUNDING_PROGRAMME_UNSPECIFIED;
  std::string strand;
  std::string state;
  std::string waits_for;  // who may take the next step: "secretariat", "committee"; empty: nobody
  DaysOf now;             // those that stand there
  DaysOf passed;          // those that stood there once and have gone on
  std::string checkpoint;
};

// By partnership, programme, and the order of the table of steps.
std::vector<PipelineRow> PipelineOf(const std::vector<BookAt>& books);
std::string PipelineCsv(const std::vector<BookAt>& books);

// The life of a project in seven stages, for the picture.
enum class Stage { kIdea, kDesign, kValidated, kRequested, kRegistered, kIssuing, kIssued, kEnded };
inline constexpr size_t kStages = 8;
Words StageName(Stage stage);

struct Placed {
  Stage stage = Stage::kIdea;
  uint64_t since_us = 0;
};
Placed PlaceOf(const DossierAt& project);

// One bar of the picture.
struct PipelineBar {
  std::string partnership;
  v1::FundingProgramme programme = v1::FUNDING_PROGRAMME_UNSPECIFIED;
  std::array<uint64_t, kStages> projects{};
};
struct PipelinePicture {
  std::vector<PipelineBar> bars;
  std::array<DaysOf, kStages> waiting;  // over all bars
};
PipelinePicture PictureOf(const std::vector<BookAt>& books);
std::string PipelineSvg(const std::vector<BookAt>& books);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_PIPELINE_H_
