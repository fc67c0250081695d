// Books with a story in them, as the publication sees them: for tests.
//
//   PublishStory story;                       // see the constructor
//   BookAt book = story.Book();               // Japan's book, at its newest entry
#ifndef TOOLS_PUBLISH_TESTING_H_
#define TOOLS_PUBLISH_TESTING_H_

#include <cstdint>
#include <string>

#include "ledger/rules/cycle/cycle_testing.h"
#include "tools/publish/book_at.h"

namespace jcm::publish {

inline constexpr char kSecretReason[] = "the burner's drawing is a trade secret";
inline constexpr char kSecretTitle[] = "A plan that nobody knows of yet";
inline constexpr char kSecretId[] = "hush-project";
// Of the complete version of a document.
std::string SecretDigest();

// From 2026-03-02 on: the methodology TH_AM001 is approved and TPE-TH-001 designated; "sun" is registered as TH015;
// "wind" is in public input with a document of which a part is withheld; "hush-project" is an idea that is not public, three days old;
// 2,017 t of TH014 are decided, and Japan has issued 1,009 of them.
class PublishStory {
 public:
  PublishStory();

  rules::CyclePair& pair() { return pair_; }
  // Of the first `size` entries; 0: all.
  BookAt Book(bool host = false, uint64_t size = 0);

 private:
  void DecideTh014();

  rules::CyclePair pair_;
};

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_TESTING_H_
