// Executes one entry: a pure function of (the book's state, the entry's bytes, the entry's context).
//
// The writer of a book, its replicas, the mirror in the other government and a replay all call Execute() with the same
// bytes and must get the same effects. No clock, randomness, I/O, floating point, time-zone database or unordered
// iteration anywhere below; time is the batch's time.
//
//   JCM_ASSIGN_OR_RETURN(Needs needs, CollectNeeds(input));
//   JCM_ASSIGN_OR_RETURN(std::string context, BuildContext(home_state, book, needs, home_leaf_hash));
//   JCM_ASSIGN_OR_RETURN(Executed done, Execute(state, input, verifier));
#ifndef LEDGER_RULES_ENGINE_H_
#define LEDGER_RULES_ENGINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/types.h"
#include "ledger/book/leaf.h"
#include "ledger/state/state.h"

namespace jcm::rules {

namespace v1 = ::jcm::ledger::v1;

// The newest rules version that this code executes.
inline constexpr uint32_t kRulesVersion = 1;

inline constexpr size_t kCommandBytesMax = 64 * 1024;
inline constexpr size_t kBundleBytesMax = 240 * 1024;
inline constexpr size_t kBundlePartsMax = 1'000;

struct ParsedCommand;
class Refusals;

// One entry before it is hashed. Views must outlive the call.
struct EntryInput {
  BookId book;
  book::LeafKind kind = book::LeafKind::COMMAND;
  uint64_t sequence = 0;
  BookTime time;
  uint32_t rules_version = kRulesVersion;
  absl::string_view command;  // SignedPart for COMMAND, else the message of that kind (book.proto)
  absl::string_view context;  // serialised Context
  // What ParseCommand made of `command`, to save doing it again; null: not parsed yet.
  const ParsedCommand* parsed = nullptr;
  // Of a dry run: takes every refusal and its rule, not only the first (refusals.h). Null: the first one ends it.
  Refusals* refusals = nullptr;
};

// The command bytes of an entry of kind COMMAND, parsed and checked for their shape.
struct ParsedCommand {
  v1::SignedPart signed_part;
  v1::BundleHeader header;
  v1::BundlePart part;
  v1::Command command;
};
absl::StatusOr<std::unique_ptr<ParsedCommand>> ParseCommand(absl::string_view command);

struct Executed {
  std::string effects;     // serialised Effects
  v1::Effects changes;     // the same
  uint64_t peer_size = 0;  // how much of the other book is imported once this entry is applied
};

// Checks one signature; a cache of signatures already found valid may stand behind it. Thread-safe.
class SignatureVerifier {
 public:
  virtual ~SignatureVerifier() = default;
  // OK, SIGNATURE_INVALID or SIGNATURE_TYPE_UNSUPPORTED. `message` is the pre-authentication encoding.
  virtual absl::Status Verify(const v1::PublicKeyData& key, absl::string_view message, absl::string_view signature) = 0;
};

// Verifies every time, with no cache.
SignatureVerifier& PlainVerifier();

// What an entry needs to be told from `home`.
struct Needs {
  std::vector<std::string> key_ids;          // of the signatures, in their order
  std::vector<std::string> account_handles;  // sorted, each once
};

// From the entry's bytes and the book's own state (accounts that a posted transfer will credit, or that a withdrawn
// transfer came from).
// Errors: MESSAGE_MALFORMED, UNKNOWN_FIELD, SIGNATURE_MISSING.
absl::StatusOr<Needs> CollectNeeds(const state::StateReader& book_state, const EntryInput& input);

// Looks up the needs in home's state. `home_leaf_hash(sequence)` gives the hash of the home entry that last changed a
// person, key or account. For a partnership book, persons and accounts without a handle there are KEY_UNKNOWN and
// ACCOUNT_UNKNOWN. For home itself, pseudonyms are person ids and account handles are account numbers.
// `memo`, if there is one, keeps what was looked up for this book: only as long as home's state is the same.
struct ContextMemo {
  // Each as the serialised Context that holds it alone: the pieces, one after the other, are the whole.
  std::map<std::string, std::string> signers;
  std::map<std::string, std::string> accounts;
};
absl::StatusOr<std::string> BuildContext(const state::StateReader& home_state, const BookId& book, const Needs& needs,
                                         const std::function<absl::StatusOr<Digest>(uint64_t)>& home_leaf_hash,
                                         ContextMemo* memo = nullptr);

// Executes the entry. A refusal is an error with its reason and no effects. RULES_UNSUPPORTED if the rules version is
// newer than kRulesVersion: the body is not parsed then.
absl::StatusOr<Executed> Execute(const state::StateReader& book_state, const EntryInput& input,
                                 SignatureVerifier& verifier);

// Shape checks that need no state, for the service in front of the queue: sizes, unknown fields, part count and root,
// header format and registry, signatures present. Order: cheapest first.
absl::Status CheckBundleShape(absl::string_view signed_bundle, absl::string_view registry);

// The earliest deadline of the book; nullopt if nothing is due ever.
absl::StatusOr<absl::optional<BookTime>> EarliestDeadline(const state::StateReader& book_state);

// Whether an entry of the other book, with these effects, must be imported with its body (published table, FORMAT.md).
bool TouchesPublishedTables(const v1::Effects& effects);

// Whether an entry of this leaf kind, on its own, makes the other side import: imports, ticks without published
// effects, state roots and late-stamp notes do not.
bool TriggersImport(book::LeafKind kind, const v1::Effects& effects);

}  // namespace jcm::rules

#endif  // LEDGER_RULES_ENGINE_H_
