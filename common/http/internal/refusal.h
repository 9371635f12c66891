// An answer of the HTTP layer itself: a request it does not hand to any handler.
#pragma once

#include <string>

namespace sluice::http {

struct Refusal {
  int status = 400;
  std::string message;
};

}  // namespace sluice::http
