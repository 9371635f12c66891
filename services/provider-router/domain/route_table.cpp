#include "services/provider-router/domain/route_table.h"

#include <algorithm>

namespace sluice::provider_router {
namespace {

// Names listed in an error message at most.
constexpr std::size_t kNamedMax = 20;
constexpr std::size_t kModelShownMax = 100;

std::string shown(std::string_view model) {
  std::string text(model.substr(0, kModelShownMax));
  std::replace_if(
      text.begin(),
      text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"'; },
      '?'
  );
  return text;
}

std::string joined(const std::vector<std::string>& names, const std::string& prefix) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kNamedMax; ++i) {
    text += (i == 0 ? "" : ", ") + prefix + names[i];
  }
  return names.size() > kNamedMax ? text + ", …" : text;
}

}  // namespace

std::string_view name_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::Demo:
      return "demo";
    case Dialect::OpenAi:
      return "openai";
    case Dialect::Anthropic:
      return "anthropic";
  }
  SLUICE_UNREACHABLE("all dialects are named");
}

RouteTable::RouteTable(std::vector<Provider> providers) {
  for (Provider& provider : providers) {
    KeyPool keys(std::move(provider.keys));
    provider.keys.clear();
    entries_.push_back(std::make_unique<Entry>(Entry{std::move(provider), std::move(keys)}));
  }
}

Result<Route> RouteTable::find(std::string_view model) const {
  const std::size_t slash = model.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == model.size()) {
    return Error(
        Code::NotFound,
        "model \"" + shown(model) +
            "\" names no provider; use provider/model with one of: " + existing()
    );
  }
  const std::string_view name = model.substr(0, slash);
  const std::string_view rest = model.substr(slash + 1);
  for (const auto& entry : entries_) {
    if (entry->provider.name != name) {
      continue;
    }
    const auto& models = entry->provider.models;
    if (!models.empty() && std::find(models.begin(), models.end(), rest) == models.end()) {
      return Error(
          Code::NotFound,
          "provider \"" + entry->provider.name + "\" has no model \"" + shown(rest) +
              "\" here; use one of: " + joined(models, entry->provider.name + "/")
      );
    }
    return Route{&entry->provider, &entry->keys, std::string(rest)};
  }
  return Error(
      Code::NotFound,
      "there is no provider \"" + shown(name) + "\" for model \"" + shown(model) +
          "\"; use one of: " + existing()
  );
}

std::vector<RouteTable::Listed> RouteTable::models() const {
  std::vector<Listed> listed;
  for (const auto& entry : entries_) {
    const Provider& provider = entry->provider;
    const std::string owner = provider.dialect == Dialect::Demo ? "sluice-demo" : provider.name;
    for (const std::string& model : provider.models) {
      listed.push_back({provider.name + "/" + model, owner});
    }
  }
  std::sort(listed.begin(), listed.end(), [](const Listed& a, const Listed& b) {
    return a.id < b.id;
  });
  return listed;
}

std::string RouteTable::existing() const {
  std::vector<std::string> names;
  for (const Listed& model : models()) {
    names.push_back(model.id);
  }
  for (const auto& entry : entries_) {
    if (entry->provider.models.empty()) {
      names.push_back(entry->provider.name + "/<any model>");
    }
  }
  return names.empty() ? "(no provider is configured; ask the operator)" : joined(names, "");
}

}  // namespace sluice::provider_router
