// The client against a scripted server, and both over TLS.
#include "common/http/client.h"

#include "common/async/deadline.h"
#include "common/http/testing/certificate.h"
#include "common/http/testing/loopback.h"
#include "common/testing/matchers.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <list>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;  // NOLINT
using boost::asio::ip::tcp;
using sluice::testing::HasCode;
using sluice::testing::IsOk;
using sluice::testing::run_sync;
using testing::Certificate;
using ::testing::HasSubstr;
using testing::Loopback;
using testing::make_certificate;

// Answers each request with the next piece of its script, then does what the script says.
class ScriptedServer {
 public:
  enum class After { Keep, Close, Reset };

  struct Answer {
    std::string bytes;
    After after = After::Keep;
  };

  ScriptedServer(boost::asio::io_context& loop, std::vector<Answer> script)
      : acceptor_(loop, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        script_(std::move(script)) {
    accept();
  }

  [[nodiscard]] std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) +
           std::string(path);
  }

  std::vector<std::string> requests;
  int connections = 0;

 private:
  struct Peer {
    explicit Peer(tcp::socket s) : socket(std::move(s)) {}

    tcp::socket socket;
    std::array<char, 65536> buffer{};
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error) {
        return;
      }
      ++connections;
      peers_.emplace_back(std::move(socket));
      read(peers_.back());
      accept();
    });
  }

  void read(Peer& peer) {
    peer.socket.async_read_some(
        boost::asio::buffer(peer.buffer),
        [this, &peer](boost::system::error_code error, std::size_t size) {
          if (error) {
            return;
          }
          requests.emplace_back(peer.buffer.data(), size);
          answer(peer);
        }
    );
  }

  void answer(Peer& peer) {
    if (next_ >= script_.size()) {
      read(peer);
      return;
    }
    const Answer& step = script_[next_++];
    boost::system::error_code ignored;
    boost::asio::write(peer.socket, boost::asio::buffer(step.bytes), ignored);
    if (step.after == After::Reset) {
      peer.socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    }
    if (step.after != After::Keep) {
      peer.socket.close(ignored);
      return;
    }
    read(peer);
  }

  tcp::acceptor acceptor_;
  std::vector<Answer> script_;
  std::size_t next_ = 0;
  std::list<Peer> peers_;
};

struct ClientFixture {
  explicit ClientFixture(std::vector<ScriptedServer::Answer> script, ClientOptions options = {})
      : server(loop, std::move(script)),
        client(Client::make(loop.get_executor(), &clock, std::move(options))) {}

  ClientRequest request(std::string method = "POST") {
    ClientRequest out;
    out.method = std::move(method);
    out.url = server.url("/v1?x=1");
    out.body = out.method == "POST" ? "{}" : "";
    out.deadline = clock.now() + 2s;
    return out;
  }

  Result<ClientResponse> fetch(ClientRequest what) {
    return run_sync(loop, client->fetch(std::move(what)));
  }

  // Lets what is pending happen.
  void settle() {
    for (int i = 0; i < 10; ++i) {
      loop.restart();
      loop.poll();
    }
  }

  boost::asio::io_context loop{1};
  async::SystemClock clock{loop.get_executor()};
  ScriptedServer server;
  std::unique_ptr<Client> client;
};

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(HttpClient, SendsHeadAndBodyInOnePiece) {
  ClientFixture fixture({{.bytes = kOk}});
  ClientRequest request = fixture.request();
  request.headers.add("x-a", "b");
  request.headers.add("Host", "spoofed");
  request.headers.add("Content-Length", "999");
  ASSERT_THAT(fixture.fetch(request), IsOk());
  ASSERT_EQ(fixture.server.requests.size(), 1U);
  const std::string authority = fixture.server.url("").substr(7);
  EXPECT_EQ(
      fixture.server.requests[0],
      "POST /v1?x=1 HTTP/1.1\r\nhost: " + authority + "\r\nx-a: b\r\ncontent-length: 2\r\n\r\n{}"
  );
}

TEST(HttpClient, ReadsEveryFormOfBody) {
  ClientFixture fixture({
      {.bytes = kOk},
      {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
      {.bytes = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"},
      {.bytes = "HTTP/1.1 200 OK\r\n\r\nok", .after = ScriptedServer::After::Close},
  });
  for (const char* expected : {"ok", "ok", "", "ok"}) {
    const auto response = fixture.fetch(fixture.request());
    ASSERT_THAT(response, IsOk());
    EXPECT_EQ(response.value().body, expected);
  }
  EXPECT_EQ(fixture.server.connections, 1);
  EXPECT_EQ(fixture.client->open_connections(), 0U);
}

TEST(HttpClient, DoesNotReuseAConnectionThatSaysCloseOrSentTooMuch) {
  ClientFixture fixture({
      {.bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"},
      {.bytes = kOk + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"},
      {.bytes = kOk},
  });
  for (int i = 0; i < 3; ++i) {
    const auto response = fixture.fetch(fixture.request());
    ASSERT_THAT(response, IsOk());
    EXPECT_EQ(response.value().body, "ok");
  }
  EXPECT_EQ(fixture.server.connections, 3);
}

TEST(HttpClient, DropsAnIdleConnectionThatIsClosedOrSpeaks) {
  ClientFixture closing({{.bytes = kOk, .after = ScriptedServer::After::Close}, {.bytes = kOk}});
  ASSERT_THAT(closing.fetch(closing.request()), IsOk());
  closing.settle();
  EXPECT_EQ(closing.client->open_connections(), 0U);
  ASSERT_THAT(closing.fetch(closing.request()), IsOk());
  EXPECT_EQ(closing.server.connections, 2);
}

TEST(HttpClient, RetriesOnceOnAStaleConnectionOnlyWhereThatIsSafe) {
  const std::vector<ScriptedServer::Answer> script{
      {.bytes = kOk}, {.bytes = "", .after = ScriptedServer::After::Close}, {.bytes = kOk}
  };
  ClientFixture unsafe(script);
  ASSERT_THAT(unsafe.fetch(unsafe.request()), IsOk());
  EXPECT_THAT(unsafe.fetch(unsafe.request()), HasCode(Code::Unavailable));
  EXPECT_EQ(unsafe.server.requests.size(), 2U);

  ClientFixture safe(script);
  ASSERT_THAT(safe.fetch(safe.request()), IsOk());
  ClientRequest request = safe.request();
  request.idempotent = true;
  ASSERT_THAT(safe.fetch(request), IsOk());
  EXPECT_EQ(safe.server.requests.size(), 3U);
  EXPECT_THAT(safe.server.requests[2], HasSubstr("\r\n\r\n{}"));

  ClientFixture fresh({{.bytes = "", .after = ScriptedServer::After::Close}, {.bytes = kOk}});
  request = fresh.request();
  request.idempotent = true;
  EXPECT_THAT(fresh.fetch(request), HasCode(Code::Unavailable));
  EXPECT_EQ(fresh.server.requests.size(), 1U);
}

TEST(HttpClient, TellsResetsCutOffsAndNonsenseApartFromSuccess) {
  for (const auto& answer : std::vector<ScriptedServer::Answer>{
           {.bytes = "", .after = ScriptedServer::After::Reset},
           {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
            .after = ScriptedServer::After::Close},
           {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
            .after = ScriptedServer::After::Reset},
           {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            .after = ScriptedServer::After::Close},
           {.bytes = "SSH-2.0-OpenSSH_9.2\r\n"},
       }) {
    ClientFixture fixture({answer});
    EXPECT_THAT(fixture.fetch(fixture.request()), HasCode(Code::Unavailable)) << answer.bytes;
    EXPECT_EQ(fixture.client->open_connections(), 0U);
  }
}

TEST(HttpClient, EndsAtTheDeadline) {
  ClientFixture silent({});
  ClientRequest request = silent.request();
  request.deadline = silent.clock.now() + 30ms;
  EXPECT_THAT(silent.fetch(request), HasCode(Code::Deadline));
  EXPECT_EQ(silent.client->open_connections(), 0U);

  ClientFixture half({{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"}});
  request = half.request();
  request.deadline = half.clock.now() + 30ms;
  EXPECT_THAT(half.fetch(request), HasCode(Code::Deadline));
}

TEST(HttpClient, IsCancelledWithItsCaller) {
  ClientFixture fixture({});
  const auto result = run_sync(
      fixture.loop,
      async::with_deadline(
          &fixture.clock, fixture.clock.now() + 30ms, fixture.client->fetch(fixture.request())
      )
  );
  EXPECT_THAT(result, HasCode(Code::Deadline));
  EXPECT_EQ(fixture.client->open_connections(), 0U);
}

TEST(HttpClient, KeepsItsLimits) {
  ClientOptions options;
  options.response_bytes_max = 4;
  options.header_bytes_max = 100;
  ClientFixture fixture(
      {
          {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
          {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
          {.bytes = "HTTP/1.1 200 OK\r\nX: " + std::string(200, 'a') + "\r\n\r\n"},
      },
      options
  );
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(fixture.fetch(fixture.request()), HasCode(Code::Exhausted));
  }
}

TEST(HttpClient, RefusesMoreConnectionsThanItMay) {
  ClientOptions options;
  options.connections_per_origin_max = 1;
  ClientFixture fixture({{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"}}, options);
  auto held = run_sync(fixture.loop, fixture.client->open(fixture.request()));
  ASSERT_THAT(held, IsOk());
  EXPECT_THAT(fixture.fetch(fixture.request()), HasCode(Code::Exhausted));
}

TEST(HttpClient, ClosesIdleConnectionsInTime) {
  ClientOptions options;
  options.idle_timeout = 20ms;
  ClientFixture fixture({{.bytes = kOk}}, options);
  ASSERT_THAT(fixture.fetch(fixture.request()), IsOk());
  EXPECT_EQ(fixture.client->open_connections(), 1U);
  ASSERT_THAT(run_sync(fixture.loop, async::sleep_for(&fixture.clock, 60ms)), IsOk());
  EXPECT_EQ(fixture.client->open_connections(), 0U);
}

TEST(HttpClient, RefusesWhatItCannotSend) {
  ClientFixture fixture({});
  ClientRequest request = fixture.request();
  request.url = "file:///etc/passwd";
  EXPECT_THAT(fixture.fetch(request), HasCode(Code::Invalid));
  request = fixture.request();
  request.headers.add("x-a", "b\r\nc: d");
  EXPECT_THAT(fixture.fetch(request), HasCode(Code::Invalid));
  request = fixture.request();
  request.method = "GET /x HTTP/1.1\r\n";
  EXPECT_THAT(fixture.fetch(request), HasCode(Code::Invalid));
  EXPECT_EQ(fixture.server.connections, 0);
}

TEST(HttpClient, SaysThatNothingWasSentWhenNobodyListens) {
  ClientFixture fixture({});
  ClientRequest request = fixture.request();
  {
    tcp::acceptor unused(fixture.loop, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    request.url = "http://127.0.0.1:" + std::to_string(unused.local_endpoint().port());
  }
  const auto refused = fixture.fetch(request);
  ASSERT_THAT(refused, HasCode(Code::Unavailable));
  EXPECT_THAT(refused.error().message(), HasSubstr("before the request was sent"));
  request.url = "http://no-such-host.invalid/";
  EXPECT_THAT(fixture.fetch(request), HasCode(Code::Unavailable));
}

TEST(HttpClient, FindsLocalhostByName) {
  ClientFixture fixture({{.bytes = kOk}});
  ClientRequest request = fixture.request();
  request.url.replace(request.url.find("127.0.0.1"), 9, "localhost");
  EXPECT_THAT(fixture.fetch(request), IsOk());
}

std::shared_ptr<const AddressGuard> guard(const std::vector<std::string>& allowed) {
  auto made = AddressGuard::make(allowed, "the_setting");
  EXPECT_THAT(made, IsOk());
  return made.value();
}

TEST(HttpClient, ConnectsToNoAddressThatItsGuardRefuses) {
  ClientFixture fixture({{.bytes = kOk}});
  ClientRequest request = fixture.request();
  request.guard = guard({"10.0.0.0/8"});
  const std::string port = request.url.substr(request.url.rfind(':'));
  for (const char* host :
       {"127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"}) {
    request.url = std::string("http://") + host + port;
    const auto refused = fixture.fetch(request);
    ASSERT_THAT(refused, HasCode(Code::Denied)) << host;
    EXPECT_THAT(refused.error().message(), HasSubstr("the_setting"));
  }
  fixture.settle();
  EXPECT_EQ(fixture.server.connections, 0);
  EXPECT_EQ(fixture.client->open_connections(), 0U);

  request.guard = guard({"127.0.0.0/8"});
  EXPECT_THAT(fixture.fetch(request), IsOk());
}

TEST(HttpClient, ReusesAConnectionOnlyUnderTheSameGuard) {
  ClientFixture fixture({{.bytes = kOk}, {.bytes = kOk}, {.bytes = kOk}});
  ClientRequest request = fixture.request();
  ASSERT_THAT(fixture.fetch(request), IsOk());
  request.guard = guard({});
  EXPECT_THAT(fixture.fetch(request), HasCode(Code::Denied)) << "although one is idle";
  request.guard = guard({"127.0.0.0/8"});
  ASSERT_THAT(fixture.fetch(request), IsOk());
  EXPECT_EQ(fixture.server.connections, 2);
  request.guard = guard({"127.0.0.0/8"});
  ASSERT_THAT(fixture.fetch(request), IsOk());
  EXPECT_EQ(fixture.server.connections, 2);
}

TEST(HttpClient, ConnectsAheadOfTheFirstRequest) {
  ClientFixture fixture({{.bytes = kOk}});
  ClientRequest request = fixture.request();
  request.guard = guard({});
  EXPECT_THAT(run_sync(fixture.loop, fixture.client->connect(request)), HasCode(Code::Denied));
  request.guard = guard({"127.0.0.0/8"});
  ASSERT_THAT(run_sync(fixture.loop, fixture.client->connect(request)), IsOk());
  fixture.settle();
  EXPECT_EQ(fixture.server.connections, 1);
  EXPECT_TRUE(fixture.server.requests.empty());

  ASSERT_THAT(fixture.fetch(request), IsOk());
  EXPECT_EQ(fixture.server.connections, 1);
}

TEST(HttpClient, ARedirectIsAnAnswerAndIsNotFollowed) {
  ClientFixture target({{.bytes = kOk}});
  ClientFixture fixture(
      {{.bytes = "HTTP/1.1 307 Temporary Redirect\r\nLocation: " + target.server.url() +
                 "\r\nContent-Length: 0\r\n\r\n"}}
  );
  ClientRequest request = fixture.request();
  request.guard = guard({"127.0.0.0/8"});
  const auto response = fixture.fetch(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().status, 307);
  target.settle();
  EXPECT_EQ(target.server.connections, 0);
}

Async<HttpResponse> greet(HttpRequest request, RequestContext) {
  HttpResponse response;
  response.body = "hello " + request.body;
  co_return response;
}

std::vector<Route> greeting() {
  Route route;
  route.method = "POST";
  route.path = "/";
  route.body_bytes_max = 8 << 20;
  route.content_type.clear();
  route.handler = greet;
  return {route};
}

struct TlsFixture {
  TlsFixture(const std::string& label, const std::string& names, bool trusted = true)
      : certificate(make_certificate(label, names)) {
    ServerOptions options;
    options.tls_certificate_file = certificate.certificate_file;
    options.tls_key_file = certificate.key_file;
    options.header_timeout = 50ms;
    ClientOptions client_options;
    client_options.ca_file = trusted ? certificate.certificate_file
                                     : make_certificate(label + "-other", names).certificate_file;
    loopback = std::make_unique<Loopback>(greeting(), options, client_options);
  }

  Result<ClientResponse> fetch(std::string host, std::string body) {
    ClientRequest request;
    request.url = "https://" + host + ":" + std::to_string(loopback->port()) + "/";
    request.body = std::move(body);
    request.deadline = loopback->now() + 5s;
    return loopback->run(loopback->client->fetch(std::move(request)));
  }

  Certificate certificate;
  std::unique_ptr<Loopback> loopback;
};

TEST(HttpTls, CarriesRequestsOverAKeptConnection) {
  TlsFixture fixture("good", "DNS:localhost,IP:127.0.0.1");
  for (const char* host : {"localhost", "127.0.0.1"}) {
    for (int i = 0; i < 2; ++i) {
      const auto response = fixture.fetch(host, "you");
      ASSERT_THAT(response, IsOk());
      EXPECT_EQ(response.value().body, "hello you");
    }
  }
  EXPECT_EQ(fixture.loopback->client->open_connections(), 2U);
  const std::string large(3 << 20, 'y');
  const auto response = fixture.fetch("localhost", large);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response.value().body.size(), large.size() + 6);
}

TEST(HttpTls, RefusesACertificateForAnotherName) {
  TlsFixture fixture("name", "DNS:other.example");
  const auto response = fixture.fetch("localhost", "x");
  ASSERT_THAT(response, HasCode(Code::Unavailable));
  EXPECT_THAT(response.error().message(), HasSubstr("TLS"));
}

TEST(HttpTls, RefusesACertificateOfAnUnknownAuthority) {
  TlsFixture fixture("authority", "DNS:localhost", false);
  EXPECT_THAT(fixture.fetch("localhost", "x"), HasCode(Code::Unavailable));
}

TEST(HttpTls, ClosesConnectionsThatDoNotShakeHands) {
  TlsFixture fixture("silent", "DNS:localhost");
  testing::RawClient silent(*fixture.loopback);
  EXPECT_EQ(silent.read_to_end(), "");
  testing::RawClient plain(*fixture.loopback);
  plain.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  plain.read_to_end();
  EXPECT_THAT(fixture.fetch("localhost", "x"), IsOk());
}

}  // namespace
}  // namespace sluice::http
