// Prints deploy/nats/nats.conf, or with --json the subject × service matrix it is made of. Used by
// ./dev docs.
#include "common/bus/nats_access.h"
#include "common/json/write.h"

#include <cstdio>
#include <string_view>

namespace {

std::string matrix() {
  namespace json = sluice::json;
  json::Array services;
  for (const auto& access : sluice::bus::nats_access()) {
    json::Array publish(access.publish.begin(), access.publish.end());
    json::Array subscribe(access.subscribe.begin(), access.subscribe.end());
    services.push_back(json::object(
        {{"service", access.service},
         {"publish", std::move(publish)},
         {"subscribe", std::move(subscribe)}}
    ));
  }
  return json::write_pretty(json::object({{"services", std::move(services)}})) + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const bool as_json = argc > 1 && std::string_view(argv[1]) == "--json";
  const std::string text = as_json ? matrix() : sluice::bus::nats_conf();
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}
