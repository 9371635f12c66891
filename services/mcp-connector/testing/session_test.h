// SessionTest: one McpSession over the link of a scripted server, read until the test ends.
#pragma once

#include "services/mcp-connector/connections/mcp_session.h"
#include "services/mcp-connector/testing/fakes.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <memory>

namespace sluice::mcp_connector {

class SessionTest : public ::testing::Test {
 public:
  SessionTest(const SessionTest&) = delete;
  SessionTest& operator=(const SessionTest&) = delete;
  SessionTest(SessionTest&&) = delete;
  SessionTest& operator=(SessionTest&&) = delete;

  ~SessionTest() override {
    session_->fail_all(Error(Code::Unavailable, "the test ends"));
    EXPECT_THAT(loop_.finish(link_->stop()), sluice::testing::IsOk());
    EXPECT_TRUE(loop_.advance_until([this] { return reading_->done(); }));
    EXPECT_THAT(loop_.finish(session_->idle()), sluice::testing::IsOk());
  }

 protected:
  SessionTest() {
    link_ = loop_.finish(server_.open(nullptr)).value();
    session_ = std::make_unique<McpSession>(McpSession::Deps{
        .clock = &loop_.clock,
        .log = &log_,
        .link = link_.get(),
        .server = "s",
        .on_list_changed = [this] { ++list_changes_; },
        .on_gone = [this] { ++gone_; },
        .client = offer_,
    });
    reading_ = loop_.start(session_->read());
  }

  // Before the first use of the session.
  ClientOffer offer_;
  TestLoop loop_;
  QuietLog log_;
  ScriptedServer server_;
  std::unique_ptr<ServerLink> link_;
  std::unique_ptr<McpSession> session_;
  std::shared_ptr<Started<void>> reading_;
  int list_changes_ = 0;
  int gone_ = 0;
};

}  // namespace sluice::mcp_connector
