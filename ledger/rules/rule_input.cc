// What a rule may ask about the entry it judges.
#include <algorithm>
#include <set>

#include "ledger/base/status.h"
#include "ledger/rules/handlers.h"
#include "ledger/rules/policy.h"

namespace jcm::rules {
namespace {

// Accounts that belong to the government itself, so that its registry acts for them without being named one by one.
bool IsGovernmentAccount(v1::AccountClass account_class) {
  return account_class == v1::ACCOUNT_CLASS_GOVERNMENT_HOLDING || account_class == v1::ACCOUNT_CLASS_RESERVE ||
         account_class == v1::ACCOUNT_CLASS_PENDING || account_class == v1::ACCOUNT_CLASS_SUSPENSE;
}

}  // namespace

const v1::AccountContext* RuleInput::Account(absl::string_view handle) const {
  for (const v1::AccountContext& account : context->accounts()) {
    if (account.handle() == handle) return &account;
  }
  return nullptr;
}

absl::Status RuleInput::CheckActsFor(const v1::AccountContext& account) const {
  if (context->signers().empty()) return Error(Reason::ACCOUNT_NOT_AUTHORIZED, "nobody signed");
  const v1::SignerContext& author = context->signers(0);
  for (const std::string& representative : account.representatives()) {
    if (representative == author.pseudonym()) return absl::OkStatus();
  }
  const bool official = HasRole(author, v1::ROLE_SYSTEM_OPERATOR) || HasRole(author, v1::ROLE_DESIGNATED_ORGANIZATION);
  if (official && IsGovernmentAccount(account.account_class())) return absl::OkStatus();
  return Error(Reason::ACCOUNT_NOT_AUTHORIZED, "the author does not represent the account");
}

size_t RuleInput::DistinctPersons() const {
  std::set<std::string> persons;
  for (const v1::SignerContext& signer : context->signers()) persons.insert(signer.pseudonym());
  return persons.size();
}

}  // namespace jcm::rules
