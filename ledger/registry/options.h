// What a registry needs to be told and given.
#ifndef LEDGER_REGISTRY_OPTIONS_H_
#define LEDGER_REGISTRY_OPTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "jcm/ledger/v1/book.pb.h"
#include "ledger/base/clock.h"
#include "ledger/base/file_system.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/registry/sequencing.h"

namespace jcm::store {
class Store;
class SignerRecord;
class Vault;
}  // namespace jcm::store
namespace jcm::log {
class Log;
}  // namespace jcm::log

namespace jcm::registry {

class PeerTransport;

// One partnership book and the partner's registry that mirrors it.
struct PartnershipOptions {
  std::string partnership;    // "TH"
  std::string peer_registry;  // "THA" in Japan's registry; "JPN" elsewhere
};

// Bounds. Each is reported by its name when it is hit.
struct Limits {
  size_t client_queue_bundles = 4'096;
  size_t client_queue_bytes = 64u << 20;
  size_t system_queue_items = 1'024;
  size_t waiters = 16'384;  // answers waiting for a cosignature
  size_t batch_commands = 1'000;
  size_t batch_bytes = 256u * 1024;
  size_t mirror_page_entries = 1'000;
  size_t mirror_page_bytes = 1u << 20;
  size_t import_entries = 1'000;
  // Bodies in one import. An imported change is written into the shadows once more as an effect, and the whole entry
  // must fit into one batch if it is ever recovered: so it stays well below the 240 KiB that the rules allow.
  size_t import_bytes = 96u * 1024;
  size_t offsite_blobs_per_partner = 1'000'000;
  // The log keeps at least so much behind what is durably applied and checkpointed; more of it is trimmed.
  uint64_t log_kept_batches = 10'000;
  uint64_t log_kept_bytes = 256u << 20;
  // So much of the log may wait for checkpoints; above it new work is refused with LOG_FULL.
  uint64_t log_high_water_bytes = 1u << 30;
};

struct RegistryOptions {
  std::string registry;      // "JPN"
  std::string domain;        // "demo.invalid"
  std::string replica_name;  // "1"
  // The other replicas of this registry, by name. They share its log, which is then not embedded.
  std::vector<std::string> siblings;
  bool demonstration = false;
  std::vector<PartnershipOptions> partnerships;
  // Contents of leaf 0, used only when a book does not exist yet; keys, recovery key and, for home, the first persons.
  ledger::v1::Genesis genesis;
  // Whether a book that neither the store nor the signer's record knows may be begun. False after a loss: then the book
  // waits for what partners and the off-site sink have kept.
  bool create_books = true;
  bool marked_restored = false;  // the store was put back from a copy: order nothing before a partner has answered
  uint64_t poll_interval_us = 200'000;
  uint64_t poll_interval_max_us = 5'000'000;  // after failures
  uint64_t state_root_interval_us = 24ull * 3600 * 1'000'000;
  Limits limits;
};

struct Dependencies {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<log::Log> log;
  std::unique_ptr<store::SignerRecord> signer_record;
  std::unique_ptr<store::Vault> vault;
  std::shared_ptr<Clock> clock;
  std::shared_ptr<Random> random;
  std::shared_ptr<PeerTransport> transport;  // to partners and siblings
  PrivateKey replica_key;
  std::string offsite_key;  // 32 bytes; seals what goes to the off-site sink
  // Both for a log that is shared with siblings.
  std::shared_ptr<LogRunner> log_runner = nullptr;  // null: the engine waits for each call
  std::shared_ptr<SequencerHint> hint = nullptr;    // null: the log is this replica's own
};

}  // namespace jcm::registry

#endif  // LEDGER_REGISTRY_OPTIONS_H_
