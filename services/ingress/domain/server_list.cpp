#include "services/ingress/domain/server_list.h"

#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <vector>

namespace sluice::ingress {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

json::Value tools_of(const connector::v1::ServerCatalog& catalog) {
  json::Array tools;
  for (const auto& tool : catalog.tools()) {
    json::Object shown;
    shown.set("name", tool.name());
    if (const auto definition = json::parse(tool.definition()); definition.ok()) {
      shown.set("description", definition.value().text_or("description", ""));
    }
    tools.emplace_back(std::move(shown));
  }
  return tools;
}

json::Value client_of(const connector::v1::ManagedServer& server) {
  const auto& catalog = server.catalog();
  json::Object client;
  auto config = json::parse(server.config());
  json::Value shown_config = config.ok() && config.value().is_object()
                                 ? std::move(config).value()
                                 : json::Value(json::Object());
  if (!shown_config.as_object()->contains("client_id")) {
    shown_config.as_object()->set("client_id", catalog.server_id());
  }
  client.set("config", std::move(shown_config));
  client.set("tools", tools_of(catalog));
  client.set("state", state_name(catalog.state()));
  client.set("state_since_unix_ms", static_cast<std::int64_t>(catalog.since_unix_ms()));
  if (!catalog.stage().empty() || !catalog.message().empty()) {
    client.set(
        "last_failure", json::object({{"stage", catalog.stage()}, {"message", catalog.message()}})
    );
  }
  if (!catalog.protocol_version().empty()) {
    client.set("protocol_version", catalog.protocol_version());
  }
  if (!catalog.holder().empty()) {
    client.set("instance", catalog.holder());
  }
  return client;
}

}  // namespace

std::string_view state_name(connector::v1::ServerState state) {
  switch (state) {
    case connector::v1::SERVER_STATE_CONNECTED:
      return "connected";
    case connector::v1::SERVER_STATE_CONNECTING:
      return "connecting";
    case connector::v1::SERVER_STATE_ERROR:
      return "error";
    default:
      return "disconnected";
  }
}

std::string changed_server_json(
    std::string_view message, const connector::v1::ManagedServer* server
) {
  json::Object body;
  body.set("status", "success");
  body.set("message", message);
  if (server != nullptr) {
    body.set("client", client_of(*server));
  }
  return json::write(json::Value(std::move(body)));
}

std::string server_list_json(const connector::v1::ManageReply& reply, const ServerPage& page) {
  std::vector<const connector::v1::ManagedServer*> servers;
  const std::string wanted = lower(page.search);
  for (const auto& server : reply.servers()) {
    if (lower(server.catalog().name()).find(wanted) != std::string::npos) {
      servers.push_back(&server);
    }
  }
  std::sort(servers.begin(), servers.end(), [](const auto* a, const auto* b) {
    return a->catalog().name() < b->catalog().name();
  });
  json::Array clients;
  for (std::size_t i = page.offset; i < servers.size() && clients.size() < page.limit; ++i) {
    clients.push_back(client_of(*servers[i]));
  }
  const auto count = static_cast<std::int64_t>(clients.size());
  return json::write(json::object({
      {"clients", std::move(clients)},
      {"count", count},
      {"total_count", static_cast<std::int64_t>(servers.size())},
      {"limit", static_cast<std::int64_t>(page.limit)},
      {"offset", static_cast<std::int64_t>(page.offset)},
  }));
}

}  // namespace sluice::ingress
