// Redis over one connection per shard, pipelined. Every key is built in one file per adapter and
// has a TTL.
#pragma once

#include "common/async/clock.h"
#include "common/base/secret.h"
#include "common/observability/log.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::redis {

// A reply. Errors of the server become Error: Denied for NOPERM, NOAUTH, WRONGPASS; Unavailable
// while it cannot serve (LOADING, BUSY, OOM …); Internal for a command it does not understand (ERR,
// WRONGTYPE); Conflict for any other word, which only a script of ours says:
// redis.error_reply('TAKEN by another') is a Conflict with that text as message.
struct Reply {
  std::variant<std::monostate, std::int64_t, std::string, std::vector<Reply>> value;

  [[nodiscard]] bool is_nil() const { return value.index() == 0; }

  [[nodiscard]] std::int64_t integer_or(std::int64_t fallback) const;
  [[nodiscard]] std::optional<std::string> text() const;  // strings and statuses
};

struct Options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 6379;
  std::string user;
  Secret<std::string> password;
  std::chrono::milliseconds connect_timeout{2000};
  std::chrono::milliseconds command_timeout{1000};
};

class Client {
 public:
  virtual ~Client() = default;
  // Runs one command. Errors: Unavailable (down; reconnects in the background with backoff),
  // Deadline, Denied, Internal. Exhausted (too many commands wait). A command whose connection
  // broke may have run or not.
  virtual Async<Reply> command(std::vector<std::string> words) = 0;
  // Runs a Lua script by its SHA-1, loading it when the server lacks it.
  virtual Async<Reply> script(
      std::string source, std::vector<std::string> keys, std::vector<std::string> arguments
  ) = 0;
  [[nodiscard]] virtual bool connected() const = 0;
  // Ends the connection; commands that wait end with Unavailable. Destroying the client does the
  // same.
  virtual Async<void> close() = 0;
};

// Connects in the background; commands before that wait up to their timeout.
[[nodiscard]] Async<std::unique_ptr<Client>> connect(
    Executor executor, async::Clock* clock, observability::Log* log, Options options
);

}  // namespace sluice::redis
