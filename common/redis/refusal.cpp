#include "common/redis/refusal.h"

#include <algorithm>
#include <array>

namespace sluice::redis {
namespace {

// Source: server.c (createSharedObjects) and acl.c of Redis 7.0: every error word of the server
// itself.
constexpr std::array<std::string_view, 3> kDenied{"NOAUTH", "NOPERM", "WRONGPASS"};
constexpr std::array<std::string_view, 12> kUnavailable{
    "LOADING",
    "BUSY",
    "MASTERDOWN",
    "MISCONF",
    "READONLY",
    "OOM",
    "TRYAGAIN",
    "NOREPLICAS",
    "CLUSTERDOWN",
    "MOVED",
    "UNBLOCKED",
    "INPROG"
};
constexpr std::array<std::string_view, 9> kInternal{
    "ERR",
    "WRONGTYPE",
    "NOSCRIPT",
    "EXECABORT",
    "NOPROTO",
    "BUSYKEY",
    "BUSYGROUP",
    "NOGROUP",
    "UNKILLABLE"
};

template <class Words>
bool holds(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Error error_of(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(' '));
  if (holds(kDenied, word)) {
    return Error(
               Code::Denied, "redis does not allow this; check the service's ACL user and password"
    )
        .with_detail(text);
  }
  if (holds(kUnavailable, word)) {
    return Error(Code::Unavailable, "redis cannot serve this at the moment; retry later")
        .with_detail(text);
  }
  if (holds(kInternal, word)) {
    return Error(Code::Internal, "redis did not understand a command").with_detail(text);
  }
  return Error(Code::Conflict, std::string(text));
}

}  // namespace sluice::redis
