// Who signed an act, whether he could, and whether what the entry says of him is in home.
//
// Roles, persons and accounts are always checked. The signatures themselves, with the way of the part to the signed
// root, may be left out, for they take most of the time; theirs is measured apart.
#ifndef TOOLS_JCM_VERIFY_AUDIT_AUTHOR_AUDIT_H_
#define TOOLS_JCM_VERIFY_AUDIT_AUTHOR_AUDIT_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "jcm/ledger/v1/bundle.pb.h"
#include "jcm/ledger/v1/command.pb.h"
#include "jcm/ledger/v1/effects.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/types.h"
#include "tools/jcm-verify/audit/findings.h"
#include "tools/jcm-verify/audit/home_index.h"

namespace jcm::verify {

namespace v1 = ::jcm::ledger::v1;

// Public keys that are kept in memory, ready to verify.
inline constexpr size_t kAuthorKeysMax = 100'000;

// One act as its parts say; all parsed.
struct SignedAct {
  v1::SignedPart signed_part;
  v1::BundleHeader header;
  v1::BundlePart part;
  v1::Command command;
  v1::Context context;
};

class AuthorAudit {
 public:
  // `home`: of the same registry; null if it is not given. All must outlive this.
  AuthorAudit(const BookId& book, bool with_signatures, const HomeIndex* home, BookReport* report);

  // A command, signed in a bundle.
  void CheckAct(uint64_t sequence, uint64_t time_us, const SignedAct& act);
  // A statement of officers: RESUME_ALONE, ACCEPT_TIME.
  void CheckStatement(uint64_t sequence, uint64_t time_us, absl::string_view payload_type, absl::string_view body,
                      const google::protobuf::RepeatedPtrField<v1::Signature>& signatures, const v1::Context& context,
                      size_t persons);
  // Accounts of any entry's context.
  void CheckAccounts(uint64_t sequence, uint64_t time_us, const v1::Context& context);
  // At least so many different persons signed.
  void RequirePersons(uint64_t sequence, const v1::Context& context, size_t persons, absl::string_view what);

 private:
  using Signatures = google::protobuf::RepeatedPtrField<v1::Signature>;

  void CheckPlace(uint64_t sequence, const SignedAct& act);
  void CheckSignatures(uint64_t sequence, absl::string_view message, const Signatures& signatures,
                       const v1::Context& context);
  void CheckSigners(uint64_t sequence, uint64_t time_us, const Signatures& signatures, const v1::Context& context);
  void CheckSignerInHome(uint64_t sequence, uint64_t time_us, const v1::SignerContext& signer);
  void CheckAccountInHome(uint64_t sequence, uint64_t time_us, const v1::AccountContext& account);
  std::string WhatHomeSays(uint64_t time_us, const v1::SignerContext& signer) const;
  std::string WhatHomeSays(uint64_t time_us, const v1::AccountContext& account) const;
  const PublicKey* KeyOf(const v1::PublicKeyData& data);

  const BookId book_;
  const bool with_signatures_;
  const HomeIndex* const home_;
  BookReport& report_;
  std::map<std::string, PublicKey> keys_;
  // The header and signatures that were verified last: the parts of a bundle follow each other and share them.
  std::string verified_;
};

}  // namespace jcm::verify

#endif  // TOOLS_JCM_VERIFY_AUDIT_AUTHOR_AUDIT_H_
