#include "services/ingress/adapters/bus_code_runner.h"

#include "proto/endpoints.h"

namespace sluice::ingress {

Async<codemode::v1::DescribeReply> BusCodeRunner::describe(
    codemode::v1::DescribeRequest request, RequestContext context
) {
  co_return co_await bus_->call(
      endpoints::kCodemodeDescribe, std::move(request), std::move(context)
  );
}

Async<codemode::v1::RunFinal> BusCodeRunner::run(
    codemode::v1::RunRequest request,
    std::function<void(const codemode::v1::RunProgress&)> line,
    RequestContext context
) {
  SLUICE_CO_TRY(
      auto stream,
      co_await bus_->open(endpoints::kCodemodeRun, std::move(request), std::move(context))
  );
  for (;;) {  // ends with the stream, which has a deadline
    SLUICE_CO_TRY(const auto progress, co_await stream.next());
    if (!progress) {
      co_return std::move(stream.final());
    }
    line(*progress);
  }
}

}  // namespace sluice::ingress
