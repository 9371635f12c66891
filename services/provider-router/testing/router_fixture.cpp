#include "services/provider-router/testing/router_fixture.h"

#include "common/testing/run_in_time.h"

namespace sluice::provider_router {
namespace {

std::vector<Provider> providers() {
  std::vector<Provider> list;
  list.push_back(
      {"open",
       Dialect::OpenAi,
       "https://open.test/v1",
       {{"first", Secret<std::string>("sk-1")}, {"second", Secret<std::string>("sk-2")}},
       {},
       0}
  );
  list.push_back(
      {"claude",
       Dialect::Anthropic,
       "https://claude.test",
       {{"only", Secret<std::string>("sk-3")}},
       {"haiku"},
       4096}
  );
  list.push_back({"demo", Dialect::Demo, "", {}, {"assistant"}, 0});
  return list;
}

}  // namespace

RouterFixture::RouterFixture(testing::FaultPlan* faults)
    : upstream(faults),
      audit(faults),
      routes(providers()),
      writer(faults),
      chat_handler({&routes, &upstream, &audit, &clock, &log, metrics.get(), 1}),
      embed_handler({&routes, &upstream, &audit, &clock, &log, metrics.get(), 1}) {}

RequestContext RouterFixture::context() const {
  RequestContext context;
  context.request = RequestId("req_0123456789abcdef0123456789abcdef");
  context.chain = ChainId("0123456789abcdef0123456789abcdef");
  context.hop = hop;
  context.tenant = TenantId("default");
  context.principal = PrincipalId("key:test");
  context.deadline = clock.now() + std::chrono::seconds(60);
  return context;
}

template <class T>
Result<T> RouterFixture::run(Async<T> operation) {
  boost::asio::io_context loop(1);
  return testing::run_in_time(loop, &clock, std::move(operation), std::chrono::milliseconds(100));
}

Result<provider::v1::ChatFinal> RouterFixture::chat(
    const std::string& model, const std::string& body, bool stream
) {
  provider::v1::ChatRequest request;
  request.set_model(model);
  request.set_body(body);
  request.set_stream(stream);
  return run(chat_handler(std::move(request), &writer, context()));
}

Result<provider::v1::EmbedReply> RouterFixture::embed(
    const std::string& model, const std::string& body
) {
  provider::v1::EmbedRequest request;
  request.set_model(model);
  request.set_body(body);
  return run(embed_handler(std::move(request), context()));
}

}  // namespace sluice::provider_router
