#include "services/ingress/handlers/chat_completions.h"

#include "services/ingress/domain/agent_options.h"
#include "services/ingress/domain/model_access.h"
#include "services/ingress/domain/narrowing.h"
#include "services/ingress/domain/openai_error.h"
#include "services/ingress/limits.h"

#include "common/async/retry.h"
#include "common/http/error_map.h"
#include "common/http/sse.h"

#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::uint32_t kStatusErrorsFrom = 400;
constexpr std::string_view kDone = "data: [DONE]\n\n";

// From what a request should cost to what no request should.
std::vector<double> user_seconds_bounds() {
  return {
      2e-6, 4e-6, 6e-6, 8e-6, 1e-5, 1.5e-5, 2e-5, 3e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 2e-2
  };
}

RequestContext with_hop(RequestContext context, std::uint32_t further) {
  context.hop += further;
  return context;
}

void add_retry_headers(http::HttpResponse& response, const provider::v1::ChatFinal& final) {
  if (final.status() < kStatusErrorsFrom) {
    return;
  }
  if (!final.should_retry()) {
    response.headers.add("x-should-retry", "false");
  }
  if (final.retry_after_ms() > 0) {
    response.headers.add("retry-after-ms", std::to_string(final.retry_after_ms()));
    response.headers.add("retry-after", std::to_string((final.retry_after_ms() + 999) / 1000));
  }
}

// final's body moves into it.
http::HttpResponse whole_response(provider::v1::ChatFinal& final, const ChainId& chain) {
  const int status = final.status() == 0 ? 502 : static_cast<int>(final.status());
  auto response = json_response(status, std::move(*final.mutable_body()));
  response.headers.add("x-sluice-chain", chain.str());
  add_retry_headers(response, final);
  return response;
}

// Errors: Denied, with a record of it.
Async<void> check_model(ChatTurn* turn, std::string model, Trail* trail, audit::Client* audit) {
  SLUICE_CO_TRY(const ModelAccess access, ModelAccess::of(*turn->caller, turn->request->headers));
  const auto allowed = access.check(model);
  if (allowed.ok()) {
    co_return Result<void>();
  }
  turn->context.chain = new_chain();
  SLUICE_CO_CHECK_OK(trail->chat_failure(turn->context, *turn->caller, model, allowed.error()));
  SLUICE_CO_CHECK_OK(co_await audit->written());
  co_return allowed;
}

}  // namespace

ChatCompletionsHandler::ChatCompletionsHandler(Deps deps)
    : deps_(deps),
      records_(
          {.trail = deps.trail, .chains = deps.chains, .audit = deps.audit, .metrics = deps.metrics}
      ),
      agent_tools_(
          {.tools = deps.tools, .code = deps.code, .trail = deps.trail, .audit = deps.audit}
      ),
      agent_(
          {.provider = deps.provider,
           .admission = deps.admission,
           .tools = &agent_tools_,
           .records = &records_,
           .clock = deps.clock}
      ),
      user_seconds_(&deps.metrics->histogram(
          "sluice_ingress_request_user_seconds",
          "Time a chat request keeps ingress busy: from parsed to handed to the bus, and from the "
          "answer's arrival to before it is written; waits and socket writes left out",
          user_seconds_bounds()
      )) {}

Async<void> ChatCompletionsHandler::operator()(
    http::HttpRequest request, http::ResponseWriter* writer, RequestContext context
) {
  async::UserTime time(deps_.clock);
  SLUICE_CO_TRY(Admitted admitted, co_await deps_.admission->admit(&request, std::move(context)));
  ChatTurn turn;
  SLUICE_CO_TRY(auto prepared, co_await prepare(&request, std::move(admitted), &turn));
  if (turn.agent_depth > 0) {
    co_return co_await run_agent(std::move(*prepared.mutable_body()), writer, &turn);
  }
  const auto done = co_await run(std::move(prepared), writer, &turn, &time);
  time.rest();
  user_seconds_->observe(time.seconds());
  co_return done;
}

Async<SnapshotPtr> ChatCompletionsHandler::tools_for(const ChatTurn* turn) {
  const Narrowing& narrowing = turn->narrowing;
  if (narrowing.none() || (deps_.injection.only_on_request && !narrowing.restricted())) {
    co_return SnapshotPtr();
  }
  if (SnapshotPtr known = deps_.catalog->cached(turn->caller, narrowing, turn->context);
      known != nullptr) {
    co_return known;
  }
  auto snapshot = co_await deps_.catalog->snapshot(turn->caller, narrowing, turn->context);
  // Where no server is configured there are at most some added by API: a gateway without any goes
  // on without mcp-connector.
  if (!snapshot.ok() && !deps_.injection.servers_configured && !narrowing.restricted() &&
      async::is_retryable(snapshot.error().code())) {
    co_return SnapshotPtr();
  }
  co_return snapshot;
}

Async<provider::v1::ChatRequest> ChatCompletionsHandler::prepare(
    http::HttpRequest* request, Admitted admitted, ChatTurn* turn
) {
  turn->caller = std::move(admitted.caller);
  turn->context = std::move(admitted.context);
  turn->owner = {turn->context.tenant.str(), turn->context.principal.str()};
  turn->request = request;
  SLUICE_CO_TRY(ChatBody body, ChatBody::parse(request->body));
  const std::string own_member(body.own_member());
  std::string stripped;
  if (!own_member.empty()) {
    stripped = body.without_own_member();
    SLUICE_CO_TRY(body, ChatBody::parse(stripped));
  }
  SLUICE_CO_CHECK_OK(co_await check_model(turn, body.model(), deps_.trail, deps_.audit));
  SLUICE_CO_TRY(turn->narrowing, Narrowing::parse(request->headers));
  SLUICE_CO_TRY(
      const std::size_t allowed_depth,
      agent_depth_of(request->headers, own_member, deps_.agent_depth)
  );
  SLUICE_CO_TRY(auto named, chain_header(request->headers));
  SLUICE_CO_TRY(auto ids, body.tool_call_ids());
  SLUICE_CO_TRY(turn->snapshot, co_await tools_for(turn));
  std::string spliced;
  if (turn->snapshot != nullptr && turn->snapshot->offered() > 0) {
    SLUICE_CO_TRY(spliced, body.with_tools(*turn->snapshot));
  }
  turn->chain_named = named.has_value();
  SLUICE_CO_TRY(
      ChainPoint point,
      co_await deps_.chains->find(turn->owner, std::move(named), std::move(ids), turn->context)
  );
  turn->context.chain = std::move(point.chain);
  turn->context.hop = point.hop;
  if (turn->snapshot != nullptr && turn->snapshot->has_automatic() && body.single_choice()) {
    turn->agent_depth = allowed_depth;
  }
  turn->model = body.model();
  turn->stream = body.stream();
  SLUICE_CO_CHECK_OK(
      deps_.trail->chat_request(turn->context, *turn->caller, turn->model, request->body)
  );

  provider::v1::ChatRequest chat;
  chat.set_model(turn->model);
  chat.set_stream(turn->stream);
  if (spliced.empty()) {
    spliced = own_member.empty() ? std::move(request->body) : std::move(stripped);
  }
  chat.set_body(std::move(spliced));
  co_return chat;
}

Async<void> ChatCompletionsHandler::run_agent(
    std::string body, http::ResponseWriter* writer, ChatTurn* turn
) {
  auto refusal = co_await agent_.run(turn, std::move(body), writer);
  if (!refusal.ok()) {
    co_return co_await fail(std::move(refusal).error(), writer, turn);
  }
  if (refusal.value()) {
    co_return co_await refuse(&*refusal.value(), writer, turn);
  }
  co_return Result<void>();
}

Async<void> ChatCompletionsHandler::refuse(
    provider::v1::ChatFinal* final, http::ResponseWriter* writer, const ChatTurn* turn
) {
  if (writer->begun()) {
    co_return co_await fail_in_events(final->body(), writer);
  }
  co_return co_await writer->respond(whole_response(*final, turn->context.chain));
}

Async<void> ChatCompletionsHandler::run(
    provider::v1::ChatRequest request,
    http::ResponseWriter* writer,
    ChatTurn* turn,
    async::UserTime* time
) {
  time->rest();
  auto stream = co_await deps_.provider->chat(std::move(request), with_hop(turn->context, 1));
  if (!stream.ok()) {
    co_return co_await fail(std::move(stream).error(), writer, turn);
  }
  auto first = co_await stream.value()->next();
  time->run();
  if (!first.ok()) {
    co_return co_await fail(std::move(first).error(), writer, turn);
  }
  auto& chunk = first.value();
  if (!chunk) {
    co_return co_await answer_whole(stream.value().get(), writer, turn, time);
  }
  if (!turn->stream) {
    co_return co_await fail(
        Error(
            Code::Internal,
            "the provider's answer came in pieces although it was asked for whole; report this"
        ),
        writer,
        turn
    );
  }
  std::string events = std::move(*chunk->mutable_events());
  co_return co_await answer_in_events(stream.value().get(), std::move(events), writer, turn, time);
}

Async<void> ChatCompletionsHandler::answer_whole(
    ChatStream* stream, http::ResponseWriter* writer, ChatTurn* turn, async::UserTime* time
) {
  auto& final = stream->final();
  auto settled = co_await settle(&final, crypto::sha256(final.body()), turn, time);
  if (!settled.ok()) {
    co_return co_await fail(std::move(settled).error(), writer, turn);
  }
  auto response = whole_response(final, turn->context.chain);
  if (turn->stream && final.status() != 0 &&
      final.status() < kStatusErrorsFrom) {  // a stream without a single event
    response.headers = event_headers(turn->context.chain);
    response.body = std::string(kDone);
  }
  time->rest();  // the socket's part is the kernel's
  co_return co_await writer->respond(std::move(response));
}

Async<void> ChatCompletionsHandler::answer_in_events(
    ChatStream* stream,
    std::string first,
    http::ResponseWriter* writer,
    ChatTurn* turn,
    async::UserTime* time
) {
  SLUICE_CO_CHECK_OK(co_await writer->begin(200, event_headers(turn->context.chain)));
  crypto::Sha256 digest;
  std::string events = std::move(first);
  for (;;) {  // ends with the provider's stream, which has a deadline
    digest.update(events);
    time->rest();
    auto written = co_await writer->write(std::move(events));
    if (!written.ok()) {
      SLUICE_CO_CHECK_OK(records_.failed(written.error(), *turn));
      co_return written;
    }
    auto chunk = co_await stream->next();
    time->run();
    if (!chunk.ok()) {
      co_return co_await fail(std::move(chunk).error(), writer, turn);
    }
    auto& more = chunk.value();
    if (!more) {
      break;
    }
    events = std::move(*more->mutable_events());
  }
  auto settled = co_await settle(&stream->final(), digest.finish(), turn, time);
  if (!settled.ok()) {
    co_return co_await fail(std::move(settled).error(), writer, turn);
  }
  if (stream->final().status() >= kStatusErrorsFrom) {
    co_return co_await fail_in_events(stream->final().body(), writer);
  }
  SLUICE_CO_CHECK_OK(co_await writer->write(std::string(kDone)));
  co_return co_await writer->end();
}

Async<void> ChatCompletionsHandler::settle(
    const provider::v1::ChatFinal* final,
    std::string answer_digest,
    ChatTurn* turn,
    async::UserTime* time
) {
  SLUICE_CO_CHECK_OK(records_.answered(*final, answer_digest, *turn));
  time->rest();
  const auto remembered = co_await records_.remember(final, turn);
  time->run();
  co_return remembered;
}

Async<void> ChatCompletionsHandler::fail(
    Error error, http::ResponseWriter* writer, ChatTurn* turn
) {
  const auto recorded = records_.failed(error, *turn);
  if (error.code() == Code::Cancelled) {
    co_return error;  // the client went: nobody reads an answer
  }
  if (recorded.ok()) {
    SLUICE_CO_CHECK_OK(co_await deps_.audit->written());
  }
  if (writer->begun()) {
    co_return co_await fail_in_events(http::error_body(error, http::Dialect::OpenAi), writer);
  }
  auto response = http::error_response(error, http::Dialect::OpenAi);
  response.headers.add("x-sluice-chain", turn->context.chain.str());
  co_return co_await writer->respond(std::move(response));
}

Async<void> ChatCompletionsHandler::fail_in_events(
    std::string error_body, http::ResponseWriter* writer
) {
  SLUICE_CO_CHECK_OK(co_await writer->write(http::format_sse(error_body)));
  co_return co_await writer->end();
}

}  // namespace sluice::ingress
