// Damaged exports and stores, thousands of them: the auditor never crashes, and never finds good what is not as it was
// written. Each case is a seed, which a failure names; a case run again is the same case. The number of cases is fixed
// but for a limit of time, so that slow machines and sanitizers end too.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/file_system.h"
#include "ledger/book/leaf.h"
#include "ledger/store/memory_store.h"
#include "ledger/store/rocksdb_store.h"
#include "tools/jcm-verify/audit/report_text.h"
#include "tools/jcm-verify/audit/store_source.h"
#include "tools/jcm-verify/audit/testing/stored_book.h"
#include "tools/jcm-verify/audit/testing/story_books.h"
#include "tools/jcm-verify/audit_tool.h"

namespace jcm::verify {
namespace {

constexpr uint64_t kExportCases = 4'000;
constexpr uint64_t kStoreCases = 3'000;
constexpr uint64_t kTableCases = 600;
constexpr uint64_t kTrueHashCases = 4'000;
constexpr std::chrono::seconds kTimeMax(100);  // for each test

StoryBooks& Story() {
  static StoryBooks* const story = new StoryBooks;
  return *story;
}

// Calls `run` with each seed, while there is time; at least a twentieth of the cases must be done.
void ForSeeds(uint64_t cases, const std::function<void(uint64_t seed)>& run) {
  const auto end = std::chrono::steady_clock::now() + kTimeMax;
  uint64_t seed = 0;
  for (; seed < cases && std::chrono::steady_clock::now() < end; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    run(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
  std::cout << seed << " of " << cases << " cases\n";
  EXPECT_GE(seed, cases / 20);
}

// One of the things that happen to bytes. They are never empty, and always others afterwards.
std::string Damage(const std::string& bytes, std::mt19937_64& random) {
  std::string damaged = bytes;
  const auto below = [&](size_t size) { return static_cast<size_t>(random() % std::max<size_t>(size, 1)); };
  while (damaged == bytes) {
    const size_t at = below(bytes.size());
    const size_t length = 1 + below(std::min<size_t>(bytes.size() - at, 40));
    switch (random() % 7) {
      case 0:
        damaged[at] = static_cast<char>(damaged[at] ^ 1 << (random() % 8));
        break;
      case 1:
        damaged[at] = static_cast<char>(random());
        break;
      case 2:
        damaged.erase(at, length);
        break;
      case 3:
        damaged.insert(at, bytes.substr(below(bytes.size()), length));
        break;
      case 4:
        damaged.replace(at, length, std::string(length, '\0'));
        break;
      case 5:
        damaged.resize(at);
        break;
      default:
        for (size_t i = at; i < at + length; ++i) damaged[i] = static_cast<char>(random());
    }
  }
  return damaged;
}

class AuditMutation : public testing::Test {
 protected:
  AuditMutation() {
    EXPECT_TRUE(files_.WriteFileAtomically("/trust.json", Story().TrustFile().Format()).ok());
    options_.trust_paths = {"/trust.json"};
    options_.configured_trust_path = "/none";
  }

  int Run() {
    std::ostringstream out, err;
    const int code = RunAudit(options_, files_, out, err);
    said_ = out.str() + err.str();
    return code;
  }

  MemoryFileSystem files_;
  AuditOptions options_;
  std::string said_;
};

TEST_F(AuditMutation, NoDamagedExportIsFoundGood) {
  std::map<std::string, std::string> pages;
  for (const char* registry : {"JPN", "THA"}) {
    BookCopy copy = Story().Copy(registry, "TH");
    copy.entries.resize(12);
    Story().Rebuild(&copy);
    const std::vector<std::string> exported = Story().Export(copy, 5);
    for (size_t i = 0; i < exported.size(); ++i) {
      const std::string base = absl::StrCat("/", registry, ".mirror");
      pages[i == 0 ? base : absl::StrCat(base, ".", i)] = exported[i];
    }
    options_.paths.push_back(absl::StrCat("/", registry, ".mirror"));
  }
  for (const auto& [path, page] : pages) ASSERT_TRUE(files_.WriteFileAtomically(path, page).ok());
  const int sound = Run();
  ASSERT_TRUE(sound == kExitValid || sound == kExitNotEnough) << said_;
  const std::string said = said_;
  ForSeeds(kExportCases, [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto page = std::next(pages.begin(), static_cast<std::ptrdiff_t>(random() % pages.size()));
    ASSERT_TRUE(files_.WriteFileAtomically(page->first, Damage(page->second, random)).ok());
    EXPECT_NE(Run(), kExitValid) << page->first << "\n" << said_;
    ASSERT_TRUE(files_.WriteFileAtomically(page->first, page->second).ok());
  });
  EXPECT_EQ(Run(), sound);
}

// Hashes, chain, tree and checkpoint are made true again over the damaged bytes: what they mean is looked at, and must
// not bring the auditor down. Much of it is not wrong (a time, a note), so nothing more can be expected here.
TEST_F(AuditMutation, TrueHashesOverDamagedBytesBringNothingDown) {
  const std::vector<BookCopy> all = Story().All();
  uint64_t found = 0;
  ForSeeds(kTrueHashCases, [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    BookCopy copy = all[random() % all.size()];
    v1::EntryRecord& entry = copy.entries[1 + random() % (copy.entries.size() - 1)];
    const auto damage = [&](const std::string& bytes) {
      return bytes.empty() ? std::string(1, static_cast<char>(random())) : Damage(bytes, random);
    };
    switch (random() % 4) {
      case 0:
        entry.set_command(damage(entry.command()));
        break;
      case 1:
        entry.set_context(damage(entry.context()));
        break;
      case 2: {
        absl::StatusOr<book::Leaf> leaf = book::DecodeLeaf(entry.leaf());
        ASSERT_TRUE(leaf.ok());
        leaf->time = BookTime::FromMicros(random());
        leaf->rules_version = static_cast<uint32_t>(random());
        leaf->peer_size = random() % 3 == 0 ? random() : leaf->peer_size;
        entry.set_leaf(book::EncodeLeaf(*leaf));
        break;
      }
      default:
        entry.set_effects(damage(entry.effects()));
    }
    Story().Rebuild(&copy);
    AuditSettings settings;
    settings.author_signatures = random() % 8 == 0;
    found += Story().Audit({copy}, settings).errors() > 0 ? 1 : 0;
  });
  EXPECT_GT(found, 0u);
}

// A value changed or lost, as if the store's own checksums were true: every key of two books.
TEST_F(AuditMutation, NoDamagedStoredValueIsFoundGood) {
  absl::StatusOr<std::unique_ptr<store::MemoryStore>> store =
      store::MemoryStore::Open(std::make_shared<store::MemoryDisk>(), {"JPN", "demo.invalid"});
  ASSERT_TRUE(store.ok());
  for (const char* registry : {"JPN", "THA"}) StoreBook(Story(), Story().Copy(registry, "TH"), **store);
  struct Stored {
    store::Family family;
    std::string key, value;
  };
  std::vector<Stored> stored;
  for (const store::Family family :
       {store::Family::kEntry, store::Family::kNode, store::Family::kState, store::Family::kNote}) {
    const std::unique_ptr<store::Iterator> all = (*store)->NewIterator(family);
    for (all->SeekToFirst(); all->Valid(); all->Next()) {
      stored.push_back({family, std::string(all->key()), std::string(all->value())});
    }
  }
  ASSERT_GT(stored.size(), 200u);
  const std::vector<book::Trust> trust = {Story().TrustFile()};
  AuditSettings settings;
  settings.author_signatures = false;
  settings.at_end = [](const EntrySource& source, const BookAudit& book, BookReport* report) {
    dynamic_cast<const StoreSource&>(source).CompareWithStore(book, report);
  };
  std::string findings;
  const auto is_clean = [&] {
    std::vector<std::unique_ptr<EntrySource>> sources;
    for (const char* registry : {"JPN", "THA"}) {
      sources.push_back(std::make_unique<StoreSource>(**store, BookId{registry, "TH"}, "store"));
    }
    AuditReport report;
    AuditBooks(std::move(sources), trust, settings, &report);
    findings = AllFindings(report);
    return ResultOf(report) == AuditResult::CLEAN;
  };
  ASSERT_TRUE(is_clean()) << findings;
  ForSeeds(kStoreCases, [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    const Stored& one = stored[random() % stored.size()];
    store::WriteBatch damage, repair;
    if (random() % 4 == 0) {
      damage.Delete(one.family, one.key);
    } else {
      damage.Put(one.family, one.key, Damage(one.value, random));
    }
    repair.Put(one.family, one.key, one.value);
    ASSERT_TRUE((*store)->Write(damage, store::Sync::kYes).ok());
    EXPECT_FALSE(is_clean()) << "family " << static_cast<int>(one.family);
    ASSERT_TRUE((*store)->Write(repair, store::Sync::kYes).ok());
  });
  EXPECT_TRUE(is_clean()) << findings;
}

class AuditMutationOfStore : public AuditMutation {
 protected:
  AuditMutationOfStore() : directory_(absl::StrCat(getenv("TEST_TMPDIR"), "/store")) {
    std::filesystem::remove_all(directory_);
    Use([](store::RocksDbStore& store) {
      for (const char* registry : {"JPN", "THA"}) {
        BookCopy copy = Story().Copy(registry, "TH");
        StoreBook(Story(), copy, store);
      }
      EXPECT_TRUE(store.Flush().ok());
    });
    options_.store_paths = {directory_};
    options_.author_signatures = false;
  }
  ~AuditMutationOfStore() override { std::filesystem::remove_all(directory_); }

  void Use(const std::function<void(store::RocksDbStore&)>& use) {
    store::RocksDbOptions options;
    options.path = directory_;
    options.identity = {"JPN", "demo.invalid"};
    absl::StatusOr<std::unique_ptr<store::RocksDbStore>> store = store::RocksDbStore::Open(options);
    ASSERT_TRUE(store.ok()) << store.status();
    use(**store);
  }

  const std::string directory_;
};

// A bit flipped in a file of the store.
TEST_F(AuditMutationOfStore, NoFlippedBitOfATableIsFoundGood) {
  std::vector<std::string> tables;
  for (const auto& file : std::filesystem::directory_iterator(directory_)) {
    if (file.path().extension() == ".sst") tables.push_back(file.path());
  }
  std::sort(tables.begin(), tables.end());
  ASSERT_GE(tables.size(), 4u);
  PosixFileSystem disk;
  ForSeeds(kTableCases, [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    const std::string& path = tables[random() % tables.size()];
    const std::string bytes = *disk.ReadFile(path);
    std::string damaged = bytes;
    const size_t at = random() % bytes.size();
    damaged[at] = static_cast<char>(damaged[at] ^ 1 << (random() % 8));
    ASSERT_TRUE(disk.WriteFileAtomically(path, damaged).ok());
    EXPECT_NE(Run(), kExitValid) << path << " byte " << at << "\n" << said_;
    ASSERT_TRUE(disk.WriteFileAtomically(path, bytes).ok());
  });
}

}  // namespace
}  // namespace jcm::verify
