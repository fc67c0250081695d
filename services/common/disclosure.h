// Which of the registry's private facts (`home`) a caller may see: operators and auditors all, others what is their
// own.
//
//   Disclosure disclosure(call, environment.registry);
//   JCM_ASSIGN_OR_RETURN(auto account, disclosure.AccountOfHandle("TH", block.account()));
//   if (account.has_value()) unit->set_account_number(account->account_number());
//
// The caller is known by the channel: the name in its certificate is the person's id. Not thread-safe.
#ifndef SERVICES_COMMON_DISCLOSURE_H_
#define SERVICES_COMMON_DISCLOSURE_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/state/state.h"
#include "services/common/call.h"

namespace jcm::services {

class Disclosure {
 public:
  Disclosure(const ReadCall& call, const std::string& registry);

  bool MayKnow(const ledger::v1::AccountRecord& account) const;  // all, or the accounts that name the caller
  bool MayKnow(const ledger::v1::PersonRecord& person) const;    // all, or the caller

  // The account behind a handle; nullopt if there is none or the caller may not know.
  absl::StatusOr<absl::optional<ledger::v1::AccountRecord>> AccountOfHandle(const std::string& partnership,
                                                                            const std::string& handle);
  // By account number, likewise.
  absl::StatusOr<absl::optional<ledger::v1::AccountRecord>> AccountOfNumber(const std::string& account_number) const;
  absl::StatusOr<absl::optional<ledger::v1::PersonRecord>> PersonOfHandle(const std::string& partnership,
                                                                          const std::string& handle) const;

  const state::StateReader& home() const { return *home_; }

 private:
  const Caller caller_;
  const std::unique_ptr<state::StateReader> home_;
  std::map<std::string, absl::optional<ledger::v1::AccountRecord>> by_handle_;  // already looked up
};

// The handle of an account in a partnership; empty if it has none there.
std::string HandleIn(const ledger::v1::AccountRecord& account, const std::string& partnership);

}  // namespace jcm::services

#endif  // SERVICES_COMMON_DISCLOSURE_H_
