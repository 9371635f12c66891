#include "common/service/runtime.h"

#include "common/json/write.h"
#include "common/service/runtime_body.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::service {
namespace {

constexpr std::size_t kSecretBytesMax = std::size_t{64} << 10;

async::TaskGroup::OnError keep_failures(Runtime::Body* body) {
  return [body](std::string_view name, const Error& error) {
    body->failed_tasks.emplace_back(name);
    body->deps.log->error("task-failed", {{"task", name}, {"error", error.to_log()}});
  };
}

Error secret_error(const std::string& file, const std::string& path, int why) {
  const Code code = why == EACCES ? Code::Denied : Code::NotFound;
  return Error(
             code,
             "the secret " + file +
                 " cannot be read; put it into this service's secret directory, readable by its "
                 "user"
  )
      .with_detail(path + ": " + std::generic_category().message(why));
}

}  // namespace

Runtime::Body::Body(Deps given)
    : deps(std::move(given)), tasks(deps.executor, keep_failures(this)) {}

void Runtime::Body::stop() {
  stopping = true;
  for (async::OneShot<void>* waiter : std::exchange(waiters, {})) {
    waiter->set({});
  }
}

std::vector<std::pair<std::string, std::string>> Runtime::Body::objections() const {
  std::vector<std::pair<std::string, std::string>> said;
  if (stopping || finished) {
    said.emplace_back("service", "stopping");
    return said;
  }
  if (!started) {
    said.emplace_back("service", "starting");
  }
  for (const auto& [name, check] : checks) {
    std::string objection = check();
    if (!objection.empty()) {
      said.emplace_back(name, std::move(objection));
    }
  }
  for (const std::string& task : failed_tasks) {
    said.emplace_back(task, "ended with an error; restart the service");
  }
  return said;
}

// Written aside and renamed: a reader never sees half a file.
void Runtime::Body::write_run_file() const {
  if (deps.run_directory.empty()) {
    return;
  }
  json::Object shown_ports;
  for (const auto& [name, port] : ports) {
    shown_ports.set(name, std::int64_t{port});
  }
  json::Object content;
  content.set("service", deps.service);
  content.set("instance", deps.instance);
  content.set("pid", std::int64_t{::getpid()});
  content.set("ports", std::move(shown_ports));
  const std::filesystem::path folder(deps.run_directory);
  const std::filesystem::path path = folder / (deps.instance + ".json");
  const std::filesystem::path aside = folder / ("." + deps.instance + ".tmp");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::ofstream file(aside, std::ios::binary | std::ios::trunc);
  file << json::write(json::Value(std::move(content))) << '\n';
  file.close();
  if (file.good()) {
    std::filesystem::rename(aside, path, error);
  }
  if (!file.good() || error) {
    deps.log->warn("run-file-failed", {{"path", path.string()}, {"error", error.message()}});
  }
}

void Runtime::Body::remove_run_file() const {
  if (!deps.run_directory.empty()) {
    std::error_code ignored;  // gone already is as good
    std::filesystem::remove(
        std::filesystem::path(deps.run_directory) / (deps.instance + ".json"), ignored
    );
  }
}

Executor Runtime::executor() const {
  return body_->deps.executor;
}

async::Clock* Runtime::clock() const {
  return body_->deps.clock;
}

observability::Log* Runtime::log() const {
  return body_->deps.log;
}

observability::Metrics* Runtime::metrics() const {
  return body_->deps.metrics;
}

async::BlockingPool* Runtime::blocking() const {
  return body_->deps.blocking;
}

const std::string& Runtime::service() const {
  return body_->deps.service;
}

const std::string& Runtime::instance() const {
  return body_->deps.instance;
}

std::string Runtime::secret_path(const std::string& file) const {
  return body_->deps.secrets_directory + "/" + file;
}

Result<Secret<std::string>> Runtime::secret(const std::string& file) const {
  const std::string path = secret_path(file);
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return secret_error(file, path, errno);
  }
  std::string content(kSecretBytesMax + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 1;
  while (got > 0 && size < content.size()) {
    got = ::read(descriptor, content.data() + size, content.size() - size);
    size += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  const int why = got < 0 ? errno : size > kSecretBytesMax ? EFBIG : 0;
  ::close(descriptor);
  while (size > 0 && (content[size - 1] == '\n' || content[size - 1] == '\r')) {
    --size;
  }
  Secret<std::string> secret(content.substr(0, size));
  wipe(content);
  if (why != 0 || secret.empty()) {
    return secret_error(file, path, why == 0 ? ENODATA : why);
  }
  return secret;
}

async::TaskGroup& Runtime::tasks() const {
  return body_->tasks;
}

void Runtime::add_readiness_check(std::string name, std::function<std::string()> check) const {
  body_->checks.emplace_back(std::move(name), std::move(check));
}

void Runtime::publish_port(const std::string& name, std::uint16_t port) const {
  body_->ports[name] = port;
  body_->write_run_file();
}

Async<void> Runtime::stopped() const {
  const std::shared_ptr<Body> body = body_;  // this handle may go while the coroutine waits
  body->started = true;
  if (body->stopping) {
    co_return Result<void>();
  }
  async::OneShot<void> stop;
  body->waiters.push_back(&stop);
  const auto result = co_await stop.wait();
  body->waiters.remove(&stop);
  co_return result;
}

bool Runtime::stopping() const {
  return body_->stopping;
}

}  // namespace sluice::service
