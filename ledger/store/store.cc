#include "ledger/store/store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::store {

const char* FamilyName(Family family) {
  switch (family) {
    case Family::kMeta:
      return "meta";
    case Family::kLog:
      return "log";
    case Family::kEntry:
      return "entry";
    case Family::kNode:
      return "node";
    case Family::kState:
      return "state";
    case Family::kOutcome:
      return "outcome";
    case Family::kNote:
      return "note";
    case Family::kMirror:
      return "mirror";
    case Family::kIndex:
      return "index";
    case Family::kOffsite:
      return "offsite";
    case Family::kVault:
      return "vault";
  }
  JCM_CHECK(false && "unknown family");
}

std::string EncodeStoreIdentity(const StoreIdentity& identity) {
  JCM_CHECK(identity.registry.find('\n') == std::string::npos && identity.domain.find('\n') == std::string::npos);
  return absl::StrCat("jcm-store ", kStoreFormat, "\n", identity.registry, "\n", identity.domain, "\n");
}

absl::Status CheckStoreIdentity(absl::string_view record, const StoreIdentity& expected) {
  const std::string wanted = EncodeStoreIdentity(expected);
  if (record == wanted) return absl::OkStatus();
  return Error(Reason::STORE_OF_OTHER_REGISTRY, absl::StrCat("wanted \"", wanted, "\", found \"", record, "\""));
}

absl::StatusOr<absl::optional<std::pair<std::string, std::string>>> ReadView::FindAtOrBefore(
    Family family, absl::string_view lower, absl::string_view at) const {
  std::unique_ptr<Iterator> it = NewIterator(family, lower);
  it->SeekForPrev(at);
  JCM_RETURN_IF_ERROR(it->status());
  if (!it->Valid()) return absl::optional<std::pair<std::string, std::string>>();
  return absl::make_optional(std::make_pair(std::string(it->key()), std::string(it->value())));
}

absl::Status ReadView::Scan(Family family, absl::string_view from, absl::string_view upper,
                            const Visitor& visit) const {
  std::unique_ptr<Iterator> it = NewIterator(family, from, upper);
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (!visit(it->key(), it->value())) return absl::OkStatus();
  }
  return it->status();
}

void WriteBatch::Put(Family family, absl::string_view key, absl::string_view value) {
  operations_.push_back({family, std::string(key), std::string(value)});
  bytes_ += key.size() + value.size();
}

void WriteBatch::PutOwned(Family family, std::string key, std::string value) {
  bytes_ += key.size() + value.size();
  operations_.push_back({family, std::move(key), std::move(value)});
}

void WriteBatch::Delete(Family family, absl::string_view key) {
  operations_.push_back({family, std::string(key), absl::nullopt});
  bytes_ += key.size();
}

void WriteBatch::Append(const WriteBatch& later) {
  operations_.insert(operations_.end(), later.operations_.begin(), later.operations_.end());
  bytes_ += later.bytes_;
}

void WriteBatch::Clear() {
  operations_.clear();
  bytes_ = 0;
}

absl::Status CheckLimits(const WriteBatch& batch) {
  for (const WriteBatch::Operation& operation : batch.operations()) {
    if (operation.key.size() > kKeyMaxBytes) {
      return Error(Reason::INTERNAL,
                   absl::StrCat("key of ", operation.key.size(), " bytes in ", FamilyName(operation.family)));
    }
    if (operation.value.has_value() && operation.value->size() > kValueMaxBytes) {
      return Error(Reason::INTERNAL,
                   absl::StrCat("value of ", operation.value->size(), " bytes in ", FamilyName(operation.family)));
    }
  }
  return absl::OkStatus();
}

}  // namespace jcm::store
