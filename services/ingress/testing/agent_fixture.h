// AgentFixture: IngressFixture with a scripted model that calls tools, and looks into its answers.
#pragma once

#include "services/ingress/testing/ingress_fixture.h"

#include "common/async/one_shot.h"
#include "common/json/value.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::ingress {

struct Suggested {
  std::string id;
  std::string name;
  std::string arguments = R"({"path":"x"})";
};

// A completion that suggests these calls; 11 and 5 tokens, 2 of them cached.
[[nodiscard]] ScriptedAnswer asks(
    const std::vector<Suggested>& calls, const std::string& finish_reason = "tool_calls"
);
[[nodiscard]] ScriptedAnswer says(const std::string& text);
// The same as events: the role, the text in pieces of one word, the calls, the finish reason, and
// usage where asked for.
[[nodiscard]] ScriptedAnswer streamed(
    const std::string& text, const std::vector<Suggested>& calls = {}, bool usage = false
);

[[nodiscard]] http::HttpRequest with_header(
    http::HttpRequest request, const std::string& name, const std::string& value
);

class AgentFixture : public IngressFixture {
 public:
  explicit AgentFixture(testing::FaultPlan* faults = nullptr) : IngressFixture(faults) {}

  // Policy shows a tool of filesystem with this verdict, in place of the one before.
  void show(const std::string& tool, policy::v1::Verdict verdict);

  // Calls end in the reverse of this order, each as "result of <id>".
  void answer_in_reverse(std::vector<std::string> ids);
  // Calls end when all that can be under way are; at_once_max says how many these were.
  void count_concurrency();
  // Calls never end by themselves.
  void hold_calls();
  void let_calls_take(std::chrono::seconds time);
  // policy-engine is down once a call was carried out.
  void fail_after_first_call();

  // JSON of a member of the last answer, or of the chunk with the object "sluice"; path:
  // "choices/0/message". Empty: there is none.
  [[nodiscard]] std::string member(const std::string& path) const;
  // Of the items of a list: their id, their role.
  [[nodiscard]] std::vector<std::string> ids(const std::string& path) const;
  [[nodiscard]] std::vector<std::string> roles(const std::string& path) const;
  // The events of the last answer, without [DONE].
  [[nodiscard]] std::vector<json::Value> events() const;

  int at_once = 0;
  int at_once_max = 0;

 private:
  [[nodiscard]] json::Value answer() const;
  Async<connector::v1::Final> reversed(std::string id);
  Async<connector::v1::Final> counted();
  Async<connector::v1::Final> held();
  Async<connector::v1::Final> timed(std::chrono::seconds time);
  Async<connector::v1::Final> last();

  std::vector<std::string> order_;
  std::map<std::string, std::unique_ptr<async::OneShot<void>>> gates_;
};

}  // namespace sluice::ingress
