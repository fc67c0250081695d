#include "tools/jcm-verify/audit/author_audit.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/authorship.h"
#include "ledger/book/merkle.h"

namespace jcm::verify {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(double* seconds) : seconds_(seconds), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() { *seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double* const seconds_;
  const std::chrono::steady_clock::time_point start_;
};

Digest KeyIdOf(const v1::PublicKeyData& key) { return Sha256Prefixed(static_cast<uint8_t>(key.type()), key.key()); }

bool ToDigest(absl::string_view bytes, Digest* digest) {
  if (bytes.size() != digest->size()) return false;
  std::copy(bytes.begin(), bytes.end(), digest->begin());
  return true;
}

// The random name inside a partnership; in home the id itself.
template <typename Handles>
std::string NameIn(const BookId& book, const std::string& id, const Handles& handles) {
  if (book.is_home()) return id;
  for (const v1::Handle& handle : handles) {
    if (handle.partnership() == book.partnership) return handle.handle();
  }
  return "";
}

}  // namespace

AuthorAudit::AuthorAudit(const BookId& book, bool with_signatures, const HomeIndex* home, BookReport* report)
    : book_(book), with_signatures_(with_signatures), home_(home), report_(*report) {
  if (!with_signatures) {
    report_.NotCheckable(Check::AUTHOR_PATH, "left out by --skip-author-signatures");
    report_.NotCheckable(Check::AUTHOR_SIGNATURE, "left out by --skip-author-signatures");
  }
  if (home == nullptr) report_.NotCheckable(Check::AUTHOR_HOME, "home not given");
}

void AuthorAudit::CheckAct(uint64_t sequence, uint64_t time_us, const SignedAct& act) {
  if (act.header.registry() != book_.registry || act.part.partnership() != book_.partnership) {
    report_.Fail(Check::AUTHOR_PATH, sequence, "", absl::StrCat("a command for ", book_.ToString()),
                 absl::StrCat("one for ", act.header.registry(), "/", act.part.partnership()));
  }
  CheckSigners(sequence, time_us, act.signed_part.signatures(), act.context);
  CheckAccounts(sequence, time_us, act.context);
  const bool author_first =
      act.signed_part.signatures_size() > 0 && act.signed_part.signatures(0).key_id() == act.header.author_key_id();
  JCM_AUDIT_REQUIRE(report_, author_first, Check::AUTHOR_KEY, sequence, "the author's signature first",
                    "another key's");
  if (!with_signatures_) return;
  Stopwatch stopwatch(&report_.author_seconds);
  CheckPlace(sequence, act);
  CheckSignatures(sequence, PreAuthEncode(book::kBundleHeaderPayloadType, act.signed_part.header()),
                  act.signed_part.signatures(), act.context);
}

void AuthorAudit::CheckStatement(uint64_t sequence, uint64_t time_us, absl::string_view payload_type,
                                 absl::string_view body, const Signatures& signatures, const v1::Context& context,
                                 size_t persons) {
  CheckSigners(sequence, time_us, signatures, context);
  RequirePersons(sequence, context, persons, payload_type);
  if (!with_signatures_) return;
  Stopwatch stopwatch(&report_.author_seconds);
  CheckSignatures(sequence, PreAuthEncode(payload_type, body), signatures, context);
}

void AuthorAudit::CheckPlace(uint64_t sequence, const SignedAct& act) {
  Digest root;
  std::vector<Digest> path(static_cast<size_t>(act.signed_part.part_path_size()));
  bool good = ToDigest(act.header.parts_root(), &root);
  for (int i = 0; i < act.signed_part.part_path_size(); ++i) {
    good = ToDigest(act.signed_part.part_path(i), &path[static_cast<size_t>(i)]) && good;
  }
  good = good && book::VerifyInclusion(Sha256Prefixed(0x00, act.signed_part.part()), act.signed_part.part_index(),
                                       act.header.part_count(), path, root)
                     .ok();
  JCM_AUDIT_REQUIRE(report_, good, Check::AUTHOR_PATH, sequence,
                    absl::StrCat("part ", act.signed_part.part_index(), " of ", act.header.part_count(),
                                 " under the root that was signed"),
                    "a path that does not lead there");
}

const PublicKey* AuthorAudit::KeyOf(const v1::PublicKeyData& data) {
  const std::string name = absl::StrCat(data.type(), ":", data.key());
  const auto known = keys_.find(name);
  if (known != keys_.end()) return &known->second;
  if (data.type() > 0xff) return nullptr;
  absl::StatusOr<PublicKey> key = PublicKey::FromBytes(static_cast<SignatureType>(data.type()), data.key());
  if (!key.ok()) return nullptr;
  if (keys_.size() >= kAuthorKeysMax) keys_.clear();
  return &keys_.emplace(name, *std::move(key)).first->second;
}

void AuthorAudit::CheckSignatures(uint64_t sequence, absl::string_view message, const Signatures& signatures,
                                  const v1::Context& context) {
  std::string now(message);
  for (int i = 0; i < signatures.size(); ++i) {
    const bool has_key = i < context.signers_size();
    absl::StrAppend(&now, "|", signatures[i].type(), signatures[i].signature(),
                    has_key ? context.signers(i).key().key() : "");
  }
  if (now == verified_) {
    report_.Passed(Check::AUTHOR_SIGNATURE, static_cast<uint64_t>(signatures.size()));
    return;
  }
  bool all_good = !signatures.empty();
  for (int i = 0; i < signatures.size(); ++i) {
    const PublicKey* key = i < context.signers_size() ? KeyOf(context.signers(i).key()) : nullptr;
    ++report_.author_signatures;
    const bool good = key != nullptr && static_cast<uint32_t>(key->type()) == signatures[i].type() &&
                      key->Verify(message, signatures[i].signature()).ok();
    JCM_AUDIT_REQUIRE(report_, good, Check::AUTHOR_SIGNATURE, sequence,
                      absl::StrCat("a valid signature of key ", HexEncode(signatures[i].key_id())), "one that is not");
    all_good = all_good && good;
  }
  if (signatures.empty()) report_.Fail(Check::AUTHOR_SIGNATURE, sequence, "", "a signature", "none");
  if (all_good) verified_ = std::move(now);
}

void AuthorAudit::CheckSigners(uint64_t sequence, uint64_t time_us, const Signatures& signatures,
                               const v1::Context& context) {
  if (signatures.empty() || signatures.size() != context.signers_size()) {
    report_.Fail(Check::AUTHOR_KEY, sequence, "", absl::StrCat("signers for ", signatures.size(), " signatures"),
                 absl::StrCat(context.signers_size()));
    return;
  }
  for (int i = 0; i < signatures.size(); ++i) {
    const v1::SignerContext& signer = context.signers(i);
    const Digest id = KeyIdOf(signer.key());
    const auto name = [&] { return HexEncode(signatures[i].key_id()); };
    bool good = JCM_AUDIT_REQUIRE(report_, signer.key_id() == AsBytes(id) && signatures[i].key_id() == signer.key_id(),
                                  Check::AUTHOR_KEY, sequence, absl::StrCat("the key of id ", name()), "another key");
    for (int j = 0; j < i; ++j) {
      good = JCM_AUDIT_REQUIRE(report_, signatures[j].key_id() != signatures[i].key_id(), Check::TWO_PERSONS, sequence,
                               "each key once", absl::StrCat("key ", name(), " twice")) &&
             good;
    }
    const bool revoked = signer.revoked_at_us() != 0 && signer.revoked_at_us() <= time_us;
    const bool over = signer.valid_until_us() != 0 && signer.valid_until_us() <= time_us;
    JCM_AUDIT_REQUIRE(report_, !revoked && !over && signer.valid_from_us() <= time_us, Check::AUTHOR_KEY, sequence,
                      absl::StrCat("key ", name(), " valid at ", time_us, " µs"),
                      revoked ? "revoked" : (over ? "expired" : "not yet valid"));
    if (signer.pseudonym().empty()) {
      report_.Fail(Check::AUTHOR_KEY, sequence, "", absl::StrCat("a person behind key ", name()), "none");
    }
    if (good) CheckSignerInHome(sequence, time_us, signer);
  }
}

void AuthorAudit::RequirePersons(uint64_t sequence, const v1::Context& context, size_t persons,
                                 absl::string_view what) {
  std::set<std::string> names;
  for (const v1::SignerContext& signer : context.signers()) names.insert(signer.pseudonym());
  JCM_AUDIT_REQUIRE(report_, names.size() >= persons, Check::TWO_PERSONS, sequence,
                    absl::StrCat(persons, " different persons for ", what),
                    absl::StrCat(names.size(), ", with ", context.signers_size(), " signatures"));
}

std::string AuthorAudit::WhatHomeSays(uint64_t time_us, const v1::SignerContext& signer) const {
  const uint64_t at = signer.home_sequence();
  const HomeIndex::Version* key_version = home_->At(v1::TABLE_KEY, signer.key_id(), at);
  if (key_version == nullptr) return "no such key";
  v1::KeyRecord key;
  v1::PersonRecord person;
  if (!key.ParseFromString(key_version->value)) return "a key that cannot be read";
  const HomeIndex::Version* person_version = home_->At(v1::TABLE_PERSON, key.person_id(), at);
  if (person_version == nullptr || !person.ParseFromString(person_version->value)) return "no such person";
  if (key.key().type() != signer.key().type() || key.key().key() != signer.key().key()) return "another key";
  if (key.valid_from_us() != signer.valid_from_us() || key.valid_until_us() != signer.valid_until_us() ||
      key.revoked_at_us() != signer.revoked_at_us()) {
    return "another validity";
  }
  if (!std::equal(person.roles().begin(), person.roles().end(), signer.roles().begin(), signer.roles().end())) {
    return "other roles";
  }
  if (NameIn(book_, person.person_id(), person.pseudonyms()) != signer.pseudonym()) return "another pseudonym";
  if (home_->ChangedBetween(v1::TABLE_KEY, signer.key_id(), at, time_us) ||
      home_->ChangedBetween(v1::TABLE_PERSON, key.person_id(), at, time_us)) {
    return "a later change of key or person, before this entry";
  }
  return "";
}

std::string AuthorAudit::WhatHomeSays(uint64_t time_us, const v1::AccountContext& context) const {
  const uint64_t at = context.home_sequence();
  std::string number = context.handle();
  if (!book_.is_home()) {
    const HomeIndex::Version* version =
        home_->At(v1::TABLE_HANDLE, absl::StrCat(book_.partnership, "/", context.handle()), home_->size());
    v1::HandleRecord handle;
    if (version == nullptr || !handle.ParseFromString(version->value)) return "no such handle";
    number = handle.account_number();
  }
  const HomeIndex::Version* version = home_->At(v1::TABLE_ACCOUNT, number, at);
  v1::AccountRecord account;
  if (version == nullptr || !account.ParseFromString(version->value)) return "no such account";
  if (account.account_class() != context.account_class()) return "another class";
  if (account.state() != context.state()) return "another state";
  std::set<std::string> names;
  for (const std::string& person_id : account.representatives()) {
    const HomeIndex::Version* person_version = home_->At(v1::TABLE_PERSON, person_id, home_->size());
    v1::PersonRecord person;
    if (person_version == nullptr || !person.ParseFromString(person_version->value)) return "a missing representative";
    const std::string name = NameIn(book_, person_id, person.pseudonyms());
    if (!name.empty()) names.insert(name);
  }
  // A representative may have got a name in the partnership later; nobody may act who is not one.
  for (const std::string& name : context.representatives()) {
    if (names.count(name) == 0) return "other representatives";
  }
  if (home_->ChangedBetween(v1::TABLE_ACCOUNT, number, at, time_us)) return "a later change of it, before this entry";
  return "";
}

void AuthorAudit::CheckSignerInHome(uint64_t sequence, uint64_t time_us, const v1::SignerContext& signer) {
  if (home_ == nullptr) return;
  const std::string who = absl::StrCat("signer ", signer.pseudonym(), " as in home entry ", signer.home_sequence());
  if (signer.home_sequence() >= home_->size() ||
      signer.home_leaf_hash() != AsBytes(home_->LeafHash(signer.home_sequence()))) {
    report_.Fail(Check::AUTHOR_HOME, sequence, "", who, "home has no such entry");
    return;
  }
  const std::string other = WhatHomeSays(time_us, signer);
  JCM_AUDIT_REQUIRE(report_, other.empty(), Check::AUTHOR_HOME, sequence, who, absl::StrCat("home has ", other));
}

void AuthorAudit::CheckAccountInHome(uint64_t sequence, uint64_t time_us, const v1::AccountContext& account) {
  if (home_ == nullptr) return;
  const std::string what = absl::StrCat("account ", account.handle(), " as in home entry ", account.home_sequence());
  if (account.home_sequence() >= home_->size() ||
      account.home_leaf_hash() != AsBytes(home_->LeafHash(account.home_sequence()))) {
    report_.Fail(Check::AUTHOR_HOME, sequence, "", what, "home has no such entry");
    return;
  }
  const std::string other = WhatHomeSays(time_us, account);
  JCM_AUDIT_REQUIRE(report_, other.empty(), Check::AUTHOR_HOME, sequence, what, absl::StrCat("home has ", other));
}

void AuthorAudit::CheckAccounts(uint64_t sequence, uint64_t time_us, const v1::Context& context) {
  for (int i = 0; i < context.accounts_size(); ++i) {
    if (i > 0 && context.accounts(i).handle() <= context.accounts(i - 1).handle()) {
      report_.Fail(Check::FORM, sequence, "", "accounts of the context in order", "another order");
    }
    CheckAccountInHome(sequence, time_us, context.accounts(i));
  }
}

}  // namespace jcm::verify
