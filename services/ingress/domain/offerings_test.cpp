#include "services/ingress/domain/offerings.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using ::testing::ElementsAre;

connector::v1::ServerCatalog& add_server(
    connector::v1::CatalogReply& catalog, const std::string& name
) {
  auto& server = *catalog.add_servers();
  server.set_server_id("id of " + name);
  server.set_name(name);
  return server;
}

void add_resource(connector::v1::ServerCatalog& server, const std::string& uri) {
  auto& offering = *server.add_resources();
  offering.set_key(uri);
  offering.set_definition(R"({"x":1.0,"uri":")" + uri + R"("})");
}

void add_template(connector::v1::ServerCatalog& server, const std::string& uri) {
  auto& offering = *server.add_resource_templates();
  offering.set_key(uri);
  offering.set_definition(R"({"uriTemplate":")" + uri + R"("})");
}

void add_prompt(connector::v1::ServerCatalog& server, const std::string& name) {
  auto& offering = *server.add_prompts();
  offering.set_key(name);
  offering.set_definition(R"({"name":")" + name + R"("})");
}

std::vector<std::string> names_of(const Offerings& offerings, OfferingKind kind) {
  std::vector<std::string> names;
  for (const Offering& offering : offerings.of(kind)) {
    names.push_back(offering.name);
  }
  return names;
}

class OfferingsTest : public ::testing::Test {
 protected:
  OfferingsTest() {
    auto& b = add_server(catalog, "b");
    add_resource(b, "test://same");
    add_resource(b, "test://b");
    add_template(b, "test://{id}/data");
    add_prompt(b, "ask");
    auto& a = add_server(catalog, "a");
    add_resource(a, "test://same");
    add_template(a, "test://{id}/data");
    add_prompt(a, "ask");
    a.set_unprefixed(true);
    add_resource(add_server(catalog, "hidden"), "test://hidden");
  }

  [[nodiscard]] Offerings build() const {
    return Offerings::build(catalog, {"id of a", "id of b"});
  }

  connector::v1::CatalogReply catalog;
};

TEST_F(OfferingsTest, ANameLeadsToOneServer) {
  const Offerings offerings = build();

  EXPECT_THAT(
      names_of(offerings, OfferingKind::Resource),
      ElementsAre("sluice://b/test://same", "test://b", "test://same")
  );
  EXPECT_THAT(names_of(offerings, OfferingKind::Prompt), ElementsAre("ask", "b-ask"));
  EXPECT_EQ(offerings.resource("test://same")->server, "a");
  EXPECT_EQ(offerings.resource("sluice://b/test://same")->server, "b");
  EXPECT_EQ(offerings.resource("sluice://b/test://same")->key, "test://same");
  EXPECT_EQ(offerings.find(OfferingKind::Prompt, "b-ask")->key, "ask");
  EXPECT_EQ(offerings.find(OfferingKind::Prompt, "a-ask"), nullptr);
}

TEST_F(OfferingsTest, DefinitionsKeepWhatTheServerGave) {
  EXPECT_EQ(
      build().list(OfferingKind::Resource),
      R"({"x":1.0,"uri":"sluice://b/test://same"},{"x":1.0,"uri":"test://b"},)"
      R"({"x":1.0,"uri":"test://same"})"
  );
}

TEST_F(OfferingsTest, AUriThatIsNotListedGoesWhereATemplateCoversIt) {
  const Offerings offerings = build();

  EXPECT_EQ(offerings.resource("test://7/data")->server, "a");
  EXPECT_EQ(offerings.resource("test://7/data")->key, "test://7/data");
  EXPECT_EQ(offerings.resource("sluice://b/test://7/data")->server, "b");
  EXPECT_EQ(offerings.resource("sluice://b/test://7/data")->key, "test://7/data");
  EXPECT_FALSE(offerings.resource("test://7/other").has_value());
  EXPECT_FALSE(offerings.resource("test://hidden").has_value());
  EXPECT_EQ(fixed_part_of("a{x}b{y}c", "a1b2c"), 2U);
  EXPECT_EQ(fixed_part_of("aa{x}aa", "aaa"), 0U);
  EXPECT_EQ(fixed_part_of("}{", "}{"), 2U);
}

TEST_F(OfferingsTest, ARequestNarrowsThemByServer) {
  http::Headers headers;
  headers.add("x-sluice-include-servers", "b");
  const Offerings offerings = build().narrowed(Narrowing::parse(headers).value());

  EXPECT_THAT(
      names_of(offerings, OfferingKind::Resource), ElementsAre("sluice://b/test://same", "test://b")
  );
  EXPECT_THAT(names_of(offerings, OfferingKind::Prompt), ElementsAre("b-ask"));
}

}  // namespace
}  // namespace sluice::ingress
