// Entries from the files that `jcmctl mirror export` writes: FILE, FILE.1, FILE.2 …
// (jcm.mirror.v1.ReadEntriesResponse). One file is in memory at a time.
#ifndef TOOLS_JCM_VERIFY_AUDIT_EXPORT_SOURCE_H_
#define TOOLS_JCM_VERIFY_AUDIT_EXPORT_SOURCE_H_

#include <memory>
#include <string>
#include <vector>

#include "ledger/base/file_system.h"
#include "tools/jcm-verify/audit/source.h"

namespace jcm::verify {

inline constexpr size_t kExportFileBytesMax = 64 * 1024 * 1024;
inline constexpr size_t kExportFilesMax = 1'000'000;

// Groups what was named on a command line into exports: pages belong to the file whose name they continue, in the order
// of their numbers. Pages that lie beside a named file are taken too, so naming the first is enough. A directory stands
// for the files in it.
std::vector<std::vector<std::string>> GroupExports(const std::vector<std::string>& paths, FileSystem& files);

class ExportSource : public EntrySource {
 public:
  // The book is that of the first page; "" / "" if that cannot be read, which Next then reports.
  ExportSource(std::vector<std::string> paths, FileSystem& files);

  const BookId& book() const override { return book_; }
  const std::string& name() const override { return paths_.front(); }
  bool Next(EntryBytes* entry, BookReport* report) override;
  std::vector<SourcedNote> TakeNotes() override;
  std::string PlaceOf(absl::string_view bytes) const override;
  uint64_t entries_expected() const override { return entries_expected_; }

 private:
  // Reads and checks the whole page; entries_ are its entries.
  bool OpenPage(BookReport* report);
  bool ReadFields(BookReport* report);
  bool Fail(BookReport* report, Check check, const std::string& place, const std::string& expected,
            const std::string& found);

  const std::vector<std::string> paths_;
  FileSystem& files_;
  BookId book_;
  size_t page_ = 0;  // the next to open
  std::string content_;
  std::vector<absl::string_view> entries_;
  size_t next_entry_ = 0;
  uint64_t given_ = 0;
  SourcedNote note_;
  bool note_pending_ = false;
  bool failed_ = false;
  uint64_t entries_expected_ = 0;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_EXPORT_SOURCE_H_
