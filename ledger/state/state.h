// A book's state as rules see it: records by table and key, read through StateReader, changed through Transition.
//
//   Transition t(reader);
//   JCM_ASSIGN_OR_RETURN(auto lot, t.Get<v1::LotRecord>(v1::TABLE_LOT, "TH014-2021-1"));   // absl::optional
//   t.Put(v1::TABLE_LOT, lot_id, changed);
//   v1::Effects effects = t.Effects();         // old and new values, in the order of the changes
//
// The order of scans is the byte order of keys, on every replica. Shadows of the other book's records are in
// Shadow(table). Nothing here reads a clock or writes to disk.
#ifndef LEDGER_STATE_STATE_H_
#define LEDGER_STATE_STATE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/status.h"

namespace jcm::state {

namespace v1 = ::jcm::ledger::v1;

inline constexpr uint32_t kShadowOffset = 1000;

// The table that holds the imported copy of the other book's `table`.
constexpr uint32_t Shadow(uint32_t table) { return table + kShadowOffset; }
constexpr bool IsShadow(uint32_t table) { return table > kShadowOffset; }

// 8 bytes big-endian: keys sort as the numbers do.
std::string SortableNumber(uint64_t value);
uint64_t FromSortableNumber(absl::string_view eight_bytes);

// Called for each record in key order; false ends the scan.
using RecordVisitor = std::function<bool(absl::string_view key, absl::string_view value)>;

// Read access to one book's records. Implementations: over a store's view, over a map (tests, simulation), Transition.
class StateReader {
 public:
  virtual ~StateReader() = default;

  // The record's bytes; nullopt if it does not exist. An error means that the store failed.
  virtual absl::StatusOr<absl::optional<std::string>> Get(uint32_t table, absl::string_view key) const = 0;

  // All records of `table` whose keys start with `prefix` and are >= `from`, ascending.
  virtual absl::Status Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                            const RecordVisitor& visit) const = 0;

  // The record with the largest key <= `at` that starts with `prefix`; nullopt if there is none.
  virtual absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      uint32_t table, absl::string_view prefix, absl::string_view at) const = 0;

  // Typed read. STORE_CORRUPT if the bytes are not a Record.
  template <typename Record>
  absl::StatusOr<absl::optional<Record>> Get(uint32_t table, absl::string_view key) const {
    JCM_ASSIGN_OR_RETURN(absl::optional<std::string> bytes, Get(table, key));
    if (!bytes.has_value()) return absl::optional<Record>();
    Record record;
    if (!record.ParseFromString(*bytes)) return Error(Reason::STORE_CORRUPT, "a record cannot be parsed");
    return absl::optional<Record>(std::move(record));
  }
};

// State in a map. For tests, the model and the simulation; copyable.
class MapState : public StateReader {
 public:
  using StateReader::Get;
  absl::StatusOr<absl::optional<std::string>> Get(uint32_t table, absl::string_view key) const override;
  absl::Status Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                    const RecordVisitor& visit) const override;
  absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      uint32_t table, absl::string_view prefix, absl::string_view at) const override;

  // Applies effects; DIGEST_MISMATCH if an old value is not the present one (nothing is applied then).
  absl::Status Apply(const v1::Effects& effects);

  const std::map<std::pair<uint32_t, std::string>, std::string>& records() const { return records_; }

 private:
  std::map<std::pair<uint32_t, std::string>, std::string> records_;
};

// Changes being prepared on top of a reader. Reads see them; Effects() lists them. Not thread-safe.
class Transition : public StateReader {
 public:
  explicit Transition(const StateReader& base) : base_(base) {}
  Transition(const Transition&) = delete;

  using StateReader::Get;
  absl::StatusOr<absl::optional<std::string>> Get(uint32_t table, absl::string_view key) const override;
  absl::Status Scan(uint32_t table, absl::string_view prefix, absl::string_view from,
                    const RecordVisitor& visit) const override;
  absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> FindAtOrBefore(
      uint32_t table, absl::string_view prefix, absl::string_view at) const override;

  // Writes a record. A write that changes nothing leaves no effect. The value must not be empty.
  absl::Status Put(uint32_t table, absl::string_view key, std::string value);
  absl::Status Put(uint32_t table, absl::string_view key, const google::protobuf::MessageLite& record);
  // Removes a record; it is not an error if it does not exist.
  absl::Status Delete(uint32_t table, absl::string_view key);

  // Takes an effect of rules that were executed on just this state: its old value is the present one, and is not read
  // again.
  void Take(const v1::Effect& effect);
  // Takes over all changes of `later`, whose reader is this.
  void Adopt(Transition&& later);

  // The changes so far, one per record, in the order of each record's first change; a record changed twice appears once
  // with its first old and its last new value; one that is as before does not appear. Leaves the transition as it is.
  v1::Effects Effects() const;
  // The same one by one: an empty new value removes the record.
  using ChangeVisitor = std::function<void(uint32_t table, absl::string_view key, absl::string_view new_value)>;
  void ForEachChange(const ChangeVisitor& visit) const;

 private:
  struct Change {
    std::string old_value;
    std::string new_value;
    uint64_t order;
  };
  using Key = std::pair<uint32_t, std::string>;
  using KeyView = std::pair<uint32_t, absl::string_view>;
  // By table, then by the key's bytes; finds without making a string.
  struct Before {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return KeyView(a.first, a.second) < KeyView(b.first, b.second);
    }
  };
  absl::Status Set(uint32_t table, absl::string_view key, std::string value);
  // The changes in the order of each record's first one, without those that change nothing.
  std::vector<const std::pair<const Key, Change>*> Ordered() const;

  const StateReader& base_;
  std::map<Key, Change, Before> changes_;
  uint64_t next_order_ = 0;
};

// Serialises a record or message the one way this system does: deterministic, no unknown fields.
std::string Serialise(const google::protobuf::MessageLite& message);

}  // namespace jcm::state

#endif  // LEDGER_STATE_STATE_H_
