#include "tools/jcm-verify/audit/export_source.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/base/bytes.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/leaf.h"
#include "ledger/book/note.h"

namespace jcm::verify {
namespace {

// Fields of jcm.mirror.v1.ReadEntriesResponse.
enum PageField : uint32_t {
  kBook = 1,
  kFrom = 2,
  kEntries = 3,
  kCheckpoint = 4,
  kConsistencyProof = 5,
  kPriorLeafHash = 6,
  kPriorLeafProof = 7,
};

constexpr size_t kProofHashesMax = 64;

// "a.mirror.12" is page 12 of "a.mirror"; anything else is page 0 of itself.
std::pair<std::string, uint64_t> SplitPageName(const std::string& path) {
  const size_t dot = path.rfind('.');
  uint64_t page = 0;
  if (dot == std::string::npos || dot == 0) return {path, 0};
  const std::string suffix = path.substr(dot + 1);
  const bool digits = !suffix.empty() && suffix[0] != '0' &&
                      std::all_of(suffix.begin(), suffix.end(), [](char c) { return absl::ascii_isdigit(c); });
  if (!digits || !absl::SimpleAtoi(suffix, &page)) return {path, 0};
  return {path.substr(0, dot), page};
}

BookId BookOf(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  if (parts.size() != 2 || !book::IsRegistryCode(parts[0]) || !book::IsPartnershipCode(parts[1])) return BookId();
  return BookId{parts[0], parts[1]};
}

bool AddHash(absl::string_view bytes, std::vector<Digest>* hashes) {
  if (bytes.size() != sizeof(Digest) || hashes->size() >= kProofHashesMax) return false;
  Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  hashes->push_back(digest);
  return true;
}

}  // namespace

std::vector<std::vector<std::string>> GroupExports(const std::vector<std::string>& paths, FileSystem& files) {
  std::vector<std::string> all;
  for (const std::string& path : paths) {
    absl::StatusOr<std::vector<std::string>> names = files.ListDir(path);
    if (!names.ok()) {
      all.push_back(path);
      continue;
    }
    for (const std::string& name : *names) all.push_back(absl::StrCat(path, path.back() == '/' ? "" : "/", name));
  }
  std::vector<std::string> order;
  std::map<std::string, std::set<uint64_t>> pages;
  for (const std::string& path : all) {
    std::pair<std::string, uint64_t> split = SplitPageName(path);
    // A file that is a page only by its name, with no first page beside it, is still reported as one that lacks others.
    if (pages.count(split.first) == 0) order.push_back(split.first);
    pages[split.first].insert(split.second);
  }
  std::vector<std::vector<std::string>> groups;
  for (const std::string& base : order) {
    std::set<uint64_t>& numbers = pages[base];
    if (files.Exists(base)) numbers.insert(0);
    for (uint64_t next = 1; next < kExportFilesMax && files.Exists(absl::StrCat(base, ".", next)); ++next) {
      numbers.insert(next);
    }
    std::vector<std::string> group;
    for (const uint64_t number : numbers) group.push_back(number == 0 ? base : absl::StrCat(base, ".", number));
    groups.push_back(std::move(group));
  }
  return groups;
}

ExportSource::ExportSource(std::vector<std::string> paths, FileSystem& files)
    : paths_(std::move(paths)), files_(files) {
  absl::StatusOr<std::string> first = files_.ReadFile(paths_.front());
  if (!first.ok() || first->size() > kExportFileBytesMax) return;
  WireReader reader(*first);
  WireField field;
  while (reader.Next(&field)) {
    if (field.number == kBook && field.is_bytes) book_ = BookOf(field.bytes);
    if (field.number != kCheckpoint || !field.is_bytes) continue;
    absl::StatusOr<book::Note> note = book::ParseNote(field.bytes);
    if (!note.ok()) continue;
    absl::StatusOr<book::Checkpoint> checkpoint = book::ParseCheckpoint(note->text);
    if (checkpoint.ok()) entries_expected_ = checkpoint->size;
  }
}

bool ExportSource::Fail(BookReport* report, Check check, const std::string& place, const std::string& expected,
                        const std::string& found) {
  failed_ = true;
  report->FailBook(check, place, expected, found);
  return false;
}

bool ExportSource::ReadFields(BookReport* report) {
  const std::string& path = paths_[page_];
  WireReader reader(content_);
  WireField field;
  BookId book;
  uint64_t from = 0;
  uint32_t last = 0;
  uint64_t start = 0;
  note_ = SourcedNote();
  note_.place = path;
  std::vector<Digest> prior;
  while (reader.Next(&field)) {
    const bool repeated =
        field.number == kEntries || field.number == kConsistencyProof || field.number == kPriorLeafProof;
    bool good = field.number <= kPriorLeafProof && (field.number > last || (repeated && field.number == last)) &&
                field.is_bytes == (field.number != kFrom);
    last = field.number;
    if (good) {
      switch (field.number) {
        case kBook:
          book = BookOf(field.bytes);
          break;
        case kFrom:
          from = field.value;
          good = from > 0;
          break;
        case kEntries:
          entries_.push_back(field.bytes);
          break;
        case kCheckpoint:
          note_.note = std::string(field.bytes);
          break;
        case kConsistencyProof:
          good = AddHash(field.bytes, &note_.proof);
          break;
        case kPriorLeafHash:
          good = AddHash(field.bytes, &prior);
          break;
        default:
          good = AddHash(field.bytes, &note_.prior_proof);
      }
    }
    if (!good) {
      return Fail(report, Check::FORM, absl::StrCat(path, " bytes ", start, "..", reader.position() - 1),
                  "a page of an export", absl::StrCat("field ", field.number, " as no export has it"));
    }
    start = reader.position();
  }
  if (!reader.ok()) {
    return Fail(report, Check::FORM, absl::StrCat(path, " byte ", reader.position()), "a page of an export",
                absl::StrCat("bytes that cannot be read; the file has ", content_.size()));
  }
  if (book != book_ || book_ == BookId()) {
    return Fail(report, Check::FORM, path, absl::StrCat("a page of book ", book_.ToString()),
                absl::StrCat("book \"", book.ToString(), "\""));
  }
  if (from != given_) {
    return Fail(report, Check::COMPLETE, path, absl::StrCat("a page from entry ", given_),
                absl::StrCat("one from entry ", from, from > given_ ? ": files are missing" : ""));
  }
  note_.has_proof = true;
  if (!prior.empty()) {
    note_.prior_size = from;
    note_.prior_leaf = prior[0];
  } else if (from > 0) {
    return Fail(report, Check::FORM, path, "the hash of the leaf before the page", "none");
  }
  if (prior.empty() && !note_.prior_proof.empty()) {
    return Fail(report, Check::FORM, path, "no proof of a leaf before the first page", "one");
  }
  return true;
}

bool ExportSource::OpenPage(BookReport* report) {
  entries_.clear();
  next_entry_ = 0;
  const std::string& path = paths_[page_];
  absl::StatusOr<std::string> content = files_.ReadFile(path);
  if (!content.ok()) {
    return Fail(report, Check::COMPLETE, path, "a file that can be read", std::string(content.status().message()));
  }
  if (content->empty() || content->size() > kExportFileBytesMax) {
    return Fail(report, Check::FORM, path, "a page of an export", absl::StrCat(content->size(), " bytes"));
  }
  content_ = *std::move(content);
  if (!ReadFields(report)) return false;
  report->bytes += content_.size();
  report->Passed(Check::FORM);
  note_pending_ = true;
  ++page_;
  return true;
}

bool ExportSource::Next(EntryBytes* entry, BookReport* report) {
  while (!failed_ && next_entry_ == entries_.size()) {
    if (page_ == paths_.size()) return false;
    if (!OpenPage(report)) return false;
  }
  if (failed_) return false;
  const absl::string_view bytes = entries_[next_entry_++];
  if (!ParseEntryRecord(bytes, entry)) {
    return Fail(report, Check::FORM, PlaceOf(bytes), absl::StrCat("entry ", given_), "bytes that are no entry");
  }
  ++given_;
  return true;
}

std::vector<SourcedNote> ExportSource::TakeNotes() {
  std::vector<SourcedNote> notes;
  // With the page's last entry, for only then the proof fits.
  if (!note_pending_ || failed_ || next_entry_ != entries_.size()) return notes;
  note_pending_ = false;
  notes.push_back(std::move(note_));
  return notes;
}

std::string ExportSource::PlaceOf(absl::string_view bytes) const {
  const std::string& path = paths_[page_ == 0 ? 0 : page_ - 1];
  if (bytes.data() < content_.data() || bytes.data() + bytes.size() > content_.data() + content_.size()) return path;
  const uint64_t from = static_cast<uint64_t>(bytes.data() - content_.data());
  return absl::StrCat(path, " bytes ", from, "..", from + (bytes.empty() ? 0 : bytes.size() - 1));
}

}  // namespace jcm::verify
