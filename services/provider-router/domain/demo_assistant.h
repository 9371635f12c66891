// demo/assistant: a script that plays a model, so that the stack is useful without a provider key.
//
// It reads the conversation, picks tools by the fixed phrases of demo_intent.h from those the
// request offers, fills their arguments by the names in their schemas, goes on with the next step
// (", then …") once a step has its results, and words its answer from the tools' results. Same
// input, same output. It opens no file and no socket, and every text of it says that it is a demo.
#pragma once

#include "services/provider-router/domain/translate/answer.h"

#include "common/base/result.h"
#include "common/json/value.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::provider_router {

inline constexpr std::string_view kDemoModel = "assistant";

struct DemoReply {
  std::string text;  // "" when it calls tools
  AnswerFacts facts;
};

// seed makes the tool call ids: unique per request. Errors: Invalid (no messages, n above 1).
[[nodiscard]] Result<DemoReply> demo_reply(const json::Value& request, std::string_view seed);

struct DemoFrame {
  std::string_view seed;
  std::string_view model;  // as the client named it
  std::int64_t created_unix_s = 0;
  bool usage_asked = false;  // streams
};

// A chat.completion.
[[nodiscard]] std::string demo_completion(const DemoReply& reply, const DemoFrame& frame);
// The same as chunks: each string holds whole events.
[[nodiscard]] std::vector<std::string> demo_chunks(const DemoReply& reply, const DemoFrame& frame);

}  // namespace sluice::provider_router
