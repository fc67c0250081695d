#include "services/node/identity.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "ledger/base/status.h"
#include "services/common/resource_name.h"

namespace jcm::services {
namespace {

const char* KindName(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::kNode:
      return "node";
    case IdentityKind::kProgram:
      return "program";
    case IdentityKind::kPerson:
      return "person";
  }
  JCM_CHECK(false);
}

}  // namespace

std::string Identity::ToString() const { return absl::StrCat("jcm:", registry, ":", KindName(kind), ":", name); }

absl::StatusOr<Identity> ParseIdentity(absl::string_view uri) {
  const std::vector<absl::string_view> parts = absl::StrSplit(uri, ':');
  const auto invalid = [] {
    return Error(Reason::FIELD_INVALID, "an identity is jcm:REGISTRY:node|program|person:NAME");
  };
  if (parts.size() != 4 || parts[0] != "jcm" || !IsRegistryCode(parts[1]) || !IsObjectId(parts[3])) return invalid();
  for (IdentityKind kind : {IdentityKind::kNode, IdentityKind::kProgram, IdentityKind::kPerson}) {
    if (parts[2] == KindName(kind)) return Identity{std::string(parts[1]), kind, std::string(parts[3])};
  }
  return invalid();
}

absl::StatusOr<Identity> IdentityOfCertificate(const std::vector<std::string>& uris) {
  absl::optional<Identity> found;
  for (const std::string& uri : uris) {
    if (!absl::StartsWith(uri, "jcm:")) continue;
    absl::StatusOr<Identity> identity = ParseIdentity(uri);
    if (!identity.ok()) {
      return Error(Reason::CERTIFICATE_REQUIRED, "the certificate's jcm: URI is not of a node, program or person");
    }
    if (found.has_value()) return Error(Reason::CERTIFICATE_REQUIRED, "the certificate has more than one jcm: URI");
    found = *std::move(identity);
  }
  if (!found.has_value()) return Error(Reason::CERTIFICATE_REQUIRED, "the certificate has no jcm: URI");
  return *std::move(found);
}

}  // namespace jcm::services
