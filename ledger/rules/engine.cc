// Dispatch: which checks an entry of each kind passes, and which rule judges it.
#include "ledger/rules/engine.h"

#include "absl/strings/str_cat.h"
#include "ledger/base/proto_check.h"
#include "ledger/base/status.h"
#include "ledger/rules/command.h"
#include "ledger/rules/import.h"
#include "ledger/rules/record_access.h"
#include "ledger/rules/refusals.h"
#include "ledger/rules/system.h"

namespace jcm::rules {
namespace {

using book::LeafKind;
using state::Transition;

// Effects that the other book must be able to import stay small enough for it: an import of one such entry fits below
// its own limit, so no entry can block the way. See README.md.
constexpr size_t kPublishedEffectsBytesMax = 96 * 1024;
constexpr size_t kImportEffectsBytesMax = 200 * 1024;

absl::Status CheckVersions(const state::StateReader& book_state, const EntryInput& input) {
  if (input.rules_version > kRulesVersion) return Error(Reason::RULES_UNSUPPORTED, "newer than this node's rules");
  if (input.rules_version == 0) return Error(Reason::FIELD_REQUIRED, "rules version");
  if (input.kind == LeafKind::GENESIS) return absl::OkStatus();
  JCM_ASSIGN_OR_RETURN(v1::BookRecord book, GetBook(book_state));
  if (book.rules_version() != input.rules_version) {
    return Error(Reason::FIELD_INVALID, "the entry's rules version is not the book's");
  }
  return absl::OkStatus();
}

absl::Status Dispatch(const EntryInput& input, const v1::Context& context, SignatureVerifier& verifier,
                      Transition& transition) {
  switch (input.kind) {
    case LeafKind::COMMAND:
      return ExecuteCommand(input, context, verifier, transition);
    case LeafKind::IMPORT:
      return ExecuteImport(input, context, transition);
    default:
      return ExecuteSystem(input, context, verifier, transition);
  }
}

absl::Status CheckEffectsSize(LeafKind kind, const v1::Effects& effects, size_t size) {
  if (kind == LeafKind::IMPORT) {
    if (size <= kImportEffectsBytesMax) return absl::OkStatus();
    return Error(Reason::BUNDLE_TOO_LARGE, "the import changes too much at once; import fewer entries");
  }
  if (size <= kPublishedEffectsBytesMax || !TouchesPublishedTables(effects)) return absl::OkStatus();
  return Error(Reason::COMMAND_TOO_LARGE, "the entry changes more than the other book can import at once");
}

}  // namespace

absl::StatusOr<Executed> Execute(const state::StateReader& book_state, const EntryInput& input,
                                 SignatureVerifier& verifier) {
  JCM_RETURN_IF_ERROR(CheckVersions(book_state, input));
  v1::Context context;
  JCM_RETURN_IF_ERROR(ParseStrict(input.context, &context));
  Transition transition(book_state);
  const absl::Status done_status = Dispatch(input, context, verifier, transition);
  if (input.refusals != nullptr) {
    // What ended the act comes after what was noted on the way; the act is refused for the first reason.
    if (!done_status.ok()) input.refusals->Note("act", done_status);
    if (!input.refusals->empty()) return input.refusals->list().front().status;
  }
  JCM_RETURN_IF_ERROR(done_status);

  Executed done;
  done.changes = transition.Effects();
  done.effects = state::Serialise(done.changes);
  JCM_RETURN_IF_ERROR(CheckEffectsSize(input.kind, done.changes, done.effects.size()));
  JCM_ASSIGN_OR_RETURN(auto cursor, transition.Get<v1::CursorRecord>(v1::TABLE_CURSOR, kCursorKey));
  done.peer_size = cursor.has_value() ? cursor->imported_size() : 0;
  return done;
}

absl::StatusOr<absl::optional<BookTime>> EarliestDeadline(const state::StateReader& book_state) {
  absl::optional<BookTime> earliest;
  absl::Status failed;
  JCM_RETURN_IF_ERROR(book_state.Scan(v1::TABLE_DEADLINE, "", "", [&](absl::string_view, absl::string_view value) {
    v1::DeadlineRecord record;
    if (record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      earliest = BookTime::FromMicros(record.due_us());
    } else {
      failed = Error(Reason::STORE_CORRUPT, "a deadline cannot be parsed");
    }
    return false;
  }));
  JCM_RETURN_IF_ERROR(failed);
  return earliest;
}

}  // namespace jcm::rules
