// Server and client against each other, and the server against raw sockets, on one loop.
#include "common/http/server.h"

#include "common/async/deadline.h"
#include "common/http/client.h"
#include "common/http/testing/loopback.h"
#include "common/json/scan.h"
#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;  // NOLINT
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::Loopback;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;

Async<HttpResponse> echo(HttpRequest request, RequestContext context) {
  EXPECT_GE(request.body.capacity(), request.body.size() + json::kScanPadding);
  HttpResponse response;
  response.headers.add("content-type", "application/json");
  response.headers.add("x-path", request.path);
  response.headers.add("x-seen-id", context.request.str());
  response.headers.add("x-trace", context.trace_parent);
  response.headers.add("x-evil", "a\r\nb: c");
  for (const std::string& parameter : request.path_parameters) {
    response.headers.add("x-parameter", parameter);
  }
  response.body = std::move(request.body);
  co_return response;
}

Route post(std::string path, Handler handler, std::size_t body_max = 1 << 20) {
  Route route;
  route.method = "POST";
  route.path = std::move(path);
  route.body_bytes_max = body_max;
  route.handler = std::move(handler);
  return route;
}

Route get(std::string path, Handler handler) {
  Route route = post(std::move(path), std::move(handler), 0);
  route.method = "GET";
  return route;
}

Route stream(std::string path, StreamHandler handler) {
  Route route = post(std::move(path), {});
  route.stream_handler = std::move(handler);
  return route;
}

ClientRequest to(const Loopback& loopback, std::string path, std::string body) {
  ClientRequest request;
  request.url = loopback.url(path);
  request.body = std::move(body);
  request.headers.add("content-type", "application/json");
  request.deadline = loopback.now() + 5s;
  return request;
}

TEST(HttpServer, AnswersOverOneKeptConnection) {
  Loopback loopback({post("/echo", echo)});
  for (int i = 0; i < 3; ++i) {
    const auto response = loopback.run(
        loopback.client->fetch(to(loopback, "/echo", "{\"n\":" + std::to_string(i) + "}"))
    );
    ASSERT_THAT(response, IsOk());
    EXPECT_EQ(response.value().status, 200);
    EXPECT_EQ(response.value().body, "{\"n\":" + std::to_string(i) + "}");
    EXPECT_GE(response.value().body.capacity(), response.value().body.size() + json::kScanPadding);
    EXPECT_EQ(loopback.client->open_connections(), 1U);
  }
  EXPECT_EQ(
      loopback.metric("sluice_test_service_http_requests_total{route=\"/echo\",status=\"200\"}"), 3
  );
  EXPECT_EQ(loopback.metric("sluice_test_service_http_requests_in_flight"), 0);
  EXPECT_EQ(loopback.metric("sluice_test_service_http_connections_open"), 1);
}

TEST(HttpServer, GivesEveryRequestAnIdATraceAndCleanHeaders) {
  Loopback loopback({post("/echo/{a}/{b}", echo)});
  ClientRequest request = to(loopback, "/echo/x/caf%C3%A9", "{}");
  const auto made = loopback.run(loopback.client->fetch(request));
  ASSERT_THAT(made, IsOk());
  EXPECT_THAT(std::string(made.value().headers.get("x-request-id")), StartsWith("req_"));
  EXPECT_EQ(made.value().headers.get("x-request-id").size(), 36U);
  EXPECT_EQ(made.value().headers.get("x-request-id"), made.value().headers.get("x-seen-id"));
  EXPECT_EQ(made.value().headers.get("x-trace").size(), 55U);
  EXPECT_EQ(made.value().headers.get("x-evil"), "a  b: c");
  EXPECT_EQ(made.value().headers.count("x-parameter"), 2U);
  EXPECT_FALSE(made.value().headers.get("date").empty());

  request.headers.add("x-request-id", "my-id_1");
  request.headers.add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const auto kept = loopback.run(loopback.client->fetch(request));
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(kept.value().headers.get("x-request-id"), "my-id_1");
  EXPECT_EQ(
      kept.value().headers.get("x-trace"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  );

  request.headers.set("x-request-id", "bad id!");
  request.headers.set("traceparent", "zz");
  const auto replaced = loopback.run(loopback.client->fetch(request));
  ASSERT_THAT(replaced, IsOk());
  EXPECT_THAT(std::string(replaced.value().headers.get("x-request-id")), StartsWith("req_"));
  EXPECT_EQ(replaced.value().headers.get("x-trace").size(), 55U);
}

struct Refused {
  const char* name;
  std::string method;
  std::string path;
  std::string type;
  std::string body;
  int status;
};

TEST(HttpServer, RefusesWithTheStatusOfTheFault) {
  Route produces = get("/page", echo);
  produces.produces = {"text/html"};
  Route any = post("/any", echo, 10);
  any.content_type.clear();
  Loopback loopback({post("/echo", echo, 10), get("/echo", echo), produces, any});
  const std::vector<Refused> rows = {
      {"unknown path", "GET", "/nothing", "", "", 404},
      {"wrong method", "DELETE", "/echo", "", "", 405},
      {"wrong type", "POST", "/echo", "text/plain", "{}", 415},
      {"no type", "POST", "/echo", "", "{}", 415},
      {"one byte too long", "POST", "/echo", "application/json", "01234567890", 413},
      {"exactly the limit", "POST", "/echo", "application/json; charset=utf-8", "0123456789", 200},
      {"any type", "POST", "/any", "", "x", 200},
      {"wrong accept", "GET", "/page", "", "", 406},
      {"no body at all", "POST", "/echo", "", "", 200},
  };
  for (const Refused& row : rows) {
    ClientRequest request = to(loopback, row.path, row.body);
    request.method = row.method;
    request.headers.remove("content-type");
    request.headers.add("accept", "application/json");
    if (!row.type.empty()) {
      request.headers.add("content-type", row.type);
    }
    const auto response = loopback.run(loopback.client->fetch(request));
    ASSERT_THAT(response, IsOk()) << row.name;
    EXPECT_EQ(response.value().status, row.status) << row.name;
    if (row.status != 200) {
      EXPECT_THAT(response.value().body, HasSubstr("\"error\"")) << row.name;
      EXPECT_TRUE(response.value().headers.has("x-request-id")) << row.name;
    }
    if (row.status == 405) {
      EXPECT_EQ(response.value().headers.get("allow"), "POST, GET");
    }
  }
}

TEST(HttpServer, AnswersHeadWithoutABody) {
  Loopback loopback({get("/echo", [](HttpRequest, RequestContext) -> Async<HttpResponse> {
    HttpResponse response;
    response.body = "12345";
    co_return response;
  })});
  ClientRequest request = to(loopback, "/echo", "");
  request.method = "HEAD";
  const auto response = loopback.run(loopback.client->fetch(request));
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().headers.get("content-length"), "5");
  EXPECT_EQ(response.value().body, "");
  EXPECT_EQ(loopback.client->open_connections(), 1U);
}

Async<HttpResponse> failing(HttpRequest, RequestContext) {
  co_return Error(Code::Exhausted, "wait a little").with_retry_after(1500ms).with_detail("secret");
}

Async<HttpResponse> throwing(HttpRequest, RequestContext) {
  throw std::runtime_error("boom secret");  // what a library below a handler may do
  co_return HttpResponse();
}

TEST(HttpServer, TurnsErrorsAndExceptionsIntoTheDialectOfTheRoute) {
  Route anthropic = post("/fail", failing);
  anthropic.dialect = Dialect::Anthropic;
  Loopback loopback({anthropic, post("/throw", throwing)});
  const auto failed = loopback.run(loopback.client->fetch(to(loopback, "/fail", "{}")));
  ASSERT_THAT(failed, IsOk());
  EXPECT_EQ(failed.value().status, 429);
  EXPECT_EQ(failed.value().headers.get("retry-after"), "2");
  EXPECT_EQ(failed.value().headers.get("retry-after-ms"), "1500");
  EXPECT_THAT(failed.value().body, HasSubstr("\"rate_limit_error\""));
  EXPECT_THAT(failed.value().body, Not(HasSubstr("secret")));
  const auto thrown = loopback.run(loopback.client->fetch(to(loopback, "/throw", "{}")));
  ASSERT_THAT(thrown, IsOk());
  EXPECT_EQ(thrown.value().status, 500);
  EXPECT_EQ(thrown.value().headers.get("x-should-retry"), "false");
  EXPECT_THAT(thrown.value().body, Not(HasSubstr("secret")));
  EXPECT_EQ(loopback.metric("sluice_uncaught_total"), 1);
}

TEST(HttpServer, CarriesALargeBodyBothWays) {
  Loopback loopback({post("/echo", echo, 8 << 20)});
  const std::string body(5 << 20, 'x');
  const auto response = loopback.run(loopback.client->fetch(to(loopback, "/echo", body)));
  ASSERT_THAT(response, IsOk());
  EXPECT_TRUE(response.value().body == body);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  Loopback loopback({post("/echo", echo)});
  RawClient raw(loopback);
  std::string bytes;
  for (int i = 0; i < 5; ++i) {
    bytes +=
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
        "2\r\n\r\n#" +
        std::to_string(i);
  }
  bytes += "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  raw.write(bytes);
  const std::string answers = raw.read_to_end();
  std::size_t at = 0;
  for (int i = 0; i < 5; ++i) {
    at = answers.find("\r\n\r\n#" + std::to_string(i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_NE(answers.find("404", at), std::string::npos);
}

TEST(HttpServer, ReadsARequestThatComesByteByByte) {
  Loopback loopback({post("/echo", echo)});
  RawClient raw(loopback);
  const std::string bytes =
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\nConnection: close\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (const char c : bytes) {
    raw.write(std::string(1, c));
    loopback.poll();
  }
  EXPECT_THAT(raw.read_to_end(), EndsWith("\r\n\r\nabcde"));
}

TEST(HttpServer, AnswersTheFirstAndClosesOnABrokenSecond) {
  Loopback loopback({get("/echo", echo)});
  RawClient raw(loopback);
  raw.write("GET /echo HTTP/1.1\r\nHost: a\r\n\r\nX\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answers = raw.read_to_end();
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(answers, HasSubstr("connection: close\r\n"));
}

TEST(HttpServer, InvitesABodyThatWaitsForContinue) {
  Loopback loopback({post("/echo", echo, 10)});
  RawClient raw(loopback);
  raw.write(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
      "3\r\nExpect: 100-continue\r\n\r\n"
  );
  EXPECT_EQ(raw.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  raw.write("abc");
  EXPECT_THAT(raw.read_until("abc"), StartsWith("HTTP/1.1 200 OK"));
  RawClient refused(loopback);
  refused.write(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
      "11\r\nExpect: 100-continue\r\n\r\n"
  );
  EXPECT_THAT(refused.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST(HttpServer, RefusesForeignHostNamesWhereNamesAreConfigured) {
  ServerOptions options;
  options.allowed_hosts = {"localhost", "127.0.0.1"};
  Loopback loopback({get("/echo", echo)}, options);
  RawClient good(loopback);
  good.write("GET /echo HTTP/1.1\r\nHost: LocalHost:8080\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(good.read_to_end(), StartsWith("HTTP/1.1 200 "));
  RawClient evil(loopback);
  evil.write("GET /echo HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n");
  EXPECT_THAT(evil.read_until("}}"), StartsWith("HTTP/1.1 403 "));
}

TEST(HttpServer, TimesOutSlowHeadsBodiesAndIdleConnections) {
  ServerOptions options;
  options.header_timeout = 20ms;
  options.body_timeout = 20ms;
  options.idle_timeout = 30ms;
  Loopback loopback({post("/echo", echo)}, options);
  RawClient head(loopback);
  head.write("POST /ec");
  EXPECT_THAT(head.read_to_end(), StartsWith("HTTP/1.1 408 "));
  RawClient body(loopback);
  body.write(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: "
      "3\r\n\r\nab"
  );
  EXPECT_THAT(body.read_to_end(), StartsWith("HTTP/1.1 408 "));
  RawClient idle(loopback);
  EXPECT_EQ(idle.read_to_end(), "");
}

struct Witness {
  bool started = false;
  bool ended = false;
  Code code = Code::Internal;
};

Async<HttpResponse> wait_long(async::Clock* clock, Witness* witness) {
  witness->started = true;
  const auto slept = co_await async::sleep_for(clock, 60s);
  witness->ended = true;
  witness->code = slept.ok() ? Code::Internal : slept.error().code();
  SLUICE_CO_CHECK_OK(slept);
  co_return HttpResponse();
}

TEST(HttpServer, CancelsTheHandlerOfAClientThatGoesAway) {
  Witness witness;
  Loopback loopback({});
  loopback.restart({get("/wait", [&](HttpRequest, RequestContext) {
    return wait_long(&loopback.clock, &witness);
  })});
  {
    RawClient raw(loopback);
    raw.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    loopback.run_until([&] { return witness.started; });
    EXPECT_FALSE(witness.ended);
  }
  loopback.run_until([&] { return witness.ended; });
  EXPECT_EQ(witness.code, Code::Cancelled);
  loopback.run_until([&] {
    return loopback.metric("sluice_test_service_http_connections_open") == 0;
  });
  EXPECT_EQ(
      loopback.metric("sluice_test_service_http_requests_total{route=\"/wait\",status=\"499\"}"), 1
  );
}

TEST(HttpServer, TakesAResetAndAHalfClosedConnectionForAClientThatWent) {
  for (const bool reset : {true, false}) {
    Witness witness;
    Loopback loopback({});
    loopback.restart({get("/wait", [&](HttpRequest, RequestContext) {
      return wait_long(&loopback.clock, &witness);
    })});
    RawClient raw(loopback);
    raw.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    loopback.run_until([&] { return witness.started; });
    if (reset) {
      raw.reset();
    } else {
      raw.end_output();
    }
    loopback.run_until([&] { return witness.ended; });
    EXPECT_EQ(witness.code, Code::Cancelled);
  }
}

TEST(HttpServer, LetsGoOfAHalfSentRequest) {
  Loopback loopback({post("/echo", echo)});
  {
    RawClient raw(loopback);
    raw.write("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Ty");
    loopback.poll();
    EXPECT_EQ(loopback.metric("sluice_test_service_http_connections_open"), 1);
  }
  loopback.run_until([&] {
    return loopback.metric("sluice_test_service_http_connections_open") == 0;
  });
}

TEST(HttpServer, CutsAHandlerThatIgnoresItsDeadline) {
  Witness witness;
  Loopback loopback({});
  Route route = get("/wait", [&](HttpRequest, RequestContext) {
    return wait_long(&loopback.clock, &witness);
  });
  route.timeout = -950ms;  // the grace of a second ends 50 ms from now
  loopback.restart({route});
  RawClient raw(loopback);
  raw.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(raw.read_to_end(), StartsWith("HTTP/1.1 504 "));
  EXPECT_EQ(witness.code, Code::Cancelled);
}

TEST(HttpServer, RefusesConnectionsOverItsLimit) {
  ServerOptions options;
  options.connections_max = 1;
  Loopback loopback({get("/echo", echo)}, options);
  RawClient first(loopback);
  first.write("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(first.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  RawClient second(loopback);
  EXPECT_THAT(second.read_to_end(), StartsWith("HTTP/1.1 503 "));
}

TEST(HttpServer, DrainsByClosingIdleConnectionsAndFinishingTheRest) {
  async::OneShot<void> release;
  bool entered = false;
  Loopback loopback({});
  loopback.restart({get("/hold", [&](HttpRequest, RequestContext) {
    return testing::hold(&release, &entered);
  })});
  RawClient idle(loopback);
  RawClient busy(loopback);
  busy.write("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
  loopback.run_until([&] { return entered; });
  loopback.start_drain(5s);
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_FALSE(loopback.drained);
  release.set({});
  const std::string answer = busy.read_to_end();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("connection: close\r\n"));
  loopback.run_until([&] { return loopback.drained; });
}

TEST(HttpServer, CutsWhatIsLeftAtTheEndOfTheDrain) {
  Witness witness;
  Loopback loopback({});
  loopback.restart({get("/wait", [&](HttpRequest, RequestContext) {
    return wait_long(&loopback.clock, &witness);
  })});
  RawClient busy(loopback);
  busy.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
  loopback.run_until([&] { return witness.started; });
  loopback.start_drain(20ms);
  loopback.run_until([&] { return loopback.drained; });
  EXPECT_EQ(witness.code, Code::Cancelled);
}

Async<void> count_to(ResponseWriter* writer, int count) {
  Headers headers;
  headers.add("content-type", "text/event-stream");
  SLUICE_CO_CHECK_OK(co_await writer->begin(200, std::move(headers)));
  for (int i = 0; i < count; ++i) {
    SLUICE_CO_CHECK_OK(co_await writer->write("data: " + std::to_string(i) + "\n\n"));
  }
  co_return co_await writer->end();
}

TEST(HttpStream, ReachesTheClientInPieces) {
  Loopback loopback({stream("/count", [](HttpRequest, ResponseWriter* writer, RequestContext) {
    return count_to(writer, 1000);
  })});
  for (int round = 0; round < 2; ++round) {
    auto body = loopback.run(loopback.client->open(to(loopback, "/count", "{}")));
    ASSERT_THAT(body, IsOk());
    EXPECT_EQ(body.value()->status(), 200);
    EXPECT_EQ(body.value()->headers().get("content-type"), "text/event-stream");
    std::string all;
    while (true) {
      const auto piece = loopback.run(body.value()->read());
      ASSERT_THAT(piece, IsOk());
      if (piece.value().empty()) {
        break;
      }
      all += piece.value();
    }
    EXPECT_THAT(all, StartsWith("data: 0\n\ndata: 1\n\n"));
    EXPECT_THAT(all, EndsWith("data: 999\n\n"));
    EXPECT_EQ(loopback.client->open_connections(), 1U);
  }
}

Async<void> stream_whole(ResponseWriter* writer) {
  HttpResponse response;
  response.body = "whole";
  co_return co_await writer->respond(std::move(response));
}

TEST(HttpStream, MayAnswerWithAWholeResponse) {
  Loopback loopback({stream("/whole", [](HttpRequest, ResponseWriter* writer, RequestContext) {
    return stream_whole(writer);
  })});
  const auto response = loopback.run(loopback.client->fetch(to(loopback, "/whole", "{}")));
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().headers.get("content-length"), "5");
  EXPECT_EQ(response.value().body, "whole");
  EXPECT_EQ(
      loopback.metric("sluice_test_service_http_requests_total{route=\"/whole\",status=\"200\"}"), 1
  );
}

struct Flood {
  std::size_t written = 0;
  bool ended = false;
  Code code = Code::Internal;
};

Async<void> flood(ResponseWriter* writer, Flood* seen) {
  SLUICE_CO_CHECK_OK(co_await writer->begin(200, {}));
  const std::string chunk(16 << 10, 'x');
  while (true) {
    const auto written = co_await writer->write(chunk);
    if (!written.ok()) {
      seen->ended = true;
      seen->code = written.error().code();
      co_return written;
    }
    seen->written += chunk.size();
  }
}

TEST(HttpStream, HoldsBackForAClientThatDoesNotReadAndCutsItOff) {
  Flood seen;
  ServerOptions options;
  options.write_timeout = 60ms;
  Loopback loopback({}, options);
  loopback.restart(
      {stream(
          "/flood",
          [&](HttpRequest, ResponseWriter* writer, RequestContext) { return flood(writer, &seen); }
      )},
      options
  );
  RawClient raw(loopback);
  raw.write("POST /flood HTTP/1.1\r\nHost: a\r\n\r\n");
  loopback.run_until([&] { return seen.ended; });
  EXPECT_LT(seen.written, std::size_t{32} << 20);  // what the kernel's buffers took, and 64 KiB
  EXPECT_EQ(seen.code, Code::Cancelled);
}

TEST(HttpStream, EndsTheHandlerWhenTheClientLeavesInTheMiddle) {
  Flood seen;
  Loopback loopback({});
  loopback.restart({stream("/flood", [&](HttpRequest, ResponseWriter* writer, RequestContext) {
    return flood(writer, &seen);
  })});
  {
    auto body = loopback.run(loopback.client->open(to(loopback, "/flood", "{}")));
    ASSERT_THAT(body, IsOk());
    ASSERT_THAT(loopback.run(body.value()->read()), IsOk());
  }
  loopback.run_until([&] { return seen.ended; });
  EXPECT_EQ(seen.code, Code::Cancelled);
  EXPECT_EQ(loopback.client->open_connections(), 0U);
}

Async<void> break_off(ResponseWriter* writer) {
  SLUICE_CO_CHECK_OK(co_await writer->begin(200, {}));
  SLUICE_CO_CHECK_OK(co_await writer->write("half"));
  co_return Error(Code::Unavailable, "the upstream went away");
}

TEST(HttpStream, ShowsAnUnfinishedBodyAsCutOff) {
  Loopback loopback({stream("/half", [](HttpRequest, ResponseWriter* writer, RequestContext) {
    return break_off(writer);
  })});
  auto body = loopback.run(loopback.client->open(to(loopback, "/half", "{}")));
  ASSERT_THAT(body, IsOk());
  auto piece = loopback.run(body.value()->read());
  while (piece.ok() && !piece.value().empty()) {
    piece = loopback.run(body.value()->read());
  }
  EXPECT_THAT(piece, HasCode(Code::Unavailable));
}

Async<void> refuse_stream(ResponseWriter*) {
  co_return Error(Code::Denied, "not for you");
}

TEST(HttpStream, AnswersAnErrorBeforeItBeginsAsAnError) {
  Loopback loopback({stream("/no", [](HttpRequest, ResponseWriter* writer, RequestContext) {
    return refuse_stream(writer);
  })});
  const auto response = loopback.run(loopback.client->fetch(to(loopback, "/no", "{}")));
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 403);
}

TEST(HttpServer, TellsWhyItCannotListen) {
  boost::asio::io_context loop(1);
  Loopback loopback({});
  ServerOptions options;
  options.address = "nowhere";
  EXPECT_THAT(Server::listen(loopback.deps(), options, {}), HasCode(Code::Invalid));
  options.address = "192.0.2.1";  // TEST-NET-1: not ours
  EXPECT_THAT(Server::listen(loopback.deps(), options, {}), HasCode(Code::Unavailable));
  options.address = "127.0.0.1";
  options.tls_certificate_file = "/nowhere/certificate.pem";
  EXPECT_THAT(Server::listen(loopback.deps(), options, {}), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::http
