#include "common/postgres/session.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::postgres {
namespace {

struct Entry {
  std::string_view prefix;  // of the SQLSTATE: class or whole
  Code code;
};

// Source: PostgreSQL manual, appendix A (error codes). The first match counts.
constexpr std::array kCodes{
    Entry{"23505", Code::Conflict},     // unique_violation
    Entry{"23P01", Code::Conflict},     // exclusion_violation
    Entry{"40", Code::Conflict},        // transaction rollback: serialization failure, deadlock
    Entry{"57014", Code::Deadline},     // query_canceled: statement timeout
    Entry{"55P03", Code::Deadline},     // lock_not_available: lock timeout
    Entry{"25P03", Code::Deadline},     // idle_in_transaction_session_timeout
    Entry{"42501", Code::Denied},       // insufficient_privilege
    Entry{"28", Code::Denied},          // invalid authorization
    Entry{"08", Code::Unavailable},     // connection exception
    Entry{"53", Code::Unavailable},     // insufficient resources: connections, memory, disk
    Entry{"57P", Code::Unavailable},    // shutdown, starting up
    Entry{"58", Code::Unavailable},     // system error: I/O
    Entry{"25006", Code::Unavailable},  // read_only_sql_transaction: a standby answered
};

}  // namespace

Code code_of_sqlstate(const std::string& sqlstate) {
  const auto entry =
      std::find_if(kCodes.begin(), kCodes.end(), [&sqlstate](const Entry& candidate) {
        return sqlstate.starts_with(candidate.prefix);
      });
  return entry == kCodes.end() ? Code::Internal : entry->code;
}

}  // namespace sluice::postgres
