#include "services/codemode-sandbox/handlers/describe.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/limits.h"

#include <string>
#include <utility>

namespace sluice::codemode_sandbox {
namespace {

using codemode::v1::DescribeRequest;

Result<void> fault_of(const DescribeRequest& request) {
  if (request.filter().ByteSizeLong() > kFilterBytesMax) {
    return Error(Code::Invalid, "the filter is too long");
  }
  if (request.read().name().size() > kFileNameBytesMax) {
    return Error(
        Code::Invalid,
        "the file name is longer than " + std::to_string(kFileNameBytesMax) +
            " bytes; send one that listToolFiles names"
    );
  }
  if (request.search().query().size() > kQueryBytesMax) {
    return Error(
        Code::Invalid,
        "the query is longer than " + std::to_string(kQueryBytesMax) + " bytes; send a few words"
    );
  }
  if (request.what_case() == DescribeRequest::WHAT_NOT_SET) {
    return Error(Code::Invalid, "nothing is asked; send list, read or search");
  }
  return {};
}

FileAnswer answer_of(const ScriptApi& api, const DescribeRequest& request) {
  switch (request.what_case()) {
    case DescribeRequest::kRead:
      return api.files().read(
          request.read().name(), request.read().start_line(), request.read().end_line()
      );
    case DescribeRequest::kSearch:
      return api.search(request.search().query(), request.search().limit());
    case DescribeRequest::kList:
    case DescribeRequest::WHAT_NOT_SET:
      break;
  }
  return api.files().list();
}

}  // namespace

Async<codemode::v1::DescribeReply> DescribeHandler::operator()(
    DescribeRequest request, RequestContext context
) {
  SLUICE_CO_TRY(const policy::v1::CallerClaims caller, deps_.callers->verify(context));
  SLUICE_CO_CHECK_OK(fault_of(request));
  SLUICE_CO_TRY(
      const ScriptApiPtr api, co_await deps_.apis->of(request.filter(), std::move(context))
  );
  FileAnswer answer = answer_of(*api, request);
  codemode::v1::DescribeReply reply;
  reply.set_text(std::move(answer.text));
  reply.set_found(answer.found);
  co_return reply;
}

}  // namespace sluice::codemode_sandbox
