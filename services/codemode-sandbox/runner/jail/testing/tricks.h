// What hostile code would do next: each trick tries to get one thing and tells whether it did.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace sluice::codemode_runner::jail {

// What there is to be had outside of the jail.
struct Prey {
  pid_t parent = 0;
  long* secret = nullptr;  // in the parent
  std::string folder;
  std::string canary;       // a file in it
  std::string unix_socket;  // somebody listens there
  int tcp_port = 0;         // and there
};

struct Trick {
  const char* name;
  bool (*won)(const Prey& prey);
};

// Changes to files below prey.folder alone: may be tried without the filter.
[[nodiscard]] const std::vector<Trick>& file_tricks();
// May be tried behind the filter only.
[[nodiscard]] const std::vector<Trick>& deep_file_tricks();
[[nodiscard]] const std::vector<Trick>& socket_tricks();
[[nodiscard]] const std::vector<Trick>& process_tricks();
[[nodiscard]] const std::vector<Trick>& kernel_tricks();
// Refused to an executor, allowed to a compiler.
[[nodiscard]] const std::vector<Trick>& code_tricks();

}  // namespace sluice::codemode_runner::jail
