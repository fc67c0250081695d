// Means to damage the story of story_books.h so that only one check can find it: hashes, chain and signatures are made
// true again.
//
//   EXPECT_EQ(AfterChange<v1::BlockRecord>("THA", C::kCancelCredits, "C1", v1::TABLE_BLOCK,
//                                          [](v1::BlockRecord* block) { block->set_account("elsewhere"); }),
//             "effects");
#ifndef TOOLS_JCM_VERIFY_AUDIT_TESTING_DAMAGED_STORY_H_
#define TOOLS_JCM_VERIFY_AUDIT_TESTING_DAMAGED_STORY_H_

#include <functional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "jcm/ledger/v1/records.pb.h"
#include "tools/jcm-verify/audit/testing/story_books.h"

namespace jcm::verify {

// Told once in a test program.
inline StoryBooks& Story() {
  static StoryBooks* const story = new StoryBooks;
  return *story;
}

// The effect on a table, of the first entry that has one from `sequence` on.
inline v1::Effect* EffectOn(v1::Effects* effects, uint32_t table) {
  for (v1::Effect& effect : *effects->mutable_effects()) {
    if (effect.table() == table) return &effect;
  }
  return nullptr;
}

template <typename Record>
void ChangeRecord(v1::Effect* effect, const std::function<void(Record*)>& change) {
  ASSERT_NE(effect, nullptr);
  Record record;
  ASSERT_TRUE(record.ParseFromString(effect->new_value()));
  change(&record);
  effect->set_new_value(state::Serialise(record));
}

// Cuts the book behind the damage, so that nothing built on it is seen.
inline AuditReport AuditUpTo(BookCopy copy, uint64_t sequence, StoryBooks& story = Story()) {
  copy.entries.resize(sequence + 1);
  story.Rebuild(&copy);
  return story.Audit({copy});
}

// Changes one record of one act's effects and audits the book up to it.
template <typename Record>
std::string AfterChange(const std::string& registry, v1::Command::BodyCase act, const std::string& id, uint32_t table,
                        const std::function<void(Record*)>& change) {
  BookCopy copy = Story().Copy(registry, "TH");
  const uint64_t sequence = StoryBooks::Find(copy, act, id);
  StoryBooks::ChangeEffects(&copy, sequence,
                            [&](v1::Effects* effects) { ChangeRecord<Record>(EffectOn(effects, table), change); });
  return FailedChecks(AuditUpTo(std::move(copy), sequence));
}

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_TESTING_DAMAGED_STORY_H_
