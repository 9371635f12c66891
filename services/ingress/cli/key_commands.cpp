#include "services/ingress/cli/key_commands.h"

#include "common/json/write.h"

#include <utility>

namespace sluice::cli {
namespace {

std::string words_of(const json::Value& key, std::string_view member, std::string_view absent) {
  const json::Value* const list = key.find(member);
  if (list == nullptr || list->as_array() == nullptr) {
    return std::string(absent);
  }
  std::string out;
  for (const json::Value& item : *list->as_array()) {
    out += (out.empty() ? "" : ",") + (item.is_string() ? *item.as_string() : json::write(item));
  }
  return out.empty() ? "none" : out;
}

bool is_set(const json::Value& key, std::string_view member) {
  const json::Value* const flag = key.find(member);
  return flag != nullptr && flag->as_bool().value_or(false);
}

std::string line_of(const json::Value& key) {
  const std::string expires = key.text_or("expires_at", "");
  return key.text_or("id", "?") + "  " + words_of(key, "roles", "?") + "  servers " +
         words_of(key, "servers", "all") + "  tools " + words_of(key, "tools", "all") +
         "  models " + words_of(key, "models", "all") +
         (expires.empty() ? "" : "  until " + expires) +
         (is_set(key, "from_file") ? "  (settings file)" : "") +
         (is_set(key, "revoked") ? "  revoked" : "") + "\n";
}

void set_list(
    json::Object* body,
    const std::string& member,
    const std::optional<std::vector<std::string>>& names
) {
  if (!names) {
    return;
  }
  json::Array list;
  for (const std::string& name : *names) {
    if (!name.empty()) {  // "" on the command line stands for none
      list.emplace_back(name);
    }
  }
  body->set(member, std::move(list));
}

void set_text(json::Object* body, const std::string& member, const std::string& text) {
  if (!text.empty()) {
    body->set(member, text);
  }
}

}  // namespace

Async<Answer> list_keys(Gateway* gateway, Format format) {
  SLUICE_CO_TRY(const json::Value reply, co_await gateway->get("/api/keys"));
  if (format == Format::Json) {
    co_return Answer{kExitDone, json::write(reply) + "\n"};
  }
  std::string text;
  const json::Value* const keys = reply.find("keys");
  if (keys != nullptr && keys->as_array() != nullptr) {
    for (const json::Value& key : *keys->as_array()) {
      text += line_of(key);
    }
  }
  co_return Answer{kExitDone, text.empty() ? "no keys\n" : text};
}

Async<Answer> create_key(Gateway* gateway, NewKey key, Format format) {
  json::Object body;
  set_text(&body, "id", key.id);
  set_text(&body, "tenant", key.tenant);
  set_text(&body, "agent", key.agent);
  set_text(&body, "expires_at", key.expires_at);
  if (!key.roles.empty()) {
    set_list(&body, "roles", std::optional(key.roles));
  }
  set_list(&body, "servers", key.servers);
  set_list(&body, "tools", key.tools);
  set_list(&body, "models", key.models);
  SLUICE_CO_TRY(const json::Value made, co_await gateway->post("/api/keys", std::move(body)));
  co_return Answer{
      kExitDone, (format == Format::Json ? json::write(made) : made.text_or("key", "?")) + "\n"
  };
}

Async<Answer> revoke_key(Gateway* gateway, std::string id, Format format) {
  SLUICE_CO_TRY(
      const json::Value revoked, co_await gateway->remove("/api/keys/" + url_encoded(id))
  );
  co_return Answer{
      kExitDone, format == Format::Json ? json::write(revoked) + "\n" : line_of(revoked)
  };
}

}  // namespace sluice::cli
