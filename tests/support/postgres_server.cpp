#include "tests/support/postgres_server.h"

#include "tests/support/free_port.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include <pwd.h>
#include <unistd.h>

namespace sluice::tests {
namespace {

constexpr int kStartsMax = 3;
constexpr std::chrono::seconds kInitLongest{60};
constexpr std::chrono::seconds kStartLongest{30};
constexpr std::chrono::seconds kStopLongest{20};

// The newest installed version's program, or its bare name, for PATH.
std::string program(const std::string& name) {
  std::vector<std::filesystem::path> found;
  std::error_code none;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
    const auto path = version.path() / "bin" / name;
    if (std::filesystem::exists(path)) {
      found.push_back(path);
    }
  }
  const auto newest =
      std::max_element(found.begin(), found.end(), [](const auto& a, const auto& b) {
        return std::stoi(a.parent_path().parent_path().filename()) <
               std::stoi(b.parent_path().parent_path().filename());
      });
  return newest == found.end() ? name : newest->string();
}

bool is_root() {
  return geteuid() == 0;
}

// The command, run by the user postgres when the test is root. The signal at the parent's death is
// set anew: a change of user clears it.
std::vector<std::string> unprivileged(std::vector<std::string> command) {
  if (!is_root()) {
    return command;
  }
  std::vector<std::string> argv{
      "setpriv",
      "--reuid",
      "postgres",
      "--regid",
      "postgres",
      "--clear-groups",
      "--pdeathsig",
      "KILL"
  };
  argv.insert(argv.end(), command.begin(), command.end());
  return argv;
}

Result<void> give_to_postgres(const std::string& path) {
  if (!is_root()) {
    return {};
  }
  const passwd* user = getpwnam("postgres");  // NOLINT(concurrency-mt-unsafe): one thread
  if (user == nullptr || chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
    return Error(Code::Unavailable, "the system user postgres is missing or cannot own " + path)
        .with_detail(std::strerror(errno));  // NOLINT(concurrency-mt-unsafe): one thread
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<PostgresServer>> PostgresServer::start() {
  auto server = std::make_unique<PostgresServer>();
  SLUICE_CHECK_OK(server->initialise());
  Result<void> launched;
  for (int i = 0; i < kStartsMax; ++i) {
    server->port_ = free_port();
    launched = server->launch();
    if (launched.ok()) {
      return server;
    }
  }
  return std::move(launched).error();
}

PostgresServer::~PostgresServer() {
  if (process_ && process_->running()) {
    static_cast<void>(stop(SIGQUIT).ok());  // at once, and the processes below it too
  }
}

Result<void> PostgresServer::execute(const std::string& sql, const std::string& database) {
  const std::string output = directory_.file("psql.log");
  std::ofstream(output, std::ios::trunc).close();
  const std::string script = directory_.file("psql.sql");
  std::ofstream(script, std::ios::trunc) << sql;
  SLUICE_TRY(
      const auto psql,
      Process::spawn(
          {.argv =
               {program("psql"),
                "-h",
                socket_directory(),
                "-p",
                std::to_string(port_),
                "-U",
                "postgres",
                "-d",
                database,
                "-qX",
                "-v",
                "ON_ERROR_STOP=1",
                "-f",
                script},
           .environment = {},
           .output_file = output,
           .working_directory = {}}
      )
  );
  SLUICE_TRY(const int status, psql->wait(kStartLongest));
  if (status != 0) {
    return Error(Code::Internal, "psql failed").with_detail(read_text(output));
  }
  return {};
}

Result<void> PostgresServer::stop(int signal) {
  process_->kill(signal);
  const auto status = process_->wait(kStopLongest);
  return status.ok() ? Result<void>() : Result<void>(status.error());
}

Result<void> PostgresServer::start_again() {
  return launch();
}

Result<void> PostgresServer::initialise() {
  const std::string data = directory_.file("data");
  std::error_code error;
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755), error);
  for (const std::string& folder : {data, socket_directory()}) {
    std::filesystem::create_directories(folder, error);
    std::filesystem::permissions(folder, std::filesystem::perms(0700), error);
    SLUICE_CHECK_OK(give_to_postgres(folder));
  }
  const std::string output = directory_.file("initdb.log");
  SLUICE_TRY(
      const auto initdb,
      Process::spawn(
          {.argv = unprivileged(
               {program("initdb"),
                "-D",
                data,
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--no-sync",
                "--no-instructions"}
           ),
           .environment = {},
           .output_file = output,
           .working_directory = "/"}
      )
  );
  SLUICE_TRY(const int status, initdb->wait(kInitLongest));
  if (status != 0) {
    return Error(Code::Unavailable, "initdb failed").with_detail(read_text(output));
  }
  return {};
}

Result<void> PostgresServer::launch() {
  const std::string log_file = directory_.file("server.log");
  std::ofstream(log_file, std::ios::trunc).close();
  SLUICE_TRY(
      process_,
      Process::spawn(
          {.argv = unprivileged(
               {program("postgres"),
                "-D",
                directory_.file("data"),
                "-p",
                std::to_string(port_),
                "-k",
                socket_directory(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "full_page_writes=off",
                "-c",
                "shared_buffers=16MB",
                "-c",
                "max_connections=40",
                "-c",
                "autovacuum=off"}
           ),
           .environment = {},
           .output_file = log_file,
           .working_directory = "/"}
      )
  );
  const bool answered = eventually(
      [this] {
        return log().find("ready to accept connections") != std::string::npos ||
               !process_->running();
      },
      kStartLongest
  );
  if (!answered || !process_->running()) {
    return Error(Code::Unavailable, "postgres did not start").with_detail(log());
  }
  return {};
}

}  // namespace sluice::tests
