#include "common/postgres/connection_string.h"

#include <algorithm>
#include <string_view>

namespace sluice::postgres {
namespace {

// Source: PostgreSQL manual 34.1.1.1: values in single quotes, \ and ' escaped by \.
void add(std::string& out, std::string_view key, std::string_view value) {
  out += out.empty() ? "" : " ";
  out += key;
  out += "='";
  for (const char c : value) {
    if (c == '\'' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += '\'';
}

}  // namespace

std::string connection_string(const Options& options) {
  const auto seconds = std::max<std::int64_t>(
      2, std::chrono::ceil<std::chrono::seconds>(options.connect_timeout).count()
  );
  std::string out;
  add(out, "host", options.host);
  add(out, "port", std::to_string(options.port));
  add(out, "dbname", options.database);
  add(out, "user", options.user);
  if (!options.password.empty()) {
    add(out, "password", options.password.reveal());
  }
  add(out, "connect_timeout", std::to_string(seconds));
  add(out, "application_name", "sluice");
  add(out, "client_encoding", "UTF8");
  add(out, "keepalives_idle", "10");
  add(out, "keepalives_interval", "5");
  add(out, "keepalives_count", "3");
  // In the start packet, so that no statement ever runs without it.
  add(out,
      "options",
      "-c statement_timeout=" + std::to_string(options.statement_timeout.count()) +
          " -c bytea_output=hex");
  return out;
}

}  // namespace sluice::postgres
