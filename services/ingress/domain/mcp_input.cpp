#include "services/ingress/domain/mcp_input.h"

#include "services/ingress/limits.h"

#include "common/json/parse.h"
#include "common/json/scan.h"
#include "common/json/write.h"
#include "common/mcp/protocol.h"

#include <algorithm>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kStatePrefix = "sluice1.";
constexpr char kStateSeparator = '.';
constexpr std::string_view kStateMember = "requestState";
constexpr std::string_view kResponsesMember = "inputResponses";

Error not_ours() {
  return Error(
      Code::Invalid,
      "this requestState is not one of ours; send the one of the result that asked, unchanged"
  );
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMcpRequestIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

bool has_member(const json::Value* object, std::string_view member) {
  return object != nullptr && object->find(member) != nullptr;
}

}  // namespace

std::string to_text(const RequestState& state) {
  return std::string(kStatePrefix) + state.server_id + kStateSeparator + state.request_id;
}

Result<RequestState> parse_request_state(std::string_view text) {
  if (!text.starts_with(kStatePrefix)) {
    return not_ours();
  }
  text.remove_prefix(kStatePrefix.size());
  const auto separator = text.find(kStateSeparator);
  if (separator == std::string_view::npos) {
    return not_ours();
  }
  RequestState state{
      .server_id = std::string(text.substr(0, separator)),
      .request_id = std::string(text.substr(separator + 1))
  };
  if (!is_id(state.server_id) || !is_id(state.request_id)) {
    return not_ours();
  }
  return state;
}

Result<std::string> input_required_result(const InputNeeded& needed) {
  std::string requests = needed.requests;
  std::string out = R"({"resultType":"input_required",)";
  if (!requests.empty()) {
    SLUICE_TRY(const json::Scan scan, json::Scan::object(requests));
    if (!scan.fields().empty()) {
      out.append(R"("inputRequests":)").append(needed.requests).append(",");
    }
  }
  return out.append(R"("requestState":)")
      .append(json::write(to_text({.server_id = needed.server_id, .request_id = needed.request_id}))
      )
      .append("}");
}

Result<std::optional<InputRetry>> take_retry(json::Value* params) {
  const json::Value* state = params->find(kStateMember);
  const json::Value* answers = params->find(kResponsesMember);
  std::optional<InputRetry> retry;
  if (state != nullptr) {
    if (!state->is_string() || (answers != nullptr && !answers->is_object())) {
      return not_ours();
    }
    InputRetry found;
    SLUICE_TRY(found.state, parse_request_state(*state->as_string()));
    json::Object responses;
    if (answers != nullptr) {
      for (const auto& [key, answer] : answers->as_object()->members()) {
        responses.set(key, json::object({{"result", answer}}));
      }
    }
    found.responses = json::write(json::Value(std::move(responses)));
    retry = std::move(found);
  }
  params->as_object()->erase(kStateMember);
  params->as_object()->erase(kResponsesMember);
  return retry;
}

Result<std::vector<Question>> questions_in(const std::string& requests) {
  std::string document = requests.empty() ? std::string("{}") : requests;
  SLUICE_TRY(const json::Scan scan, json::Scan::object(document));
  if (scan.fields().size() > kMcpQuestionsMax) {
    return Error(Code::Invalid, "the server asks too much at once; repair the server");
  }
  std::vector<Question> questions;
  for (const json::Field& field : scan.fields()) {
    std::string request = document.substr(field.value_begin, field.value_end - field.value_begin);
    SLUICE_TRY(const json::Scan members, json::Scan::object(request));
    Question question{
        .key = std::string(field.key), .method = {}, .params = std::string(members.raw("params"))
    };
    SLUICE_TRY(question.method, members.text("method"));
    questions.push_back(std::move(question));
  }
  return questions;
}

bool may_ask(std::string_view method) {
  return method == mcp::kToolsCall || method == mcp::kResourcesRead || method == mcp::kPromptsGet;
}

bool may_be_asked(std::string_view capabilities, const Question& question) {
  const auto declared = json::parse(capabilities);
  if (!declared.ok()) {
    return false;
  }
  if (question.method == mcp::kSamplingCreateMessage) {
    return has_member(&declared.value(), "sampling");
  }
  if (question.method == mcp::kRootsList) {
    return has_member(&declared.value(), "roots");
  }
  const json::Value* elicitation = declared.value().find("elicitation");
  if (question.method != mcp::kElicitationCreate || elicitation == nullptr) {
    return false;
  }
  const auto params = json::parse(question.params);
  const bool by_url = params.ok() && params.value().text_or("mode", "form") == "url";
  // A client that names no mode fills in forms.
  return has_member(elicitation, by_url ? "url" : "form") ||
         (!by_url && !has_member(elicitation, "url"));
}

std::string not_declared(const Question& question) {
  return R"({"error":)" +
         mcp::to_json(mcp::RpcError{
             .code = mcp::kMethodNotFound,
             .message = "the client did not declare that it answers " + question.method,
             .data = {}
         }) +
         "}";
}

std::string response_in(const mcp::Message& answer) {
  return answer.kind == mcp::Message::Kind::Result ? R"({"result":)" + answer.result + "}"
                                                   : R"({"error":)" + answer.error + "}";
}

}  // namespace sluice::ingress
