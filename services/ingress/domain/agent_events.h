// AgentEvents: the streams of all steps of a chat in agent mode as the one stream the client sees.
// Sans-I/O.
//
// Text comes through as it arrives, under one id and with one role. Calls do not: the gateway runs
// them, or they wait and are told at the end, whole. So is the finish reason, and usage as a sum.
#pragma once

#include "common/base/result.h"
#include "common/json/value.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

class AgentEvents {
 public:
  // Takes in complete events of the step under way; the result is what the client sees of them.
  // Errors: Unavailable (an event is no JSON object).
  [[nodiscard]] Result<std::string> take(std::string_view events);

  // What a step came to; the next one begins.
  struct Step {
    json::Value message;        // the assistant's, whole
    std::string finish_reason;  // of its choice
    json::Value usage;          // null when it was not among the events
  };

  [[nodiscard]] Step end_step();

  // The end of the stream, without [DONE]: the calls that wait, the finish reason, the object
  // "sluice", and the sum of usage where usage was among the events.
  [[nodiscard]] std::string end(
      const json::Array& waiting,
      const std::string& finish_reason,
      std::string_view own_object,
      const json::Value& usage
  ) const;

 private:
  void take_event(std::string_view data, json::Value chunk, std::string& out);
  [[nodiscard]] bool take_choice(json::Value& choice);
  [[nodiscard]] std::string event(json::Array choices) const;

  json::Object head_;  // id, object, created, model of the first event
  bool role_sent_ = false;
  bool usage_asked_ = false;
  Step step_;
};

// Adds a delta of a streamed message to what is known of it: texts and arguments grow, list items
// find each other by index, all else is replaced.
void merge_delta(json::Value& into, const json::Value& delta);

}  // namespace sluice::ingress
