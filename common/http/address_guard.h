// AddressGuard: which IP addresses a client may connect to for a URL that somebody else can steer.
// A name is judged by what it resolves to, at each new connection (client.h).
#pragma once

#include "common/base/result.h"

#include <memory>
#include <string>
#include <vector>

namespace sluice::http {

// Open by itself: public addresses, over TLS. Everything else (loopback, private, link-local, …;
// the list stands in address_guard.cpp), and plain http:// to any address, takes a network that the
// operator allows.
class AddressGuard {
 public:
  struct Networks;  // internal

  // allowed: CIDR ranges such as "127.0.0.0/8" or "fd00::/8". setting: where a refusal tells the
  // operator to add one. Errors: Invalid (no CIDR range; the message names it).
  [[nodiscard]] static Result<std::shared_ptr<const AddressGuard>> make(
      const std::vector<std::string>& allowed, std::string setting
  );

  // For make() only.
  AddressGuard(std::shared_ptr<const Networks> allowed, std::string key, std::string setting);

  [[nodiscard]] const Networks& allowed() const { return *allowed_; }

  // The same for guards that permit the same: they may share connections.
  [[nodiscard]] const std::string& key() const { return key_; }

  [[nodiscard]] const std::string& setting() const { return setting_; }

 private:
  std::shared_ptr<const Networks> allowed_;
  std::string key_;
  std::string setting_;
};

}  // namespace sluice::http
