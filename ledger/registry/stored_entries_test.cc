#include "ledger/registry/stored_entries.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ledger/base/status.h"
#include "ledger/store/memory_store.h"

namespace jcm::registry {
namespace {

namespace v1 = ::jcm::ledger::v1;

const BookId kBook{"JPN", "TH"};

std::vector<v1::EntryRecord> Entries(size_t count) {
  std::vector<v1::EntryRecord> entries(count);
  for (size_t i = 0; i < count; ++i) {
    entries[i].set_leaf(absl::StrCat("leaf ", i));
    entries[i].set_command(absl::StrCat("the same words in each of them, and number ", i));
  }
  return entries;
}

class StoredEntries : public testing::Test {
 protected:
  void Write(uint64_t first, const std::vector<v1::EntryRecord>& entries) {
    store::WriteBatch batch;
    WriteEntries(kBook, first, entries, &batch);
    puts_ += batch.size();
    ASSERT_TRUE(store_->Write(batch, store::Sync::kYes).ok());
  }

  std::unique_ptr<store::MemoryStore> store_ =
      *store::MemoryStore::Open(std::make_shared<store::MemoryDisk>(), {"JPN", "demo.invalid"});
  size_t puts_ = 0;
};

TEST_F(StoredEntries, AreFoundOneByOneWhateverTheirPack) {
  Write(0, Entries(1));
  Write(1, Entries(100));
  EXPECT_EQ(puts_, 1u + 4u);
  EXPECT_EQ(ReadEntry(*store_, kBook, 0)->leaf(), "leaf 0");
  for (uint64_t i = 0; i < 100; ++i) {
    absl::StatusOr<v1::EntryRecord> entry = ReadEntry(*store_, kBook, 1 + i);
    ASSERT_TRUE(entry.ok()) << i;
    EXPECT_EQ(entry->leaf(), absl::StrCat("leaf ", i));
  }
  EXPECT_TRUE(HasReason(ReadEntry(*store_, kBook, 101).status(), Reason::NOT_FOUND));
  EXPECT_TRUE(HasReason(ReadEntry(*store_, {"JPN", "TI"}, 0).status(), Reason::NOT_FOUND)) << "another book";
}

TEST_F(StoredEntries, MayBeLargerThanAPack) {
  std::vector<v1::EntryRecord> entries = Entries(3);
  entries[1].set_effects(std::string(3 * kPackedBytes, 'e'));
  Write(0, entries);
  EXPECT_EQ(ReadEntry(*store_, kBook, 1)->effects().size(), 3 * kPackedBytes);
  EXPECT_EQ(ReadEntry(*store_, kBook, 2)->leaf(), "leaf 2");
}

TEST(EntryPack, IsRefusedWhereverItIsCut) {
  const std::string pack = PackEntries(Entries(5));
  for (size_t size = 0; size < pack.size(); ++size) {
    EXPECT_TRUE(HasReason(UnpackEntry(pack.substr(0, size), 0).status(), Reason::STORE_CORRUPT)) << size;
  }
}

TEST(EntryPack, NeverCrashesOnAFlippedBit) {
  const std::string pack = PackEntries(Entries(5));
  for (size_t bit = 0; bit < pack.size() * 8; ++bit) {
    std::string damaged = pack;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    for (uint64_t i = 0; i < 5; ++i) (void)UnpackEntry(damaged, i);
  }
}

}  // namespace
}  // namespace jcm::registry
