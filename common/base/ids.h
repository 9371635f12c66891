// Strong identifiers: a TenantId is not a RequestId although both are text.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace sluice {

template <class Tag>
class Id {
 public:
  Id() = default;

  explicit Id(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] const std::string& str() const { return text_; }

  [[nodiscard]] bool empty() const { return text_.empty(); }

  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  std::string text_;
};

using TenantId = Id<struct TenantTag>;
using PrincipalId = Id<struct PrincipalTag>;  // who calls: "key:<key id>" or a JWT subject
using RequestId = Id<struct RequestTag>;      // one HTTP request: "req_<32 hex>"
using ChainId = Id<struct ChainTag>;          // one conversation: 32 hex digits
using RunId = Id<struct RunTag>;
using ServerId = Id<struct ServerTag>;  // first 16 hex digits of SHA-256(tenant scope, server name)
using EventId = Id<struct EventTag>;    // UUIDv7 in canonical text form

}  // namespace sluice

template <class Tag>
struct std::hash<sluice::Id<Tag>> {
  std::size_t operator()(const sluice::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
