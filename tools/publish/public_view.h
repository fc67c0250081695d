// What is public of a partnership's book, and in which words: projects and methodologies with their status, calls for
// public input. The rule of what is published is here and nowhere else.
#ifndef TOOLS_PUBLISH_PUBLIC_VIEW_H_
#define TOOLS_PUBLISH_PUBLIC_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/base/date.h"
#include "tools/publish/book_at.h"
#include "tools/publish/names.h"

namespace jcm::publish {

// A project whose idea was cleared, whose design was opened for public input, or that was registered.
bool IsPublicProject(const DossierAt& dossier);
// A version of a methodology that was opened for public input.
bool IsPublicVersion(const DossierAt& dossier, const v1::StrandRecord& version);

Words TitleOf(const DossierAt& dossier);
// The furthest that a project has come.
Words ProjectStatus(const DossierAt& dossier);
// In the JCM site's words: "Valid", "Public inputs closed" …
Words MethodologyStatus(const v1::StrandRecord& version);

// A call for public input, open or closed.
struct InputCall {
  const DossierAt* dossier = nullptr;
  std::string strand;
  uint32_t instance = 1;
  std::string reference;  // official number; the dossier's id if it has none yet
  bool open = false;
  Date first_day;  // in the later of the two capitals
  Date last_day;   // until 24:00 there
  bool last_day_known = false;
  uint64_t opened_at_us = 0;
  uint64_t changed_at_us = 0;           // opened, or closed since
  std::vector<v1::Document> documents;  // public versions
  uint64_t comments = 0;
};

// By dossier and strand. A call that was opened again after a return counts from then.
std::vector<InputCall> CallsOf(const BookAt& book);
// The call of one strand; `known` false: it was never opened.
InputCall CallOf(const BookAt& book, const DossierAt& dossier, const v1::StrandRecord& strand, bool* known);

}  // namespace jcm::publish

#endif  // TOOLS_PUBLISH_PUBLIC_VIEW_H_
