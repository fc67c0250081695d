#include "ledger/base/seal.h"

#include <openssl/evp.h>

#include <memory>

#include "ledger/base/status.h"

namespace jcm {
namespace {

const EVP_CIPHER* Algorithm() {
  static const EVP_CIPHER* algorithm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  JCM_CHECK(algorithm != nullptr);
  return algorithm;
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const uint8_t* Data(absl::string_view bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }
uint8_t* Data(std::string& bytes) { return reinterpret_cast<uint8_t*>(&bytes[0]); }

absl::Status CheckSizes(absl::string_view key, absl::string_view nonce, absl::string_view additional_data,
                        absl::string_view text) {
  if (key.size() != kSealKeyBytes) return Error(Reason::FIELD_INVALID, "a sealing key has 32 bytes");
  if (nonce.size() != kSealNonceBytes) return Error(Reason::FIELD_INVALID, "a nonce has 12 bytes");
  if (text.size() > kSealMaxBytes || additional_data.size() > kSealMaxBytes) {
    return Error(Reason::FIELD_INVALID, "too large to seal");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> Seal(absl::string_view key, absl::string_view nonce, absl::string_view additional_data,
                                 absl::string_view plaintext) {
  JCM_RETURN_IF_ERROR(CheckSizes(key, nonce, additional_data, plaintext));
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  JCM_CHECK(EVP_EncryptInit_ex2(context.get(), Algorithm(), Data(key), Data(nonce), nullptr) == 1);
  int size = 0;
  JCM_CHECK(EVP_EncryptUpdate(context.get(), nullptr, &size, Data(additional_data),
                              static_cast<int>(additional_data.size())) == 1);
  std::string sealed(plaintext.size() + kSealTagBytes, '\0');
  JCM_CHECK(
      EVP_EncryptUpdate(context.get(), Data(sealed), &size, Data(plaintext), static_cast<int>(plaintext.size())) == 1);
  JCM_CHECK(static_cast<size_t>(size) == plaintext.size());
  int final_size = 0;
  JCM_CHECK(EVP_EncryptFinal_ex(context.get(), Data(sealed) + size, &final_size) == 1 && final_size == 0);
  JCM_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kSealTagBytes, Data(sealed) + size) == 1);
  return sealed;
}

absl::StatusOr<std::string> Unseal(absl::string_view key, absl::string_view nonce, absl::string_view additional_data,
                                   absl::string_view sealed) {
  JCM_RETURN_IF_ERROR(CheckSizes(key, nonce, additional_data, ""));
  if (sealed.size() < kSealTagBytes || sealed.size() > kSealMaxBytes + kSealTagBytes) {
    return Error(Reason::DIGEST_MISMATCH, "not a sealed text");
  }
  absl::string_view ciphertext = sealed.substr(0, sealed.size() - kSealTagBytes);
  std::string tag(sealed.substr(ciphertext.size()));
  Context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  JCM_CHECK(EVP_DecryptInit_ex2(context.get(), Algorithm(), Data(key), Data(nonce), nullptr) == 1);
  int size = 0;
  JCM_CHECK(EVP_DecryptUpdate(context.get(), nullptr, &size, Data(additional_data),
                              static_cast<int>(additional_data.size())) == 1);
  // One byte more than needed, so that the buffer has an address also for an empty text.
  std::string plaintext(ciphertext.size() + 1, '\0');
  JCM_CHECK(EVP_DecryptUpdate(context.get(), Data(plaintext), &size, Data(ciphertext),
                              static_cast<int>(ciphertext.size())) == 1);
  JCM_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kSealTagBytes, Data(tag)) == 1);
  int final_size = 0;
  if (EVP_DecryptFinal_ex(context.get(), Data(plaintext) + ciphertext.size(), &final_size) != 1) {
    return Error(Reason::DIGEST_MISMATCH, "the sealed text was not made with this key and these data");
  }
  plaintext.resize(ciphertext.size());
  return plaintext;
}

}  // namespace jcm
