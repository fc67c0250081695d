#include "ledger/backup/manifest.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ledger/backup/durable_file.h"
#include "ledger/base/bytes.h"
#include "ledger/base/date.h"
#include "ledger/base/status.h"

namespace jcm::backup {
namespace {

constexpr char kRestoredFirstLine[] = "jcm-restored 1";
constexpr size_t kFileNameBytesMax = 255;

bool IsNameCharacter(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; }

}  // namespace

absl::Status CheckName(absl::string_view name) {
  const bool shaped = !name.empty() && name.size() <= kNameBytesMax && absl::ascii_isalnum(name[0]) &&
                      !absl::EndsWith(name, kUnfinishedEnding) &&
                      std::all_of(name.begin(), name.end(), IsNameCharacter);
  if (shaped) return absl::OkStatus();
  return Error(Reason::FIELD_INVALID,
               absl::StrCat("a backup's name has 1 to ", kNameBytesMax, " characters A-Z a-z 0-9 . _ -"));
}

std::string DefaultName(BookTime made_at, absl::string_view registry, uint64_t own_entries) {
  std::string time = FormatRfc3339(BookTime::FromMicros(made_at.micros - made_at.micros % 1'000'000));
  time.erase(std::remove_if(time.begin(), time.end(), [](char c) { return c == '-' || c == ':'; }), time.end());
  return absl::StrCat(time, "-", registry, "-", own_entries);
}

bool IsStoreFileName(absl::string_view name) {
  if (name.empty() || name.size() > kFileNameBytesMax || name[0] == '.' || name == kRestoredFile) return false;
  return std::all_of(name.begin(), name.end(), IsNameCharacter);
}

bool BelongsIntoBackup(absl::string_view name) {
  return name != "LOCK" && name != "LOG" && !absl::StartsWith(name, "LOG.old") && name != kRestoredFile;
}

absl::Status CheckManifest(const v1::Manifest& manifest, const std::string& name, const Owner& owner) {
  const auto damaged = [&](absl::string_view what) {
    return Error(Reason::BACKUP_DAMAGED, absl::StrCat("backups/", name, ": ", what));
  };
  if (manifest.format() != kManifestFormat) return damaged("a format that this program does not know");
  if (manifest.name() != name) return damaged("the manifest of another backup");
  if (manifest.registry() != owner.registry || manifest.domain() != owner.domain) return damaged("of another registry");
  if (static_cast<size_t>(manifest.files_size()) > kFilesMax || manifest.files().empty()) return damaged("its files");
  std::string last;
  for (const v1::File& file : manifest.files()) {
    if (!IsStoreFileName(file.name()) || file.name() <= last) return damaged("the name of a file");
    if (file.sha256().size() != sizeof(Digest) || file.object().size() != kObjectNameBytes ||
        !HexDecode(file.object()).ok()) {
      return damaged(file.name());
    }
    last = file.name();
  }
  return absl::OkStatus();
}

uint64_t BytesOf(const v1::Manifest& manifest) {
  uint64_t bytes = 0;
  for (const v1::File& file : manifest.files()) bytes += file.size();
  return bytes;
}

uint64_t OwnEntriesOf(const v1::Manifest& manifest) {
  uint64_t entries = 0;
  for (const v1::Book& book : manifest.books()) entries += book.mirror() ? 0 : book.size();
  return entries;
}

std::string FormatRestoredFrom(const v1::Manifest& manifest) {
  std::string text = absl::StrCat(kRestoredFirstLine, "\nbackup ", manifest.name(), "\nmade_at_us ",
                                  manifest.made_at_us(), "\napplied_index ", manifest.applied_index(), "\n");
  for (const v1::Book& book : manifest.books()) {
    if (!book.mirror()) absl::StrAppend(&text, "book ", book.book(), " ", book.size(), "\n");
  }
  return text;
}

RestoredFrom ParseRestoredFrom(absl::string_view text) {
  RestoredFrom from;
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines[0] != kRestoredFirstLine) return from;
  for (const absl::string_view line : lines) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() == 2 && words[0] == "backup") from.name = std::string(words[1]);
    RestoredFrom::Book book;
    if (words.size() == 3 && words[0] == "book" && absl::SimpleAtoi(words[2], &book.size)) {
      book.book = std::string(words[1]);
      from.books.push_back(std::move(book));
    }
    if (words.size() != 2) continue;
    if (words[0] == "made_at_us" && !absl::SimpleAtoi(words[1], &from.made_at_us)) from.made_at_us = 0;
    if (words[0] == "applied_index" && !absl::SimpleAtoi(words[1], &from.applied_index)) from.applied_index = 0;
  }
  return from;
}

}  // namespace jcm::backup
