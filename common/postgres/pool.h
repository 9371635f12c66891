// Postgres through libpqxx on a few threads. Work is a callable that gets a Transaction; it runs on
// a pool thread.
#pragma once

#include "common/async/blocking_pool.h"
#include "common/async/clock.h"
#include "common/base/secret.h"
#include "common/observability/log.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::postgres {

struct Options {
  std::string host = "127.0.0.1";  // or a socket directory
  std::uint16_t port = 5432;
  std::string database = "sluice";
  std::string user;
  Secret<std::string> password;
  std::size_t connections = 2;
  std::chrono::milliseconds statement_timeout{5000};
  std::chrono::milliseconds connect_timeout{3000};
};

struct Binary {
  std::string bytes;  // bytea
};

using Parameter = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Binary>;

// One row; columns by position. Asking for a column as another type is a programming error and
// aborts.
class Row {
 public:
  virtual ~Row() = default;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  [[nodiscard]] virtual std::string text(int column) const = 0;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual bool flag(int column) const = 0;
  [[nodiscard]] virtual std::string bytes(int column) const = 0;  // bytea
};

class Rows {
 public:
  virtual ~Rows() = default;
  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual const Row& at(std::size_t index) const = 0;
  [[nodiscard]] virtual std::int64_t affected() const = 0;
};

// Errors of every operation: Conflict (unique violation, serialization failure), Unavailable
// (connection), Deadline (statement timeout), Denied (insufficient privilege), Internal (the rest).
class Transaction {
 public:
  virtual ~Transaction() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<Rows>> query(
      std::string_view sql, const std::vector<Parameter>& parameters
  ) = 0;
  // COPY table(columns) FROM STDIN.
  [[nodiscard]] virtual Result<void> copy(
      std::string_view table,
      const std::vector<std::string>& columns,
      const std::vector<std::vector<Parameter>>& rows
  ) = 0;
};

class Pool {
 public:
  // Connects lazily; a broken connection is replaced at its next use.
  [[nodiscard]] static std::unique_ptr<Pool> open(
      async::Clock* clock, observability::Log* log, Options options
  );
  virtual ~Pool() = default;

  // Begins, runs work, commits when it is ok, else rolls back. work must not touch the shard's
  // objects.
  template <class T>
  Async<T> transact(std::function<Result<T>(Transaction&)> work) {
    auto shared = std::make_shared<std::optional<Result<T>>>();
    const auto status =
        co_await run([shared, work = std::move(work)](Transaction& transaction) -> Result<void> {
          shared->emplace(work(transaction));
          return (*shared)->ok() ? Result<void>() : Result<void>((*shared)->error());
        });
    if (!status.ok()) {
      co_return status.error();
    }
    co_return std::move(**shared);
  }

  virtual Async<void> run(std::function<Result<void>(Transaction&)> work) = 0;
  virtual Async<void> ping() = 0;
};

}  // namespace sluice::postgres
