#include "common/http/address_guard.h"

#include "common/http/internal/address_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice::http {
namespace {

namespace ip = boost::asio::ip;
using boost::system::error_code;
using Networks = AddressGuard::Networks;

// What the public Internet does not route, or routes to another machine than the text says.
// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 4291, RFC 7526 (6to4
// retired). IPv6 is closed but for global unicast and the two forms that stand for an IPv4 address;
// the other forms that hold one (IPv4-compatible, local-use NAT64, 6to4, Teredo) are closed
// whatever it is.
constexpr std::array kClosed{
    "0.0.0.0/8",         // this network, unspecified
    "10.0.0.0/8",        // private
    "100.64.0.0/10",     // carrier-grade NAT
    "127.0.0.0/8",       // loopback
    "168.63.129.16/32",  // Azure's platform services, seen from inside only
    "169.254.0.0/16",    // link-local; metadata services of clouds
    "172.16.0.0/12",     // private
    "192.0.0.0/24",      // protocol assignments
    "192.0.2.0/24",      // documentation
    "192.88.99.0/24",    // 6to4 relays
    "192.168.0.0/16",    // private
    "198.18.0.0/15",     // benchmarks
    "198.51.100.0/24",   // documentation
    "203.0.113.0/24",    // documentation
    "224.0.0.0/4",       // multicast
    "240.0.0.0/4",       // reserved, broadcast
    "::/3",              // unspecified, loopback, IPv4-compatible, local-use NAT64, discard-only
    "2001::/23",         // protocol assignments: Teredo, benchmarks, ORCHID
    "2001:db8::/32",     // documentation
    "2002::/16",         // 6to4
    "3fff::/20",         // documentation
    "4000::/2",          // reserved, segment routing
    "8000::/1",          // reserved, unique-local, link-local, site-local, multicast
};

bool contains(const ip::network_v4& network, const ip::address_v4& address) {
  return ip::network_v4(address, network.prefix_length()).network() == network.network();
}

// Zones ("fe80::1%eth0") do not count.
bool contains(const ip::network_v6& network, const ip::address_v6& address) {
  return ip::network_v6(address, network.prefix_length()).network().to_bytes() ==
         network.network().to_bytes();
}

// False when the text is no CIDR range.
bool add(Networks& networks, const std::string& range) {
  constexpr std::size_t kLengthDigitsMax = 3;  // Asio's parser lets larger numbers overflow
  const auto slash = range.find('/');
  if (slash == std::string::npos || range.size() - slash - 1 > kLengthDigitsMax) {
    return false;
  }
  error_code failed;
  if (const auto v4 = ip::make_network_v4(range, failed); !failed) {
    networks.v4.push_back(v4);
    return true;
  }
  if (const auto v6 = ip::make_network_v6(range, failed); !failed) {
    networks.v6.push_back(v6);
    return true;
  }
  return false;
}

const Networks& closed_networks() {
  static const Networks kNetworks = [] {
    Networks out;
    for (const char* range : kClosed) {
      SLUICE_CHECK(add(out, range), "the list above holds CIDR ranges");
    }
    return out;
  }();
  return kNetworks;
}

// Of an IPv6 address that stands for an IPv4 one: IPv4-mapped (RFC 4291), NAT64 (RFC 6052).
std::optional<ip::address_v4> stands_for(const ip::address& address) {
  static const auto kNat64 = ip::make_network_v6("64:ff9b::/96");
  if (!address.is_v6()) {
    return std::nullopt;
  }
  const ip::address_v6 v6 = address.to_v6();
  if (!v6.is_v4_mapped() && !contains(kNat64, v6)) {
    return std::nullopt;
  }
  const auto bytes = v6.to_bytes();
  return ip::address_v4({bytes[12], bytes[13], bytes[14], bytes[15]});
}

Error refusal(const AddressGuard& guard, const ip::address& address) {
  const bool only_without_tls = permits(guard, address, true);
  return Error(
             Code::Denied,
             std::string("the host resolves to an address that is not allowed") +
                 (only_without_tls ? " without TLS; use https://, or " : "; ") +
                 "add its network to " + guard.setting() +
                 " if this is intended (before the request was sent)"
  )
      .with_detail(address.to_string());
}

}  // namespace

bool Networks::contain(const ip::address& address) const {
  const auto has = [](const auto& networks, const auto& one) {
    return std::any_of(networks.begin(), networks.end(), [&one](const auto& network) {
      return contains(network, one);
    });
  };
  return address.is_v4() ? has(v4, address.to_v4()) : has(v6, address.to_v6());
}

Result<std::shared_ptr<const AddressGuard>> AddressGuard::make(
    const std::vector<std::string>& allowed, std::string setting
) {
  auto networks = std::make_shared<Networks>();
  std::string key;
  for (const std::string& range : allowed) {
    if (!add(*networks, range)) {
      return Error(
          Code::Invalid,
          "\"" + range +
              R"(" is no CIDR range; write one as "10.0.0.0/8", "10.1.2.3/32" or "fd00::/8")"
      );
    }
    key.append(range).append(" ");
  }
  return std::make_shared<const AddressGuard>(
      std::move(networks), std::move(key), std::move(setting)
  );
}

AddressGuard::AddressGuard(
    std::shared_ptr<const Networks> allowed, std::string key, std::string setting
)
    : allowed_(std::move(allowed)), key_(std::move(key)), setting_(std::move(setting)) {}

bool permits(const AddressGuard& guard, const ip::address& address, bool tls) {
  if (guard.allowed().contain(address)) {
    return true;
  }
  if (const auto v4 = stands_for(address)) {
    return permits(guard, *v4, tls);
  }
  return tls && !closed_networks().contain(address);
}

Result<std::vector<ip::tcp::endpoint>> permitted(
    const AddressGuard& guard, std::vector<ip::tcp::endpoint> endpoints, bool tls
) {
  const ip::address first = endpoints.empty() ? ip::address() : endpoints.front().address();
  std::erase_if(endpoints, [&guard, tls](const ip::tcp::endpoint& endpoint) {
    return !permits(guard, endpoint.address(), tls);
  });
  if (endpoints.empty()) {
    return refusal(guard, first);
  }
  return endpoints;
}

}  // namespace sluice::http
