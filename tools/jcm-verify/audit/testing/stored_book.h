// A book of a story as a registry stores it, by the writer's own keys: entries, tree, records, head, cosigned note.
//
//   StoreBook(story, story.Copy("JPN", "TH"), *store);
#ifndef TOOLS_JCM_VERIFY_AUDIT_TESTING_STORED_BOOK_H_
#define TOOLS_JCM_VERIFY_AUDIT_TESTING_STORED_BOOK_H_

#include "ledger/store/store.h"
#include "tools/jcm-verify/audit/testing/story_books.h"

namespace jcm::verify {

void StoreBook(StoryBooks& story, const BookCopy& copy, store::Store& store);

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_TESTING_STORED_BOOK_H_
