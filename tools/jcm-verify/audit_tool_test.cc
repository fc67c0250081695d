// The auditor as a program: exports, stores, exit codes, reports; and that no byte of an export can change unseen.
#include "tools/jcm-verify/audit_tool.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "ledger/registry/keys.h"
#include "ledger/store/rocksdb_store.h"
#include "nlohmann/json.hpp"
#include "tools/jcm-verify/audit/export_source.h"
#include "tools/jcm-verify/audit/store_source.h"
#include "tools/jcm-verify/audit/testing/stored_book.h"
#include "tools/jcm-verify/audit/testing/story_books.h"

namespace jcm::verify {
namespace {

StoryBooks& Story() {
  static StoryBooks* const story = new StoryBooks;
  return *story;
}

struct Ran {
  int code = -1;
  std::string out, err;
};

class AuditTool : public testing::Test {
 protected:
  AuditTool() {
    EXPECT_TRUE(files_.WriteFileAtomically("/trust.json", Story().TrustFile().Format()).ok());
    options_.trust_paths = {"/trust.json"};
    options_.configured_trust_path = "/none";
  }

  void WriteExport(const std::string& path, const BookCopy& copy, size_t entries_per_page) {
    const std::vector<std::string> pages = Story().Export(copy, entries_per_page);
    for (size_t i = 0; i < pages.size(); ++i) {
      ASSERT_TRUE(files_.WriteFileAtomically(i == 0 ? path : absl::StrCat(path, ".", i), pages[i]).ok());
    }
  }

  Ran Run() {
    std::ostringstream out, err;
    Ran ran;
    ran.code = RunAudit(options_, files_, out, err);
    ran.out = out.str();
    ran.err = err.str();
    return ran;
  }

  MemoryFileSystem files_;
  AuditOptions options_;
};

TEST_F(AuditTool, IsBuiltFromNoPartOfTheRules) {
  std::ifstream list(absl::StrCat(getenv("TEST_SRCDIR"), "/jcm_registry/tools/jcm-verify/dependencies_on_rules"));
  ASSERT_TRUE(list.is_open());
  std::string line;
  EXPECT_FALSE(std::getline(list, line)) << line;
}

TEST_F(AuditTool, AuditsExportsOfBothSidesFromTheirFirstPages) {
  WriteExport("/JPN-TH.mirror", Story().Copy("JPN", "TH"), 7);
  WriteExport("/THA-TH.mirror", Story().Copy("THA", "TH"), 1000);
  options_.paths = {"/JPN-TH.mirror", "/THA-TH.mirror"};
  Ran ran = Run();
  EXPECT_EQ(ran.code, kExitValid) << ran.out << ran.err;
  EXPECT_TRUE(absl::StrContains(ran.out, "AUDIT CLEAN")) << ran.out;
  EXPECT_TRUE(absl::StrContains(ran.out, "DEMONSTRATION"));
  EXPECT_TRUE(absl::StrContains(ran.out, "home not given"));
  options_.language = book::Language::JAPANESE;
  EXPECT_TRUE(absl::StrContains(Run().out, "監査：問題なし"));
}

TEST_F(AuditTool, ReportsAsJson) {
  WriteExport("/JPN-TH.mirror", Story().Copy("JPN", "TH"), 1000);
  options_.paths = {"/JPN-TH.mirror"};
  options_.json = true;
  const Ran ran = Run();
  const nlohmann::json json = nlohmann::json::parse(ran.out);
  EXPECT_EQ(json["result"], "CLEAN");
  EXPECT_EQ(json["books"][0]["book"], "demo.invalid/JPN/TH");
  EXPECT_EQ(json["books"][0]["checks"]["chain"]["failed"], 0);
  EXPECT_GT(json["books"][0]["checks"]["chain"]["passed"], 0);
  EXPECT_EQ(json["books"][0]["checks"]["author-home"]["not_checkable"], "home not given");
  EXPECT_GT(json["author_cpu_seconds"], 0.0);
  EXPECT_EQ(json["author_seconds"], json["author_cpu_seconds"]);
  EXPECT_GT(json["other_cpu_seconds"], 0.0);
  EXPECT_NEAR(json["cpu_seconds"], json["author_cpu_seconds"].get<double>() + json["other_cpu_seconds"].get<double>(),
              1e-6);
}

TEST_F(AuditTool, HasExitCodesForWhatIsMissing) {
  BookCopy copy = Story().Copy("THA", "TH");
  WriteExport("/THA-TH.mirror", copy, 1000);
  options_.paths = {"/THA-TH.mirror"};
  options_.trust_paths.clear();
  EXPECT_EQ(Run().code, kExitUnknownKey);
  options_.trust_paths = {"/trust.json"};
  copy.checkpoint.erase(copy.checkpoint.find('\n', copy.checkpoint.find("\n\n") + 2) + 1);
  WriteExport("/THA-TH.mirror", copy, 1000);
  EXPECT_EQ(Run().code, kExitNotEnough);
  options_.paths = {"/no-such-file"};
  EXPECT_EQ(Run().code, kExitInvalid);
  options_.paths.clear();
  EXPECT_EQ(Run().code, kExitUsage);
  options_.trust_paths = {"/no-such-file"};
  EXPECT_EQ(Run().code, kExitUsage);
}

TEST_F(AuditTool, FindsEveryFlippedByteOfAnExport) {
  BookCopy copy = Story().Copy("THA", "TH");
  copy.entries.resize(5);
  Story().Rebuild(&copy);
  options_.paths = {"/book.mirror"};
  const std::vector<std::string> pages = Story().Export(copy, 3);
  ASSERT_EQ(pages.size(), 2u);
  WriteExport("/book.mirror", copy, 3);
  ASSERT_EQ(Run().code, kExitValid) << Run().out;
  for (size_t page = 0; page < pages.size(); ++page) {
    const std::string path = page == 0 ? "/book.mirror" : "/book.mirror.1";
    for (size_t i = 0; i < pages[page].size(); ++i) {
      std::string damaged = pages[page];
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
      ASSERT_TRUE(files_.WriteFileAtomically(path, damaged).ok());
      const Ran ran = Run();
      ASSERT_NE(ran.code, kExitValid) << path << " byte " << i;
    }
    ASSERT_TRUE(files_.WriteFileAtomically(path, pages[page]).ok());
  }
}

TEST_F(AuditTool, NamesTheBytesThatAreDamaged) {
  BookCopy copy = Story().Copy("THA", "TH");
  WriteExport("/book.mirror", copy, 1000);
  std::string page = Story().Export(copy, 1000)[0];
  const std::string& command = copy.entries[4].command();
  const size_t at = page.find(command);
  ASSERT_NE(at, std::string::npos);
  page[at + 10] ^= 1;
  ASSERT_TRUE(files_.WriteFileAtomically("/book.mirror", page).ok());
  options_.paths = {"/book.mirror"};
  const Ran ran = Run();
  EXPECT_EQ(ran.code, kExitInvalid);
  EXPECT_TRUE(absl::StrContains(ran.out, "entry 4 [command-digest]")) << ran.out;
  EXPECT_TRUE(absl::StrContains(ran.out, absl::StrCat("/book.mirror bytes ", at, "..", at + command.size() - 1)))
      << ran.out;
}

TEST_F(AuditTool, FindsAMissingAndATruncatedFile) {
  WriteExport("/book.mirror", Story().Copy("THA", "TH"), 10);
  options_.paths = {"/book.mirror"};
  ASSERT_EQ(Run().code, kExitValid);
  ASSERT_TRUE(files_.Remove("/book.mirror.2").ok());
  Ran ran = Run();
  EXPECT_EQ(ran.code, kExitInvalid);
  EXPECT_TRUE(absl::StrContains(ran.out, "[complete]")) << ran.out;
  // Also where later pages are named: the gap is at entry 20.
  options_.paths = {"/book.mirror", "/book.mirror.3"};
  ran = Run();
  EXPECT_TRUE(absl::StrContains(ran.out, "a page from entry 20")) << ran.out;

  WriteExport("/book.mirror", Story().Copy("THA", "TH"), 1000);
  const std::string page = Story().Export(Story().Copy("THA", "TH"), 1000)[0];
  options_.paths = {"/book.mirror"};
  for (const char* extra : {".1", ".3", ".4"}) (void)files_.Remove(absl::StrCat("/book.mirror", extra));
  for (size_t size = 0; size < page.size(); size += page.size() / 50) {
    ASSERT_TRUE(files_.WriteFileAtomically("/book.mirror", page.substr(0, size)).ok());
    EXPECT_EQ(Run().code, kExitInvalid) << size;
  }
}

TEST_F(AuditTool, FindsARolledBackBookByALaterCheckpoint) {
  BookCopy copy = Story().Copy("THA", "TH");
  ASSERT_TRUE(files_.WriteFileAtomically("/later.txt", copy.checkpoint).ok());
  copy.entries.resize(copy.entries.size() - 3);
  Story().Rebuild(&copy);
  WriteExport("/book.mirror", copy, 1000);
  options_.paths = {"/book.mirror"};
  ASSERT_EQ(Run().code, kExitValid);
  options_.checkpoint_paths = {"/later.txt"};
  const Ran ran = Run();
  EXPECT_EQ(ran.code, kExitInvalid);
  EXPECT_TRUE(absl::StrContains(ran.out, "/later.txt")) << ran.out;
}

TEST_F(AuditTool, NeverFindsGarbageGood) {
  options_.paths = {"/garbage"};
  uint64_t state = 12345;
  for (int round = 0; round < 300; ++round) {
    std::string garbage;
    for (int i = 0; i < round * 7; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      garbage.push_back(static_cast<char>(state >> 33));
    }
    if (round % 3 == 0) garbage = absl::StrCat("\x0a\x06JPN/TH\x1a", garbage);
    ASSERT_TRUE(files_.WriteFileAtomically("/garbage", garbage).ok());
    EXPECT_EQ(Run().code, kExitInvalid);
  }
}

// ---- stores --------------------------------------------------------------------------------------------------------

TEST(StoreSource, ReadsKeysAsTheWriterWritesThem) {
  const BookId book{"JPN", "TH"};
  EXPECT_EQ(StoredBookPrefix(book), registry::BookPrefix(book));
  EXPECT_EQ(StoredEntryKey(book, 77), registry::EntryKey(book, 77));
  EXPECT_EQ(StoredNoteKey(book, false, 77), registry::NoteKey(book, 77));
  EXPECT_EQ(StoredNoteKey(book, true, 77), registry::CosignedNoteKey(book, 77));
  EXPECT_EQ(StoredNodeKey(book, 3, 5), registry::NodeKey(book, 3, 5));
  EXPECT_EQ(StoredHeadKey(book), registry::HeadKey(book));
}

class AuditToolOnStore : public AuditTool {
 protected:
  AuditToolOnStore() : directory_(absl::StrCat(getenv("TEST_TMPDIR"), "/store-", ++number_)) {
    std::filesystem::remove_all(directory_);
    store::RocksDbOptions options;
    options.path = directory_;
    options.identity = {"JPN", "demo.invalid"};
    absl::StatusOr<std::unique_ptr<store::RocksDbStore>> store = store::RocksDbStore::Open(options);
    EXPECT_TRUE(store.ok());
    for (const char* partnership : {"home", "TH"}) StoreBook(Story(), Story().Copy("JPN", partnership), **store);
    StoreBook(Story(), Story().Copy("THA", "TH"), **store);
    EXPECT_TRUE((*store)->Flush().ok());
    options_.store_paths = {directory_};
  }

  void Change(const std::function<void(store::WriteBatch*)>& change) {
    store::RocksDbOptions options;
    options.path = directory_;
    options.identity = {"JPN", "demo.invalid"};
    absl::StatusOr<std::unique_ptr<store::RocksDbStore>> store = store::RocksDbStore::Open(options);
    ASSERT_TRUE(store.ok());
    store::WriteBatch batch;
    change(&batch);
    ASSERT_TRUE((*store)->Write(batch, store::Sync::kYes).ok());
  }

  static int number_;
  const std::string directory_;
};
int AuditToolOnStore::number_ = 0;

TEST_F(AuditToolOnStore, AuditsOwnBooksAndMirrors) {
  const Ran ran = Run();
  EXPECT_EQ(ran.code, kExitValid) << ran.out << ran.err;
  EXPECT_TRUE(absl::StrContains(ran.out, "demo.invalid/THA/TH")) << ran.out;
}

TEST_F(AuditToolOnStore, HoldsAnExportAgainstTheMirrorOfIt) {
  WriteExport("/THA-TH.mirror", Story().Copy("THA", "TH"), 20);
  options_.paths = {"/THA-TH.mirror"};
  EXPECT_EQ(Run().code, kExitValid) << Run().out;
}

TEST_F(AuditToolOnStore, FindsAMissingEntryARecordANodeAndAHeadThatAreNotTheReplayedOnes) {
  const BookId book{"JPN", "TH"};
  const auto expect = [&](const char* check, const std::string& place) {
    const Ran ran = Run();
    EXPECT_EQ(ran.code, kExitInvalid);
    EXPECT_TRUE(absl::StrContains(ran.out, absl::StrCat("[", check, "]"))) << ran.out;
    EXPECT_TRUE(absl::StrContains(ran.out, place)) << ran.out;
  };
  Change([&](store::WriteBatch* batch) {
    batch->Put(store::Family::kState, registry::StateKey(book, v1::TABLE_PROJECT, "TH014"), "another");
  });
  expect("stored-state", "record of table 23");
  Change([&](store::WriteBatch* batch) {
    batch->Put(store::Family::kNode, registry::NodeKey(book, 2, 1), std::string(32, 'x'));
  });
  expect("stored-state", "tree node 2/1");
  Change([&](store::WriteBatch* batch) { batch->Delete(store::Family::kMeta, registry::HeadKey(book)); });
  expect("stored-state", "head");
  Change([&](store::WriteBatch* batch) { batch->Delete(store::Family::kEntry, registry::EntryKey(book, 0)); });
  expect("complete", "entry 0");
}

TEST_F(AuditToolOnStore, FindsEachFileThatIsMissingOrDamaged) {
  const std::string whole = directory_ + "-whole";
  std::filesystem::copy(directory_, whole);
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(whole)) names.push_back(file.path().filename());
  int sorted_tables = 0;
  for (const std::string& name : names) {
    const bool table = absl::EndsWith(name, ".sst");
    const bool needed = table || name == "CURRENT" || absl::StartsWith(name, "MANIFEST");
    if (!needed) continue;
    std::filesystem::remove(absl::StrCat(directory_, "/", name));
    EXPECT_EQ(Run().code, kExitInvalid) << "without " << name;
    std::filesystem::copy_file(absl::StrCat(whole, "/", name), absl::StrCat(directory_, "/", name));
    if (!table) continue;
    ++sorted_tables;
    const auto size = static_cast<size_t>(std::filesystem::file_size(absl::StrCat(whole, "/", name)));
    for (size_t at = 0; at < size; at += std::max<size_t>(1, size / 12)) {
      {
        std::fstream file(absl::StrCat(directory_, "/", name), std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(at));
        const char byte = static_cast<char>(file.get() ^ 0x10);
        file.seekp(static_cast<std::streamoff>(at));
        file.put(byte);
      }
      const Ran ran = Run();
      EXPECT_EQ(ran.code, kExitInvalid) << name << " byte " << at;
      EXPECT_TRUE(absl::StrContains(ran.out, "[store-files]")) << ran.out;
      std::filesystem::copy_file(absl::StrCat(whole, "/", name), absl::StrCat(directory_, "/", name),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  EXPECT_GE(sorted_tables, 4);
  EXPECT_EQ(Run().code, kExitValid);
}

TEST_F(AuditToolOnStore, WritesNothing) {
  const auto list = [&] {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      names.push_back(absl::StrCat(file.path().string(), " ", file.file_size()));
    }
    std::sort(names.begin(), names.end());
    return names;
  };
  const std::vector<std::string> before = list();
  ASSERT_EQ(Run().code, kExitValid);
  EXPECT_EQ(list(), before);
}

}  // namespace
}  // namespace jcm::verify
