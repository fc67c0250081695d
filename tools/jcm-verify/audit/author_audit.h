// Who signed an act, whether he could, and whether what the entry says of him is in home.
//
// Roles, persons and accounts are always checked. The signatures themselves, with the way of the part to the signed
// root, may be left out, for they take most of the time; theirs is measured apart.
#ifndef TOOLS_JCM_VERIFY_AUDIT_AUTHOR_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_AUTHOR_AUDIT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/types.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/home_index.h"
#include "tools/jcm-verify/audit/signed_act.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

// Public keys that are kept in memory, ready to verify.
inline constexpr size_t kAuthorKeysMax = 100'000;

class AuthorAudit {
 public:
  // `home`: of the same registry; null if it is not given. All must outlive this.
  AuthorAudit(const BookId& book, bool with_signatures, const HomeIndex* home, BookReport* report);

  // A command, signed in a bundle.
  void CheckAct(uint64_t sequence, uint64_t time_us, const SignedAct& act);
  // A statement of officers: RESUME_ALONE, ACCEPT_TIME.
  void CheckStatement(uint64_t sequence, uint64_t time_us, absl::string_view payload_type, absl::string_view body,
                      const Signatures& signatures, const ContextView& context, size_t persons);
  // Accounts of any entry's context.
  void CheckAccounts(uint64_t sequence, uint64_t time_us, const ContextView& context);
  // At least so many different persons signed.
  void RequirePersons(uint64_t sequence, const ContextView& context, size_t persons, absl::string_view what);

 private:
  void CheckPlace(uint64_t sequence, const SignedAct& act);
  // True if there are some and all are valid.
  bool CheckSignatures(uint64_t sequence, absl::string_view message, const Signatures& signatures,
                       const ContextView& context);
  void CheckSigners(uint64_t sequence, uint64_t time_us, const Signatures& signatures, const ContextView& context);
  template <typename Message>
  void CheckInHome(uint64_t sequence, uint64_t time_us, absl::string_view what, const std::string& name,
                   Known<Message>* known);
  std::string WhatHomeSays(const v1::SignerContext& signer, uint64_t* changes_at_us) const;
  std::string WhatHomeSays(const v1::AccountContext& account, uint64_t* changes_at_us) const;
  const PublicKey* KeyOf(const v1::PublicKeyData& data);

  const BookId book_;
  const bool with_signatures_;
  const HomeIndex* const home_;
  BookReport& report_;
  std::map<std::string, PublicKey> keys_;
  // Whether the signatures of the last act were valid: the parts of a bundle follow each other and share them.
  bool last_signatures_good_ = false;
  std::vector<Digest> path_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_AUTHOR_AUDIT_H_
