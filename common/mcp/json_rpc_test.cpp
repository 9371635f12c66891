#include "common/mcp/json_rpc.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <map>

namespace sluice::mcp {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(JsonRpcCode, EveryCodeHasItsNumber) {
  const std::map<Code, int> expected{
      {Code::Invalid, -32602},
      {Code::Unauthenticated, 1401},
      {Code::Denied, 1403},
      {Code::NotFound, -32602},
      {Code::Conflict, 1409},
      {Code::Exhausted, 1429},
      {Code::Unavailable, 1503},
      {Code::Deadline, 1504},
      {Code::Cancelled, 1499},
      {Code::Internal, -32603},
  };

  for (const Code code : kAllCodes) {
    EXPECT_EQ(json_rpc_code(code), expected.at(code)) << name_of(code);
  }
}

TEST(JsonRpcCode, OwnCodesLieOutsideTheReservedRange) {
  for (const Code code : kAllCodes) {
    const int number = json_rpc_code(code);
    const bool assigned = number == kInvalidParams || number == kInternalError;
    EXPECT_TRUE(assigned || number > -32000 || number < -32768) << number;
  }
}

TEST(ParseMessage, ReadsARequestAndKeepsTheBytesOfItsParams) {
  const auto message =
      parse_message(R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"b": 1.0, "a":"ä"}})"
      );

  ASSERT_THAT(message, IsOk());
  EXPECT_EQ(message.value().kind, Message::Kind::Request);
  EXPECT_EQ(message.value().method, "tools/call");
  EXPECT_EQ(message.value().params, R"({"b": 1.0, "a":"ä"})");
  EXPECT_EQ(std::get<std::int64_t>(*message.value().id), 7);
}

TEST(ParseMessage, TellsTheNumberOneFromTheTextOne) {
  const auto number = parse_message(R"({"jsonrpc":"2.0","id":1,"result":{}})");
  const auto text = parse_message(R"({"jsonrpc":"2.0","id":"1","result":{}})");

  ASSERT_THAT(number, IsOk());
  ASSERT_THAT(text, IsOk());
  EXPECT_NE(*number.value().id, *text.value().id);
  EXPECT_EQ(to_json(*number.value().id), "1");
  EXPECT_EQ(to_json(*text.value().id), "\"1\"");
}

TEST(ParseMessage, ReadsNotificationResultAndError) {
  const auto notification =
      parse_message(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  const auto result = parse_message(R"({"jsonrpc":"2.0","id":1,"result":[1]})");
  const auto error =
      parse_message(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}})");
  const auto orphan =
      parse_message(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad"}})");

  ASSERT_THAT(notification, IsOk());
  EXPECT_EQ(notification.value().kind, Message::Kind::Notification);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result.value().result, "[1]");
  ASSERT_THAT(error, IsOk());
  EXPECT_EQ(error.value().error, R"({"code":-32601,"message":"no"})");
  ASSERT_THAT(orphan, IsOk());
  EXPECT_FALSE(orphan.value().id.has_value());
}

TEST(ParseMessage, RefusesWhatIsNoMessage) {
  for (const auto* text : {
           "",
           "hello",
           "[]",
           "{}",
           R"({"jsonrpc":"1.0","id":1,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})",
           R"({"jsonrpc":"2.0","id":{},"method":"ping"})",
           R"({"jsonrpc":"2.0","id":1,"method":5})",
           R"({"jsonrpc":"2.0","id":1,"method":"ping","params":3})",
           R"({"jsonrpc":"2.0","id":1})",
           R"({"jsonrpc":"2.0","result":{}})",
           R"({"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}})",
           R"({"jsonrpc":"2.0","id":1,"error":"x"})",
           R"({"jsonrpc":"2.0","id":1,"id":2,"result":{}})",
       }) {
    EXPECT_THAT(parse_message(text), HasCode(Code::Invalid)) << text;
  }
}

TEST(ParseMessages, ReadsABatchInOrder) {
  const auto messages = parse_messages(
      R"( [{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","method":"notifications/message"}])"
  );

  ASSERT_THAT(messages, IsOk());
  ASSERT_EQ(messages.value().size(), 2U);
  EXPECT_EQ(messages.value()[0].kind, Message::Kind::Result);
  EXPECT_EQ(messages.value()[1].kind, Message::Kind::Notification);
  EXPECT_THAT(parse_messages("[]"), HasCode(Code::Invalid));
}

TEST(MakeMessage, WritesWhatParseReads) {
  const auto request = parse_message(make_request(RpcId("a\"b"), "ping", R"({"x":[1,2]})"));
  const auto error = parse_message(make_error(
      RpcId(3), {.code = kMethodNotFound, .message = "no \"such\" method", .data = R"({"y":1})"}
  ));

  ASSERT_THAT(request, IsOk());
  EXPECT_EQ(std::get<std::string>(*request.value().id), "a\"b");
  EXPECT_EQ(request.value().params, R"({"x":[1,2]})");
  ASSERT_THAT(error, IsOk());
  const auto parsed = parse_rpc_error(error.value().error);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed.value().code, kMethodNotFound);
  EXPECT_EQ(parsed.value().message, "no \"such\" method");
  EXPECT_EQ(parsed.value().data, R"({"y":1})");
  EXPECT_EQ(make_notification("x", ""), R"({"jsonrpc":"2.0","method":"x"})");
  EXPECT_EQ(
      make_error(std::nullopt, {.code = kParseError, .message = "m", .data = {}}),
      R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}})"
  );
}

TEST(ToRpcError, CarriesTheSafeMessageOnly) {
  const RpcError error = to_rpc_error(Error(Code::Denied, "ask first").with_detail("secret path"));

  EXPECT_EQ(to_json(error), R"({"code":1403,"message":"ask first"})");
}

TEST(ParseRpcError, RefusesAnErrorWithoutCode) {
  EXPECT_THAT(parse_rpc_error(R"({"message":"x"})"), HasCode(Code::Invalid));
  EXPECT_THAT(parse_rpc_error(R"({"code":99999999999,"message":"x"})"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::mcp
