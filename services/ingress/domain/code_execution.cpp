#include "services/ingress/domain/code_execution.h"

#include "services/ingress/domain/code_message.h"
#include "services/ingress/domain/code_tool.h"
#include "services/ingress/limits.h"

#include "common/grant/outcome_name.h"
#include "common/json/parse.h"

#include <limits>
#include <utility>

namespace sluice::ingress {
namespace {

Result<std::string> text_in(
    const json::Value& arguments, std::string_view name, std::size_t bytes_max
) {
  std::string text = arguments.text_or(name, "");
  if (text.empty() || text.size() > bytes_max) {
    return Error(
        Code::Invalid,
        "\"" + std::string(name) + "\" is missing, no text, or longer than " +
            std::to_string(bytes_max) + " bytes"
    );
  }
  return text;
}

// 0 where it is missing or null.
Result<std::uint32_t> count_in(const json::Value& arguments, std::string_view name) {
  const json::Value* value = arguments.find(name);
  if (value == nullptr || value->is_null()) {
    return 0U;
  }
  const auto number = value->as_int();
  if (!number || *number < 1 || *number > std::numeric_limits<std::int32_t>::max()) {
    return Error(Code::Invalid, "\"" + std::string(name) + "\" is no whole number from 1 on");
  }
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

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

Result<codemode::v1::DescribeRequest> description_of(
    std::string_view tool, std::string_view arguments
) {
  SLUICE_TRY(const json::Value parsed, json::parse(arguments.empty() ? "{}" : arguments));
  codemode::v1::DescribeRequest request;
  if (tool == kReadToolFile) {
    SLUICE_TRY(
        *request.mutable_read()->mutable_name(), text_in(parsed, "fileName", kToolFileNameBytesMax)
    );
    SLUICE_TRY(const std::uint32_t start, count_in(parsed, "startLine"));
    SLUICE_TRY(const std::uint32_t end, count_in(parsed, "endLine"));
    request.mutable_read()->set_start_line(start);
    request.mutable_read()->set_end_line(end);
  } else if (tool == kSearchTools) {
    SLUICE_TRY(
        *request.mutable_search()->mutable_query(), text_in(parsed, "query", kToolQueryBytesMax)
    );
    SLUICE_TRY(const std::uint32_t limit, count_in(parsed, "limit"));
    request.mutable_search()->set_limit(limit);
  } else {
    request.mutable_list();
  }
  return request;
}

Async<std::string> CodeExecution::read(
    std::string tool, std::string arguments, policy::v1::ToolFilter filter, RequestContext context
) {
  SLUICE_CO_TRY(codemode::v1::DescribeRequest request, description_of(tool, arguments));
  *request.mutable_filter() = std::move(filter);
  SLUICE_CO_TRY(
      const codemode::v1::DescribeReply reply,
      co_await deps_.runner->describe(std::move(request), std::move(context))
  );
  co_return reply.text();
}

Async<CodeAnswer> CodeExecution::run(CodeCall call, RequestContext context) {
  const auto longest = deps_.run_time + kRunWait;
  SLUICE_CO_TRY(
      context.caller_token, co_await deps_.admission->lasting_token(call.request, kRunWait, context)
  );
  codemode::v1::RunRequest request;
  request.set_source(std::move(call.source));
  request.set_tool_call_id(call.call_id);
  request.set_unattended(call.unattended);
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
      .outcome = name_of(final.outcome()),
      .hop = final.hop(),
      .waits = final.outcome() == codemode::v1::OUTCOME_WAITS,
      .called = final.calls() > 0,
      .call_set = {final.call_set().begin(), final.call_set().end()}
  };
}

}  // namespace sluice::ingress
