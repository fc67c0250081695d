// Who acts in a benchmark's registry: officers, members, and brokers who each represent some of the accounts. All keys
// and handles come from one seed, so that a registry that was filled once can be opened again.
#ifndef TOOLS_JCM_BENCH_PEOPLE_H_
#define TOOLS_JCM_BENCH_PEOPLE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "jcm/ledger/v1/command.pb.h"
#include "ledger/base/keys.h"
#include "ledger/base/random.h"
#include "ledger/registry/options.h"

namespace jcm::bench {

namespace v1 = ::jcm::ledger::v1;

inline constexpr char kRegistry[] = "JPN";
inline constexpr char kPeer[] = "THA";
inline constexpr char kPartnership[] = "TH";
inline constexpr char kDomain[] = "demo.invalid";
inline constexpr uint64_t kPeopleSeed = 1;  // of every registry that is measured
inline constexpr int kBrokers = 16;
inline constexpr int kAccounts = 1'000;

class People {
 public:
  using Partnerships = std::vector<std::pair<std::string, std::string>>;  // with the partner's registry, ascending
  explicit People(uint64_t seed, Partnerships partnerships = {{kPartnership, kPeer}});

  const PrivateKey& key(const std::string& person) const { return persons_.at(person).key; }
  const std::string& person_id(const std::string& person) const { return persons_.at(person).id; }
  const std::string& pseudonym(const std::string& person) const { return persons_.at(person).pseudonym; }
  // In another partnership than the first.
  std::string pseudonym(const std::string& person, const std::string& partnership) const;
  static std::string Broker(int number);

  // Account `number`, represented by broker number % kBrokers.
  const std::string& handle(int number) const { return handles_[static_cast<size_t>(number)]; }

  const PrivateKey& replica_key() const { return replica_key_; }
  const std::string& offsite_key() const { return offsite_key_; }
  PublicKey recovery_key() const { return recovery_key_.public_key(); }
  // Of a registry that these people run, its first persons included.
  registry::RegistryOptions Options() const;

 private:
  struct Person {
    std::string id;
    std::string pseudonym;
    v1::Role role;
    PrivateKey key;
  };

  const Partnerships partnerships_;
  SeededRandom random_;
  PrivateKey replica_key_;
  PrivateKey recovery_key_;
  std::string offsite_key_;
  std::map<std::string, Person> persons_;
  std::vector<std::string> handles_;
};

}  // namespace jcm::bench

#endif  // TOOLS_JCM_BENCH_PEOPLE_H_
