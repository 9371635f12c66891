// Writes chat.completion.chunk events for answers that do not come in OpenAI's shape.
#pragma once

#include "services/provider-router/domain/usage.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::provider_router {

class ChunkEvents {
 public:
  // usage_asked: every chunk says "usage":null and a last one holds the counts, as OpenAI does.
  ChunkEvents(
      std::string_view id, std::string_view model, std::int64_t created_unix_s, bool usage_asked
  );

  // delta: a JSON object.
  void append_delta(std::string& out, std::string_view delta) const;
  void append_content(std::string& out, std::string_view text) const;
  // The first piece of a tool call, without arguments.
  void append_tool_call(
      std::string& out, std::size_t index, std::string_view id, std::string_view name
  ) const;
  void append_tool_arguments(std::string& out, std::size_t index, std::string_view piece) const;
  void append_finish(std::string& out, std::string_view finish_reason) const;
  // Nothing when usage was not asked for.
  void append_usage(std::string& out, const Usage& usage) const;

 private:
  void append(std::string& out, std::string_view delta, std::string_view finish) const;

  std::string head_;
  bool usage_asked_;
};

}  // namespace sluice::provider_router
