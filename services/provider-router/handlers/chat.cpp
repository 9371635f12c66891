#include "services/provider-router/handlers/chat.h"

#include "services/provider-router/domain/demo_assistant.h"
#include "services/provider-router/handlers/chat_final.h"
#include "services/provider-router/limits.h"

#include "common/async/deadline.h"
#include "common/json/parse.h"

namespace sluice::provider_router {
namespace {

bool is_success(int status) {
  return status >= 200 && status < 300;
}

// "req_0123…" without its prefix, and the hop, for one request may ask several times: unique, for
// ids the gateway has to make.
std::string seed_of(const RequestContext& context, std::uint64_t count) {
  const std::string& id = context.request.str();
  if (id.empty()) {
    return std::to_string(count);
  }
  return (id.starts_with("req_") ? id.substr(4) : id) + "_" + std::to_string(context.hop);
}

std::string request_id_in(const http::Headers& headers) {
  return std::string(
      headers.has("x-request-id") ? headers.get("x-request-id") : headers.get("request-id")
  );
}

// Up to bytes_max of a body; the rest is left unread.
Async<std::string> read_all(http::BodyStream* body, std::size_t bytes_max) {
  std::string all;
  while (all.size() < bytes_max) {
    SLUICE_CO_TRY(const std::string piece, co_await body->read());
    if (piece.empty()) {
      break;
    }
    all += piece;
  }
  co_return all;
}

}  // namespace

AnswerSource ChatHandler::Exchange::source(std::int64_t now_unix_s) const {
  return {route.provider->name, route.model, now_unix_s, fallback_id};
}

ChatHandler::ChatHandler(Deps deps)
    : deps_(deps),
      own_seconds_(deps.metrics->histogram(
          "sluice_provider_router_request_user_seconds",
          "Time of one chat request in the handler's own code: from its start to the call of the "
          "upstream client, and from "
          "each upstream read to the chunk or final handed to the bus. Waits, and the work of bus "
          "and HTTP client, are not in it",
          {2e-6, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 500e-6, 1e-3, 10e-3}
      )) {}

Async<provider::v1::ChatFinal> ChatHandler::operator()(
    provider::v1::ChatRequest request, ChatWriter* writer, RequestContext context
) {
  async::UserTime own(deps_.clock);
  ++requests_;
  if (deps_.audit->full()) {
    co_return Error(Code::Unavailable, "the gateway cannot keep records at the moment; retry later")
        .with_retry_after(std::chrono::seconds(1));
  }
  SLUICE_CO_TRY(Route route, deps_.routes->find(request.model()));
  Exchange exchange;
  exchange.route = std::move(route);
  if (exchange.route.provider->dialect == Dialect::Demo) {
    auto final = co_await answer_demo(std::move(request), writer, std::move(context));
    own_seconds_.observe(own.seconds());
    co_return final;
  }
  exchange.stream = request.stream();
  SLUICE_CO_TRY(
      exchange.prepared,
      upstream_body(exchange.route, std::move(*request.mutable_body()), request.stream())
  );
  exchange.writer = writer;
  exchange.own = &own;
  exchange.fallback_id = "chatcmpl-" + seed_of(context, requests_);
  exchange.context = std::move(context);
  auto final = co_await ask_provider(&exchange);
  own_seconds_.observe(own.seconds());
  co_return final;
}

Async<provider::v1::ChatFinal> ChatHandler::ask_provider(Exchange* exchange) {
  const Attempts::Deps deps{
      deps_.clock, deps_.audit, deps_.log, deps_.metrics, deps_.seed + requests_
  };
  Attempts attempts(deps, exchange->route, exchange->context);
  provider::v1::ChatFinal final;
  final.set_provider(exchange->route.provider->name);
  final.set_model(exchange->route.model);
  for (;;) {
    const TimePoint begin = deps_.clock->now();
    Result<Attempted> outcome = Attempted();
    if (exchange->stream) {
      outcome = co_await attempt_stream(exchange, attempts.key());
    } else {
      outcome = co_await attempt_plain(exchange, attempts.key());
    }
    SLUICE_CO_TRY(const Attempted failure, std::move(outcome));
    exchange->took = deps_.clock->now() - begin;
    if (!failure) {
      final.set_status(200);
      final.set_body(std::move(exchange->body));
      final.set_upstream_request_id(exchange->upstream_request_id);
      break;
    }
    exchange->own->rest();
    SLUICE_CO_TRY(
        const bool again, co_await attempts.again(*failure, exchange->passed_on, exchange->took)
    );
    exchange->own->run();
    if (!again) {
      set_failure(final, *failure, exchange->passed_on);
      break;
    }
    exchange->facts = AnswerFacts();
  }
  set_facts(final, exchange->facts);
  final.set_upstream_us(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(exchange->took).count()
  ));
  co_return final;
}

UpstreamCall ChatHandler::call_of(const Exchange& exchange, const ProviderKey* key) const {
  return {
      exchange.route.provider,
      key,
      Operation::Chat,
      exchange.stream,
      exchange.prepared.body,
      exchange.context.deadline,
  };
}

Async<ChatHandler::Attempted> ChatHandler::attempt_plain(
    Exchange* exchange, const ProviderKey* key
) {
  UpstreamCall call = call_of(*exchange, key);
  exchange->own->rest();
  auto response = co_await deps_.upstream->fetch(std::move(call));
  exchange->own->run();
  const std::string& provider = exchange->route.provider->name;
  if (!response.ok()) {
    if (response.error().code() == Code::Cancelled) {
      co_return std::move(response).error();
    }
    co_return Attempted(failure_of_error(provider, response.error()));
  }
  http::ClientResponse& answer = response.value();
  exchange->upstream_request_id = request_id_in(answer.headers);
  if (!is_success(answer.status)) {
    co_return Attempted(
        failure_of_answer(provider, answer.status, answer.headers, answer.body, now_unix_s())
    );
  }
  auto read = read_answer(
      exchange->route.provider->dialect, std::move(answer.body), exchange->source(now_unix_s())
  );
  if (auto* failure = std::get_if<Failure>(&read)) {
    co_return Attempted(std::move(*failure));
  }
  exchange->body = std::move(std::get<Answer>(read).body);
  exchange->facts = std::move(std::get<Answer>(read).facts);
  if (exchange->body.size() > kAnswerBytesMax) {
    co_return Attempted(broken_answer(provider, "its answer was larger than this gateway takes"));
  }
  co_return Attempted();
}

Async<ChatHandler::Attempted> ChatHandler::attempt_stream(
    Exchange* exchange, const ProviderKey* key
) {
  UpstreamCall call = call_of(*exchange, key);
  exchange->own->rest();
  auto opened = co_await deps_.upstream->open(std::move(call));
  exchange->own->run();
  if (!opened.ok()) {
    if (opened.error().code() == Code::Cancelled) {
      co_return std::move(opened).error();
    }
    co_return Attempted(failure_of_error(exchange->route.provider->name, opened.error()));
  }
  const std::unique_ptr<http::BodyStream> body = std::move(opened).value();
  exchange->upstream_request_id = request_id_in(body->headers());
  const bool json = body->headers().get("content-type").starts_with("application/json");
  if (!is_success(body->status()) || json) {
    co_return co_await not_a_stream(exchange, body.get());
  }
  co_return co_await forward(exchange, body.get());
}

// An error status, or an error that came with status 200 where a stream was expected.
Async<ChatHandler::Attempted> ChatHandler::not_a_stream(
    Exchange* exchange, http::BodyStream* body
) {
  const std::string& provider = exchange->route.provider->name;
  exchange->own->rest();
  const auto text = co_await read_all(body, kErrorBytesMax);
  exchange->own->run();
  if (!text.ok()) {
    if (text.error().code() == Code::Cancelled) {
      co_return text.error();
    }
    co_return Attempted(failure_of_error(provider, text.error()));
  }
  if (is_success(body->status()) && text.value().find("\"error\"") == std::string::npos) {
    co_return Attempted(
        broken_answer(provider, "it answered with one object where a stream was asked for")
    );
  }
  co_return Attempted(
      failure_of_answer(provider, body->status(), body->headers(), text.value(), now_unix_s())
  );
}

Async<std::string> ChatHandler::read_next(StreamTranslator* translator, http::BodyStream* body) {
  if (translator->ended()) {
    return async::with_deadline(deps_.clock, deps_.clock->now() + kTailWait, body->read());
  }
  return body->read();
}

Async<ChatHandler::Attempted> ChatHandler::forward(Exchange* exchange, http::BodyStream* body) {
  const std::string& provider = exchange->route.provider->name;
  const auto translator = make_stream(
      exchange->route.provider->dialect,
      exchange->source(now_unix_s()),
      exchange->prepared.usage_asked
  );
  Attempted failure;
  for (bool more = true; more && !failure;) {
    exchange->own->rest();
    const auto bytes = co_await read_next(translator.get(), body);
    exchange->own->run();
    if (!bytes.ok() && bytes.error().code() == Code::Cancelled) {
      co_return bytes.error();
    }
    std::string events;
    if (!bytes.ok()) {
      more = false;
      if (!translator->complete()) {
        failure = failure_of_error(provider, bytes.error());
      }
    } else if (bytes.value().empty()) {
      more = false;
      failure = translator->finish(events);
    } else {
      failure = translator->feed(bytes.value(), events);
    }
    if (!events.empty()) {
      SLUICE_CO_CHECK_OK(co_await pass_on(exchange, std::move(events)));
    }
  }
  exchange->facts = translator->facts();
  co_return failure;
}

Async<void> ChatHandler::pass_on(Exchange* exchange, std::string events) {
  exchange->passed_on = true;
  for (std::string& piece : chunks_of(std::move(events))) {
    provider::v1::ChatChunk chunk;
    chunk.set_events(std::move(piece));
    exchange->own->rest();
    SLUICE_CO_CHECK_OK(co_await exchange->writer->write(std::move(chunk)));
    exchange->own->run();
  }
  co_return Result<void>();
}

Async<provider::v1::ChatFinal> ChatHandler::answer_demo(
    provider::v1::ChatRequest request, ChatWriter* writer, RequestContext context
) {
  SLUICE_CO_TRY(const json::Value body, json::parse(request.body()));
  const std::string seed = seed_of(context, requests_);
  SLUICE_CO_TRY(const DemoReply reply, demo_reply(body, seed));
  const json::Value* options = body.find("stream_options");
  const json::Value* include = options == nullptr ? nullptr : options->find("include_usage");
  const bool usage_asked = include != nullptr && include->as_bool().value_or(false);
  const DemoFrame frame{seed, request.model(), now_unix_s(), usage_asked};

  provider::v1::ChatFinal final;
  final.set_status(200);
  final.set_provider(std::string(request.model().substr(0, request.model().find('/'))));
  final.set_model(std::string(kDemoModel));
  set_facts(final, reply.facts);
  if (!request.stream()) {
    final.set_body(demo_completion(reply, frame));
    co_return final;
  }
  for (std::string& events : demo_chunks(reply, frame)) {
    provider::v1::ChatChunk chunk;
    chunk.set_events(std::move(events));
    SLUICE_CO_CHECK_OK(co_await writer->write(std::move(chunk)));
  }
  co_return final;
}

}  // namespace sluice::provider_router
