#include "services/ingress/domain/code_execution.h"

#include "services/ingress/domain/code_message.h"
#include "services/ingress/limits.h"

#include "common/json/parse.h"

#include <utility>

namespace sluice::ingress {

Result<std::string> script_of(std::string_view arguments) {
  SLUICE_TRY(const json::Value parsed, json::parse(arguments));
  const json::Value* code = parsed.find("code");
  if (code == nullptr || code->as_string() == nullptr || code->as_string()->empty()) {
    return Error(
        Code::Invalid,
        "function.arguments has no \"code\"; send the script as {\"code\": \"return 1\"}"
    );
  }
  if (code->as_string()->size() > kScriptBytesMax) {
    return Error(
        Code::Invalid,
        "the script is longer than " + std::to_string(kScriptBytesMax) +
            " bytes; send a shorter one, and read data through tools"
    );
  }
  return *code->as_string();
}

Async<CodeAnswer> CodeExecution::run(CodeCall call, RequestContext context) {
  const auto longest = deps_.run_time + kRunWait;
  SLUICE_CO_TRY(
      context.caller_token, co_await deps_.admission->lasting_token(call.request, kRunWait, context)
  );
  codemode::v1::RunRequest request;
  request.set_source(std::move(call.source));
  request.set_tool_call_id(call.call_id);
  *request.mutable_filter() = std::move(call.filter);
  context.hop += 1;
  context = context.with_deadline(deps_.clock->now() + longest);
  ConsoleLines console;
  const auto line = [&console](const codemode::v1::RunProgress& progress) {
    console.add(progress);
  };
  SLUICE_CO_TRY(
      const codemode::v1::RunFinal final,
      co_await deps_.runner->run(std::move(request), line, std::move(context))
  );
  co_return CodeAnswer{
      .content = code_content(final, console),
      .ok = final.outcome() == codemode::v1::OUTCOME_OK,
      .run_id = final.run_id(),
      .outcome = outcome_name(final.outcome()),
      .hop = final.hop()
  };
}

}  // namespace sluice::ingress
