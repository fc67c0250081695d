// A model of two books, one map entry per unit and no cleverness, to compare the rules with. Shares no code with them.
//
// Every act returns the reason for which the rules must refuse it, or nothing if they must accept it. The maps are
// public: a test compares them with the records of the books. One lot per decision; every decision is adopted and
// confirmed.
#ifndef LEDGER_RULES_MODEL_LEDGER_H_
#define LEDGER_RULES_MODEL_LEDGER_H_

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "ledger/base/status.h"

namespace jcm::rules {

using ModelRefusal = absl::optional<Reason>;

enum class ModelState { HELD, IN_TRANSIT, RETIRED, CANCELLED, SENT };
enum class ModelClass { GOVERNMENT, ENTITY, RETIREMENT, CANCELLATION, SUSPENSE };
enum class ModelAccountState { ACTIVE, FROZEN, CLOSED };
enum class ModelTransfer { INITIATED, POSTED, VOIDED, ACCEPTED, REFUSED, CREDITED };

struct ModelUnit {
  std::string account;
  ModelState state = ModelState::HELD;
  std::string end;
  std::string first_transfer;
  std::string authorization;
  int issuer = 0;
};

struct ModelRange {
  std::string lot;
  uint64_t first = 0;
  uint64_t last = 0;
};
using ModelRanges = std::vector<ModelRange>;
using UnitId = std::pair<std::string, uint64_t>;  // lot, serial

struct ModelAccount {
  ModelClass account_class = ModelClass::ENTITY;
  ModelAccountState state = ModelAccountState::ACTIVE;
};

struct ModelRow {
  int issuer = 0;
  bool participant = false;
  uint64_t first = 0;
  uint64_t last = 0;
};

struct ModelDecision {
  std::string project;
  std::string lot;
  int vintage = 0;
  uint64_t tonnes = 0;
  std::vector<ModelRow> rows;
};

struct ModelAuthorization {
  std::string project;
  bool ndc = false;
  bool other = false;  // IMP or OP
  bool transfer_triggers = false;
  uint64_t quantity = 0;
  uint64_t first_transferred = 0;
  uint64_t held = 0;
  int vintage_first = 0;
  int vintage_last = 0;
  bool revoked = false;
};

struct ModelOut {
  ModelTransfer state = ModelTransfer::INITIATED;
  std::string from;
  std::vector<UnitId> units;
  std::string authorization;
  uint64_t expires_at = 0;
  std::map<UnitId, ModelUnit> travelling;  // as of Post
};

struct ModelIn {
  ModelTransfer state = ModelTransfer::ACCEPTED;
  std::string to;
  std::string suspense;
};

struct ModelMessage {
  enum Kind { ISSUED, INITIATED, POSTED, VOIDED, ACCEPTED, REFUSED, FIRST_TRANSFER } kind;
  std::string id;
};

struct ModelBook {
  std::map<std::string, ModelAccount> accounts;
  std::map<UnitId, ModelUnit> units;
  std::set<std::string> lots;        // known here, issued or received or imported
  std::set<std::string> issued;      // decisions
  std::set<std::string> operations;  // "T:id", "R:id", "C:id"
  std::map<std::string, ModelOut> out;
  std::map<std::string, ModelIn> in;
  std::map<std::string, ModelTransfer> seen;                                // the other's transfers, as imported
  std::map<UnitId, std::pair<std::string, std::string>> first_transferred;  // first transfer, authorization
  std::vector<std::vector<ModelMessage>> log;                               // per entry, what the other side will see
  size_t imported = 0;
};

class ModelLedger {
 public:
  std::array<ModelBook, 2> books;  // Japan, host
  std::map<std::string, ModelDecision> decisions;
  std::map<std::string, ModelDecision*> lots;
  std::map<std::string, ModelAuthorization> authorizations;  // the host's
  std::map<std::string, std::string> first_transfers;        // id -> authorization
  uint64_t now = 0;

  void AddDecision(const std::string& id, const ModelDecision& decision);

  ModelRefusal Issue(int side, const std::string& decision, const std::vector<std::string>& accounts);
  ModelRefusal Transfer(int side, const std::string& author, const std::string& id, const std::string& from,
                        const std::string& to, const ModelRanges& ranges);
  ModelRefusal Retire(int side, const std::string& author, const std::string& id, const std::string& from,
                      const std::string& to, const ModelRanges& ranges);
  ModelRefusal Cancel(int side, const std::string& author, const std::string& id, const std::string& from,
                      const std::string& to, const ModelRanges& ranges, bool oimp);
  ModelRefusal Authorize(int side, const std::string& id, const ModelAuthorization& authorization);
  ModelRefusal Revoke(int side, const std::string& id);
  ModelRefusal FirstTransfer(int side, const std::string& id, const std::string& authorization,
                             const ModelRanges& ranges);
  ModelRefusal Init(int side, const std::string& author, const std::string& id, const std::string& from,
                    const ModelRanges& ranges, const std::string& authorization, uint64_t expires_at);
  ModelRefusal Accept(int side, const std::string& author, const std::string& id, const std::string& to,
                      const std::string& suspense);
  ModelRefusal Refuse(int side, const std::string& id);
  ModelRefusal Withdraw(int side, const std::string& author, const std::string& id);
  void Import(int side, size_t count);
  void Tick(int side);

 private:
  ModelRefusal CheckSender(int side, const std::string& author, const std::string& from) const;
  ModelRefusal CheckReceiver(int side, const std::string& to) const;
  ModelRefusal CheckRanges(const ModelRanges& ranges) const;
  ModelRefusal CheckHeld(int side, const std::string& from, const ModelRanges& ranges) const;
  ModelRefusal CheckCovers(const ModelAuthorization& authorization, const ModelDecision& lot) const;
  ModelRefusal CheckMove(int side, const std::string& author, const std::string& operation, const std::string& from,
                         const std::string& to, const ModelRanges& ranges, absl::optional<ModelClass> to_class) const;
  std::vector<UnitId> Units(const ModelRanges& ranges) const;
  void Mark(int side, const UnitId& id);
  void Post(int side, const std::string& id, std::vector<ModelMessage>* said);
  void Void(int side, const std::string& id, std::vector<ModelMessage>* said);
  void Credit(int side, const std::string& id);
  ModelRefusal Accepted(int side, std::vector<ModelMessage> said);
};

}  // namespace jcm::rules

#endif  // LEDGER_RULES_MODEL_LEDGER_H_
