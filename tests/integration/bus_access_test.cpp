// The subject × user matrix of deploy/nats/nats.conf against a real nats-server, both directions:
// what the table allows passes, everything else is refused and seen by the client and in the
// server's log.
#include "tests/support/nats_server.h"

#include "common/async/clock.h"
#include "common/async/task_group.h"
#include "common/bus/durable_sender.h"
#include "common/bus/nats_access.h"
#include "common/bus/nats_bus.h"
#include "common/bus/testing/in_memory_bus.h"
#include "common/testing/matchers.h"
#include "common/testing/run_sync.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace sluice::bus {
namespace {

using namespace std::chrono_literals;
using sluice::testing::HasCode;
using sluice::testing::IsOk;

// A subject somebody could really use, for a pattern of the table.
std::string concrete(std::string subject) {
  for (auto at = subject.find('*'); at != std::string::npos; at = subject.find('*')) {
    subject.replace(at, 1, "0123456789abcdef");
  }
  if (subject.ends_with(">")) {
    subject.replace(subject.size() - 1, 1, "1.2.3");
  }
  return subject;
}

bool allowed(const std::vector<std::string>& list, const std::string& subject) {
  return std::any_of(list.begin(), list.end(), [&subject](const std::string& pattern) {
    return subject_matches(pattern, subject);
  });
}

class BusAccess : public ::testing::Test {
 protected:
  BusAccess() {
    tests::NatsServerOptions options;
    options.config_file = tests::source_directory() + "/deploy/nats/nats.conf";
    options.environment = {
        {"SLUICE_NATS_LISTEN", "\"127.0.0.1:-1\""},
        {"SLUICE_NATS_MONITOR", "\"127.0.0.1:-1\""},
        {"SLUICE_NATS_STORE", "\"" + store_.file("nats") + "\""},
    };
    for (const Access& access : nats_access()) {
      options.environment[password_variable(access.service)] = "\"12e4ab-" + access.service + "\"";
    }
    auto server = tests::NatsServer::start(std::move(options));
    SLUICE_CHECK(server.ok(), "nats-server starts with the committed configuration");
    server_ = std::move(server).value();
  }

  ~BusAccess() override {
    for (auto& [user, transport] : transports_) {
      static_cast<void>(run(transport->close()).ok());
    }
  }

  template <class T>
  Result<T> run(Async<T> operation) {
    return sluice::testing::run_sync(loop_, std::move(operation));
  }

  Result<std::unique_ptr<Transport>> connect(
      const std::string& user, const std::string& password, const std::string& instance
  ) {
    NatsOptions options;
    options.url = server_->url();
    options.user = user;
    options.password = password;
    options.name = user + "/" + instance;
    options.stream_bytes_max = std::int64_t{64} << 20;
    return run(connect_nats(loop_.get_executor(), &clock_, nullptr, std::move(options)));
  }

  Transport& as(const std::string& user) {
    auto& transport = transports_[user];
    if (transport == nullptr) {
      auto connected = connect(user, "12e4ab-" + user, "matrix");
      SLUICE_CHECK(connected.ok(), "every service's user may connect");
      transport = std::move(connected).value();
      transport->on_violation([this, user](std::string_view text) {
        violations_[user].emplace_back(text);
      });
    }
    return *transport;
  }

  void pause(Duration duration) {
    static_cast<void>(run(async::sleep_for(&clock_, duration)).ok());
  }

  // The server has answered everything asked before, and its answers have come through nats.c's
  // threads.
  void settle(const std::string& user) {
    EXPECT_THAT(run(as(user).settle()), IsOk());
    pause(15ms);
  }

  // Violations told to the user that name the subject.
  bool told(const std::string& user, const std::string& verb, const std::string& subject) {
    const std::string named = "\"" + subject + "\"";
    return std::any_of(
        violations_[user].begin(),
        violations_[user].end(),
        [&](const std::string& text) {
          return text.find(verb) != std::string::npos && text.find(named) != std::string::npos;
        }
    );
  }

  boost::asio::io_context loop_{1};
  async::SystemClock clock_{loop_.get_executor()};
  tests::TemporaryDirectory store_;
  std::unique_ptr<tests::NatsServer> server_;
  std::map<std::string, std::unique_ptr<Transport>> transports_;
  std::map<std::string, std::vector<std::string>> violations_;
};

TEST_F(BusAccess, EveryUserPublishesWhatTheTableSaysAndNothingElse) {
  int passed = 0;
  int refused = 0;
  for (const Access& access : nats_access()) {
    std::vector<std::string> expected;
    for (const std::string& pattern : nats_subjects()) {
      const std::string subject = concrete(pattern);
      ASSERT_THAT(as(access.service).publish(subject, "", ""), IsOk());
      if (!allowed(access.publish, subject)) {
        expected.push_back(subject);
        // nats.c keeps the last error's text only: give it time to tell each.
        settle(access.service);
      }
    }
    settle(access.service);
    EXPECT_EQ(violations_[access.service].size(), expected.size()) << access.service;
    for (const std::string& pattern : nats_subjects()) {
      const std::string subject = concrete(pattern);
      const bool is_refused = told(access.service, "Publish", subject);
      EXPECT_EQ(is_refused, !allowed(access.publish, subject)) << access.service << " " << subject;
      const std::string logged = "\"" + access.service + "\", Subject \"" + subject + "\"";
      EXPECT_EQ(
          server_->log().find("Publish Violation - User " + logged) != std::string::npos, is_refused
      ) << access.service
        << " " << subject;
      passed += is_refused ? 0 : 1;
      refused += is_refused ? 1 : 0;
    }
  }
  RecordProperty("passed", passed);
  RecordProperty("refused", refused);
  EXPECT_GT(passed, 60);
  EXPECT_GT(refused, 200);
}

TEST_F(BusAccess, EveryUserSubscribesWhatTheTableSaysAndNothingElse) {
  int passed = 0;
  int refused = 0;
  std::vector<std::string> subjects = nats_subjects();
  for (const char* wide : {">", "sluice.>", "sluice.*.v1.*", "_INBOX.>", "$JS.>", "$SYS.>"}) {
    subjects.emplace_back(wide);
  }
  for (const Access& access : nats_access()) {
    std::vector<std::unique_ptr<Subscription>> kept;
    for (const std::string& subject : subjects) {
      auto subscription = as(access.service).subscribe(subject, "", [](const Delivery&) {});
      ASSERT_THAT(subscription, IsOk());
      kept.push_back(std::move(subscription).value());
      settle(access.service);
    }
    for (const std::string& subject : subjects) {
      const bool may =
          allowed(access.subscribe, concrete(subject)) &&
          (subject.find('>') == std::string::npos || allowed(access.subscribe, subject));
      const bool is_refused = told(access.service, "Subscription", subject);
      EXPECT_EQ(is_refused, !may) << access.service << " " << subject;
      EXPECT_EQ(
          server_->log().find(
              "Subscription Violation - User \"" + access.service + "\", Subject \"" + subject +
              "\""
          ) != std::string::npos,
          is_refused
      ) << access.service
        << " " << subject;
      passed += is_refused ? 0 : 1;
      refused += is_refused ? 1 : 0;
    }
  }
  EXPECT_GT(passed, 30);
  EXPECT_GT(refused, 250);
}

TEST_F(BusAccess, ARefusedMessageReachesNobody) {
  int heard = 0;
  const auto commit =
      as("audit-writer").subscribe("sluice.audit.v1.commit", "", [&heard](const Delivery&) {
        ++heard;
      });
  settle("audit-writer");

  ASSERT_THAT(as("ingress").publish("sluice.audit.v1.commit", "", "forged"), IsOk());
  ASSERT_THAT(as("mcp-connector").publish("sluice.audit.v1.commit", "", "rightful"), IsOk());
  settle("ingress");
  settle("mcp-connector");
  settle("audit-writer");

  EXPECT_EQ(heard, 1);
}

TEST_F(BusAccess, AWrongPasswordAndAnUnknownUserAreDenied) {
  EXPECT_THAT(connect("ingress", "wrong", "x"), HasCode(Code::Denied));
  EXPECT_THAT(connect("stranger", "12e4ab-ingress", "x"), HasCode(Code::Denied));
  EXPECT_THAT(connect("", "", "x"), HasCode(Code::Denied));
}

TEST_F(BusAccess, RecordsFlowFromEveryServiceToAuditWriterUnderThesePermissions) {
  auto consumer =
      run(as("audit-writer").consume("AUDIT", "sluice.audit.v1.record.*", "audit-writer"));
  ASSERT_THAT(consumer, IsOk());
  std::set<std::string> sent;
  for (const Access& access : nats_access()) {
    EXPECT_THAT(
        run(as(access.service)
                .publish_durable(
                    "sluice.audit.v1.record." + access.service, access.service, clock_.now() + 5s
                )),
        IsOk()
    ) << access.service;
    sent.insert(access.service);
  }

  std::set<std::string> got;
  for (int i = 0; i < 20 && got.size() < sent.size(); ++i) {
    auto messages = run(consumer.value()->fetch(64, 1000ms));
    ASSERT_THAT(messages, IsOk());
    for (const DurableMessage& message : messages.value()) {
      got.insert(message.bytes);
      EXPECT_EQ(subject_of(message), "sluice.audit.v1.record." + message.bytes);
    }
    EXPECT_THAT(run(consumer.value()->acknowledge(std::move(messages).value())), IsOk());
  }

  EXPECT_EQ(got, sent);
  for (const auto& [user, texts] : violations_) {
    EXPECT_TRUE(texts.empty()) << user << ": " << texts.front();
  }
  EXPECT_THAT(
      run(as("ingress").consume("AUDIT", "sluice.audit.v1.record.*", "ingress")),
      HasCode(Code::Deadline)
  );
}

}  // namespace
}  // namespace sluice::bus
