// (l) to (o): what readers of ten thousand dossiers wait for, at a real jcm-node as a process of its own, over gRPC
// with mutual TLS: pages of a list, filtered lists, inboxes; and the files of `jcmctl publish`.
#ifndef TOOLS_JCM_BENCH_DOSSIER_BENCH_H_
#define TOOLS_JCM_BENCH_DOSSIER_BENCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/jcm-bench/measure.h"

namespace jcm::bench {

struct DossierOptions {
  std::string directory;   // is emptied first
  std::string node;        // path of jcm-node
  std::string pki_script;  // deploy/pki/make-development-pki
  uint64_t dossiers = 10'000;
  int calls = 500;  // of each kind
  int publications = 5;
};

absl::StatusOr<std::vector<Row>> RunDossiers(const DossierOptions& options);

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_DOSSIER_BENCH_H_
