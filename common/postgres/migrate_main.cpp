// migrate: the one-shot step that brings the database's schemas up to date, with the owner role.
//   migrate --host <address> --port <port> --database <name> --user <role> [--password-file <file>]
//   --folder <migrations>
#include "common/postgres/migrate.h"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitMisused = 2;

struct Arguments {
  Options options;
  std::string folder = "migrations";
};

Result<std::uint16_t> port_of(const std::string& text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port == 0) {
    return Error(Code::Invalid, "--port: is \"" + text + "\"; give a number from 1 to 65535");
  }
  return port;
}

Result<Secret<std::string>> password_in(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line.empty()) {
    return Error(Code::Invalid, "--password-file: " + path + " is empty or cannot be read");
  }
  return Secret<std::string>(std::move(line));
}

Result<Arguments> arguments_of(int count, char** words) {
  std::map<std::string, std::string, std::less<>> given{
      {"--host", "127.0.0.1"},
      {"--port", "5432"},
      {"--database", "sluice"},
      {"--user", "sluice_owner"},
      {"--password-file", ""},
      {"--folder", "migrations"},
  };
  for (int i = 1; i < count; i += 2) {
    const auto option = given.find(std::string_view(words[i]));
    if (option == given.end() || i + 1 == count) {
      return Error(
          Code::Invalid,
          std::string(words[i]) +
              ": is no option or lacks its value; give --host, --port, --database, --user, "
              "--password-file, --folder, each with a value"
      );
    }
    option->second = words[i + 1];
  }
  Arguments arguments;
  SLUICE_TRY(arguments.options.port, port_of(given["--port"]));
  if (!given["--password-file"].empty()) {
    SLUICE_TRY(arguments.options.password, password_in(given["--password-file"]));
  }
  arguments.options.host = given["--host"];
  arguments.options.database = given["--database"];
  arguments.options.user = given["--user"];
  arguments.folder = given["--folder"];
  return arguments;
}

int run(int count, char** words) {
  const auto arguments = arguments_of(count, words);
  if (!arguments.ok()) {
    std::fprintf(stderr, "migrate: %s\n", arguments.error().message().c_str());
    return kExitMisused;
  }
  const auto report = migrate(arguments.value().options, arguments.value().folder);
  if (!report.ok()) {
    std::fprintf(stderr, "migrate: %s\n", report.error().message().c_str());
    std::fprintf(stderr, "  %s\n", report.error().detail().c_str());
    return kExitFailed;
  }
  for (const std::string& name : report.value().applied) {
    std::printf("applied %s\n", name.c_str());
  }
  std::printf(
      "%zu applied, %d were already\n", report.value().applied.size(), report.value().already
  );
  return 0;
}

}  // namespace
}  // namespace sluice::postgres

int main(int argc, char** argv) {
  return sluice::postgres::run(argc, argv);
}
