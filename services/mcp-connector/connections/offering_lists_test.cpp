#include "services/mcp-connector/connections/offering_lists.h"

#include "services/mcp-connector/testing/session_test.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr mcp::ServerCapabilities kAll{
    .has_tools = true, .has_resources = true, .has_prompts = true, .has_completions = true
};

class OfferingListsTest : public SessionTest {
 protected:
  OfferingListsTest() {
    answer(
        "resources/list", R"({"resources":[{"uri":"a://2","name":"2"},{"uri":"a://1","name":"1"}]})"
    );
    answer(
        "resources/templates/list",
        R"({"resourceTemplates":[{"uriTemplate":"a://{b}","name":"t"}]})"
    );
    answer("prompts/list", R"({"prompts":[{"name":"p"}]})");
  }

  void answer(const std::string& method, const std::string& result) {
    server_.on(method, [result](const auto&) {
      return ScriptedServer::Reply{.result = result, .error = {}};
    });
  }

  void refuse(const std::string& method, const std::string& error) {
    server_.on(method, [error](const auto&) {
      return ScriptedServer::Reply{.result = {}, .error = error};
    });
  }

  Result<Offerings> fetch(mcp::ServerCapabilities capabilities = kAll) {
    OfferingLists lists(session_.get(), &loop_.clock, &log_, "s", &told_);
    return loop_.finish(lists.fetch(capabilities));
  }

  OfferingLists::Told told_;
};

TEST_F(OfferingListsTest, FetchesWhatTheServerSaysItHas) {
  const auto all = fetch();

  ASSERT_THAT(all, IsOk());
  ASSERT_EQ(all.value().resources.size(), 2U);
  EXPECT_EQ(all.value().resources[0].key, "a://1");
  EXPECT_EQ(all.value().templates.size(), 1U);
  EXPECT_EQ(all.value().prompts.size(), 1U);
  EXPECT_TRUE(all.value().completions);
  EXPECT_TRUE(log_.warnings().empty());
}

TEST_F(OfferingListsTest, WhatIsNamedByItsUriIsSaidOnce) {
  answer("resources/list", R"({"resources":[{"uri":"a://1"}]})");
  ASSERT_THAT(fetch(), IsOk());
  const auto again = fetch();

  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again.value().resources[0].definition, R"({"uri":"a://1","name":"a://1"})");
  EXPECT_EQ(log_.warnings(), std::vector<std::string>{"offerings-named-by-uri"});
}

TEST_F(OfferingListsTest, AsksForNothingElse) {
  const auto none = fetch({.has_tools = true});
  const auto prompts = fetch({.has_prompts = true});

  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none.value().empty());
  EXPECT_EQ(prompts.value().prompts.size(), 1U);
  EXPECT_EQ(server_.count("resources/list"), 0U);
  EXPECT_EQ(server_.count("resources/templates/list"), 0U);
}

TEST_F(OfferingListsTest, FollowsThePages) {
  server_.on("prompts/list", [](const mcp::Message& request) {
    const bool second = request.params.find("more") != std::string::npos;
    return ScriptedServer::Reply{
        .result = second ? R"({"prompts":[{"name":"b"}]})"
                         : R"({"prompts":[{"name":"a"}],"nextCursor":"more"})",
        .error = {}
    };
  });

  EXPECT_EQ(fetch().value().prompts.size(), 2U);
}

TEST_F(OfferingListsTest, AListThatCannotBeHadIsEmptyWithAWarningAndTheOthersStay) {
  refuse("resources/list", R"({"code":-32603,"message":"no backend"})");
  answer("resources/templates/list", R"({"resourceTemplates":7})");

  const auto offerings = fetch();

  ASSERT_THAT(offerings, IsOk());
  EXPECT_TRUE(offerings.value().resources.empty());
  EXPECT_TRUE(offerings.value().templates.empty());
  EXPECT_EQ(offerings.value().prompts.size(), 1U);
  EXPECT_EQ(log_.warnings(), std::vector<std::string>(2, "offerings-not-listed"));
}

TEST_F(OfferingListsTest, AListWithoutEndOrAnswerIsGivenUp) {
  server_.on("resources/list", [count = 0](const auto&) mutable {
    return ScriptedServer::Reply{
        .result = R"({"resources":[],"nextCursor":")" + std::to_string(++count) + R"("})",
        .error = {}
    };
  });
  server_.on("prompts/list", [](const auto&) { return std::nullopt; });

  const TimePoint began = loop_.clock.now();
  const auto offerings = fetch();

  ASSERT_THAT(offerings, IsOk());
  EXPECT_TRUE(offerings.value().resources.empty());
  EXPECT_EQ(server_.count("resources/list"), static_cast<std::size_t>(kListPagesMax));
  EXPECT_LE(loop_.clock.now() - began, kOfferingsTimeout + std::chrono::milliseconds(100));
  EXPECT_EQ(log_.warnings(), std::vector<std::string>(2, "offerings-not-listed"));
}

TEST_F(OfferingListsTest, PagesAreBoundedInBytesToo) {
  const std::string page = R"({"resources":[{"uri":"a","text":")" + std::string(6'000'000, 'x');
  server_.on("resources/list", [&page, count = 0](const auto&) mutable {
    return ScriptedServer::Reply{
        .result = page + R"("}],"nextCursor":")" + std::to_string(++count) + R"("})", .error = {}
    };
  });

  EXPECT_TRUE(fetch().value().resources.empty());
  EXPECT_EQ(server_.count("resources/list"), 3U);
}

TEST_F(OfferingListsTest, AServerThatDoesNotKnowAListHasNoneWithoutAWarning) {
  refuse("resources/templates/list", R"({"code":-32601,"message":"unknown"})");

  const auto offerings = fetch();

  ASSERT_THAT(offerings, IsOk());
  EXPECT_TRUE(offerings.value().templates.empty());
  EXPECT_EQ(offerings.value().resources.size(), 2U);
  EXPECT_TRUE(log_.warnings().empty());
}

TEST_F(OfferingListsTest, ItemsWithoutAKeyAreOneWarning) {
  answer("resources/list", R"({"resources":[{"uri":"a","name":"n"},{"uri":"a"},{},{"name":"n"}]})");

  EXPECT_EQ(fetch().value().resources.size(), 1U);
  EXPECT_EQ(log_.warnings(), std::vector<std::string>{"offerings-left-out"});
}

TEST_F(OfferingListsTest, AServerThatEndsMeanwhileHasNotSaidThatThereIsNothing) {
  server_.on("resources/list", [this](const auto&) {
    server_.end();
    return std::nullopt;
  });

  EXPECT_THAT(fetch(), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::mcp_connector
