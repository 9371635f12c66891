#include "services/provider-router/testing/scripted_provider.h"

namespace sluice::provider_router {
namespace {

class ScriptedBody final : public http::BodyStream {
 public:
  ScriptedBody(ScriptedAnswer answer, testing::FaultPlan* faults)
      : answer_(std::move(answer)), faults_(faults) {}

  [[nodiscard]] int status() const override { return answer_.status; }

  [[nodiscard]] const http::Headers& headers() const override { return answer_.headers; }

  Async<std::string> read() override {
    if (faults_ != nullptr) {
      SLUICE_CO_CHECK_OK(faults_->step());
    }
    if (next_ < answer_.pieces.size()) {
      co_return answer_.pieces[next_++];
    }
    if (answer_.cut) {
      co_return *answer_.cut;
    }
    co_return std::string();
  }

 private:
  ScriptedAnswer answer_;
  testing::FaultPlan* faults_;
  std::size_t next_ = 0;
};

}  // namespace

Result<ScriptedAnswer> ScriptedProvider::next(const UpstreamCall& call) {
  calls_.push_back(
      {call.provider->name,
       call.key == nullptr ? "" : call.key->id,
       call.body,
       call.stream,
       call.operation}
  );
  if (faults_ != nullptr) {
    SLUICE_CHECK_OK(faults_->step());
  }
  SLUICE_CHECK(!answers_.empty(), "the test has scripted an answer for every call");
  ScriptedAnswer answer = std::move(answers_.front());
  answers_.pop_front();
  if (answer.error) {
    return *answer.error;
  }
  return answer;
}

Async<http::ClientResponse> ScriptedProvider::fetch(UpstreamCall call) {
  SLUICE_CO_TRY(ScriptedAnswer answer, next(call));
  http::ClientResponse response;
  response.status = answer.status;
  response.headers = std::move(answer.headers);
  for (const std::string& piece : answer.pieces) {
    response.body += piece;
  }
  co_return response;
}

Async<std::unique_ptr<http::BodyStream>> ScriptedProvider::open(UpstreamCall call) {
  SLUICE_CO_TRY(ScriptedAnswer answer, next(call));
  std::unique_ptr<http::BodyStream> body =
      std::make_unique<ScriptedBody>(std::move(answer), faults_);
  co_return body;
}

Async<void> RecordingChunkWriter::write(provider::v1::ChatChunk chunk) {
  if (faults_ != nullptr) {
    SLUICE_CO_CHECK_OK(faults_->step());
  }
  chunks_.push_back(chunk.events());
  co_return Result<void>();
}

std::string RecordingChunkWriter::all() const {
  std::string text;
  for (const std::string& chunk : chunks_) {
    text += chunk;
  }
  return text;
}

ScriptedAnswer json_answer(std::string body, int status) {
  ScriptedAnswer answer;
  answer.status = status;
  answer.headers.add("content-type", "application/json");
  answer.pieces.push_back(std::move(body));
  return answer;
}

ScriptedAnswer sse_answer(std::vector<std::string> pieces) {
  ScriptedAnswer answer;
  answer.headers.add("content-type", "text/event-stream; charset=utf-8");
  answer.pieces = std::move(pieces);
  return answer;
}

}  // namespace sluice::provider_router
