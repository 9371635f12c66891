// Handlers of the bus suites: they echo, refuse, throw, wait and count.
#pragma once

#include "common/async/clock.h"
#include "common/bus/bus.h"

#include <stdexcept>
#include <string>

namespace sluice::bus {

using namespace std::chrono_literals;

// Answers with the model's name and what it saw of the context.
struct EchoEmbed {
  RequestContext seen;

  Async<provider::v1::EmbedReply> operator()(
      provider::v1::EmbedRequest request, RequestContext context
  ) {
    seen = std::move(context);
    provider::v1::EmbedReply reply;
    reply.set_status(200);
    reply.set_body(request.body());
    co_return reply;
  }
};

struct RefuseEmbed {
  Error error;

  Async<provider::v1::EmbedReply> operator()(
      provider::v1::EmbedRequest /*request*/, RequestContext /*context*/
  ) {
    co_return Error(error);
  }
};

struct ThrowEmbed {
  Async<provider::v1::EmbedReply> operator()(
      provider::v1::EmbedRequest /*request*/, RequestContext /*context*/
  ) {
    throw std::runtime_error("secret detail of the library");
    co_return provider::v1::EmbedReply();
  }
};

// Waits until it is cancelled, or for the time it is told.
struct SlowEmbed {
  async::Clock* clock;
  Duration pause = 1h;
  int started = 0;
  int cancelled = 0;

  Async<provider::v1::EmbedReply> operator()(
      provider::v1::EmbedRequest /*request*/, RequestContext /*context*/
  ) {
    ++started;
    const auto waited = co_await async::sleep_for(clock, pause);
    if (!waited.ok()) {
      ++cancelled;
      co_return waited.error();
    }
    co_return provider::v1::EmbedReply();
  }
};

// Sends as many chunks as the request's body says, each with its number, then the count as status.
struct CountingChat {
  int written = 0;
  int cancelled = 0;
  std::size_t chunk_bytes = 0;
  Duration pause_first{};
  async::Clock* clock = nullptr;

  Async<provider::v1::ChatFinal> operator()(
      provider::v1::ChatRequest request,
      ChunkWriter<provider::v1::ChatChunk>* writer,
      RequestContext /*context*/
  ) {
    if (clock != nullptr) {
      static_cast<void>((co_await async::sleep_for(clock, pause_first)).ok());
    }
    const int count = std::stoi(request.body());
    for (int number = 0; number < count; ++number) {
      provider::v1::ChatChunk chunk;
      chunk.set_events(std::to_string(number) + std::string(chunk_bytes, 'x'));
      const auto sent = co_await writer->write(std::move(chunk));
      if (!sent.ok()) {
        cancelled += sent.error().code() == Code::Cancelled ? 1 : 0;
        co_return sent.error();
      }
      ++written;
    }
    provider::v1::ChatFinal final;
    final.set_status(static_cast<std::uint32_t>(count));
    co_return final;
  }
};

struct CatalogOfKey {
  Async<connector::v1::ServerCatalogReply> operator()(
      connector::v1::ServerCatalogRequest /*request*/, RequestContext /*context*/
  ) {
    connector::v1::ServerCatalogReply reply;
    reply.mutable_catalog()->set_name("leased");
    co_return reply;
  }
};

}  // namespace sluice::bus
