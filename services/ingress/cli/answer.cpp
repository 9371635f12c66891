#include "services/ingress/cli/answer.h"

namespace sluice::cli {

Answer answer_of(const Error& error) {
  const bool unreached = error.code() == Code::Unavailable || error.code() == Code::Deadline ||
                         error.code() == Code::Exhausted;
  return {unreached ? kExitUnreached : kExitRefused, "sluice: " + error.message() + "\n"};
}

}  // namespace sluice::cli
