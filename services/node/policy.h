// The one place that says which channel may call which method.
//
//   JCM_ASSIGN_OR_RETURN(Caller caller, policy.Authorize("/jcm.registry.v1.LedgerService/SubmitBundle", uris));
//
// A channel's roles follow from its certificate (identity.h) and the configuration:
//   PUBLIC        every channel that passed the TLS handshake
//   CLIENT        programs and persons of this registry
//   OPERATOR      those of them that the configuration names: the government's registry manager and the designated
//                 organization (指定実施機関): private books, status, backups
//   AUDITOR       those that the configuration names: reads everything, changes nothing
//   PARTNER_NODE  nodes of a partner's registry: the mirror protocol, for the books of their own partnership
//   SIBLING_NODE  the other replicas of this registry that the configuration names: what replicas tell each other
//
// Who may *do* what is not decided here: every act is a signed command, and the rules look at its author. So a CLIENT
// may hand in anything, and an OPERATOR's channel gives no right to vote, confirm or authorize.
#ifndef SERVICES_NODE_POLICY_H_
#define SERVICES_NODE_POLICY_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/node/identity.h"

namespace jcm::services {

enum class ChannelRole : uint8_t {
  kPublic = 1,
  kClient = 2,
  kOperator = 4,
  kAuditor = 8,
  kPartnerNode = 16,
  kSiblingNode = 32,
};

// A set of ChannelRoles.
class RoleSet {
 public:
  constexpr RoleSet() = default;
  constexpr RoleSet(ChannelRole role) : bits_(static_cast<uint8_t>(role)) {}  // NOLINT: a role is a set of one
  constexpr RoleSet operator|(RoleSet other) const { return RoleSet(static_cast<uint8_t>(bits_ | other.bits_)); }
  constexpr bool Intersects(RoleSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool Has(ChannelRole role) const { return Intersects(RoleSet(role)); }

 private:
  explicit constexpr RoleSet(uint8_t bits) : bits_(bits) {}
  uint8_t bits_ = 0;
};

constexpr RoleSet operator|(ChannelRole a, ChannelRole b) { return RoleSet(a) | RoleSet(b); }

// "CLIENT, OPERATOR"
std::string ToString(RoleSet roles);

// Who may call a method, and whether it may change something (a write must have a deadline).
struct PolicyRow {
  absl::string_view method;  // "/jcm.registry.v1.LedgerService/SubmitBundle"
  RoleSet allowed;
  bool write;
};

// All methods that a node answers, its built-in services included. A method without a row can't be called.
absl::Span<const PolicyRow> PolicyTable();
// Null if there is none.
const PolicyRow* FindPolicyRow(absl::string_view method);

// An authorized caller.
struct Caller {
  Identity identity;
  RoleSet roles;
  bool Has(ChannelRole role) const { return roles.Has(role); }
  // May see what is kept from other governments and from most clients: home, persons, holders of all accounts.
  bool SeesPrivate() const { return roles.Intersects(ChannelRole::kOperator | ChannelRole::kAuditor); }
};

struct PolicyOptions {
  std::string registry;                                   // whose node this is
  std::map<std::string, std::set<std::string>> partners;  // partner's registry -> partnerships shared with it
  std::map<std::string, RoleSet> roles_by_identity;       // "jcm:JPN:person:operator-1" -> OPERATOR …
  std::set<std::string> siblings;                         // names of the other replicas of this registry
};

class Policy {
 public:
  explicit Policy(PolicyOptions options) : options_(std::move(options)) {}

  RoleSet RolesOf(const Identity& identity) const;

  // CERTIFICATE_REQUIRED if the certificate names nobody, or a person or program of another registry;
  // METHOD_NOT_ALLOWED if none of the caller's roles may call the method.
  absl::StatusOr<Caller> Authorize(absl::string_view method, const std::vector<std::string>& certificate_uris) const;

  // METHOD_NOT_ALLOWED unless the partner's registry shares this partnership.
  absl::Status CheckPartnership(const Caller& partner, absl::string_view partnership) const;

 private:
  const PolicyOptions options_;
};

}  // namespace jcm::services

#endif  // SERVICES_NODE_POLICY_H_
