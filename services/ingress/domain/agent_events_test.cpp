#include "services/ingress/domain/agent_events.h"

#include "services/ingress/domain/agent_calls.h"
#include "services/ingress/testing/agent_fixture.h"

#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

const std::string kStream = R"(,"stream":true)";

// What the chunks of a stream add up to, as a client of OpenAI's does it.
struct Seen {
  std::set<std::string> ids;
  int roles = 0;
  std::string text;
  std::vector<std::string> calls;  // "<index> <id> <name> <arguments>"
  std::vector<std::string> reasons;
  json::Value usage;
};

void see_choice(const json::Value& choice, Seen& seen) {
  const json::Value* delta = choice.find("delta");
  ASSERT_NE(delta, nullptr);
  seen.roles += delta->find("role") != nullptr ? 1 : 0;
  seen.text += delta->text_or("content", "");
  if (const json::Array* calls = tool_calls_of(*delta); calls != nullptr) {
    for (const json::Value& call : *calls) {
      const json::Value* function = call.find("function");
      seen.calls.push_back(
          json::write(*call.find("index")) + " " + call.text_or("id", "") + " " +
          function->text_or("name", "") + " " + function->text_or("arguments", "")
      );
    }
  }
  if (choice.find("finish_reason") != nullptr && choice.find("finish_reason")->is_string()) {
    seen.reasons.push_back(choice.text_or("finish_reason", ""));
  }
}

Seen see(const std::vector<json::Value>& events) {
  Seen seen;
  for (const json::Value& event : events) {
    seen.ids.insert(event.text_or("id", ""));
    EXPECT_EQ(event.text_or("object", ""), "chat.completion.chunk");
    for (const json::Value& choice : *event.find("choices")->as_array()) {
      see_choice(choice, seen);
    }
    if (const json::Value* usage = event.find("usage"); usage != nullptr && !usage->is_null()) {
      seen.usage = *usage;
    }
  }
  return seen;
}

TEST(AgentEvents, JoinTheStreamsOfAllStepsIntoOne) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(streamed("Let me look. ", {{"a", "filesystem-read_file"}}));
  fixture.provider.push(streamed("It says hello."));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(kStream))), IsOk());

  const Seen seen = see(fixture.events());
  EXPECT_EQ(seen.ids.size(), 1U);
  EXPECT_EQ(seen.roles, 1);
  EXPECT_EQ(seen.text, "Let me look. It says hello.");
  EXPECT_TRUE(seen.calls.empty()) << "the gateway ran them";
  EXPECT_EQ(seen.reasons, std::vector<std::string>{"stop"});
  EXPECT_TRUE(seen.usage.is_null()) << "nobody asked for it";
  EXPECT_TRUE(fixture.writer->body().ends_with("data: [DONE]\n\n"));
  EXPECT_EQ(fixture.member("choices"), "[]");
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"stop\"");
  EXPECT_EQ(fixture.member("sluice/transcript/0/content"), "\"Let me look. \"");
  EXPECT_EQ(
      fixture.member("sluice/transcript/0/tool_calls"),
      R"([{"id":"a","type":"function","function":{"name":"filesystem-read_file","arguments":"{\"path\":\"x\"}"}}])"
  );
  EXPECT_EQ(fixture.member("sluice/transcript/2/content"), "\"It says hello.\"");
}

TEST(AgentEvents, ComeAsTheyArrive) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(streamed("One two three."));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(kStream))), IsOk());

  EXPECT_EQ(fixture.writer->writes().size(), 5U) << "the role, three words and the end";
}

TEST(AgentEvents, TellCallsThatWaitWholeAndNumberedAnew) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(streamed(
      "", {{"a", "filesystem-read_file"}, {"b", "filesystem-write_file", R"({"path":"y"})"}}
  ));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(kStream))), IsOk());

  const Seen seen = see(fixture.events());
  EXPECT_EQ(seen.calls, std::vector<std::string>{R"(0 b filesystem-write_file {"path":"y"})"});
  EXPECT_EQ(seen.reasons, std::vector<std::string>{"tool_calls"});
  EXPECT_EQ(fixture.member("sluice/stop_reason"), "\"tool_calls\"");
  EXPECT_EQ(fixture.roles("sluice/transcript"), (std::vector<std::string>{"assistant", "tool"}));
  EXPECT_EQ(fixture.ids("sluice/transcript/0/tool_calls"), (std::vector<std::string>{"a", "b"}));
}

TEST(AgentEvents, EndWithTheSumOfUsageWhereItWasAskedFor) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(streamed("", {{"a", "filesystem-read_file"}}, true));
  fixture.provider.push(streamed("Done.", {}, true));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(kStream))), IsOk());

  const auto events = fixture.events();
  EXPECT_EQ(events.back().find("usage")->find("total_tokens")->as_int(), 32);
  int counted = 0;
  for (const json::Value& event : events) {
    const json::Value* usage = event.find("usage");
    counted += usage != nullptr && !usage->is_null() ? 1 : 0;
  }
  EXPECT_EQ(counted, 1);
}

TEST(AgentEvents, TellAnErrorBeforeAnyEffectAsAnEvent) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(streamed("Look: ", {{"a", "filesystem-read_file"}}));
  ScriptedAnswer lost;
  lost.error = Error(Code::Unavailable, "the provider went away");
  fixture.provider.push(std::move(lost));

  ASSERT_THAT(fixture.post_chat(IngressFixture::request(chat_body(kStream))), IsOk());

  EXPECT_NE(fixture.events().back().find("error"), nullptr);
  EXPECT_EQ(fixture.writer->body().find("[DONE]"), std::string::npos);
  EXPECT_TRUE(fixture.writer->ended());
}

TEST(AgentEvents, StopWhenTheClientGoes) {
  AgentFixture fixture;
  fixture.show("read_file", policy::v1::VERDICT_AUTO);
  fixture.provider.push(streamed("One two", {{"a", "filesystem-read_file"}}));
  auto gone = std::make_unique<http::testing::RecordingResponseWriter>(2);

  const auto done = fixture.run(
      fixture.chat(IngressFixture::request(chat_body(kStream)), gone.get(), fixture.context())
  );

  EXPECT_THAT(done, HasCode(Code::Cancelled));
  EXPECT_TRUE(fixture.servers.requests.empty());
  EXPECT_EQ(fixture.provider.streams_open, 0);
}

TEST(AgentEvents, MergeDeltasAsProvidersSendThem) {
  AgentEvents events;
  const std::vector<std::string> deltas{
      R"({"role":"assistant","content":null,"reasoning_content":"Hm"})",
      R"({"role":"assistant","content":"A","reasoning_content":"m."})",
      R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{"},"extra_content":{"google":{"thought_signature":"s"}}}]})",
      R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"","arguments":"}"}},{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]})",
  };
  std::string seen;
  for (const std::string& delta : deltas) {
    auto out = events.take(
        R"(data: {"id":"x","choices":[{"index":0,"delta":)" + delta +
        R"(,"finish_reason":null}]})"
        "\n\n"
    );
    ASSERT_THAT(out, IsOk());
    seen += out.value();
  }

  EXPECT_EQ(
      json::write(events.end_step().message),
      R"({"role":"assistant","content":"A","reasoning_content":"Hmm.","tool_calls":[)"
      R"({"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}},)"
      R"({"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]})"
  );
  EXPECT_NE(seen.find("Hm"), std::string::npos);
  EXPECT_EQ(seen.find("tool_calls"), std::string::npos);
}

TEST(AgentEvents, RefuseWhatIsNoJsonObject) {
  AgentEvents events;

  EXPECT_THAT(events.take("data: nonsense\n\n"), HasCode(Code::Unavailable));
  EXPECT_THAT(events.take("data: 1\n\n"), HasCode(Code::Unavailable));
}

}  // namespace
}  // namespace sluice::ingress
