// A self-signed certificate made for one test run.
#pragma once

#include <string>

namespace sluice::http::testing {

struct Certificate {
  std::string certificate_file;  // PEM; its own authority
  std::string key_file;
};

// names: "DNS:localhost" or "IP:127.0.0.1", comma-separated. Files land in the test's temporary
// directory.
[[nodiscard]] Certificate make_certificate(const std::string& label, const std::string& names);

}  // namespace sluice::http::testing
