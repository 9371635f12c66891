// What an AddressGuard says of addresses.
#pragma once

#include "common/http/address_guard.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <vector>

namespace sluice::http {

struct AddressGuard::Networks {
  std::vector<boost::asio::ip::network_v4> v4;
  std::vector<boost::asio::ip::network_v6> v6;

  [[nodiscard]] bool contain(const boost::asio::ip::address& address) const;
};

// An address that stands for an IPv4 address (IPv4-mapped, NAT64) is judged by that one, unless its
// own network is allowed.
[[nodiscard]] bool permits(
    const AddressGuard& guard, const boost::asio::ip::address& address, bool tls
);

// The endpoints that may be connected to, in their order. Errors: Denied (none).
[[nodiscard]] Result<std::vector<boost::asio::ip::tcp::endpoint>> permitted(
    const AddressGuard& guard, std::vector<boost::asio::ip::tcp::endpoint> endpoints, bool tls
);

}  // namespace sluice::http
