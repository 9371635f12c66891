#include "common/http/testing/certificate.h"

#include "common/base/check.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

namespace sluice::http::testing {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }

  void operator()(BIO* bio) const { BIO_free(bio); }
};

template <class T>
using Owned = std::unique_ptr<T, Free>;

}  // namespace

Certificate make_certificate(const std::string& label, const std::string& names) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const Owned<X509> certificate(X509_new());
  SLUICE_CHECK(key != nullptr && certificate != nullptr, "OpenSSL makes keys");
  constexpr long kHour = 3600;
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kHour);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const auto* common_name = reinterpret_cast<const unsigned char*>("sluice-test");
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  const Owned<X509_EXTENSION> alternative(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str())
  );
  SLUICE_CHECK(alternative != nullptr, "the names are well-formed");
  X509_add_ext(certificate.get(), alternative.get(), -1);
  SLUICE_CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "OpenSSL signs");

  Certificate files{
      .certificate_file = ::testing::TempDir() + "sluice-http-" + label + "-certificate.pem",
      .key_file = ::testing::TempDir() + "sluice-http-" + label + "-key.pem"
  };
  const Owned<BIO> certificate_file(BIO_new_file(files.certificate_file.c_str(), "w"));
  const Owned<BIO> key_file(BIO_new_file(files.key_file.c_str(), "w"));
  SLUICE_CHECK(
      certificate_file != nullptr && key_file != nullptr, "the temporary directory is writable"
  );
  PEM_write_bio_X509(certificate_file.get(), certificate.get());
  PEM_write_bio_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return files;
}

}  // namespace sluice::http::testing
