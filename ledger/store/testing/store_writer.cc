// Writes numbered batches into the store at the path given until it is killed, and writes the number of each to
// standard output, as an int, when it has been acknowledged. For tests that kill it.
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"
#include "ledger/store/rocksdb_store.h"

int main(int argc, char** argv) {
  using namespace jcm::store;  // NOLINT
  if (argc != 2) return 2;
  RocksDbOptions options;
  options.path = argv[1];
  options.identity = {"JPN", "demo.invalid"};
  options.write_buffer_bytes = 1024 * 1024;
  auto store = RocksDbStore::Open(options);
  if (!store.ok()) return 3;
  const auto last = (*store)->Get(Family::kState, "last");
  if (!last.ok()) return 4;
  for (int i = last->has_value() ? std::stoi(**last) + 1 : 1;; ++i) {
    WriteBatch batch;
    batch.Put(Family::kState, "last", absl::StrCat(i));
    batch.Put(Family::kEntry, absl::StrCat("n", i), std::string(100, 'x'));
    if (!(*store)->Write(batch, i % 5 == 0 ? Sync::kYes : Sync::kNo).ok()) return 5;
    if (::write(1, &i, sizeof(i)) != static_cast<ssize_t>(sizeof(i))) return 6;
    if (i % 40 == 0 && !(*store)->Flush().ok()) return 7;
  }
}
