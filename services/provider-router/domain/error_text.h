// Reads the error bodies of providers, whatever their shape.
#pragma once

#include <string>
#include <string_view>

namespace sluice::provider_router {

struct ErrorText {
  std::string message;
  std::string type;
  std::string code;
  std::string param;
};

// message is never empty. Shapes: {"error":{…}} · {"error":"…"} · {"message":…} ·
// {"detail":"…"|[{"msg":…}]} ·
// [{"error":{…}}] · text · HTML. Source: providers.md 12.6.
[[nodiscard]] ErrorText read_error_text(std::string_view body);

}  // namespace sluice::provider_router
