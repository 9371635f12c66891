// sluice: asks a running gateway about its policy and approvals, over HTTP. Holds nothing but the
// key it is given.
#include "services/ingress/cli/command_line.h"

#include "common/async/task_group.h"

#include <boost/asio/io_context.hpp>

#include <cstdio>

namespace sluice::cli {
namespace {

Async<void> run_into(Answer* answer, Command command, Gateway* gateway) {
  auto done = co_await command.run(gateway);
  *answer = done.ok() ? std::move(done).value() : answer_of(done.error());
  co_return Result<void>();
}

Answer ask(Command command) {
  Answer answer{kExitUnreached, "sluice: the request ended without an answer; try again\n"};
  boost::asio::io_context loop{1};
  async::SystemClock clock(loop.get_executor());
  async::TaskGroup tasks(loop.get_executor(), nullptr);
  const auto client = http::Client::make(
      loop.get_executor(), &clock, {.connections_per_origin_max = 1, .idle_per_origin_max = 1}
  );
  Gateway gateway({client.get(), &clock, command.url, command.key});
  tasks.spawn("command", run_into(&answer, std::move(command), &gateway));
  while (tasks.size() > 0 && loop.run_one() > 0) {
  }
  return answer;
}

void print(const Answer& answer) {
  std::FILE* const stream = answer.exit_code >= kExitMisused ? stderr : stdout;
  std::fwrite(answer.text.data(), 1, answer.text.size(), stream);
}

}  // namespace
}  // namespace sluice::cli

int main(int argc, char** argv) {
  using sluice::cli::Answer;
  using sluice::cli::Command;
  auto read = sluice::cli::read_command(
      std::vector<std::string>(argv + 1, argv + argc), sluice::config::process_environment()
  );
  const Answer answer = std::holds_alternative<Answer>(read)
                            ? std::get<Answer>(std::move(read))
                            : sluice::cli::ask(std::get<Command>(std::move(read)));
  sluice::cli::print(answer);
  return answer.exit_code;
}
