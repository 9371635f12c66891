#include "services/codemode-sandbox/handlers/describe.h"

#include "services/codemode-sandbox/limits.h"

#include <string>
#include <utility>

namespace sluice::codemode_sandbox {

Async<codemode::v1::DescribeReply> DescribeHandler::operator()(
    codemode::v1::DescribeRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const policy::v1::CallerClaims caller, deps_.callers->verify(context));
  if (request.read().name().size() > kFileNameBytesMax) {
    co_return Error(
        Code::Invalid,
        "the file name is longer than " + std::to_string(kFileNameBytesMax) +
            " bytes; send one of the listed names"
    );
  }
  co_return Error(
      Code::NotFound,
      "this version serves no type files; the description of executeToolCode names the servers and "
      "their tools"
  );
}

}  // namespace sluice::codemode_sandbox
