#include "services/mcp-connector/domain/read_params.h"

#include "common/json/parse.h"
#include "common/mcp/protocol.h"

namespace sluice::mcp_connector {

Result<std::string> named_in(std::string_view method, std::string_view params) {
  SLUICE_TRY(const json::Value value, json::parse(params));
  if (!value.is_object()) {
    return Error(
        Code::Invalid,
        "the params are " + std::string(value.type_name()) + "; " + std::string(method) +
            " takes an object"
    );
  }
  if (value.find("_meta") != nullptr) {
    return Error(Code::Invalid, "the params have a _meta; send them without");
  }
  const std::string_view member =
      method == mcp::kResourcesSubscribe ? "uri" : mcp::named_member(method);
  if (member.empty()) {
    return std::string();
  }
  std::string name = value.text_or(member, "");
  if (name.empty()) {
    return Error(
        Code::Invalid,
        "the params of " + std::string(method) + " have no " + std::string(member) + "; name one"
    );
  }
  return name;
}

}  // namespace sluice::mcp_connector
