// One case of recorded provider traffic: a hand-written OpenAI input, and the request and answer it
// stands beside.
//
// File form, tests/contract/cases/*.json:
//   recording  "anthropic/messages_basic": <folder of recordings>/<recording>.json; or "recorded":
//   {request, response} in the case itself input      the client's request. {"$from_recording":
//   "/json/pointer", "prefix": "…"} stands for a text of the recorded request tolerated  [{at:
//   "/json/pointer", why}]: places where the translation differs on purpose; each must really
//   differ expect     content (text, null, {starts, ends} or {"$from_response": pointer}),
//   tool_calls [{name, arguments}], finish_reason,
//              usage, reasoning, signed, choices; for failures status and error_kind
#pragma once

#include "common/json/value.h"

#include <string>
#include <vector>

namespace sluice::contract {

struct RecordedCase {
  std::string name;      // file name without .json
  std::string base_url;  // of the provider, for its quirks
  std::string provider;  // the part of the model's name before the first '/'
  std::string model;     // the rest
  bool stream = false;
  std::string input;    // JSON text
  json::Value request;  // recorded
  int status = 0;
  std::string body_type;  // json or sse
  std::string body;
  std::vector<std::size_t> chunk_sizes;  // empty: not recorded
  json::Value tolerated;
  json::Value expect;
};

// Every case of the folder, by name. recordings: "" leaves out the cases that need a recording;
// missing counts them.
struct CaseList {
  std::vector<RecordedCase> cases;
  std::vector<std::string> without_recording;
};

[[nodiscard]] Result<CaseList> load_cases(const std::string& folder, const std::string& recordings);

// The value at a JSON pointer (RFC 6901), or nullptr.
[[nodiscard]] const json::Value* at_pointer(const json::Value& root, std::string_view pointer);

}  // namespace sluice::contract
