// Who is at the other end of a channel, as its TLS certificate says (URI subject alternative name):
//
//   jcm:JPN:node:1              a replica of Japan's registry
//   jcm:JPN:program:gateway     a program of Japan's registry
//   jcm:JPN:person:operator-1   a person known to Japan's registry
//
// This identifies the channel only. Who is the author of a command is said by the command's signature.
#ifndef SERVICES_NODE_IDENTITY_H_
#define SERVICES_NODE_IDENTITY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace jcm::services {

enum class IdentityKind { kNode, kProgram, kPerson };

struct Identity {
  std::string registry;
  IdentityKind kind = IdentityKind::kPerson;
  std::string name;

  std::string ToString() const;
  friend bool operator==(const Identity& a, const Identity& b) {
    return a.registry == b.registry && a.kind == b.kind && a.name == b.name;
  }
};

// Exactly one of the forms above; FIELD_INVALID otherwise.
absl::StatusOr<Identity> ParseIdentity(absl::string_view uri);

// The one identity among a certificate's URIs; others than "jcm:" are no business of ours. CERTIFICATE_REQUIRED if
// there is none, or more than one, or one that is not well formed.
absl::StatusOr<Identity> IdentityOfCertificate(const std::vector<std::string>& uris);

}  // namespace jcm::services

#endif  // SERVICES_NODE_IDENTITY_H_
