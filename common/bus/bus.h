// Bus: typed calls, streams and events over a Transport. One per shard; single thread. It outlives
// every call and stream made with it; await drain() before destroying a Bus that serves.
//
//   SLUICE_CO_TRY(const auto reply, co_await bus.call(endpoints::kPolicyDecide, request, context));
//   bus.serve(endpoints::kPolicyDecide, handler);
//
// Errors of call and open: the callee's own; Unavailable (nobody answers, connection lost, stream
// gap or 3 s silence), Deadline, Cancelled, Invalid (frame too large).
#pragma once

#include "common/async/clock.h"
#include "common/async/request_context.h"
#include "common/async/task_group.h"
#include "common/bus/transport.h"
#include "common/observability/log.h"
#include "common/observability/metrics.h"

#include "proto/endpoints.h"

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::bus {

// Where a request goes; made by Bus from an endpoint.
struct Target {
  std::string subject;
  std::string_view callee;
  std::chrono::milliseconds timeout;
  endpoints::Retry retry = endpoints::Retry::Never;
  std::uint32_t credit_chunks = 0;
  std::uint32_t credit_bytes = 0;
};

// Keeps a served subject alive; destroying it unsubscribes (requests in flight go on).
class Registration {
 public:
  virtual ~Registration() = default;
};

// The callee's side of a stream, untyped.
class RawChunkWriter {
 public:
  virtual ~RawChunkWriter() = default;
  // Suspends while there is no credit. Errors: Cancelled (the caller went), Unavailable.
  virtual Async<void> write(std::string payload) = 0;
};

// The caller's side of a stream, untyped. Destroying it before the end cancels the request.
class RawStream {
 public:
  virtual ~RawStream() = default;
  // The next chunk, or nullopt when the final came. Errors as of open.
  virtual Async<std::optional<std::string>> next() = 0;
  // After next() gave nullopt.
  [[nodiscard]] virtual std::string take_final() = 0;
};

using RawHandler = std::function<Async<std::string>(std::string payload, RequestContext context)>;
using RawStreamHandler = std::function<
    Async<std::string>(std::string payload, RawChunkWriter* writer, RequestContext context)>;

// Chunk-typed view of a RawChunkWriter; lives as long as the handler runs.
template <class Chunk>
class ChunkWriter {
 public:
  virtual ~ChunkWriter() = default;
  virtual Async<void> write(Chunk chunk) = 0;
};

template <class Chunk, class Final>
class Stream {
 public:
  explicit Stream(std::unique_ptr<RawStream> raw) : raw_(std::move(raw)) {}

  // The next chunk, or nullopt when the stream ended well; then final() holds the rest.
  Async<std::optional<Chunk>> next() {
    SLUICE_CO_TRY(auto payload, co_await raw_->next());
    if (!payload) {
      if (!final_.ParseFromString(raw_->take_final())) {
        co_return Error(Code::Internal, "a stream's final message could not be read");
      }
      co_return std::optional<Chunk>();
    }
    std::optional<Chunk> chunk(std::in_place);
    if (!chunk->ParseFromString(*payload)) {
      co_return Error(Code::Internal, "a stream's chunk could not be read");
    }
    co_return chunk;
  }

  [[nodiscard]] Final& final() { return final_; }

 private:
  std::unique_ptr<RawStream> raw_;
  Final final_;
};

class Bus {
 public:
  struct Deps {
    Executor executor;
    async::Clock* clock;
    observability::Log* log;
    observability::Metrics* metrics;
    Transport* transport;  // outlives the Bus
    std::string service;   // "ingress"
    std::string instance;  // token without dots, unique per process and shard
  };

  explicit Bus(Deps deps);
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  Bus(Bus&&) = delete;
  Bus& operator=(Bus&&) = delete;
  ~Bus();

  // Subscribes the inboxes. Before anything else.
  Async<void> start();

  template <class Request, class Reply>
  Async<Reply> call(
      endpoints::Call<Request, Reply> endpoint, Request request, RequestContext context
  ) {
    Target target{std::string(endpoint.subject), endpoint.owner, endpoint.timeout, endpoint.retry};
    SLUICE_CO_TRY(
        const std::string payload,
        co_await call_raw(std::move(target), serialize(request), std::move(context))
    );
    co_return parse<Reply>(payload);
  }

  template <class Request, class Reply>
  Async<Reply> call(
      endpoints::KeyedCall<Request, Reply> endpoint,
      std::string key,
      Request request,
      RequestContext context
  ) {
    Target target{
        subject_of(endpoint.prefix, key, endpoint.suffix),
        endpoint.owner,
        endpoint.timeout,
        endpoint.retry
    };
    SLUICE_CO_TRY(
        const std::string payload,
        co_await call_raw(std::move(target), serialize(request), std::move(context))
    );
    co_return parse<Reply>(payload);
  }

  template <class Request, class Chunk, class Final>
  Async<Stream<Chunk, Final>> open(
      endpoints::StreamCall<Request, Chunk, Final> endpoint, Request request, RequestContext context
  ) {
    Target target{
        std::string(endpoint.subject),
        endpoint.owner,
        endpoint.timeout,
        endpoints::Retry::Never,
        endpoint.credit_chunks,
        endpoint.credit_bytes
    };
    SLUICE_CO_TRY(
        auto raw, co_await open_raw(std::move(target), serialize(request), std::move(context))
    );
    co_return Stream<Chunk, Final>(std::move(raw));
  }

  template <class Request, class Chunk, class Final>
  Async<Stream<Chunk, Final>> open(
      endpoints::KeyedStream<Request, Chunk, Final> endpoint,
      std::string key,
      Request request,
      RequestContext context
  ) {
    Target target{
        subject_of(endpoint.prefix, key, endpoint.suffix),
        endpoint.owner,
        endpoint.timeout,
        endpoints::Retry::Never,
        endpoint.credit_chunks,
        endpoint.credit_bytes
    };
    SLUICE_CO_TRY(
        auto raw, co_await open_raw(std::move(target), serialize(request), std::move(context))
    );
    co_return Stream<Chunk, Final>(std::move(raw));
  }

  template <class Message>
  Result<void> publish(endpoints::Event<Message> endpoint, const Message& message) {
    return publish_raw(endpoint.subject, serialize(message));
  }

  // handler: void(Message).
  template <class Message>
  Result<std::unique_ptr<Subscription>> listen(
      endpoints::Event<Message> endpoint, std::function<void(Message)> handler
  ) {
    return listen_raw(endpoint.subject, [handler = std::move(handler)](std::string_view payload) {
      Message message;
      if (message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        handler(std::move(message));
      }
    });
  }

  // handler: Async<Reply>(Request, RequestContext); a reference, it outlives the Bus.
  template <class Request, class Reply, class Handler>
    requires std::is_invocable_r_v<Async<Reply>, Handler&, Request, RequestContext>
  Result<void> serve(endpoints::Call<Request, Reply> endpoint, Handler& handler) {
    return serve_raw(
        std::string(endpoint.subject),
        std::string(endpoint.owner),
        endpoint.timeout,
        adapt<Request, Reply>(handler)
    );
  }

  // handler: Async<Final>(Request, ChunkWriter<Chunk>*, RequestContext).
  template <class Request, class Chunk, class Final, class Handler>
    requires std::
        is_invocable_r_v<Async<Final>, Handler&, Request, ChunkWriter<Chunk>*, RequestContext>
      Result<void> serve(endpoints::StreamCall<Request, Chunk, Final> endpoint, Handler& handler) {
    return serve_stream_raw(
        std::string(endpoint.subject),
        std::string(endpoint.owner),
        endpoint.timeout,
        adapt<Request, Chunk, Final>(handler)
    );
  }

  // One key of a keyed endpoint, in queue group "server.<key>", until the Registration goes.
  template <class Request, class Reply, class Handler>
    requires std::is_invocable_r_v<Async<Reply>, Handler&, Request, RequestContext>
  Result<std::unique_ptr<Registration>> serve_key(
      endpoints::KeyedCall<Request, Reply> endpoint, const std::string& key, Handler& handler
  ) {
    return serve_key_raw(
        subject_of(endpoint.prefix, key, endpoint.suffix),
        "server." + key,
        endpoint.timeout,
        adapt<Request, Reply>(handler)
    );
  }

  template <class Request, class Chunk, class Final, class Handler>
    requires std::
        is_invocable_r_v<Async<Final>, Handler&, Request, ChunkWriter<Chunk>*, RequestContext>
      Result<std::unique_ptr<Registration>> serve_key(
          endpoints::KeyedStream<Request, Chunk, Final> endpoint,
          const std::string& key,
          Handler& handler
      ) {
    return serve_key_stream_raw(
        subject_of(endpoint.prefix, key, endpoint.suffix),
        "server." + key,
        endpoint.timeout,
        adapt<Request, Chunk, Final>(handler)
    );
  }

  // Stops taking requests, finishes those in flight until the deadline, then cancels them.
  Async<void> drain(TimePoint deadline);

  [[nodiscard]] std::size_t in_flight() const;
  [[nodiscard]] bool connected() const;

 private:
  template <class Chunk>
  class TypedWriter final : public ChunkWriter<Chunk> {
   public:
    explicit TypedWriter(RawChunkWriter* raw) : raw_(raw) {}

    Async<void> write(Chunk chunk) override { return raw_->write(serialize(chunk)); }

   private:
    RawChunkWriter* raw_;
  };

  template <class Message>
  static std::string serialize(const Message& message) {
    std::string bytes;
    SLUICE_CHECK(message.SerializeToString(&bytes), "proto3 messages always serialize");
    return bytes;
  }

  template <class Message>
  static Result<Message> parse(const std::string& payload) {
    Message message;
    if (!message.ParseFromString(payload)) {
      return Error(Code::Internal, "a reply could not be read");
    }
    return message;
  }

  template <class Request, class Reply, class Handler>
  static Async<std::string> invoke(Handler* handler, std::string payload, RequestContext context) {
    Request request;
    if (!request.ParseFromString(payload)) {
      co_return Error(
          Code::Invalid, "the request could not be read; send the message of this subject"
      );
    }
    SLUICE_CO_TRY(const Reply reply, co_await (*handler)(std::move(request), std::move(context)));
    co_return serialize(reply);
  }

  template <class Request, class Chunk, class Final, class Handler>
  static Async<std::string> invoke_stream(
      Handler* handler, std::string payload, RawChunkWriter* raw, RequestContext context
  ) {
    Request request;
    if (!request.ParseFromString(payload)) {
      co_return Error(
          Code::Invalid, "the request could not be read; send the message of this subject"
      );
    }
    TypedWriter<Chunk> writer(raw);
    SLUICE_CO_TRY(
        const Final final, co_await (*handler)(std::move(request), &writer, std::move(context))
    );
    co_return serialize(final);
  }

  template <class Request, class Reply, class Handler>
  static RawHandler adapt(Handler& handler) {
    return [&handler](std::string payload, RequestContext context) {
      return invoke<Request, Reply, Handler>(&handler, std::move(payload), std::move(context));
    };
  }

  template <class Request, class Chunk, class Final, class Handler>
  static RawStreamHandler adapt(Handler& handler) {
    return [&handler](std::string payload, RawChunkWriter* writer, RequestContext context) {
      return invoke_stream<Request, Chunk, Final, Handler>(
          &handler, std::move(payload), writer, std::move(context)
      );
    };
  }

  static std::string subject_of(
      std::string_view prefix, std::string_view key, std::string_view suffix
  );

  Async<std::string> call_raw(Target target, std::string payload, RequestContext context);
  Async<std::unique_ptr<RawStream>> open_raw(
      Target target, std::string payload, RequestContext context
  );
  Result<void> publish_raw(std::string_view subject, std::string payload);
  Result<std::unique_ptr<Subscription>> listen_raw(
      std::string_view subject, std::function<void(std::string_view)> handler
  );
  Result<void> serve_raw(
      std::string subject, std::string queue, std::chrono::milliseconds timeout, RawHandler handler
  );
  Result<void> serve_stream_raw(
      std::string subject,
      std::string queue,
      std::chrono::milliseconds timeout,
      RawStreamHandler handler
  );
  Result<std::unique_ptr<Registration>> serve_key_raw(
      std::string subject, std::string queue, std::chrono::milliseconds timeout, RawHandler handler
  );
  Result<std::unique_ptr<Registration>> serve_key_stream_raw(
      std::string subject,
      std::string queue,
      std::chrono::milliseconds timeout,
      RawStreamHandler handler
  );

  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace sluice::bus
