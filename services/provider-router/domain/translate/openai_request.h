// A client's chat or embeddings request on its way to an OpenAI-compatible provider: bytes spliced,
// never rebuilt.
#pragma once

#include "common/base/result.h"

#include <span>
#include <string>
#include <string_view>

namespace sluice::provider_router {

struct Rename {
  std::string_view from;
  std::string_view to;
};

// Where a provider of this dialect differs in what it takes. Known by its host; everything else is
// passed on as it is.
struct Quirks {
  std::string_view host;
  bool takes_stream_options = true;  // false: it refuses the member, and sends usage unasked
  std::span<const Rename> renames;
};

[[nodiscard]] const Quirks& quirks_of(std::string_view base_url);

struct UpstreamBody {
  std::string body;
  bool usage_asked = false;  // the client itself wants the usage of a stream
};

// Sets "model" and "stream"; for a stream adds stream_options.include_usage when absent. Everything
// else stays, byte for byte. Errors: Invalid (not an object, malformed, model or stream_options of
// a wrong type).
[[nodiscard]] Result<UpstreamBody> openai_request(
    std::string body, std::string_view model, bool stream, const Quirks& quirks
);

// Sets "model". Errors: Invalid.
[[nodiscard]] Result<std::string> openai_embed_request(std::string body, std::string_view model);

}  // namespace sluice::provider_router
