// Everything that is published of a registry's books, as files in a folder that a web server shows.
//
//   Publication publication = MakePublication(books, settings);          // names and bytes
//   JCM_RETURN_IF_ERROR(WritePublication(publication, "/srv/www/jcm", files));
//
// The same books and settings give the same bytes.
#ifndef TOOLS_PUBLISH_PUBLICATION_H_
#define TOOLS_PUBLISH_PUBLICATION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ledger/base/file_system.h"
#include "tools/publish/book_at.h"
#include "tools/publish/news.h"

namespace jcm::publish {

struct PublishSettings {
  CommentAddresses comments_to;
  bool tables_only = false;  // the three CSVs in both forms, and the manifest
};

struct PublishedFile {
  std::string name;  // "site-projects.csv"
  std::string bytes;
};

// The manifest is the last file. `books` in the order of their partnerships.
std::vector<PublishedFile> MakePublication(const std::vector<BookAt>& books, const PublishSettings& settings);

// Each file whole and readable for all, the manifest last; unchanged files are left as they are. A file that an earlier
// publication had and this one has not is left too. A folder that does not exist is made for its owner alone: whoever
// serves it says who may read it.
absl::Status WritePublication(const std::vector<PublishedFile>& publication, const std::string& folder,
                              FileSystem& files);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_PUBLICATION_H_
