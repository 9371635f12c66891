#include "services/mcp-connector/domain/question.h"

#include "common/json/scan.h"
#include "common/json/write.h"

#include <utility>

namespace sluice::mcp_connector {
namespace {

Error bad_replies() {
  return Error(
      Code::Invalid,
      R"(the responses are no JSON object of {"result":…} or {"error":…} by key; send such ones)"
  );
}

Error bad_request() {
  return Error(
      Code::Invalid,
      "the MCP server asks for more input in a way that cannot be read; repair the server"
  );
}

bool is_object(std::string_view raw) {
  return raw.starts_with('{');
}

Result<Reply> parse_reply(std::string text) {
  SLUICE_TRY(const json::Scan scan, json::Scan::object(text));
  Reply reply{.result = std::string(scan.raw("result")), .error = std::string(scan.raw("error"))};
  if (reply.result.empty() == reply.error.empty()) {
    return bad_replies();
  }
  if (!reply.error.empty()) {
    SLUICE_TRY(const auto error, mcp::parse_rpc_error(reply.error));
  } else if (!is_object(reply.result)) {
    return bad_replies();
  }
  return reply;
}

Result<Question> parse_question(std::string key, std::string text) {
  SLUICE_TRY(const json::Scan scan, json::Scan::object(text));
  Question question{.key = std::move(key), .method = {}, .params = {}, .id = {}};
  SLUICE_TRY(question.method, scan.text("method"));
  question.params = scan.raw("params");
  if (!question.params.empty() && !is_object(question.params)) {
    return bad_request();
  }
  return question;
}

}  // namespace

std::string to_json(const std::vector<Question>& questions) {
  std::string out = "{";
  for (const Question& question : questions) {
    out += (out.size() > 1 ? "," : "") + json::write(question.key) + R"(:{"method":)" +
           json::write(question.method);
    if (!question.params.empty()) {
      out += R"(,"params":)" + question.params;
    }
    out += '}';
  }
  return out += '}';
}

Result<Replies> parse_replies(std::string text) {
  auto scan = json::Scan::object(text);
  if (!scan.ok()) {
    return bad_replies();
  }
  Replies replies;
  for (const json::Field& field : scan.value().fields()) {
    auto reply = parse_reply(text.substr(field.value_begin, field.value_end - field.value_begin));
    if (!reply.ok()) {
      return bad_replies();
    }
    replies.emplace(field.key, std::move(reply).value());
  }
  return replies;
}

Result<InputRequest> parse_input_request(std::string result) {
  auto scan = json::Scan::object(result);
  if (!scan.ok()) {
    return bad_request();
  }
  InputRequest out{.questions = {}, .state = std::string(scan.value().raw("requestState"))};
  if (!out.state.empty() && !out.state.starts_with('"')) {
    return bad_request();
  }
  std::string asked(scan.value().raw("inputRequests"));
  if (asked.empty() && out.state.empty()) {
    return bad_request();
  }
  if (asked.empty()) {
    return out;
  }
  auto requests = json::Scan::object(asked);
  if (!requests.ok()) {
    return bad_request();
  }
  for (const json::Field& field : requests.value().fields()) {
    auto question = parse_question(
        std::string(field.key), asked.substr(field.value_begin, field.value_end - field.value_begin)
    );
    if (!question.ok()) {
      return bad_request();
    }
    out.questions.push_back(std::move(question).value());
  }
  if (out.questions.empty() && out.state.empty()) {
    return bad_request();
  }
  return out;
}

std::string input_members(
    const std::map<std::string, std::string, std::less<>>& results, std::string_view state
) {
  std::string out;
  if (!results.empty()) {
    std::string answers;
    for (const auto& [key, result] : results) {
      answers += (answers.empty() ? "" : ",") + json::write(key) + ':' + result;
    }
    out = R"("inputResponses":{)" + answers + '}';
  }
  if (!state.empty()) {
    out += (out.empty() ? "" : ",");
    out.append(R"("requestState":)").append(state);
  }
  return out;
}

}  // namespace sluice::mcp_connector
