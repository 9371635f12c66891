#include "services/mcp-connector/oauth/client.h"

#include "common/json/parse.h"
#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector::oauth {
namespace {

using testing::HasCode;
using testing::IsOk;

IssuerMetadata issuer(std::vector<std::string> methods = {}) {
  IssuerMetadata metadata;
  metadata.issuer = "https://as.example";
  metadata.token_auth_methods = std::move(methods);
  return metadata;
}

TEST(ChooseSource, ByHandThenDocumentThenRegistration) {
  auto metadata = issuer();
  ClientSettings settings;
  EXPECT_THAT(choose_source(settings, metadata), HasCode(Code::Denied));
  metadata.registration_endpoint = "https://as.example/register";
  EXPECT_EQ(choose_source(settings, metadata).value(), ClientSource::Registration);
  settings.metadata_url = "https://gateway.example/client.json";
  EXPECT_EQ(choose_source(settings, metadata).value(), ClientSource::Registration);
  metadata.reads_client_metadata = true;
  EXPECT_EQ(choose_source(settings, metadata).value(), ClientSource::MetadataDocument);
  EXPECT_EQ(
      client_of(ClientSource::MetadataDocument, settings, metadata).value().id,
      "https://gateway.example/client.json"
  );
  settings.id = "by-hand";
  EXPECT_EQ(choose_source(settings, metadata).value(), ClientSource::Settings);
}

TEST(ChooseAuth, WhatTheServerTakes) {
  EXPECT_EQ(choose_auth(false, issuer({"client_secret_post"})).value(), ClientAuth::None);
  EXPECT_EQ(choose_auth(true, issuer()).value(), ClientAuth::Basic);
  EXPECT_EQ(
      choose_auth(true, issuer({"client_secret_post", "client_secret_basic"})).value(),
      ClientAuth::Basic
  );
  EXPECT_EQ(choose_auth(true, issuer({"client_secret_post"})).value(), ClientAuth::Post);
  EXPECT_EQ(choose_auth(true, issuer({"none"})).value(), ClientAuth::None);
  EXPECT_THAT(choose_auth(true, issuer({"private_key_jwt"})), HasCode(Code::Denied));
}

TEST(Registration, AsksForWhatTheGatewayIs) {
  const auto body = [](const std::string& redirect, std::vector<std::string> methods) {
    return json::parse(registration_body(redirect, issuer(std::move(methods)))).value();
  };
  const auto here = body("http://127.0.0.1:8080/cb", {"none"});
  EXPECT_EQ(here.text_or("application_type", ""), "native");
  EXPECT_EQ(here.text_or("token_endpoint_auth_method", ""), "none");
  EXPECT_EQ(
      here.find("redirect_uris")->as_array()->front(), json::Value("http://127.0.0.1:8080/cb")
  );
  EXPECT_EQ(here.find("grant_types")->as_array()->size(), 2U);
  const auto elsewhere = body("https://gateway.example/cb", {"client_secret_post"});
  EXPECT_EQ(elsewhere.text_or("application_type", ""), "web");
  EXPECT_EQ(elsewhere.text_or("token_endpoint_auth_method", ""), "client_secret_post");
}

TEST(Registration, TheAnswerDecidesHowTheClientAuthenticates) {
  const auto answer = [](const std::string& body, std::vector<std::string> methods) {
    return parse_registration(body, issuer(std::move(methods)));
  };
  const auto secret = answer(
      R"({"client_id":"i","client_secret":"s","token_endpoint_auth_method":"client_secret_post"})",
      {"client_secret_basic"}
  );
  ASSERT_THAT(secret, IsOk());
  EXPECT_EQ(secret.value().id, "i");
  EXPECT_EQ(secret.value().secret.reveal(), "s");
  EXPECT_EQ(secret.value().auth, ClientAuth::Post);
  EXPECT_EQ(answer(R"({"client_id":"i"})", {}).value().auth, ClientAuth::None);
  EXPECT_EQ(
      answer(R"({"client_id":"i","client_secret":"s"})", {"none"}).value().auth, ClientAuth::None
  );
  EXPECT_THAT(answer(R"({"client_secret":"s"})", {}), HasCode(Code::Invalid));
  EXPECT_THAT(answer("no JSON", {}), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::mcp_connector::oauth
