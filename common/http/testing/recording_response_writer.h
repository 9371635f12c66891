// RecordingResponseWriter: what a streaming handler wrote, for tests of handlers without a network.
#pragma once

#include "common/http/message.h"

#include <string>
#include <utility>
#include <vector>

namespace sluice::http::testing {

class RecordingResponseWriter final : public ResponseWriter {
 public:
  // The client goes away before that write (1 = the first); 0: never.
  explicit RecordingResponseWriter(int gone_at_write = 0) : gone_at_write_(gone_at_write) {}

  Async<void> begin(int status, Headers headers) override {
    begun_ = true;
    status_ = status;
    headers_ = std::move(headers);
    co_return Result<void>();
  }

  Async<void> write(std::string bytes) override {
    if (gone_at_write_ > 0 && static_cast<int>(writes_.size()) + 1 >= gone_at_write_) {
      co_return Error(Code::Cancelled, "the client went away");
    }
    writes_.push_back(std::move(bytes));
    co_return Result<void>();
  }

  Async<void> end() override {
    ended_ = true;
    co_return Result<void>();
  }

  Async<void> respond(HttpResponse response) override {
    begun_ = ended_ = responded_ = true;
    status_ = response.status;
    headers_ = std::move(response.headers);
    writes_.push_back(std::move(response.body));
    co_return Result<void>();
  }

  [[nodiscard]] bool begun() const override { return begun_; }

  [[nodiscard]] bool ended() const { return ended_; }

  // Answered with respond() rather than begin … end.
  [[nodiscard]] bool responded() const { return responded_; }

  [[nodiscard]] int status() const { return status_; }

  [[nodiscard]] const Headers& headers() const { return headers_; }

  [[nodiscard]] const std::vector<std::string>& writes() const { return writes_; }

  [[nodiscard]] std::string body() const {
    std::string all;
    for (const std::string& part : writes_) {
      all += part;
    }
    return all;
  }

 private:
  int gone_at_write_;
  bool begun_ = false;
  bool ended_ = false;
  bool responded_ = false;
  int status_ = 0;
  Headers headers_;
  std::vector<std::string> writes_;
};

}  // namespace sluice::http::testing
