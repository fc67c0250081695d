#include "tools/jcm-bench/people.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/bytes.h"
#include "ledger/base/hash.h"
#include "ledger/book/checkpoint.h"
#include "ledger/book/genesis.h"

namespace jcm::bench {

std::string People::Broker(int number) { return absl::StrCat("broker-", number); }

People::People(uint64_t seed, Partnerships partnerships)
    : partnerships_(std::move(partnerships)),
      random_(seed),
      replica_key_(PrivateKey::Generate(random_)),
      recovery_key_(PrivateKey::Generate(random_)),
      offsite_key_(random_.Bytes(32)) {
  std::vector<std::pair<std::string, v1::Role>> roles = {
      {"operator", v1::ROLE_SYSTEM_OPERATOR}, {"operator2", v1::ROLE_SYSTEM_OPERATOR},
      {"secretary", v1::ROLE_SECRETARIAT},    {"secretary2", v1::ROLE_SECRETARIAT},
      {"chair", v1::ROLE_JC_MEMBER},
  };
  for (int i = 0; i < kBrokers; ++i) roles.emplace_back(Broker(i), v1::ROLE_ACCOUNT_REPRESENTATIVE);
  for (const auto& entry : roles) {
    persons_.emplace(entry.first, Person{absl::StrCat(kRegistry, "-", entry.first), HexEncode(random_.Bytes(16)),
                                         entry.second, PrivateKey::Generate(random_)});
  }
  for (int i = 0; i < kAccounts; ++i) handles_.push_back(HexEncode(random_.Bytes(16)));
}

std::string People::pseudonym(const std::string& person, const std::string& partnership) const {
  if (partnership == partnerships_.front().first) return pseudonym(person);
  const Digest digest = Sha256(absl::StrCat(pseudonym(person), "/", partnership));
  return HexEncode(AsBytes(digest).substr(0, 16));
}

registry::RegistryOptions People::Options() const {
  registry::RegistryOptions options;
  options.registry = kRegistry;
  options.domain = kDomain;
  options.replica_name = "1";
  options.demonstration = true;
  for (const auto& [partnership, peer] : partnerships_) options.partnerships.push_back({partnership, peer});
  v1::KeySetData& keys = *options.genesis.mutable_keys();
  keys.set_k(1);
  v1::ReplicaKey* replica = keys.add_keys();
  replica->set_name(book::KeyNameOf(kDomain, kRegistry, "1"));
  *replica->mutable_key() = book::PublicKeyToProto(replica_key_.public_key());
  *options.genesis.mutable_recovery_key() = book::PublicKeyToProto(recovery_key_.public_key());
  for (const auto& entry : persons_) {
    v1::EnrolPerson* person = options.genesis.add_persons();
    person->set_person_id(entry.second.id);
    person->add_roles(entry.second.role);
    *person->add_keys()->mutable_key() = book::PublicKeyToProto(entry.second.key.public_key());
    for (const auto& [partnership, peer] : partnerships_) {
      v1::Handle* handle = person->add_pseudonyms();
      handle->set_partnership(partnership);
      handle->set_handle(pseudonym(entry.first, partnership));
    }
  }
  return options;
}

}  // namespace jcm::bench
