// ScriptedProvider: an Upstream that answers by a list; remembers the calls. And a writer that
// remembers chunks.
#pragma once

#include "services/provider-router/ports.h"

#include "common/bus/bus.h"
#include "common/testing/fault_plan.h"

#include <deque>
#include <string>
#include <vector>

namespace sluice::provider_router {

struct ScriptedAnswer {
  int status = 200;
  http::Headers headers;
  std::vector<std::string> pieces;  // of the body, one per read; joined for fetch
  std::optional<Error> error;       // instead of an answer
  std::optional<Error> cut;         // after the pieces, instead of the end
};

class ScriptedProvider final : public Upstream {
 public:
  struct Seen {
    std::string provider;
    std::string key;  // id
    std::string body;
    bool stream = false;
    Operation operation = Operation::Chat;
  };

  explicit ScriptedProvider(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  void push(ScriptedAnswer answer) { answers_.push_back(std::move(answer)); }

  Async<http::ClientResponse> fetch(UpstreamCall call) override;
  Async<std::unique_ptr<http::BodyStream>> open(UpstreamCall call) override;

  [[nodiscard]] const std::vector<Seen>& calls() const { return calls_; }

 private:
  Result<ScriptedAnswer> next(const UpstreamCall& call);

  testing::FaultPlan* faults_;
  std::deque<ScriptedAnswer> answers_;
  std::vector<Seen> calls_;
};

class RecordingChunkWriter final : public bus::ChunkWriter<provider::v1::ChatChunk> {
 public:
  explicit RecordingChunkWriter(testing::FaultPlan* faults = nullptr) : faults_(faults) {}

  Async<void> write(provider::v1::ChatChunk chunk) override;

  [[nodiscard]] const std::vector<std::string>& chunks() const { return chunks_; }

  [[nodiscard]] std::string all() const;

 private:
  testing::FaultPlan* faults_;
  std::vector<std::string> chunks_;
};

[[nodiscard]] ScriptedAnswer json_answer(std::string body, int status = 200);
[[nodiscard]] ScriptedAnswer sse_answer(std::vector<std::string> pieces);

}  // namespace sluice::provider_router
