// Equality of JSON documents by meaning, and the shapes OpenAI's clients rely on.
#pragma once

#include "common/json/value.h"

#include <string>
#include <vector>

namespace sluice::contract {

// Places (JSON pointers) where the documents differ; members in any order, numbers by value.
[[nodiscard]] std::vector<std::string> differences(
    const json::Value& wanted, const json::Value& got
);

// What a client sees of an answer, plain or streamed.
struct Seen {
  std::string content;
  bool has_content = false;
  std::string reasoning;
  bool is_signed = false;  // a reasoning detail with a signature
  std::string finish_reason;
  std::size_t choices = 0;

  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
  };

  std::vector<Call> calls;
  json::Value usage;
};

// Reads a chat.completion. problems: what OpenAI's shape requires and this lacks.
[[nodiscard]] Seen read_completion(const std::string& body, std::vector<std::string>& problems);
// Reads a sequence of "data: {chat.completion.chunk}\n\n".
[[nodiscard]] Seen read_chunks(const std::string& events, std::vector<std::string>& problems);
// Compares with the case's "expect".
void compare(const json::Value& expect, const Seen& seen, std::vector<std::string>& problems);

}  // namespace sluice::contract
