#include "services/mcp-connector/oauth/authorizer.h"

#include "services/mcp-connector/oauth/limits.h"

#include "common/async/one_shot.h"

#include <algorithm>
#include <list>
#include <utility>

namespace sluice::mcp_connector::oauth {
namespace {

constexpr int kUnauthorized = 401;

Error person_needed(const Target& target) {
  return Error(
      Code::Unauthenticated,
      target.owner.principal.empty()
          ? "the MCP server wants the gateway to be authorized; " + how_to_authorize(target)
          : "the MCP server wants you to authorize the gateway; " + how_to_authorize(target)
  );
}

}  // namespace

std::string how_to_authorize(const Target& target) {
  return "POST /api/mcp/client/" + target.owner.server_id + "/authorize with " +
         (target.owner.principal.empty() ? "an admin's key" : "your own key") +
         " and open the URL it answers in a browser";
}

// Its work runs in the authorizer's tasks: a request that is cancelled takes no renewal with it.
class Authorizer::ServerAuthorization final
    : public Authorization,
      public std::enable_shared_from_this<Authorizer::ServerAuthorization> {
 public:
  ServerAuthorization(
      const Deps& deps,
      async::TaskGroup* tasks,
      std::shared_ptr<const Target> target,
      std::chrono::milliseconds early
  )
      : deps_(deps), tasks_(tasks), target_(std::move(target)), early_(early) {}

  Async<void> load() {
    SLUICE_CO_TRY(auto kept, co_await deps_.store->find(target_->owner));
    // A server that moved gets nothing that was meant for its old place.
    if (kept && covers(kept->resource, target_->url)) {
      set(std::move(*kept));
    }
    co_return Result<void>();
  }

  Async<Secret<std::string>> header() override {
    if (tokens_ && can_renew() && is_due()) {
      const auto renewed = co_await once(&ServerAuthorization::renew_early);
      if (!renewed.ok()) {
        co_return renewed.error();
      }
    }
    co_return header_now();
  }

  Async<bool> refused(int status, http::Headers headers, Secret<std::string> used) override {
    if (used.reveal() != header_now().reveal()) {
      co_return true;  // renewed meanwhile
    }
    auto challenge = bearer_challenge(headers);
    const bool wants_more = challenge && challenge->error == "insufficient_scope";
    if (status != kUnauthorized && !wants_more) {
      co_return false;
    }
    if (!running_) {
      challenge_ = std::move(challenge).value_or(Challenge{});
    }
    SLUICE_CO_CHECK_OK(co_await once(
        status == kUnauthorized ? &ServerAuthorization::react : &ServerAuthorization::step_up
    ));
    co_return true;
  }

 private:
  using Shared = std::shared_ptr<ServerAuthorization>;

  [[nodiscard]] Secret<std::string> header_now() const {
    return tokens_ ? Secret<std::string>("Bearer " + tokens_->access.reveal())
                   : Secret<std::string>();
  }

  // Tokens that live only shortly are renewed in the last quarter of their time at the earliest.
  [[nodiscard]] bool is_due() const {
    return !renewal_failed_ && tokens_->expires_unix_ms != 0 &&
           deps_.clock->unix_ms() + std::min(early_, lifetime_ / 4).count() >=
               tokens_->expires_unix_ms;
  }

  [[nodiscard]] bool can_renew() const {
    return !target_->needs_person() || !tokens_->refresh.empty();
  }

  // One at a time; whoever comes while it runs gets its end too.
  Async<void> once(Async<void> (ServerAuthorization::*work)()) {
    async::OneShot<void> done;
    waiters_.push_back(&done);
    if (!std::exchange(running_, true)) {
      tasks_->spawn("authorize", run(shared_from_this(), work));
    }
    auto result = co_await done.wait();
    waiters_.remove(&done);
    co_return result;
  }

  static Async<void> run(Shared self, Async<void> (ServerAuthorization::*work)()) {
    const auto result = co_await ((*self).*work)();
    self->running_ = false;
    for (auto* waiter : std::exchange(self->waiters_, {})) {
      waiter->set(result);
    }
    co_return Result<void>();
  }

  // Before its end. A failure is none yet: the old token is used to its end, and its refusal asks
  // again.
  Async<void> renew_early() {
    const auto renewed = co_await renew();
    renewal_failed_ = !renewed.ok();
    if (!renewed.ok()) {
      deps_.log->warn(
          "token-not-renewed", {{"server", target_->name}, {"error", renewed.error().to_log()}}
      );
    }
    co_return Result<void>();
  }

  // With a refresh token, or the client's own credentials, as they were used last.
  Async<void> renew() {
    SLUICE_CO_TRY(const bool adopted, co_await adopt_newer());
    if (adopted) {
      co_return Result<void>();
    }
    Tokens tokens = *tokens_;
    const oauth::ClientSettings& own = target_->settings.client;
    if (!own.id.empty() && own.id == tokens.client.id) {
      tokens.client.secret = own.secret;  // may have been changed by the operator
    }
    TokenRequest request =
        target_->needs_person() ? refresh_request(tokens) : client_credentials_request(tokens);
    auto renewed = co_await deps_.endpoints->ask(target_, std::move(request), std::move(tokens));
    if (!renewed.ok()) {
      co_return std::move(renewed).error();
    }
    co_return co_await keep(std::move(renewed).value());
  }

  // Tokens that another replica, or a person, has got meanwhile.
  Async<bool> adopt_newer() {
    SLUICE_CO_TRY(auto kept, co_await deps_.store->find(target_->owner));
    if (!kept || !covers(kept->resource, target_->url) ||
        (tokens_ && kept->access.reveal() == tokens_->access.reveal())) {
      co_return false;
    }
    set(std::move(*kept));
    co_return true;
  }

  Async<void> keep(Tokens tokens) {
    set(std::move(tokens));
    const auto kept = co_await deps_.store->put(target_->owner, *tokens_);
    if (!kept.ok()) {  // good until this link ends
      deps_.log->error(
          "token-not-kept", {{"server", target_->name}, {"error", kept.error().to_log()}}
      );
    }
    co_return Result<void>();
  }

  void set(Tokens tokens) {
    renewal_failed_ = false;
    tokens_ = std::move(tokens);
    lifetime_ = std::chrono::milliseconds(
        std::max<std::int64_t>(tokens_->expires_unix_ms - deps_.clock->unix_ms(), 0)
    );
  }

  // To 401: the token is missing or not good any more.
  Async<void> react() {
    SLUICE_CO_TRY(const bool adopted, co_await adopt_newer());
    if (adopted) {
      co_return Result<void>();
    }
    if (target_->needs_person() && (!tokens_ || tokens_->refresh.empty())) {
      co_return co_await ask_person();
    }
    SLUICE_CO_TRY(auto found, co_await deps_.endpoints->discover(target_, challenge_));
    if (!target_->needs_person()) {
      co_return co_await use_own_credentials(std::move(found), Scopes());
    }
    if (found.issuer.issuer != tokens_->issuer) {
      co_return co_await ask_person();
    }
    const auto renewed = co_await renew();
    if (renewed.ok() || !is_final(renewed.error())) {
      co_return renewed;
    }
    if (renewed.error().code() == Code::Conflict) {
      SLUICE_CO_CHECK_OK(co_await deps_.store->drop_client(tokens_->issuer, tokens_->client.id));
    }
    co_return co_await ask_person();
  }

  // Whether asking again would end the same.
  static bool is_final(const Error& error) {
    return error.code() == Code::Unauthenticated || error.code() == Code::Conflict ||
           error.code() == Code::Denied;
  }

  // To 403: the token is good, but not for this.
  Async<void> step_up() {
    SLUICE_CO_TRY(const bool adopted, co_await adopt_newer());
    if (adopted) {
      co_return Result<void>();
    }
    const Scopes asked = tokens_ ? tokens_->scopes : Scopes();
    if (tokens_ && contains_all(asked, challenge_.scopes)) {
      co_return Error(
          Code::Denied,
          "the MCP server refuses this request although the gateway was authorized for all it asks "
          "for; ask the server's operator which rights it takes"
      );
    }
    if (target_->needs_person()) {
      SLUICE_CO_CHECK_OK(co_await put_demand());
      co_return Error(
          Code::Unauthenticated,
          "the MCP server wants more rights for this request (" + joined(challenge_.scopes) +
              "); " + how_to_authorize(*target_)
      );
    }
    SLUICE_CO_TRY(auto found, co_await deps_.endpoints->discover(target_, challenge_));
    co_return co_await use_own_credentials(std::move(found), asked);
  }

  Async<void> use_own_credentials(Discovered found, Scopes asked_before) {
    SLUICE_CO_TRY(
        auto client, client_of(ClientSource::Settings, target_->settings.client, found.issuer)
    );
    Tokens tokens{
        .issuer = found.issuer.issuer,
        .resource = found.resource.resource,
        .token_endpoint = found.issuer.token_endpoint,
        .client = std::move(client),
        .access = {},
        .refresh = {},
        .scopes = scopes_to_ask(
            {.configured = target_->settings.scopes,
             .challenged = challenge_.scopes,
             .asked_before = std::move(asked_before),
             .resource_supported = found.resource.scopes,
             .issuer_supported = found.issuer.scopes,
             .may_stay_offline = false}
        ),
        .expires_unix_ms = 0
    };
    TokenRequest request = client_credentials_request(tokens);
    auto got = co_await deps_.endpoints->ask(target_, std::move(request), std::move(tokens));
    if (!got.ok()) {
      co_return std::move(got).error();
    }
    co_return co_await keep(std::move(got).value());
  }

  // Nothing is left that could be used.
  Async<void> ask_person() {
    SLUICE_CO_CHECK_OK(co_await put_demand());
    if (tokens_) {
      tokens_.reset();
      SLUICE_CO_CHECK_OK(co_await deps_.store->drop(target_->owner));
    }
    co_return person_needed(*target_);
  }

  Async<void> put_demand() {
    Demand demand{.challenge = challenge_, .issuer = {}, .asked_before = {}};
    if (tokens_) {
      demand.issuer = tokens_->issuer;
      demand.asked_before = tokens_->scopes;
    } else if (told_ && told_->challenge == challenge_) {
      co_return Result<void>();
    }
    SLUICE_CO_CHECK_OK(co_await deps_.store->put_demand(target_->owner, demand));
    told_ = std::move(demand);
    co_return Result<void>();
  }

  Deps deps_;
  async::TaskGroup* tasks_;
  std::shared_ptr<const Target> target_;
  std::chrono::milliseconds early_;
  std::chrono::milliseconds lifetime_{0};
  std::optional<Tokens> tokens_;
  Challenge challenge_;  // of the refusal that is reacted to
  std::optional<Demand> told_;
  bool running_ = false;
  bool renewal_failed_ = false;  // of these tokens, before their end
  std::list<async::OneShot<void>*> waiters_;
};

Authorizer::Authorizer(Deps deps)
    : deps_(deps),
      generator_(deps.seed),
      tasks_(deps.executor, [log = deps.log](std::string_view name, const Error& error) {
        log->error("authorizer-task-failed", {{"task", name}, {"error", error.to_log()}});
      }) {}

Async<std::shared_ptr<Authorization>> Authorizer::open(const ServerConfig* server) {
  SLUICE_CO_TRY(
      auto guard,
      http::AddressGuard::make(
          server->allowed_private_networks, "allowed_private_networks in the server's configuration"
      )
  );
  SLUICE_CO_TRY(auto target, target_of(*server, std::move(guard)));
  std::uniform_int_distribution<std::int64_t> jitter(0, kTokenRenewJitter.count());
  const auto authorization = std::make_shared<ServerAuthorization>(
      deps_,
      &tasks_,
      std::make_shared<const Target>(std::move(target)),
      kTokenRenewEarly + std::chrono::milliseconds(jitter(generator_))
  );
  SLUICE_CO_CHECK_OK(co_await authorization->load());
  co_return std::shared_ptr<Authorization>(authorization);
}

}  // namespace sluice::mcp_connector::oauth
