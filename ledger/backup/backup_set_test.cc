#include "ledger/backup/backup_set.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/backup/durable_file.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm::backup {
namespace {

namespace fs = std::filesystem;

const Owner kJapan{"JPN", "demo.invalid"};

// The files of a folder, by path within it.
std::map<std::string, std::string> FilesOf(const std::string& folder) {
  std::map<std::string, std::string> files;
  if (!fs::exists(folder)) return files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    files[fs::relative(entry.path(), folder)] = text.str();
  }
  return files;
}

void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class BackupSetTest : public testing::Test {
 protected:
  BackupSetTest() {
    std::string pattern = absl::StrCat(std::getenv("TEST_TMPDIR"), "/set-XXXXXX");
    JCM_CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    fs::create_directory(Path("store"));
    WriteAll(Path("store/000007.sst"), "a table that never changes: " + random_.Bytes(kPieceBytes));
    WriteAll(Path("store/000008.log"), "");
    WriteAll(Path("store/CURRENT"), "MANIFEST-000005\n");
    WriteAll(Path("store/LOG"), "not part of a backup");
    WriteAll(Path("store/RESTORED_FROM_BACKUP"), "This is a copy of a store.\n");
  }
  ~BackupSetTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  BackupSet Set() { return *BackupSet::OpenOrCreate(Path("set"), kJapan, key_); }

  absl::StatusOr<Added> Add(const std::string& name, int64_t made_at_us = 1, const Progress& progress = nullptr) {
    v1::Manifest manifest;
    manifest.set_name(name);
    manifest.set_made_at_us(made_at_us);
    manifest.set_applied_index(40);
    v1::Book* book = manifest.add_books();
    book->set_book("JPN/TH");
    book->set_size(17);
    return Set().Add(manifest, Path("store"), random_, progress);
  }

  // What is in the store's folder and belongs into a backup.
  std::map<std::string, std::string> StoreFiles() {
    std::map<std::string, std::string> files = FilesOf(Path("store"));
    files.erase("LOG");
    files.erase("RESTORED_FROM_BACKUP");
    return files;
  }

  // The object that holds a file of the store.
  std::string ObjectOf(const std::string& backup, const std::string& file) {
    const v1::Manifest manifest = *Set().Show(backup);
    for (const v1::File& each : manifest.files()) {
      if (each.name() == file) return Path("set/objects/" + each.object());
    }
    return "";
  }

  SeededRandom random_{12};
  BackupKey key_ = *BackupKey::FromBytes(std::string(32, 'k'));
  std::string folder_;
};

TEST_F(BackupSetTest, RestoresByNameWhatWasThereThen) {
  const auto then = StoreFiles();
  ASSERT_TRUE(Add("first").ok());
  WriteAll(Path("store/CURRENT"), "MANIFEST-000009\n");
  ASSERT_TRUE(Add("second", 2).ok());
  ASSERT_TRUE(Set().Restore("first", Path("data"), nullptr).ok());
  auto restored = FilesOf(Path("data/store"));
  const RestoredFrom from = ParseRestoredFrom(restored["RESTORED_FROM_BACKUP"]);
  EXPECT_EQ(from.name, "first");
  EXPECT_EQ(from.applied_index, 40u);
  ASSERT_EQ(from.books.size(), 1u);
  EXPECT_EQ(from.books[0].book, "JPN/TH");
  EXPECT_EQ(from.books[0].size, 17u);
  restored.erase("RESTORED_FROM_BACKUP");
  EXPECT_EQ(restored, then);
  EXPECT_EQ(fs::status(Path("data/store")).permissions(), fs::perms::owner_all);
}

TEST_F(BackupSetTest, WritesUnchangedContentOnce) {
  const Added first = *Add("first");
  EXPECT_EQ(first.objects_written, 3u);
  WriteAll(Path("store/000009.sst"), "a new table");
  const Added second = *Add("second", 2);
  EXPECT_EQ(second.objects_written, 1u);
  EXPECT_EQ(second.bytes_written, SealedSize(11));
  EXPECT_EQ(second.manifest.files_size(), 4);
}

TEST_F(BackupSetTest, ListsByTimeAndRefusesAnotherOfTheSameName) {
  ASSERT_TRUE(Add("b", 1).ok());
  ASSERT_TRUE(Add("a", 2).ok());
  EXPECT_TRUE(HasReason(Add("a", 3).status(), Reason::ALREADY_EXISTS));
  const std::vector<Listed> all = *Set().List();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "b");
  EXPECT_EQ(all[1].name, "a");
  EXPECT_TRUE(all[1].problem.ok());
  EXPECT_TRUE(HasReason(Set().Show("c").status(), Reason::BACKUP_NOT_FOUND));
  EXPECT_TRUE(HasReason(Set().Restore("c", Path("data"), nullptr), Reason::BACKUP_NOT_FOUND));
  EXPECT_FALSE(PathExists(Path("data")));
}

TEST_F(BackupSetTest, TakesNamesThatAreSafeAsFiles) {
  for (const char* name : {"a", "20261125T054228Z-JPN-1234", "before_upgrade-2.1"}) EXPECT_TRUE(CheckName(name).ok());
  for (const std::string& name : {std::string(), std::string("../a"), std::string(".a"), std::string("a/b"),
                                  std::string("a b"), std::string("-a"), std::string("x.part"), std::string(65, 'a')}) {
    EXPECT_TRUE(HasReason(CheckName(name), Reason::FIELD_INVALID)) << name;
  }
  EXPECT_EQ(DefaultName(BookTime::FromMicros(1'764'049'348'123'456), "JPN", 1'234), "20251125T054228Z-JPN-1234");
}

TEST_F(BackupSetTest, FindsAndNamesWhatIsDamagedWhereverItIs) {
  ASSERT_TRUE(Add("first").ok());
  const auto whole = FilesOf(Path("set"));
  ASSERT_EQ(whole.size(), 5u);  // the set's own file, a manifest, three objects
  for (const auto& [name, bytes] : whole) {
    const std::string path = Path("set/" + name);
    const size_t step = bytes.size() > 10'000 ? 99'991 : 1;
    for (size_t i = 0; i < bytes.size(); i += step) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 0x20);
      WriteAll(path, flipped);
      auto set = BackupSet::Open(Path("set"), "JPN", key_);
      const absl::Status found = set.ok() ? set->Verify("first", nullptr) : set.status();
      ASSERT_TRUE(HasReason(found, Reason::BACKUP_DAMAGED)) << name << " byte " << i << ": " << found;
      ASSERT_TRUE(absl::StrContains(found.message(), name)) << found;
    }
    for (const size_t size : {size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
      WriteAll(path, bytes.substr(0, size));
      auto set = BackupSet::Open(Path("set"), "JPN", key_);
      const absl::Status found = set.ok() ? set->Verify("first", nullptr) : set.status();
      EXPECT_TRUE(HasReason(found, Reason::BACKUP_DAMAGED)) << name << " cut to " << size << ": " << found;
    }
    WriteAll(path, bytes);
  }
  EXPECT_TRUE(Set().Verify("first", nullptr).ok());
}

TEST_F(BackupSetTest, NamesTheStoresFileWhoseObjectIsGoneOrAnother) {
  ASSERT_TRUE(Add("first").ok());
  const std::string table = ObjectOf("first", "000007.sst");
  const std::string current = ObjectOf("first", "CURRENT");
  fs::rename(table, Path("aside"));
  absl::Status found = Set().Verify("first", nullptr);
  EXPECT_TRUE(HasReason(found, Reason::BACKUP_DAMAGED)) << found;
  EXPECT_TRUE(absl::StrContains(found.message(), "000007.sst")) << found;
  EXPECT_TRUE(absl::StrContains(found.message(), "missing")) << found;
  EXPECT_TRUE(HasReason((*Set().List())[0].problem, Reason::BACKUP_DAMAGED));
  fs::copy_file(current, table);
  EXPECT_TRUE(HasReason(Set().Verify("first", nullptr), Reason::BACKUP_DAMAGED)) << "an object under another's name";
  fs::remove(table);
  fs::rename(Path("aside"), table);
  fs::rename(Path("set/backups/first"), Path("set/backups/later"));
  EXPECT_TRUE(HasReason(Set().Verify("later", nullptr), Reason::BACKUP_DAMAGED)) << "a backup under another's name";
}

TEST_F(BackupSetTest, RestoresNothingThatIsDamaged) {
  ASSERT_TRUE(Add("first").ok());
  const std::string table = ObjectOf("first", "000007.sst");
  std::string bytes = FilesOf(Path("set/objects"))[fs::path(table).filename()];
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  WriteAll(table, bytes);
  EXPECT_TRUE(HasReason(Set().Restore("first", Path("data"), nullptr), Reason::BACKUP_DAMAGED));
  EXPECT_TRUE(FilesOf(Path("data")).empty());
  // The next backup needs the same content, finds it damaged and writes it anew.
  EXPECT_EQ(Add("second", 2)->objects_written, 1u);
  EXPECT_TRUE(Set().Verify("first", nullptr).ok());
  EXPECT_TRUE(Set().Restore("first", Path("data"), nullptr).ok());
}

TEST_F(BackupSetTest, RefusesAnotherRegistrysSetAndAnotherKey) {
  ASSERT_TRUE(Add("first").ok());
  EXPECT_TRUE(HasReason(BackupSet::Open(Path("set"), "THA", key_).status(), Reason::BACKUP_OF_OTHER_REGISTRY));
  EXPECT_TRUE(HasReason(BackupSet::OpenOrCreate(Path("set"), {"JPN", "registry.example"}, key_).status(),
                        Reason::BACKUP_OF_OTHER_REGISTRY));
  const BackupKey other = *BackupKey::FromBytes(std::string(32, 'o'));
  EXPECT_TRUE(HasReason(BackupSet::Open(Path("set"), "JPN", other).status(), Reason::BACKUP_KEY_WRONG));
  EXPECT_TRUE(HasReason(BackupSet::OpenOrCreate(Path("set"), kJapan, other).status(), Reason::BACKUP_KEY_WRONG));
  EXPECT_TRUE(HasReason(BackupSet::Open(Path("none"), "JPN", key_).status(), Reason::BACKUP_NOT_FOUND));
  EXPECT_TRUE(HasReason(BackupSet::OpenOrCreate(Path("store"), kJapan, key_).status(), Reason::FIELD_INVALID));
}

TEST_F(BackupSetTest, RestoresIntoAnEmptyFolderOnly) {
  ASSERT_TRUE(Add("first").ok());
  fs::create_directories(Path("data/store.restoring"));  // of an attempt that a crash ended
  WriteAll(Path("data/store.restoring/000099.sst"), "old");
  ASSERT_TRUE(Set().Restore("first", Path("data"), nullptr).ok());
  EXPECT_FALSE(PathExists(Path("data/store/000099.sst")));
  const auto before = FilesOf(Path("data"));
  EXPECT_TRUE(HasReason(Set().Restore("first", Path("data"), nullptr), Reason::RESTORE_TARGET_NOT_EMPTY));
  EXPECT_EQ(FilesOf(Path("data")), before);
}

TEST_F(BackupSetTest, IsNoBackupWhenItWasCutShort) {
  uint64_t calls = 0;
  const auto stop_at = [&calls](uint64_t call) {
    calls = 0;
    return [&calls, call](uint64_t done, uint64_t total) -> absl::Status {
      EXPECT_LE(done, total);
      return ++calls == call ? absl::CancelledError("the node stops") : absl::OkStatus();
    };
  };
  uint64_t stopped = 0;
  for (uint64_t call = 1;; ++call) {
    const absl::StatusOr<Added> added = Add("first", 1, stop_at(call));
    if (added.ok()) break;
    ++stopped;
    EXPECT_EQ(added.status().code(), absl::StatusCode::kCancelled);
    EXPECT_TRUE(Set().List()->empty());
    EXPECT_TRUE(HasReason(Set().Restore("first", Path("data"), nullptr), Reason::BACKUP_NOT_FOUND));
  }
  EXPECT_GT(stopped, 5u);
  EXPECT_TRUE(Set().Verify("first", nullptr).ok());
}

TEST_F(BackupSetTest, SaysThatTheDiskIsFullAndLeavesNoBackupBehind) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  Set();
  rlimit small = before;
  small.rlim_cur = 300'000;  // no file becomes larger, as if the disk ended there
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status full = Add("first").status();
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(HasReason(full, Reason::DISK_FULL)) << full;
  EXPECT_TRUE(Set().List()->empty());
  for (const auto& [name, bytes] : FilesOf(Path("set"))) EXPECT_FALSE(absl::StrContains(name, ".part")) << name;

  ASSERT_TRUE(Add("first").ok());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status restored = Set().Restore("first", Path("data"), nullptr);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_TRUE(HasReason(restored, Reason::DISK_FULL)) << restored;
  EXPECT_TRUE(FilesOf(Path("data")).empty());
  EXPECT_TRUE(Set().Restore("first", Path("data"), nullptr).ok());
}

TEST_F(BackupSetTest, KeepsTheNewestAndWhatTheyNeed) {
  for (int i = 1; i <= 4; ++i) {
    WriteAll(Path("store/CURRENT"), absl::StrCat("MANIFEST-", i, "\n"));
    ASSERT_TRUE(Add(absl::StrCat("b", i), i).ok());
  }
  const Pruned pruned = *Set().Prune(2, nullptr);
  EXPECT_EQ(pruned.backups, (std::vector<std::string>{"b1", "b2"}));
  EXPECT_EQ(pruned.objects, 2u);
  EXPECT_TRUE(Set().Verify("b3", nullptr).ok());
  EXPECT_TRUE(Set().Verify("b4", nullptr).ok());
  EXPECT_TRUE(HasReason(Set().Prune(0, nullptr).status(), Reason::FIELD_INVALID));
}

TEST_F(BackupSetTest, RemovesNothingUnlessTheNewestIsWhole) {
  for (int i = 1; i <= 3; ++i) {
    WriteAll(Path("store/CURRENT"), absl::StrCat("MANIFEST-", i, "\n"));
    ASSERT_TRUE(Add(absl::StrCat("b", i), i).ok());
  }
  // Same size, other bytes: only reading it shows.
  const std::string object = ObjectOf("b3", "CURRENT");
  const std::string bytes = FilesOf(Path("set/objects"))[fs::path(object).filename()];
  WriteAll(object, std::string(bytes.size(), 'x'));
  EXPECT_TRUE(HasReason(Set().Prune(1, nullptr).status(), Reason::BACKUP_DAMAGED));
  EXPECT_TRUE(Set().Verify("b2", nullptr).ok());
  // Gone altogether: it does not count, the one before it is the newest, and no object is taken for unneeded.
  fs::remove(object);
  const Pruned pruned = *Set().Prune(1, nullptr);
  EXPECT_EQ(pruned.backups, (std::vector<std::string>{"b1"}));
  EXPECT_EQ(pruned.objects, 0u);
  EXPECT_TRUE(Set().Verify("b2", nullptr).ok());
  EXPECT_TRUE(PathExists(Path("set/backups/b3")));
}

TEST_F(BackupSetTest, LetsNobodyWriteWhereSomebodyReads) {
  ASSERT_TRUE(Add("first").ok());
  const auto reader = DirectoryLock::Take(Path("set"), DirectoryLock::Kind::kShared);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(HasReason(Add("second", 2).status(), Reason::BACKUP_RUNNING));
  EXPECT_TRUE(HasReason(Set().Prune(1, nullptr).status(), Reason::BACKUP_RUNNING));
  EXPECT_TRUE(Set().Verify("first", nullptr).ok());
}

}  // namespace
}  // namespace jcm::backup
