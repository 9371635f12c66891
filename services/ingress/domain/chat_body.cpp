#include "services/ingress/domain/chat_body.h"

#include "services/ingress/domain/chain.h"
#include "services/ingress/limits.h"

#include "common/json/parse.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace sluice::ingress {
namespace {

constexpr std::string_view kToolCallId = "tool_call_id";

Error wrong(std::string_view member, std::string_view what) {
  std::string message(member);
  return Error(Code::Invalid, message.append(" ").append(what));
}

bool is_array(std::string_view raw) {
  return !raw.empty() && raw.front() == '[';
}

bool is_empty_array(std::string_view raw) {
  return raw.find_first_not_of(" \t\r\n", 1) == raw.size() - 1;
}

bool is_null(std::string_view raw) {
  return raw == "null";
}

Result<void> check_messages(std::string_view raw) {
  if (raw.empty()) {
    return wrong(
        "messages",
        "is missing; send an array of messages, for example "
        "[{\"role\":\"user\",\"content\":\"Hello\"}]"
    );
  }
  if (!is_array(raw)) {
    return wrong("messages", "is not an array; send an array of messages");
  }
  if (is_empty_array(raw)) {
    return wrong("messages", "is empty; send at least one message");
  }
  if (has_more_elements_than(raw, kMessagesMax)) {
    return wrong("messages", "has too many elements; send at most " + std::to_string(kMessagesMax));
  }
  return {};
}

Result<void> check_tools(std::string_view raw) {
  if (raw.empty() || is_null(raw)) {
    return {};
  }
  if (!is_array(raw)) {
    return wrong("tools", "is not an array; send an array of tool definitions, or leave it out");
  }
  if (has_more_elements_than(raw, kClientToolsMax)) {
    return wrong("tools", "has too many elements; send at most " + std::to_string(kClientToolsMax));
  }
  return {};
}

// The client's own tools win nothing by shadowing: which of two tools of one name runs must never
// be a guess.
Result<void> check_names(std::string_view tools, const CatalogSnapshot& snapshot) {
  SLUICE_TRY(const json::Value parsed, json::parse(tools));
  const json::Array* items = parsed.as_array();
  if (items == nullptr) {
    return {};
  }
  for (const auto& item : *items) {
    const json::Value* function = item.find("function");
    if (function == nullptr) {
      continue;
    }
    const std::string name = function->text_or("name", "");
    if (snapshot.find_offered(name) != nullptr) {
      return Error(
          Code::Invalid,
          "tools has a function \"" + name +
              "\", which is also a tool of this gateway; rename yours, or leave the gateway's out "
              "with x-sluice-include-tools"
      );
    }
  }
  return {};
}

}  // namespace

bool has_more_elements_than(std::string_view array, std::size_t max) {
  if (array.size() < 2 * max) {
    return false;  // one byte and a comma each is the least
  }
  std::size_t commas = 0;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const char c = array[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 1 && ++commas >= max) {
      return true;
    }
  }
  return false;
}

Result<std::string> model_of(const json::Scan& scan) {
  SLUICE_TRY(std::string model, scan.text("model"));
  if (model.size() > kModelNameBytesMax) {
    return wrong(
        "model",
        "is longer than " + std::to_string(kModelNameBytesMax) +
            " bytes; GET /v1/models lists the names"
    );
  }
  const auto slash = model.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == model.size()) {
    return wrong(
        "model", "names no provider; send \"provider/model\", GET /v1/models lists the names"
    );
  }
  return model;
}

Result<ChatBody> ChatBody::parse(std::string& body) {
  body.reserve(body.size() + json::kScanPadding);
  SLUICE_TRY(json::Scan scan, json::Scan::object(body));
  ChatBody chat(body, std::move(scan));
  SLUICE_TRY(chat.model_, model_of(chat.scan_));
  SLUICE_CHECK_OK(check_messages(chat.scan_.raw("messages")));
  if (!is_null(chat.scan_.raw("stream"))) {
    SLUICE_TRY(chat.stream_, chat.scan_.flag_or("stream", false));
  }
  SLUICE_CHECK_OK(check_tools(chat.scan_.raw("tools")));
  return chat;
}

bool ChatBody::single_choice() const {
  const std::string_view n = scan_.raw("n");
  return n.empty() || n == "1" || is_null(n);
}

std::string ChatBody::without_own_member() const {
  const auto& fields = scan_.fields();
  const auto own = std::find_if(fields.begin(), fields.end(), [](const json::Field& field) {
    return field.key == kOwnMember;
  });
  if (own == fields.end()) {
    return std::string(body_);
  }
  // A chat body has other members, so a comma stands on one side.
  const auto next = std::next(own);
  const std::array splices{
      next != fields.end() ? json::Splice{own->key_begin, next->key_begin, ""}
                           : json::Splice{std::prev(own)->value_end, own->value_end, ""}
  };
  return json::splice(body_, splices);
}

Result<std::vector<std::string>> ChatBody::tool_call_ids() const {
  const std::string_view messages = scan_.raw("messages");
  if (::memmem(messages.data(), messages.size(), kToolCallId.data(), kToolCallId.size()) ==
      nullptr) {
    return std::vector<std::string>();
  }
  return tool_call_ids_of(messages);
}

Result<std::string> ChatBody::with_tools(const CatalogSnapshot& snapshot) const {
  const std::string& tools = snapshot.tools_json();
  if (tools.empty()) {
    return std::string(body_);
  }
  if (body_.size() + tools.size() + 16 > kSplicedBodyBytesMax) {
    return Error(
        Code::Invalid,
        "the request and the definitions of the tools offered are too large together; offer fewer "
        "with x-sluice-include-tools"
    );
  }
  // A chat body has members (model at least), so a comma always belongs before a new one.
  std::size_t begin = body_.rfind('}');
  std::size_t end = begin;
  std::string_view before = ",\"tools\":[";
  std::string_view after = "]";
  if (const json::Field* own = scan_.find("tools"); own != nullptr) {
    const std::string_view raw = scan_.raw("tools");
    begin = own->value_begin;
    end = own->value_end;
    before = "[";
    if (!is_null(raw) && !is_empty_array(raw)) {
      SLUICE_CHECK_OK(check_names(raw, snapshot));
      begin = end = own->value_end - 1;  // the closing bracket stays
      before = ",";
      after = "";
    }
  }
  const std::array splices{
      json::Splice{begin, end, before}, json::Splice{end, end, tools}, json::Splice{end, end, after}
  };
  return json::splice(body_, splices);
}

}  // namespace sluice::ingress
