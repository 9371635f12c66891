// Which addresses are open, by text, and through the machine's resolver.
#include "common/http/address_guard.h"

#include "common/http/internal/address_rules.h"
#include "common/testing/matchers.h"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::http {
namespace {

using boost::asio::ip::make_address;
using boost::asio::ip::tcp;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

std::shared_ptr<const AddressGuard> guard(const std::vector<std::string>& allowed = {}) {
  auto made = AddressGuard::make(allowed, "the_setting");
  EXPECT_THAT(made, IsOk());
  return made.value();
}

bool open(const std::vector<std::string>& allowed, const char* address, bool tls = true) {
  return permits(*guard(allowed), make_address(address), tls);
}

TEST(AddressGuard, PublicAddressesAreOpenOverTlsOnly) {
  for (const char* address : {"1.1.1.1",
                              "8.8.8.8",
                              "9.255.255.255",
                              "11.0.0.0",
                              "93.184.216.34",
                              "100.63.255.255",
                              "100.128.0.0",
                              "126.255.255.255",
                              "128.0.0.0",
                              "168.63.129.15",
                              "169.253.255.255",
                              "169.255.0.0",
                              "172.15.255.255",
                              "172.32.0.0",
                              "192.0.1.0",
                              "192.0.3.0",
                              "192.167.255.255",
                              "192.169.0.0",
                              "198.17.255.255",
                              "198.20.0.0",
                              "223.255.255.255",
                              "2001:200::1",
                              "2001:4860:4860::8888",
                              "2606:4700::1111",
                              "2a00:1450::1",
                              "::ffff:8.8.8.8",
                              "64:ff9b::8.8.8.8"}) {
    EXPECT_TRUE(open({}, address)) << address;
    EXPECT_FALSE(open({}, address, false)) << address << " without TLS";
  }
}

// First and last of each range.
TEST(AddressGuard, EverythingElseIsClosed) {
  for (const char* address :
       {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255",
        "100.64.0.0",      "100.100.100.200", "100.127.255.255", "127.0.0.0",
        "127.0.0.1",       "127.255.255.255", "168.63.129.16",   "169.254.0.0",
        "169.254.169.254", "169.254.255.255", "172.16.0.0",      "172.31.255.255",
        "192.0.0.0",       "192.0.0.255",     "192.0.2.1",       "192.88.99.1",
        "192.168.0.0",     "192.168.255.255", "198.18.0.0",      "198.19.255.255",
        "198.51.100.1",    "203.0.113.1",     "224.0.0.0",       "239.255.255.255",
        "240.0.0.0",       "255.255.255.254", "255.255.255.255"}) {
    EXPECT_FALSE(open({}, address)) << address;
    for (const char* prefix : {"::ffff:", "::", "64:ff9b::", "64:ff9b:1::"}) {
      const std::string wrapped = std::string(prefix) + address;
      EXPECT_FALSE(open({}, wrapped.c_str())) << wrapped;
    }
  }
  for (const char* address :
       {"::",
        "::1",
        "::8.8.8.8",           // IPv4-compatible
        "::ffff:0:8.8.8.8",    // IPv4-translated
        "64:ff9b:1::8.8.8.8",  // local-use NAT64
        "100::1",              // discard-only
        "1fff:ffff::1",
        "2001::1",  // Teredo
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2001:2::1",  // benchmarks
        "2001:1ff:ffff::1",
        "2001:db8::1",        // documentation
        "2002:7f00:1::1",     // 6to4 of 127.0.0.1
        "2002:a9fe:a9fe::1",  // 6to4 of 169.254.169.254
        "2002:808:808::1",    // 6to4 of 8.8.8.8
        "3fff:fff::1",        // documentation
        "4000::1",
        "5f00::1",  // segment routing
        "8000::1",
        "fc00::1",
        "fd00:ec2::254",  // a cloud's metadata service
        "fdff:ffff::1",
        "fe80::1",
        "fe80::1%1",
        "febf:ffff::1",
        "fec0::1",  // site-local
        "ff02::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_FALSE(open({}, address)) << address;
  }
}

TEST(AddressGuard, AnAllowedNetworkIsOpenWithAndWithoutTls) {
  const std::vector<std::string> allowed{"127.0.0.0/8", "10.1.2.3/32", "fd00::/8", "93.184.0.0/16"};
  for (const bool tls : {true, false}) {
    for (const char* address :
         {"127.0.0.1",
          "127.255.255.255",
          "10.1.2.3",
          "fd00::1",
          "93.184.216.34",
          "::ffff:127.0.0.1",
          "64:ff9b::10.1.2.3"}) {
      EXPECT_TRUE(open(allowed, address, tls)) << address;
    }
    for (const char* address :
         {"128.0.0.1", "10.1.2.2", "10.1.2.4", "fc00::1", "93.185.0.1", "::1", "::ffff:10.1.2.4"}) {
      EXPECT_EQ(open(allowed, address, tls), tls && open({}, address)) << address;
    }
  }
  EXPECT_TRUE(open({"fe80::/10"}, "fe80::1%1"));
  EXPECT_TRUE(open({"0.0.0.0/0"}, "10.0.0.1", false));
  EXPECT_FALSE(open({"0.0.0.0/0"}, "fd00::1"));
  EXPECT_TRUE(open({"2002::/16"}, "2002:a00:1::1"));
}

TEST(AddressGuard, WhatIsNoCidrRangeIsRefusedByName) {
  for (const char* range :
       {"",
        "/",
        "/8",
        "10.0.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/4294967304",
        "10.0.0/8",
        "010.0.0.0/8",
        "0x7f.0.0.0/8",
        "10.0.0.0/255.0.0.0",
        "localhost/8",
        "fd00::/129",
        "fd00:/8",
        "10.0.0.0/8 "}) {
    const auto made = AddressGuard::make({"127.0.0.0/8", range}, "the_setting");
    ASSERT_THAT(made, HasCode(Code::Invalid)) << range;
    EXPECT_THAT(made.error().message(), HasSubstr(range));
  }
}

std::vector<tcp::endpoint> endpoints(const std::vector<const char*>& addresses) {
  std::vector<tcp::endpoint> out;
  out.reserve(addresses.size());
  for (const char* address : addresses) {
    out.emplace_back(make_address(address), 443);
  }
  return out;
}

TEST(AddressGuard, OfSeveralAddressesOnlyThePermittedOnesStay) {
  const auto left = permitted(
      *guard(), endpoints({"127.0.0.1", "8.8.8.8", "::ffff:10.0.0.1", "2606:4700::1111"}), true
  );
  ASSERT_THAT(left, IsOk());
  EXPECT_EQ(left.value(), endpoints({"8.8.8.8", "2606:4700::1111"}));
}

TEST(AddressGuard, ARefusalNamesTheSettingAndSaysWhetherTlsIsMissing) {
  const auto closed = permitted(*guard(), endpoints({"169.254.169.254"}), false);
  ASSERT_THAT(closed, HasCode(Code::Denied));
  EXPECT_THAT(closed.error().message(), HasSubstr("the_setting"));
  EXPECT_THAT(closed.error().message(), Not(HasSubstr("https://")));
  EXPECT_THAT(closed.error().message(), Not(HasSubstr("169.254"))) << "for logs only";
  EXPECT_EQ(closed.error().detail(), "169.254.169.254");

  const auto plain = permitted(*guard(), endpoints({"8.8.8.8"}), false);
  ASSERT_THAT(plain, HasCode(Code::Denied));
  EXPECT_THAT(plain.error().message(), HasSubstr("use https://"));
  EXPECT_THAT(plain.error().message(), HasSubstr("the_setting"));

  EXPECT_THAT(permitted(*guard(), {}, true), HasCode(Code::Denied));
}

// Spellings of 127.0.0.1, 0.0.0.0 and 169.254.169.254 that parsers of their own would let pass.
TEST(AddressGuard, WhateverTheResolverMakesOfASpellingIsJudged) {
  boost::asio::io_context loop;
  tcp::resolver resolver(loop);
  int resolved = 0;
  for (const char* host : {"0x7f.1",        "0x7f000001",
                           "2130706433",    "017700000001",
                           "0177.0.0.1",    "0x7f.0x0.0.1",
                           "127.1",         "127.0.1",
                           "00000177.1",    "0",
                           "0x0",           "2852039166",
                           "0xa9fea9fe",    "0251.0376.0251.0376",
                           "169.254.43518", "169.16689662",
                           "localhost",     "::ffff:127.0.0.1",
                           "::ffff:7f00:1", "0:0:0:0:0:0:0:1"}) {
    boost::system::error_code failed;
    const auto results = resolver.resolve(host, "80", tcp::resolver::numeric_service, failed);
    std::vector<tcp::endpoint> found(results.begin(), results.end());
    resolved += failed ? 0 : 1;
    EXPECT_THAT(permitted(*guard(), std::move(found), true), HasCode(Code::Denied)) << host;
  }
  EXPECT_GE(resolved, 15) << "the C library understands these forms";
}

TEST(AddressGuard, GuardsThatPermitTheSameShareAKey) {
  EXPECT_EQ(guard()->key(), guard()->key());
  EXPECT_EQ(guard({"10.0.0.0/8"})->key(), guard({"10.0.0.0/8"})->key());
  EXPECT_NE(guard()->key(), guard({"10.0.0.0/8"})->key());
  EXPECT_NE(guard({"10.0.0.0/8"})->key(), guard({"10.0.0.0/16"})->key());
}

}  // namespace
}  // namespace sluice::http
