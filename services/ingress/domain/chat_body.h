// ChatBody: what the gateway reads of a chat completion request, and the request with its tools
// added. Works on the bytes.
#pragma once

#include "services/ingress/domain/catalog_snapshot.h"

#include "common/json/scan.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

class ChatBody {
 public:
  static constexpr std::string_view kOwnMember = "sluice";

  // Validates the whole body as JSON and the types of model, messages, stream and tools. body
  // outlives the result and is not changed meanwhile. Errors: Invalid; the message names the member
  // and what to send.
  [[nodiscard]] static Result<ChatBody> parse(std::string& body);

  [[nodiscard]] const std::string& model() const { return model_; }

  [[nodiscard]] bool stream() const { return stream_; }

  // Whether one answer is asked for, as nearly always.
  [[nodiscard]] bool single_choice() const;

  // The member sluice, which is for the gateway: its raw JSON, or empty.
  [[nodiscard]] std::string_view own_member() const { return scan_.raw(kOwnMember); }

  // The body as a provider may see it: without that member.
  [[nodiscard]] std::string without_own_member() const;

  // Tool call ids of the messages with role "tool", see chain.h. Costs nothing when there are none.
  [[nodiscard]] Result<std::vector<std::string>> tool_call_ids() const;

  // The body with the snapshot's tools behind the client's own. Errors: Invalid (a name the client
  // uses too, or larger than the bus carries).
  [[nodiscard]] Result<std::string> with_tools(const CatalogSnapshot& snapshot) const;

 private:
  ChatBody(std::string_view body, json::Scan scan) : body_(body), scan_(std::move(scan)) {}

  std::string_view body_;
  json::Scan scan_;
  std::string model_;
  bool stream_ = false;
};

// "provider/model" of a body. Errors: Invalid.
[[nodiscard]] Result<std::string> model_of(const json::Scan& scan);

// Whether a JSON array (valid, raw bytes) has more than max elements.
[[nodiscard]] bool has_more_elements_than(std::string_view array, std::size_t max);

}  // namespace sluice::ingress
