// A client on a loop of its own, for tests against a real redis-server.
#pragma once

#include "common/observability/testing/recording_log.h"
#include "common/redis/client.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::redis {

class RedisRig {
 public:
  explicit RedisRig(Options options) {
    auto made = sluice::testing::run_sync(
        loop_, connect(loop_.get_executor(), &clock_, &log_, std::move(options))
    );
    EXPECT_TRUE(made.ok());
    client_ = std::move(made).value();
  }

  RedisRig(const RedisRig&) = delete;
  RedisRig& operator=(const RedisRig&) = delete;
  RedisRig(RedisRig&&) = delete;
  RedisRig& operator=(RedisRig&&) = delete;

  ~RedisRig() {
    client_.reset();
    loop_.restart();
    loop_.run();  // ends: nothing is left on the loop once the client is gone
  }

  Result<Reply> run(std::vector<std::string> words) {
    return sluice::testing::run_sync(loop_, client_->command(std::move(words)));
  }

  void pass(std::chrono::milliseconds time) {
    EXPECT_TRUE(sluice::testing::run_sync(loop_, async::sleep_for(&clock_, time)).ok());
  }

  boost::asio::io_context& loop() { return loop_; }

  Client& client() { return *client_; }

  async::Clock& clock() { return clock_; }

  observability::RecordingLog& log() { return log_; }

 private:
  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  observability::RecordingLog log_;
  std::unique_ptr<Client> client_;
};

}  // namespace sluice::redis
