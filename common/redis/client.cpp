#include "common/redis/client.h"

#include "common/redis/connection.h"
#include "common/redis/refusal.h"
#include "common/redis/script_id.h"

#include <utility>

namespace sluice::redis {
namespace {

// The answer, or Deadline after the command's time. The connection outlives the wait: it is held
// here.
Async<Answer> ask(std::shared_ptr<Connection> connection, std::vector<std::string> words) {
  const auto command = std::make_shared<Command>();
  command->bytes = encode(words);
  SLUICE_CO_CHECK_OK(connection->submit(command));
  async::Clock* clock = connection->clock();
  const auto timer = clock->schedule(
      clock->now() + connection->options().command_timeout,
      [weak = std::weak_ptr<Command>(command)] {
        if (const auto late = weak.lock()) {
          late->answer.set(Error(Code::Deadline, "redis took too long to answer; retry later"));
        }
      }
  );
  auto answer = co_await command->answer.wait();
  command->abandoned = true;
  if (!answer.ok() && answer.error().code() == Code::Deadline) {
    if (!command->is_sent) {
      co_return Error(Code::Unavailable, "redis is not reachable; retry later");
    }
    connection->expired(*command);
  }
  co_return answer;
}

Async<Reply> run(std::shared_ptr<Connection> connection, std::vector<std::string> words) {
  SLUICE_CO_TRY(Answer answer, co_await ask(std::move(connection), std::move(words)));
  if (!answer.refusal.empty()) {
    co_return error_of(answer.refusal);
  }
  co_return std::move(answer.reply);
}

std::vector<std::string> script_words(
    std::string command,
    std::string script,
    const std::vector<std::string>& keys,
    const std::vector<std::string>& arguments
) {
  std::vector<std::string> words{
      std::move(command), std::move(script), std::to_string(keys.size())
  };
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

Async<Reply> run_script(
    std::shared_ptr<Connection> connection,
    std::string source,
    std::vector<std::string> keys,
    std::vector<std::string> arguments
) {
  SLUICE_CO_TRY(
      Answer answer,
      co_await ask(connection, script_words("EVALSHA", script_id(source), keys, arguments))
  );
  if (answer.refusal.starts_with("NOSCRIPT")) {
    co_return co_await run(
        std::move(connection), script_words("EVAL", std::move(source), keys, arguments)
    );
  }
  if (!answer.refusal.empty()) {
    co_return error_of(answer.refusal);
  }
  co_return std::move(answer.reply);
}

class TcpClient final : public Client {
 public:
  explicit TcpClient(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {
    connection_->start();
  }

  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;
  TcpClient(TcpClient&&) = delete;
  TcpClient& operator=(TcpClient&&) = delete;

  ~TcpClient() override { connection_->stop(); }

  Async<Reply> command(std::vector<std::string> words) override {
    return run(connection_, std::move(words));
  }

  Async<Reply> script(
      std::string source, std::vector<std::string> keys, std::vector<std::string> arguments
  ) override {
    return run_script(connection_, std::move(source), std::move(keys), std::move(arguments));
  }

  [[nodiscard]] bool connected() const override { return connection_->ready(); }

  Async<void> close() override {
    connection_->stop();
    co_return Result<void>();
  }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace

std::int64_t Reply::integer_or(std::int64_t fallback) const {
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer == nullptr ? fallback : *integer;
}

std::optional<std::string> Reply::text() const {
  const auto* text = std::get_if<std::string>(&value);
  return text == nullptr ? std::nullopt : std::optional(*text);
}

Async<std::unique_ptr<Client>> connect(
    Executor executor, async::Clock* clock, observability::Log* log, Options options
) {
  auto connection = std::make_shared<Connection>(executor, clock, log, std::move(options));
  std::unique_ptr<Client> client = std::make_unique<TcpClient>(std::move(connection));
  co_return client;
}

}  // namespace sluice::redis
