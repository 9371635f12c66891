#include "services/provider-router/config.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::provider_router {
namespace {

using testing::HasCode;
using testing::IsOk;

config::Document document(const std::string& providers, config::Environment environment = {}) {
  auto loaded =
      config::Document::from_text(R"({"providers":)" + providers + "}", std::move(environment));
  SLUICE_CHECK(loaded.ok(), "the test's text is JSON");
  return std::move(loaded).value();
}

TEST(Config, ReadsProviders) {
  auto settings = document(
      R"({"demo":{"type":"demo"},
          "openai":{"type":"openai","keys":[{"id":"main","value":"env.KEY"},{"value":"sk-2"}],"models":["gpt-x"]},
          "claude":{"type":"anthropic","keys":[{"value":"k"}],"max_tokens_default":100},
          "local":{"type":"openai","base_url":"http://127.0.0.1:8000/v1/"}})",
      {{"KEY", "sk-1"}}
  );

  const auto providers = read_providers(settings);

  ASSERT_THAT(settings.finish(), IsOk());
  ASSERT_EQ(providers.size(), 4U);
  EXPECT_EQ(providers[0].dialect, Dialect::Demo);
  EXPECT_EQ(providers[0].models, std::vector<std::string>{"assistant"});
  EXPECT_EQ(providers[1].base_url, "https://api.openai.com/v1");
  EXPECT_EQ(providers[1].keys.at(0).value.reveal(), "sk-1");
  EXPECT_EQ(providers[1].keys.at(1).id, "key-2");
  EXPECT_EQ(providers[2].base_url, "https://api.anthropic.com");
  EXPECT_EQ(providers[2].max_tokens_default, 100);
  EXPECT_EQ(providers[3].base_url, "http://127.0.0.1:8000/v1");
  EXPECT_TRUE(providers[3].keys.empty());
}

TEST(Config, OffersTheDemoWhenNothingIsConfigured) {
  auto settings = document("{}");

  const auto providers = read_providers(settings);

  ASSERT_THAT(settings.finish(), IsOk());
  ASSERT_EQ(providers.size(), 1U);
  EXPECT_EQ(providers[0].dialect, Dialect::Demo);
}

struct Row {
  std::string providers;
  std::string fault;
};

TEST(Config, SaysWhatIsWrongAndWhatToDo) {
  const std::vector<Row> rows{
      {R"({"a b":{"type":"demo"}})", "letters, digits"},
      {R"({"a":{}})", "providers.a.type"},
      {R"({"a":{"type":"gemini"}})", "providers.a.type"},
      {R"({"a":{"type":"openai"}})", "requires one"},
      {R"({"a":{"type":"openai","base_url":"ftp://x"}})", "http:// or https://"},
      {R"({"a":{"type":"openai","base_url":"https://"}})", "http:// or https://"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1?k=1"}})", "query"},
      {R"({"a":{"type":"openai","base_url":"https://u:p@x/v1"}})", "user"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1/chat/completions"}})",
       "leave the last part out"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1","keys":[{"value":"env.UNSET"}]}})",
       "env.UNSET"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1","keys":[{"value":"a b"}]}})",
       "white space"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1","keys":[{"id":"k","value":"a"},{"id":"k","value":"b"}]}})",
       "used twice"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1","keys":[{"id":"k"}]}})",
       "providers.a.keys[0].value"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1","models":["m","m"]}})", "twice"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1","models":[""]}})", "empty"},
      {R"({"a":{"type":"anthropic","base_url":"https://x","max_tokens_default":0}})",
       "max_tokens_default"},
      {R"({"a":{"type":"demo","keys":[]}})", "runs inside the gateway"},
      {R"({"a":{"type":"openai","base_url":"https://x/v1","modles":[]}})", "modles"},
  };
  for (const Row& row : rows) {
    auto settings = document(row.providers);
    static_cast<void>(read_providers(settings));

    const auto finished = settings.finish();

    ASSERT_THAT(finished, HasCode(Code::Invalid)) << row.providers;
    EXPECT_NE(finished.error().message().find(row.fault), std::string::npos)
        << row.providers << "\n"
        << finished.error().message();
  }
}

TEST(Config, NeverShowsAKey) {
  auto settings = document(
      R"({"a":{"type":"openai","base_url":"https://x/v1","keys":[{"value":"secret key"}]}})"
  );
  static_cast<void>(read_providers(settings));

  const auto finished = settings.finish();

  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().to_log().find("secret key"), std::string::npos);
}

}  // namespace
}  // namespace sluice::provider_router
