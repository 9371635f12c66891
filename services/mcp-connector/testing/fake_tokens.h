// FakeTokens: a TokenStore in memory, for tests.
#pragma once

#include "services/mcp-connector/oauth/store.h"

#include <map>
#include <utility>

namespace sluice::mcp_connector {

class FakeTokens final : public oauth::TokenStore {
 public:
  Async<std::optional<oauth::Tokens>> find(oauth::TokenOwner owner) override {
    if (failing) {
      co_return Error(Code::Unavailable, "the store is down");
    }
    const auto place = tokens.find(owner);
    co_return place == tokens.end() ? std::nullopt : std::optional(place->second);
  }

  Async<void> put(oauth::TokenOwner owner, oauth::Tokens kept) override {
    tokens.insert_or_assign(std::move(owner), std::move(kept));
    co_return Result<void>();
  }

  Async<void> drop(oauth::TokenOwner owner) override {
    tokens.erase(owner);
    co_return Result<void>();
  }

  Async<void> forget(std::string server_id) override {
    const auto is_of = [&server_id](const auto& entry) {
      return entry.first.server_id == server_id;
    };
    std::erase_if(tokens, is_of);
    std::erase_if(demands, is_of);
    co_return Result<void>();
  }

  Async<std::optional<oauth::Client>> find_client(std::string issuer, std::string redirect)
      override {
    const auto place = clients.find({issuer, redirect});
    co_return place == clients.end() ? std::nullopt : std::optional(place->second);
  }

  Async<void> put_client(std::string issuer, std::string redirect, oauth::Client client) override {
    clients.insert_or_assign({std::move(issuer), std::move(redirect)}, std::move(client));
    co_return Result<void>();
  }

  Async<void> drop_client(std::string issuer, std::string client_id) override {
    std::erase_if(clients, [&](const auto& entry) {
      return entry.first.first == issuer && entry.second.id == client_id;
    });
    co_return Result<void>();
  }

  Async<void> begin(std::string state, oauth::Pending begun, std::chrono::milliseconds) override {
    pending.insert_or_assign(std::move(state), std::move(begun));
    co_return Result<void>();
  }

  Async<std::optional<oauth::Pending>> take(std::string state) override {
    auto taken = pending.extract(state);
    co_return taken.empty() ? std::nullopt : std::optional(std::move(taken.mapped()));
  }

  Async<std::optional<oauth::Demand>> find_demand(oauth::TokenOwner owner) override {
    const auto place = demands.find(owner);
    co_return place == demands.end() ? std::nullopt : std::optional(place->second);
  }

  Async<void> put_demand(oauth::TokenOwner owner, oauth::Demand demand) override {
    demands.insert_or_assign(std::move(owner), std::move(demand));
    co_return Result<void>();
  }

  bool failing = false;
  std::map<oauth::TokenOwner, oauth::Tokens> tokens;
  std::map<std::pair<std::string, std::string>, oauth::Client> clients;
  std::map<std::string, oauth::Pending> pending;
  std::map<oauth::TokenOwner, oauth::Demand> demands;
};

}  // namespace sluice::mcp_connector
