#include "services/common/disclosure.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace jcm::services {

namespace v1 = ::jcm::ledger::v1;

Disclosure::Disclosure(const ReadCall& call, const std::string& registry)
    : caller_(call.caller), home_(call.view->State(BookId{registry, kHome})) {}

bool Disclosure::MayKnow(const v1::AccountRecord& account) const {
  return caller_.SeesPrivate() ||
         std::count(account.representatives().begin(), account.representatives().end(), caller_.identity.name) > 0;
}

bool Disclosure::MayKnow(const v1::PersonRecord& person) const {
  return caller_.SeesPrivate() || person.person_id() == caller_.identity.name;
}

absl::StatusOr<absl::optional<v1::AccountRecord>> Disclosure::AccountOfHandle(const std::string& partnership,
                                                                              const std::string& handle) {
  const std::string key = absl::StrCat(partnership, "/", handle);
  const auto known = by_handle_.find(key);
  if (known != by_handle_.end()) return known->second;
  absl::optional<v1::AccountRecord> account;
  JCM_ASSIGN_OR_RETURN(auto record, home_->Get<v1::HandleRecord>(v1::TABLE_HANDLE, key));
  if (record.has_value() && !record->account_number().empty()) {
    JCM_ASSIGN_OR_RETURN(account, AccountOfNumber(record->account_number()));
  }
  by_handle_[key] = account;
  return account;
}

absl::StatusOr<absl::optional<v1::AccountRecord>> Disclosure::AccountOfNumber(const std::string& account_number) const {
  JCM_ASSIGN_OR_RETURN(auto account, home_->Get<v1::AccountRecord>(v1::TABLE_ACCOUNT, account_number));
  if (account.has_value() && !MayKnow(*account)) account.reset();
  return account;
}

absl::StatusOr<absl::optional<v1::PersonRecord>> Disclosure::PersonOfHandle(const std::string& partnership,
                                                                            const std::string& handle) const {
  JCM_ASSIGN_OR_RETURN(auto record,
                       home_->Get<v1::HandleRecord>(v1::TABLE_HANDLE, absl::StrCat(partnership, "/", handle)));
  if (!record.has_value() || record->person_id().empty()) return absl::optional<v1::PersonRecord>();
  JCM_ASSIGN_OR_RETURN(auto person, home_->Get<v1::PersonRecord>(v1::TABLE_PERSON, record->person_id()));
  if (person.has_value() && !MayKnow(*person)) person.reset();
  return person;
}

std::string HandleIn(const v1::AccountRecord& account, const std::string& partnership) {
  for (const v1::Handle& handle : account.handles()) {
    if (handle.partnership() == partnership) return handle.handle();
  }
  return "";
}

}  // namespace jcm::services
