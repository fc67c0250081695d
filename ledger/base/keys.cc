#include "ledger/base/keys.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "ledger/base/hash.h"
#include "ledger/base/status.h"

namespace jcm {
namespace {

using Handle = std::shared_ptr<EVP_PKEY>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

constexpr size_t kPemMaxBytes = 64 * 1024;

Handle Own(EVP_PKEY* key) {
  // A refused parse leaves OpenSSL's per-thread error queue filled; nobody else may find it there.
  ERR_clear_error();
  return Handle(key, &EVP_PKEY_free);
}

const uint8_t* Data(absl::string_view bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

std::string SubjectPublicKeyInfo(EVP_PKEY* key) {
  uint8_t* der = nullptr;
  int size = i2d_PUBKEY(key, &der);
  JCM_CHECK(size > 0);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

bool IsP256(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return false;
  char name[64] = {0};
  size_t size = 0;
  return EVP_PKEY_get_group_name(key, name, sizeof(name), &size) == 1 &&
         absl::string_view(name) == absl::string_view(SN_X9_62_prime256v1);
}

absl::Status UnsupportedType(SignatureType type) {
  return Error(Reason::SIGNATURE_TYPE_UNSUPPORTED, absl::StrCat("signature type ", static_cast<int>(type)));
}

std::string PemText(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);  // NOLINT(runtime/int): OpenSSL's type
  return std::string(data, static_cast<size_t>(size));
}

// The P-256 key whose secret scalar is `secret`; null unless 1 <= secret < group order.
Handle P256FromScalar(const BIGNUM* secret) {
  std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1),
                                                            &EC_GROUP_free);
  JCM_CHECK(group != nullptr);
  if (BN_is_zero(secret) || BN_cmp(secret, EC_GROUP_get0_order(group.get())) >= 0) return nullptr;
  std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)> point(EC_POINT_new(group.get()), &EC_POINT_free);
  JCM_CHECK(EC_POINT_mul(group.get(), point.get(), secret, nullptr, nullptr, nullptr) == 1);
  uint8_t encoded[65];
  JCM_CHECK(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded, sizeof(encoded),
                               nullptr) == sizeof(encoded));

  std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> builder(OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  JCM_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0) == 1 &&
            OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof(encoded)) == 1);
  std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> params(OSSL_PARAM_BLD_to_param(builder.get()),
                                                                 &OSSL_PARAM_free);
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  JCM_CHECK(EVP_PKEY_fromdata_init(context.get()) == 1 &&
            EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1);
  return Own(key);
}

}  // namespace

absl::StatusOr<PublicKey> PublicKey::FromBytes(SignatureType type, absl::string_view bytes) {
  Handle handle;
  switch (type) {
    case SignatureType::ED25519:
      if (bytes.size() != kEd25519PublicKeyBytes) {
        return Error(Reason::FIELD_INVALID, absl::StrCat("an Ed25519 key of ", bytes.size(), " bytes"));
      }
      handle = Own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Data(bytes), bytes.size()));
      break;
    case SignatureType::ECDSA_P256_SHA256: {
      const uint8_t* der = Data(bytes);
      handle = Own(d2i_PUBKEY(nullptr, &der, static_cast<long>(bytes.size())));  // NOLINT(runtime/int)
      if (handle == nullptr || !IsP256(handle.get()) || SubjectPublicKeyInfo(handle.get()) != bytes) handle = nullptr;
      break;
    }
    default:
      return UnsupportedType(type);
  }
  if (handle == nullptr) return Error(Reason::FIELD_INVALID, "not a public key of its type");
  PublicKey key;
  key.type_ = type;
  key.bytes_ = std::string(bytes);
  key.handle_ = std::move(handle);
  return key;
}

absl::StatusOr<PublicKey> PublicKey::FromHandle(std::shared_ptr<EVP_PKEY> handle) {
  PublicKey key;
  if (EVP_PKEY_get_base_id(handle.get()) == EVP_PKEY_ED25519) {
    uint8_t raw[kEd25519PublicKeyBytes];
    size_t size = sizeof(raw);
    JCM_CHECK(EVP_PKEY_get_raw_public_key(handle.get(), raw, &size) == 1 && size == sizeof(raw));
    key.type_ = SignatureType::ED25519;
    key.bytes_.assign(reinterpret_cast<char*>(raw), size);
  } else if (IsP256(handle.get())) {
    key.type_ = SignatureType::ECDSA_P256_SHA256;
    key.bytes_ = SubjectPublicKeyInfo(handle.get());
  } else {
    return Error(Reason::KEY_FILE_INVALID, "neither an Ed25519 nor a P-256 key");
  }
  key.handle_ = std::move(handle);
  return key;
}

absl::StatusOr<PublicKey> PublicKey::FromPem(absl::string_view pem) {
  if (pem.size() > kPemMaxBytes) return Error(Reason::KEY_FILE_INVALID, "too large");
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  Handle handle = Own(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (handle == nullptr) return Error(Reason::KEY_FILE_INVALID, "no PUBLIC KEY block");
  JCM_ASSIGN_OR_RETURN(PublicKey key, FromHandle(std::move(handle)));
  // Brings a key with a compressed point or explicit parameters to the accepted spelling, or refuses it.
  absl::StatusOr<PublicKey> again = FromBytes(key.type(), key.bytes());
  if (!again.ok()) return Error(Reason::KEY_FILE_INVALID, again.status().message());
  return again;
}

Digest PublicKey::KeyId() const { return Sha256Prefixed(static_cast<uint8_t>(type_), bytes_); }

std::string PublicKey::ToPem() const {
  JCM_CHECK(handle_ != nullptr);
  Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  JCM_CHECK(PEM_write_bio_PUBKEY(bio.get(), handle_.get()) == 1);
  return PemText(bio.get());
}

absl::Status PublicKey::Verify(absl::string_view message, absl::string_view signature) const {
  if (handle_ == nullptr) return Error(Reason::SIGNATURE_INVALID, "no key");
  DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const char* hash = type_ == SignatureType::ED25519 ? nullptr : "SHA256";
  JCM_CHECK(EVP_DigestVerifyInit_ex(context.get(), nullptr, hash, nullptr, nullptr, handle_.get(), nullptr) == 1);
  if (EVP_DigestVerify(context.get(), Data(signature), signature.size(), Data(message), message.size()) != 1) {
    ERR_clear_error();
    return Error(Reason::SIGNATURE_INVALID);
  }
  return absl::OkStatus();
}

absl::StatusOr<PrivateKey> PrivateKey::FromHandle(std::shared_ptr<EVP_PKEY> handle) {
  JCM_ASSIGN_OR_RETURN(PublicKey key, PublicKey::FromHandle(std::move(handle)));
  return PrivateKey(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::FromSeed(absl::string_view seed) {
  if (seed.size() != kEd25519SeedBytes) return Error(Reason::FIELD_INVALID, "an Ed25519 seed has 32 bytes");
  Handle handle = Own(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Data(seed), seed.size()));
  JCM_CHECK(handle != nullptr);
  return FromHandle(std::move(handle));
}

PrivateKey PrivateKey::Generate(Random& random) { return *FromSeed(random.Bytes(kEd25519SeedBytes)); }

absl::StatusOr<PrivateKey> PrivateKey::Generate(SignatureType type, Random& random) {
  if (type == SignatureType::ED25519) return Generate(random);
  if (type != SignatureType::ECDSA_P256_SHA256) return UnsupportedType(type);
  Handle handle;
  // A draw outside 1..order-1 has a chance of about 2^-32.
  while (handle == nullptr) {
    std::string secret = random.Bytes(32);
    std::unique_ptr<BIGNUM, decltype(&BN_clear_free)> number(BN_bin2bn(Data(secret), 32, nullptr), &BN_clear_free);
    handle = P256FromScalar(number.get());
  }
  return FromHandle(std::move(handle));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(absl::string_view pem) {
  if (pem.size() > kPemMaxBytes) return Error(Reason::KEY_FILE_INVALID, "too large");
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  // A callback that gives no passphrase: OpenSSL's own would ask on the terminal.
  auto no_passphrase = [](char*, int, int, void*) { return 0; };
  Handle handle = Own(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (handle == nullptr) return Error(Reason::KEY_FILE_INVALID, "no unencrypted PRIVATE KEY block");
  return FromHandle(std::move(handle));
}

std::string PrivateKey::ToPem() const {
  Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  JCM_CHECK(
      PEM_write_bio_PKCS8PrivateKey(bio.get(), public_key_.handle_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return PemText(bio.get());
}

std::string PrivateKey::Sign(absl::string_view message) const {
  DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const char* hash = public_key_.type() == SignatureType::ED25519 ? nullptr : "SHA256";
  JCM_CHECK(EVP_DigestSignInit_ex(context.get(), nullptr, hash, nullptr, nullptr, public_key_.handle_.get(), nullptr) ==
            1);
  size_t size = 0;
  JCM_CHECK(EVP_DigestSign(context.get(), nullptr, &size, Data(message), message.size()) == 1);
  std::string signature(size, '\0');
  JCM_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(&signature[0]), &size, Data(message),
                           message.size()) == 1);
  signature.resize(size);
  return signature;
}

std::string PreAuthEncode(absl::string_view payload_type, absl::string_view body) {
  return absl::StrCat("DSSEv1 ", payload_type.size(), " ", payload_type, " ", body.size(), " ", body);
}

}  // namespace jcm
