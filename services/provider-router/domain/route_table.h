// RouteTable: "provider/model" to the provider that serves it.
#pragma once

#include "services/provider-router/domain/key_pool.h"

#include "common/base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::provider_router {

// How a provider is spoken to.
enum class Dialect : std::uint8_t { Demo, OpenAi, Anthropic };

[[nodiscard]] std::string_view name_of(Dialect dialect);

struct Provider {
  std::string name;  // the part of a model name before the first '/'
  Dialect dialect = Dialect::OpenAi;
  std::string base_url;                 // without a slash at the end; "" for the demo
  std::vector<ProviderKey> keys;        // moved into the route's pool
  std::vector<std::string> models;      // empty: every name is passed on
  std::int64_t max_tokens_default = 0;  // Anthropic only
};

struct Route {
  const Provider* provider = nullptr;
  KeyPool* keys = nullptr;
  std::string model;  // as the provider names it
};

// Made once; the routes it hands out live as long as it does.
class RouteTable {
 public:
  explicit RouteTable(std::vector<Provider> providers);

  // Errors: NotFound, naming what exists.
  [[nodiscard]] Result<Route> find(std::string_view model) const;

  struct Listed {
    std::string id;  // "provider/model"
    std::string owned_by;
  };

  // Every model named in the configuration, sorted by id.
  [[nodiscard]] std::vector<Listed> models() const;

 private:
  struct Entry {
    Provider provider;
    KeyPool keys;
  };

  [[nodiscard]] std::string existing() const;

  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace sluice::provider_router
