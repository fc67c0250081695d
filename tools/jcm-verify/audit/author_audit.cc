#include "tools/jcm-verify/audit/author_audit.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "jcm/ledger/v1/records.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"
#include "ledger/book/authorship.h"
#include "ledger/book/merkle.h"
#include "tools/jcm-verify/audit/cpu_clock.h"

namespace jcm::verify {
namespace {

bool HasKeyOfId(KnownSigner* signer) {
  if (!signer->key_judged) {
    const v1::PublicKeyData& key = signer->context.key();
    const Digest id = Sha256Prefixed(static_cast<uint8_t>(key.type()), key.key());
    signer->key_good = signer->context.key_id() == AsBytes(id);
    signer->key_judged = true;
  }
  return signer->key_good;
}

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
  if (act.header.registry() != book_.registry || act.partnership != book_.partnership) {
    report_.Fail(Check::AUTHOR_PATH, sequence, "", absl::StrCat("a command for ", book_.ToString()),
                 absl::StrCat("one for ", act.header.registry(), "/", act.partnership));
  }
  CheckSigners(sequence, time_us, act.signatures, act.context);
  CheckAccounts(sequence, time_us, act.context);
  const bool author_first = !act.signatures.empty() && act.signatures.Get(0).key_id() == act.header.author_key_id();
  JCM_AUDIT_REQUIRE(report_, author_first, Check::AUTHOR_KEY, sequence, "the author's signature first",
                    "another key's");
  if (!with_signatures_) return;
  CpuStopwatch stopwatch(&report_.author_cpu_seconds);
  CheckPlace(sequence, act);
  if (act.same_signing && last_signatures_good_) {
    report_.Passed(Check::AUTHOR_SIGNATURE, static_cast<uint64_t>(act.signatures.size()));
    return;
  }
  last_signatures_good_ = CheckSignatures(sequence, PreAuthEncode(book::kBundleHeaderPayloadType, act.header_bytes),
                                          act.signatures, act.context);
}

void AuthorAudit::CheckStatement(uint64_t sequence, uint64_t time_us, absl::string_view payload_type,
                                 absl::string_view body, const Signatures& signatures, const ContextView& context,
                                 size_t persons) {
  CheckSigners(sequence, time_us, signatures, context);
  RequirePersons(sequence, context, persons, payload_type);
  if (!with_signatures_) return;
  CpuStopwatch stopwatch(&report_.author_cpu_seconds);
  CheckSignatures(sequence, PreAuthEncode(payload_type, body), signatures, context);
}

void AuthorAudit::CheckPlace(uint64_t sequence, const SignedAct& act) {
  Digest root;
  path_.resize(act.part_path.size());
  bool good = ToDigest(act.header.parts_root(), &root);
  for (size_t i = 0; i < path_.size(); ++i) good = ToDigest(act.part_path[i], &path_[i]) && good;
  good =
      good &&
      book::VerifyInclusion(Sha256Prefixed(0x00, act.part), act.part_index, act.header.part_count(), path_, root).ok();
  JCM_AUDIT_REQUIRE(
      report_, good, Check::AUTHOR_PATH, sequence,
      absl::StrCat("part ", act.part_index, " of ", act.header.part_count(), " under the root that was signed"),
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

bool AuthorAudit::CheckSignatures(uint64_t sequence, absl::string_view message, const Signatures& signatures,
                                  const ContextView& context) {
  bool all_good = !signatures.empty();
  for (int i = 0; i < signatures.size(); ++i) {
    const bool has_signer = static_cast<size_t>(i) < context.signers.size();
    const PublicKey* key = has_signer ? KeyOf(context.signers[static_cast<size_t>(i)]->context.key()) : nullptr;
    ++report_.author_signatures;
    const bool good = key != nullptr && static_cast<uint32_t>(key->type()) == signatures[i].type() &&
                      key->Verify(message, signatures[i].signature()).ok();
    JCM_AUDIT_REQUIRE(report_, good, Check::AUTHOR_SIGNATURE, sequence,
                      absl::StrCat("a valid signature of key ", HexEncode(signatures[i].key_id())), "one that is not");
    all_good = all_good && good;
  }
  if (signatures.empty()) report_.Fail(Check::AUTHOR_SIGNATURE, sequence, "", "a signature", "none");
  return all_good;
}

void AuthorAudit::CheckSigners(uint64_t sequence, uint64_t time_us, const Signatures& signatures,
                               const ContextView& context) {
  if (signatures.empty() || static_cast<size_t>(signatures.size()) != context.signers.size()) {
    report_.Fail(Check::AUTHOR_KEY, sequence, "", absl::StrCat("signers for ", signatures.size(), " signatures"),
                 absl::StrCat(context.signers.size()));
    return;
  }
  for (int i = 0; i < signatures.size(); ++i) {
    KnownSigner* known = context.signers[static_cast<size_t>(i)];
    const v1::SignerContext& signer = known->context;
    const auto name = [&] { return HexEncode(signatures[i].key_id()); };
    bool good = JCM_AUDIT_REQUIRE(report_, HasKeyOfId(known) && signatures[i].key_id() == signer.key_id(),
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
    if (good) CheckInHome(sequence, time_us, "signer ", signer.pseudonym(), known);
  }
}

void AuthorAudit::RequirePersons(uint64_t sequence, const ContextView& context, size_t persons,
                                 absl::string_view what) {
  size_t different = 0;
  for (size_t i = 0; i < context.signers.size(); ++i) {
    const auto end = context.signers.begin() + static_cast<std::ptrdiff_t>(i);
    const bool again = std::any_of(context.signers.begin(), end, [&](const KnownSigner* other) {
      return other->context.pseudonym() == context.signers[i]->context.pseudonym();
    });
    different += again ? 0 : 1;
  }
  JCM_AUDIT_REQUIRE(report_, different >= persons, Check::TWO_PERSONS, sequence,
                    absl::StrCat(persons, " different persons for ", what),
                    absl::StrCat(different, ", with ", context.signers.size(), " signatures"));
}

std::string AuthorAudit::WhatHomeSays(const v1::SignerContext& signer, uint64_t* changes_at_us) const {
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
  *changes_at_us = std::min(home_->ChangedAfter(v1::TABLE_KEY, signer.key_id(), at),
                            home_->ChangedAfter(v1::TABLE_PERSON, key.person_id(), at));
  return "";
}

std::string AuthorAudit::WhatHomeSays(const v1::AccountContext& context, uint64_t* changes_at_us) const {
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
  *changes_at_us = home_->ChangedAfter(v1::TABLE_ACCOUNT, number, at);
  return "";
}

// Once for each signer and account, as long as home does not grow; but for the time of the entry.
template <typename Message>
void AuthorAudit::CheckInHome(uint64_t sequence, uint64_t time_us, absl::string_view what, const std::string& name,
                              Known<Message>* known) {
  if (home_ == nullptr) return;
  const Message& context = known->context;
  HomeVerdict& verdict = known->home;
  if (!verdict.judged || verdict.home_size != home_->size()) {
    verdict = HomeVerdict{true, home_->size(), "no such entry", 0};
    if (context.home_sequence() < home_->size() &&
        context.home_leaf_hash() == AsBytes(home_->LeafHash(context.home_sequence()))) {
      verdict.contradiction = WhatHomeSays(context, &verdict.changes_at_us);
    }
  }
  const bool changed = verdict.changes_at_us < time_us;
  JCM_AUDIT_REQUIRE(report_, verdict.contradiction.empty() && !changed, Check::AUTHOR_HOME, sequence,
                    absl::StrCat(what, name, " as in home entry ", context.home_sequence()),
                    absl::StrCat("home has ", verdict.contradiction.empty() ? "a later change of it, before this entry"
                                                                            : verdict.contradiction));
}

void AuthorAudit::CheckAccounts(uint64_t sequence, uint64_t time_us, const ContextView& context) {
  for (size_t i = 0; i < context.accounts.size(); ++i) {
    KnownAccount* account = context.accounts[i];
    if (i > 0 && account->context.handle() <= context.accounts[i - 1]->context.handle()) {
      report_.Fail(Check::FORM, sequence, "", "accounts of the context in order", "another order");
    }
    CheckInHome(sequence, time_us, "account ", account->context.handle(), account);
  }
}

}  // namespace jcm::verify
