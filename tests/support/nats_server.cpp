#include "tests/support/nats_server.h"

#include "common/json/parse.h"

#include <filesystem>
#include <fstream>

namespace sluice::tests {
namespace {

constexpr std::chrono::seconds kStartMax{15};
constexpr std::chrono::seconds kStopMax{10};

std::string program() {
  const std::string unpacked = source_directory() + "/build/deps/usr/sbin/nats-server";
  return environment_or(
      "SLUICE_NATS_SERVER", std::filesystem::exists(unpacked) ? unpacked : "nats-server"
  );
}

std::string quoted_list(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const std::string& item : items) {
    text += (text.size() > 1 ? ", \"" : "\"") + item + "\"";
  }
  return text + "]";
}

}  // namespace

Result<std::unique_ptr<NatsServer>> NatsServer::start(NatsServerOptions options) {
  auto server = std::make_unique<NatsServer>(std::move(options));
  SLUICE_CHECK_OK(server->launch());
  return server;
}

std::string NatsServer::config() const {
  std::string text = "host: 127.0.0.1\nport: " + (port_ == 0 ? "-1" : std::to_string(port_)) +
                     "\nhttp: \"127.0.0.1:-1\"\nmax_payload: 8MB\n";
  if (options_.jetstream) {
    const std::string store =
        options_.store_directory.empty() ? directory_.file("store") : options_.store_directory;
    text += "jetstream { store_dir: \"" + store + "\", sync_interval: always }\n";
  }
  if (!options_.users.empty()) {
    text += "authorization { users = [\n";
    for (const NatsUser& user : options_.users) {
      text += "{ user: \"" + user.name + "\", password: \"" + user.password +
              "\", permissions: { publish: { allow: " + quoted_list(user.publish) +
              " }, subscribe: { allow: " + quoted_list(user.subscribe) + " } } }\n";
    }
    text += "] }\n";
  }
  return text + options_.extra_config;
}

Result<void> NatsServer::launch() {
  std::string file = options_.config_file;
  if (file.empty()) {
    file = directory_.file("nats.conf");
    std::ofstream(file) << config();
  }
  ProcessOptions options;
  options.argv = {program(), "-c", file, "--ports_file_dir", directory_.path()};
  options.environment = options_.environment;
  options.output_file = directory_.file("server.log");
  SLUICE_TRY(process_, Process::spawn(std::move(options)));
  return read_ports();
}

// The server writes <name>_<pid>.ports when it listens.
Result<void> NatsServer::read_ports() {
  const std::string suffix = "_" + std::to_string(process_->pid()) + ".ports";
  std::string text;
  const auto found = [this, &suffix, &text] {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      if (entry.path().string().ends_with(suffix)) {
        text = read_text(entry.path().string());
      }
    }
    return json::parse(text).ok() || !process_->running();
  };
  if (!eventually(found, kStartMax) || !process_->running()) {
    return Error(Code::Unavailable, "nats-server did not start").with_detail(log());
  }
  SLUICE_TRY(const json::Value ports, json::parse(text));
  const auto first = [&ports](std::string_view name) -> std::string {
    const json::Value* list = ports.find(name);
    const json::Array* items = list != nullptr ? list->as_array() : nullptr;
    const std::string* url =
        items != nullptr && !items->empty() ? items->front().as_string() : nullptr;
    return url != nullptr ? *url : "";
  };
  const std::string url = first("nats");
  if (url.empty()) {
    return Error(Code::Unavailable, "nats-server told no port").with_detail(text);
  }
  port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  monitor_url_ = first("monitoring");
  return {};
}

Result<void> NatsServer::stop(int signal) {
  process_->kill(signal);
  SLUICE_TRY(const int status, process_->wait(kStopMax));
  static_cast<void>(status);
  return {};
}

Result<void> NatsServer::start_again() {
  return launch();
}

}  // namespace sluice::tests
