// Signing keys: Ed25519 for replicas, programs and people; ECDSA P-256 for people whose cards or modules need it.
//
//   JCM_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(text));
//   std::string signature = key.Sign(PreAuthEncode("application/vnd.jcm.command.v1", body));
//   JCM_RETURN_IF_ERROR(key.public_key().Verify(PreAuthEncode("application/vnd.jcm.command.v1", body), signature));
//
// Not for TLS certificates, which are never signing keys. Keys are cheap to copy and safe to use from many threads.
#ifndef LEDGER_BASE_KEYS_H_
#define LEDGER_BASE_KEYS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ledger/base/random.h"
#include "ledger/base/types.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace jcm {

// Open: a number that a node does not know is SIGNATURE_TYPE_UNSUPPORTED, never a malformed message.
// Reserved: 3 = WebAuthn assertion, 4 = ML-DSA-44.
enum class SignatureType : uint8_t {
  ED25519 = 1,
  ECDSA_P256_SHA256 = 2,
};

inline constexpr size_t kEd25519PublicKeyBytes = 32;
inline constexpr size_t kEd25519SeedBytes = 32;
inline constexpr size_t kEd25519SignatureBytes = 64;

class PublicKey {
 public:
  // The key of no one: equal only to itself, verifies nothing.
  PublicKey() = default;

  // Ed25519: the 32 raw bytes. P-256: the DER SubjectPublicKeyInfo with a named curve and an uncompressed point.
  // Errors: SIGNATURE_TYPE_UNSUPPORTED; FIELD_INVALID if the bytes are not such a key in its one spelling.
  static absl::StatusOr<PublicKey> FromBytes(SignatureType type, absl::string_view bytes);
  // A "PUBLIC KEY" PEM file. Errors: KEY_FILE_INVALID.
  static absl::StatusOr<PublicKey> FromPem(absl::string_view pem);

  SignatureType type() const { return type_; }
  const std::string& bytes() const { return bytes_; }
  // SHA-256(type byte || bytes).
  Digest KeyId() const;
  std::string ToPem() const;
  // Ed25519: 64 bytes. P-256: the DER ECDSA-Sig-Value over SHA-256. Errors: SIGNATURE_INVALID.
  absl::Status Verify(absl::string_view message, absl::string_view signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) { return a.type_ == b.type_ && a.bytes_ == b.bytes_; }
  friend bool operator!=(const PublicKey& a, const PublicKey& b) { return !(a == b); }

 private:
  friend class PrivateKey;
  static absl::StatusOr<PublicKey> FromHandle(std::shared_ptr<EVP_PKEY> handle);

  SignatureType type_ = SignatureType::ED25519;
  std::string bytes_;
  std::shared_ptr<EVP_PKEY> handle_;
};

class PrivateKey {
 public:
  // Takes the secret from `random`. Ed25519 signatures are deterministic; a P-256 signature draws its nonce from
  // OpenSSL. Errors: SIGNATURE_TYPE_UNSUPPORTED.
  static absl::StatusOr<PrivateKey> Generate(SignatureType type, Random& random);
  // An Ed25519 key.
  static PrivateKey Generate(Random& random);
  // An Ed25519 key from its 32-byte seed. Errors: FIELD_INVALID for another length.
  static absl::StatusOr<PrivateKey> FromSeed(absl::string_view seed);
  // An unencrypted PKCS #8 "PRIVATE KEY" PEM file. Errors: KEY_FILE_INVALID, without the file's content.
  static absl::StatusOr<PrivateKey> FromPem(absl::string_view pem);

  std::string ToPem() const;
  std::string Sign(absl::string_view message) const;
  const PublicKey& public_key() const { return public_key_; }

 private:
  explicit PrivateKey(PublicKey public_key) : public_key_(std::move(public_key)) {}
  static absl::StatusOr<PrivateKey> FromHandle(std::shared_ptr<EVP_PKEY> handle);

  PublicKey public_key_;  // its handle holds the private part too
};

// DSSE's pre-authentication encoding: "DSSEv1 <size> <payload type> <size> <body>", sizes in decimal. What is signed is
// thus bound to its type, and no two (type, body) pairs give the same bytes.
std::string PreAuthEncode(absl::string_view payload_type, absl::string_view body);

}  // namespace jcm

#endif  // LEDGER_BASE_KEYS_H_
