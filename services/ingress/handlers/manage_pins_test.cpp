#include "services/ingress/handlers/manage_pins.h"

#include "services/ingress/testing/ingress_fixture.h"

#include "common/base/bytes.h"
#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

class ManagePinsHandlerTest : public ::testing::Test {
 protected:
  ManagePinsHandlerTest() {
    policy::v1::ToolPin* const pin = fixture.policy.manage_reply.add_pins();
    pin->set_server("files");
    pin->set_tool("read_file");
    pin->set_pinned_hash(std::string(32, '\x01'));
    pin->set_pinned_by("first use");
    pin->set_pinned_unix_ms(1'000);
    pin->set_quarantined(true);
    pin->set_offered_hash(std::string(32, '\x02'));
    pin->add_confusable_with("other-read_file");
    auto* const difference = pin->add_differences();
    difference->set_pointer("/description");
    difference->set_offered(R"("a\u200b")");
  }

  static http::HttpRequest request(const std::string& body, const std::string& key = "sk-admin") {
    http::HttpRequest out = IngressFixture::request(body, key);
    out.path_parameters = {"files"};
    out.query = "tool=read%2Ffile";
    return out;
  }

  Result<http::HttpResponse> approve(const std::string& body) {
    return fixture.run(handler.approve(request(body), fixture.context()));
  }

  [[nodiscard]] const policy::v1::ManageRequest& sent() const {
    return fixture.policy.managed.back().first;
  }

  IngressFixture fixture;
  ManagePinsHandler handler{{.admission = &fixture.admission, .policy = &fixture.policy}};
};

TEST_F(ManagePinsHandlerTest, ListsPins) {
  http::HttpRequest asked = request("");
  asked.query = "quarantined=true";

  const auto response = fixture.run(handler.list(asked, fixture.context()));

  ASSERT_THAT(response, IsOk());
  EXPECT_TRUE(sent().list_pins().quarantined_only());
  EXPECT_EQ(
      response.value().body,
      R"({"pins":[{"server":"files","tool":"read_file","quarantined":true,"pinned_hash":")" +
          to_hex(std::string(32, '\x01')) +
          R"(","pinned_by":"first use","pinned_at":"1970-01-01T00:00:01.000Z","offered_hash":")" +
          to_hex(std::string(32, '\x02')) +
          R"(","offered_at":null,"confusable_with":["other-read_file"]}]})"
  );
  asked.query = "quarantined=1";
  EXPECT_THAT(fixture.run(handler.list(asked, fixture.context())), HasCode(Code::Invalid));
}

TEST_F(ManagePinsHandlerTest, ShowsDifferencesAsTextsOfJson) {
  fixture.policy.manage_reply.add_warnings("3 more differences are not shown");

  const auto response = fixture.run(handler.get(request(""), fixture.context()));

  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(sent().get_pin().server(), "files");
  EXPECT_EQ(sent().get_pin().tool(), "read/file");
  const auto body = json::parse(response.value().body).value();
  EXPECT_EQ(
      json::write(*body.find("differences")),
      R"([{"pointer":"/description","pinned":null,"offered":"\"a\\u200b\""}])"
  );
  EXPECT_EQ(json::write(*body.find("warnings")), R"(["3 more differences are not shown"])");
}

TEST_F(ManagePinsHandlerTest, ApprovesTheDefinitionOfThatHash) {
  const std::string hash = to_hex(std::string(32, '\x02'));

  ASSERT_THAT(approve(R"({"definition_hash":")" + hash + R"(","approve":true})"), IsOk());

  EXPECT_EQ(sent().approve_pin().server(), "files");
  EXPECT_EQ(sent().approve_pin().tool(), "read/file");
  EXPECT_EQ(sent().approve_pin().definition_hash(), std::string(32, '\x02'));
  const std::size_t asked = fixture.policy.managed.size();
  for (const std::string& body :
       {std::string(),
        std::string("{}"),
        R"({"definition_hash":")" + hash + "\"}",
        R"({"definition_hash":")" + hash + R"(","approve":false})",
        R"({"definition_hash":")" + hash + R"(","approve":true,"more":1})",
        std::string(R"({"definition_hash":"02","approve":true})")}) {
    EXPECT_THAT(approve(body), HasCode(Code::Invalid)) << body;
  }
  EXPECT_EQ(fixture.policy.managed.size(), asked);
}

TEST_F(ManagePinsHandlerTest, WantsTheNameOfATool) {
  http::HttpRequest asked = request("");
  asked.query = "";

  EXPECT_THAT(fixture.run(handler.get(asked, fixture.context())), HasCode(Code::Invalid));
  EXPECT_TRUE(fixture.policy.managed.empty());
}

TEST_F(ManagePinsHandlerTest, IsForAdmins) {
  EXPECT_THAT(
      fixture.run(handler.list(request("", "sk-user"), fixture.context())), HasCode(Code::Denied)
  );
}

}  // namespace
}  // namespace sluice::ingress
