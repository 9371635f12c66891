#include "common/audit/redact.h"

#include <gtest/gtest.h>

namespace sluice::audit {
namespace {

TEST(Redact, LeavesOrdinaryJsonByteForByte) {
  const std::string body =
      R"({"model": "demo/assistant", "max_tokens": 12, "messages":[{"role":"user","content":"a \"quoted\" \u00e9"}]})";

  EXPECT_EQ(redact(body), body);
}

TEST(Redact, MasksMembersByName) {
  EXPECT_EQ(redact(R"({"password":"hunter2","user":"ann"})"), R"({"password":"***","user":"ann"})");
  EXPECT_EQ(redact(R"({"API-Key" : "x", "n":1})"), R"({"API-Key" : "***", "n":1})");
  EXPECT_EQ(
      redact(R"({"client_secret":{"a":["b","}"]},"n":1})"), R"({"client_secret":"***","n":1})"
  );
  EXPECT_EQ(redact(R"({"pin": 1234, "n":1})"), R"({"pin": "***", "n":1})");
  EXPECT_EQ(redact(R"({"refresh_token":null,"token":""})"), R"({"refresh_token":null,"token":""})");
}

TEST(Redact, KnowsTokenCountsFromTokens) {
  const std::string usage = R"({"prompt_tokens":1,"total_tokens":2,"max_tokens":3})";

  EXPECT_EQ(redact(usage), usage);
  EXPECT_TRUE(is_secret_name("access_token"));
  EXPECT_FALSE(is_secret_name("completion_tokens"));
}

TEST(Redact, MasksWordsByShapeWhereverTheyStand) {
  EXPECT_EQ(redact(R"({"text":"use sk-abcdefghijklmnop12345 now"})"), R"({"text":"use *** now"})");
  EXPECT_EQ(redact(R"({"h":"Bearer abcdefgh123"})"), R"({"h":"Bearer ***"})");
  EXPECT_EQ(redact("plain ghp_0123456789abcdefghij text"), "plain *** text");
  EXPECT_EQ(
      redact(R"({"t":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"})"), R"({"t":"***"})"
  );
}

TEST(Redact, MasksPemBlocks) {
  EXPECT_EQ(
      redact(R"({"k":"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"})"),
      R"({"k":"***\n"})"
  );
  EXPECT_EQ(redact(R"({"k":"-----BEGIN PRIVATE KEY-----\nMIIB)"), R"({"k":"***)");
}

TEST(Redact, LooksIntoJsonInsideStrings) {
  EXPECT_EQ(
      redact(R"({"arguments":"{\"path\":\"/a\",\"password\":\"hunter2\"}"})"),
      R"({"arguments":"{\"path\":\"/a\",\"password\":\"***\"}"})"
  );
}

TEST(Redact, MasksASecretThatIsCutOff) {
  EXPECT_EQ(redact(R"({"password":"hunter)"), R"({"password":"***")");
  EXPECT_EQ(redact(R"({"password":)"), R"({"password":"***")");
  EXPECT_EQ(redact(R"({"a":"b\)"), R"({"a":"b\)");
}

TEST(Redact, TakesAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
  }

  EXPECT_EQ(redact(bytes).size(), bytes.size());
  EXPECT_EQ(redact(""), "");
  EXPECT_EQ(redact(std::string(5000, '{')).size(), 5000U);
}

TEST(ClipUtf8, NeverCutsASequence) {
  EXPECT_EQ(clip_utf8("abc", 5), "abc");
  EXPECT_EQ(clip_utf8("a\xC3\xA9", 2), "a");
  EXPECT_EQ(clip_utf8("a\xF0\x9F\x98\x80", 4), "a");
  EXPECT_EQ(clip_utf8("abcd", 2), "ab");
}

}  // namespace
}  // namespace sluice::audit
