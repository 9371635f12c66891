#include "services/mcp-connector/domain/client_capabilities.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::HasCode;

ClientOffer nothing() {
  return {.roots = false, .sampling = false, .elicitation = false, .root_uris = {}};
}

TEST(OfferedCapabilities, NameWhatTheSettingAllows) {
  ClientOffer only_sampling = nothing();
  only_sampling.sampling = true;

  EXPECT_EQ(
      offered_capabilities({}), R"({"roots":{},"sampling":{},"elicitation":{"form":{},"url":{}}})"
  );
  EXPECT_EQ(offered_capabilities(nothing()), "{}");
  EXPECT_EQ(offered_capabilities(only_sampling), R"({"sampling":{}})");
}

TEST(PassedCapabilities, AreThoseOfTheCallerWithinTheSetting) {
  const std::string declared =
      R"({"experimental":{"x":{"k":1.0}},"sampling":{"tools":{}},"roots":{"listChanged":true},"elicitation":{}})";

  EXPECT_EQ(passed_capabilities(declared, {}).value(), declared);
  EXPECT_EQ(
      passed_capabilities(declared, nothing()).value(), R"({"experimental":{"x":{"k":1.0}}})"
  );
  EXPECT_EQ(passed_capabilities("", {}).value(), "{}");
  EXPECT_THAT(passed_capabilities("[]", {}), HasCode(Code::Invalid));
  EXPECT_THAT(passed_capabilities("nonsense", {}), HasCode(Code::Invalid));
}

TEST(PassedCapabilities, LeaveTasksOut) {
  EXPECT_EQ(
      passed_capabilities(
          R"({"tasks":{},"extensions":{"io.modelcontextprotocol/tasks":{},"a/b":{}}})", {}
      )
          .value(),
      R"({"extensions":{"a/b":{}}})"
  );
}

TEST(PassedCapabilities, HaveRootsWhereTheGatewayAnswersThem) {
  ClientOffer offer;
  offer.root_uris = {"file:///srv"};

  EXPECT_EQ(passed_capabilities("{}", offer).value(), R"({"roots":{}})");
  EXPECT_EQ(configured_roots(offer), R"({"roots":[{"uri":"file:///srv"}]})");
  EXPECT_EQ(configured_roots({}), R"({"roots":[]})");
}

struct Asked {
  const char* passed;
  const char* method;
  const char* params;
  const char* lacking;  // "" = nothing
};

TEST(LackingCapability, IsWhatTheQuestionNeeds) {
  constexpr const char* kUrl = R"({"mode":"url","url":"https://x"})";
  for (const Asked& asked : std::vector<Asked>{
           {R"({"sampling":{}})", "sampling/createMessage", "{}", ""},
           {"{}", "sampling/createMessage", "", R"({"sampling":{}})"},
           {R"({"sampling":null})", "sampling/createMessage", "{}", R"({"sampling":{}})"},
           {R"({"sampling":{}})",
            "sampling/createMessage",
            R"({"tools":[]})",
            R"({"sampling":{"tools":{}}})"},
           {R"({"sampling":{"tools":{}}})", "sampling/createMessage", R"({"tools":[]})", ""},
           {R"({"roots":{}})", "roots/list", "", ""},
           {"{}", "roots/list", "", R"({"roots":{}})"},
           {R"({"elicitation":{}})", "elicitation/create", "{}", ""},
           {R"({"elicitation":{}})", "elicitation/create", kUrl, R"({"elicitation":{"url":{}}})"},
           {R"({"elicitation":{"url":{}}})", "elicitation/create", kUrl, ""},
           {R"({"elicitation":{"url":{}}})",
            "elicitation/create",
            R"({"mode":"form"})",
            R"({"elicitation":{"form":{}}})"},
           {R"({"elicitation":{"form":{}}})", "elicitation/create", "{}", ""},
           {"{}", "elicitation/create", "{}", R"({"elicitation":{}})"},
           {"{}", "elicitation/create", kUrl, R"({"elicitation":{"url":{}}})"},
       }) {
    EXPECT_EQ(
        lacking_capability(asked.passed, asked.method, asked.params).value_or(""), asked.lacking
    ) << asked.passed
      << " " << asked.method << " " << asked.params;
  }
}

TEST(MissingCapability, NamesIt) {
  const auto error = missing_capability(R"({"sampling":{}})");

  EXPECT_EQ(error.code, -32021);
  EXPECT_EQ(error.data, R"({"requiredCapabilities":{"sampling":{}}})");
}

TEST(IsQuestion, KnowsTheThree) {
  EXPECT_TRUE(is_question("sampling/createMessage"));
  EXPECT_TRUE(is_question("elicitation/create"));
  EXPECT_TRUE(is_question("roots/list"));
  EXPECT_FALSE(is_question("ping"));
}

}  // namespace
}  // namespace sluice::mcp_connector
