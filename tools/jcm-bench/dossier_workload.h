// A registry full of dossiers: all 31 partnerships, projects at every stage up to validation, methodologies,
// third-party entities, and decisions of the Joint Committees with credits. Everything goes through signed commands and
// the real rules, by a secretariat that acts on paper for participants.
//
//   People people(kPeopleSeed, AllPartnerships());
//   DossierWorkload workload(people, 10'000);
//   JCM_RETURN_IF_ERROR(workload.SetUp(submit, ShowProgress));
#ifndef TOOLS_JCM_BENCH_DOSSIER_WORKLOAD_H_
#define TOOLS_JCM_BENCH_DOSSIER_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/jcm-bench/people.h"
#include "tools/jcm-bench/workload.h"

namespace jcm::bench {

// Ascending.
People::Partnerships AllPartnerships();

class DossierWorkload {
 public:
  // `dossiers` in all, spread evenly; of each twenty one is a methodology, of each fifty one an entity. `people` must
  // outlive this.
  DossierWorkload(const People& people, uint64_t dossiers) : people_(people), dossiers_(dossiers), random_(7) {}

  absl::Status SetUp(const Submit& submit, const Progress& progress);

  uint64_t decisions() const { return decisions_; }

 private:
  absl::Status Begin(const std::string& partnership, const std::string& peer, const Submit& submit);
  absl::Status OpenDossiers(const std::string& partnership, uint64_t count, const Submit& submit);
  // A meeting decides; the other side is attested.
  absl::Status Decide(const std::string& partnership, const std::string& peer, const std::string& decision,
                      const v1::DecisionText& text, const Submit& submit);
  absl::Status Send(const std::string& partnership, const std::vector<v1::Command>& commands,
                    const std::vector<std::string>& signers, const Submit& submit);

  const People& people_;
  const uint64_t dossiers_;
  SeededRandom random_;
  uint64_t decisions_ = 0;
};

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_DOSSIER_WORKLOAD_H_
