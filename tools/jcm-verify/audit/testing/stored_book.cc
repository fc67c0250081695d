#include "tools/jcm-verify/audit/testing/stored_book.h"

#include <string>

#include "jcm/ledger/v1/storage.pb.h"
#include "ledger/base/status.h"
#include "ledger/book/leaf.h"
#include "ledger/book/merkle.h"
#include "ledger/registry/keys.h"
#include "ledger/registry/stored_entries.h"

namespace jcm::verify {

void StoreBook(StoryBooks& story, const BookCopy& copy, store::Store& store) {
  store::WriteBatch batch;
  book::Frontier frontier;
  for (uint64_t i = 0; i < copy.entries.size(); ++i) {
    frontier.Append(book::LeafHash(copy.entries[i].leaf()), [&](int level, uint64_t index, const Digest& hash) {
      batch.Put(store::Family::kNode, registry::NodeKey(copy.id, level, index), AsBytes(hash));
    });
  }
  registry::WriteEntries(copy.id, 0, copy.entries, &batch);
  const state::MapState& records = story.pair().of(copy.id.registry == "JPN").book(copy.id.partnership).state();
  for (const auto& [key, value] : records.records()) {
    batch.Put(store::Family::kState, registry::StateKey(copy.id, key.first, key.second), value);
  }
  v1::BookHead head;
  head.set_registry(copy.id.registry);
  head.set_partnership(copy.id.partnership);
  head.set_size(copy.entries.size());
  head.set_executed_size(copy.entries.size());
  const Digest last = book::LeafHash(copy.entries.back().leaf());
  head.set_last_leaf_hash(std::string(AsBytes(last)));
  batch.Put(store::Family::kMeta, registry::HeadKey(copy.id), state::Serialise(head));
  batch.Put(store::Family::kNote, registry::CosignedNoteKey(copy.id, copy.entries.size()), copy.checkpoint);
  JCM_CHECK(store.Write(batch, store::Sync::kYes).ok());
}

}  // namespace jcm::verify
