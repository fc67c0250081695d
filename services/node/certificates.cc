#include "services/node/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "ledger/base/status.h"

namespace jcm::services {
namespace {

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioDeleter>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE, X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX, X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES, GENERAL_NAMES_free>>;

Bio Open(absl::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

absl::StatusOr<std::vector<Certificate>> ReadCertificates(absl::string_view pem) {
  std::vector<Certificate> certificates;
  const Bio bio = Open(pem);
  while (certificates.size() < kCertificatesMax) {
    Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    certificates.push_back(std::move(certificate));
  }
  ERR_clear_error();
  if (certificates.empty()) return Error(Reason::KEY_FILE_INVALID, "holds no PEM certificate");
  return certificates;
}

int NoPassphrase(char*, int, int, void*) { return 0; }

}  // namespace

absl::Status CheckCertificates(absl::string_view pem) { return ReadCertificates(pem).status(); }

absl::Status CheckKeyOfCertificate(absl::string_view certificate_pem, absl::string_view key_pem) {
  JCM_ASSIGN_OR_RETURN(std::vector<Certificate> certificates, ReadCertificates(certificate_pem));
  const Bio bio = Open(key_pem);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) return Error(Reason::KEY_FILE_INVALID, "holds no unencrypted PEM private key");
  const bool match = X509_check_private_key(certificates[0].get(), key.get()) == 1;
  ERR_clear_error();
  if (!match) return Error(Reason::KEY_FILE_INVALID, "is not the private key of the certificate");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> UrisOfCertificate(absl::string_view certificate_pem) {
  JCM_ASSIGN_OR_RETURN(std::vector<Certificate> certificates, ReadCertificates(certificate_pem));
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificates[0].get(), NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> uris;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)), ASN1_STRING_length(uri));
  }
  return uris;
}

int64_t DaysLeft(absl::string_view certificate_pem) {
  const absl::StatusOr<std::vector<Certificate>> certificates = ReadCertificates(certificate_pem);
  int days = 0;
  int seconds = 0;
  if (!certificates.ok() ||
      ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter((*certificates)[0].get())) != 1) {
    return 0;
  }
  return seconds < 0 ? days - 1 : days;
}

absl::Status CheckVouchedFor(absl::string_view chain_pem, absl::string_view ca_pem) {
  JCM_ASSIGN_OR_RETURN(std::vector<Certificate> chain, ReadCertificates(chain_pem));
  JCM_ASSIGN_OR_RETURN(std::vector<Certificate> roots, ReadCertificates(ca_pem));
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> intermediates(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  JCM_CHECK(store != nullptr && context != nullptr && intermediates != nullptr);
  for (const Certificate& root : roots) JCM_CHECK(X509_STORE_add_cert(store.get(), root.get()) == 1);
  for (size_t i = 1; i < chain.size(); ++i) JCM_CHECK(sk_X509_push(intermediates.get(), chain[i].get()) > 0);
  JCM_CHECK(X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), intermediates.get()) == 1);
  // A file may name an intermediate CA as the one that is trusted.
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_PARTIAL_CHAIN);
  const bool vouched = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (!vouched) {
    return Error(Reason::CERTIFICATE_REQUIRED, absl::StrCat("the certificate is not vouched for by the registry's CA: ",
                                                            X509_verify_cert_error_string(error)));
  }
  return absl::OkStatus();
}

}  // namespace jcm::services
