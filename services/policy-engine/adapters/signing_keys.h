// SigningKeys: what tokens and grants are signed with, as it is in the secret directory now.
#pragma once

#include "common/crypto/ed25519.h"
#include "common/grant/grant.h"
#include "common/service/runtime.h"

#include <memory>

namespace sluice::policy_engine {

class SigningKeys {
 public:
  struct Keys {
    crypto::PrivateKey token;
    crypto::PrivateKey grant;
  };

  // As read() makes them.
  SigningKeys(service::Runtime runtime, std::shared_ptr<const grant::KeyRing> trusted, Keys keys)
      : runtime_(std::move(runtime)), trusted_(std::move(trusted)), keys_(std::move(keys)) {}

  // trusted: the token keys of this very service. Errors: NotFound, Denied, Invalid (no key, or one
  // whose tokens this service itself would refuse).
  [[nodiscard]] static Result<std::unique_ptr<SigningKeys>> read(
      const service::Runtime& runtime, std::shared_ptr<const grant::KeyRing> trusted
  );

  // Looks at the files until cancelled, and signs with what is there. A key that cannot be used is
  // logged, and the former one signs on.
  [[nodiscard]] Async<void> watch();

  // Live as long as the object; the keys behind them change.
  [[nodiscard]] const crypto::PrivateKey* token() const { return &keys_.token; }

  [[nodiscard]] const crypto::PrivateKey* grant() const { return &keys_.grant; }

 private:
  [[nodiscard]] static Result<Keys> read_files(const service::Runtime& runtime);
  Async<void> look();

  service::Runtime runtime_;
  std::shared_ptr<const grant::KeyRing> trusted_;
  Keys keys_;
};

}  // namespace sluice::policy_engine
