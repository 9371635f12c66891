#include "services/provider-router/config.h"

#include "services/provider-router/domain/demo_assistant.h"
#include "services/provider-router/limits.h"

#include "common/service/connect.h"

#include <algorithm>
#include <set>

namespace sluice::provider_router {
namespace {

constexpr std::string_view kAnthropicUrl = "https://api.anthropic.com";
constexpr std::string_view kOpenAiUrl = "https://api.openai.com/v1";

bool is_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= 32 && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&letter](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '-';
         });
}

Dialect dialect_of(const std::string& type) {
  return type == "demo"        ? Dialect::Demo
         : type == "anthropic" ? Dialect::Anthropic
                               : Dialect::OpenAi;
}

// Without the slash at the end; faults for what cannot be a base.
std::string base_url_of(config::Section& section, Dialect dialect) {
  const std::string_view fallback = dialect == Dialect::Anthropic ? kAnthropicUrl : kOpenAiUrl;
  std::string url = section.text(
      "base_url",
      {.fallback = std::string(fallback),
       .choices = {},
       .description = "Where the provider is: for type openai with the path before "
                      "/chat/completions, for anthropic without /v1"}
  );
  while (url.ends_with('/')) {
    url.pop_back();
  }
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  if (!http || url.size() <= url.find("://") + 3) {
    section.fault(
        "base_url", "is no http:// or https:// URL; give one such as " + std::string(fallback)
    );
  } else if (url.find_first_of("?# \t\r\n") != std::string::npos ||
             url.find('@') != std::string::npos) {
    section.fault(
        "base_url", "has a query, a user or white space; give scheme, host, port and path only"
    );
  } else if (url.ends_with("/chat/completions") || url.ends_with("/v1/messages")) {
    section.fault("base_url", "names an endpoint; leave the last part out, the gateway adds it");
  }
  return url;
}

// What may stand in a header: no line breaks that a secret file or variable could bring in.
bool is_header_value(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::vector<ProviderKey> keys_of(config::Section& section) {
  std::vector<ProviderKey> keys;
  std::set<std::string> ids;
  for (config::Section& key : section.children("keys")) {
    ProviderKey read;
    read.id = key.text(
        "id",
        {.fallback = "key-" + std::to_string(keys.size() + 1),
         .choices = {},
         .description = "Name of the key in logs and records"}
    );
    read.value = key.secret(
        "value",
        {.fallback = std::nullopt,
         .choices = {},
         .description = "The provider's key: env.NAME, the text itself, or value_file"}
    );
    if (!ids.insert(read.id).second) {
      key.fault("id", "is used twice in this provider; give each key its own");
    }
    if (!is_header_value(read.value.reveal())) {
      key.fault(
          "value",
          "has white space or a character no key has; check the variable or file it comes from"
      );
    }
    keys.push_back(std::move(read));
  }
  if (keys.size() > kKeysPerProviderMax) {
    section.fault(
        "keys", "has more than " + std::to_string(kKeysPerProviderMax) + " entries; leave some out"
    );
  }
  return keys;
}

std::vector<std::string> models_of(config::Section& section) {
  std::vector<std::string> models = section.list(
      "models",
      {.fallback = std::vector<std::string>(),
       .description = "Models offered, as the provider names them; empty: every name is passed on, "
                      "none is listed"}
  );
  std::set<std::string> seen;
  for (const std::string& model : models) {
    if (model.empty() || model.size() > 200 || !is_header_value(model)) {
      section.fault(
          "models",
          "holds an empty, overlong or unprintable name; give names as the provider writes them"
      );
    } else if (!seen.insert(model).second) {
      section.fault("models", "names \"" + model + "\" twice; leave one out");
    }
  }
  if (models.size() > kModelsPerProviderMax) {
    section.fault(
        "models",
        "has more than " + std::to_string(kModelsPerProviderMax) + " entries; leave some out"
    );
  }
  return models;
}

Provider read_provider(const std::string& name, config::Section& section) {
  Provider provider;
  provider.name = name;
  provider.dialect = dialect_of(section.text(
      "type",
      {.fallback = std::nullopt,
       .choices = {"demo", "openai", "anthropic"},
       .description = "How the provider is spoken to; openai means every OpenAI-compatible one"}
  ));
  provider.models = models_of(section);
  provider.base_url = base_url_of(section, provider.dialect);
  provider.keys = keys_of(section);
  provider.max_tokens_default = section.integer(
      "max_tokens_default",
      {.fallback = kAnthropicMaxTokensDefault,
       .min = 1,
       .max = 1000000,
       .unit = "",
       .description = "For type anthropic, which requires a limit: tokens of an answer when the "
                      "client gives none"}
  );
  if (provider.dialect == Dialect::Demo) {
    if (section.has("keys") || section.has("base_url")) {
      section.fault("type", "is demo, which runs inside the gateway; leave out keys and base_url");
    }
    if (provider.models.empty()) {
      provider.models.emplace_back(kDemoModel);
    }
    return provider;
  }
  if (provider.keys.empty() &&
      (provider.base_url == kOpenAiUrl || provider.base_url == kAnthropicUrl)) {
    section.fault(
        "keys",
        "is empty, but " + provider.base_url +
            " requires one; give [{\"id\": …, \"value\": \"env.NAME\"}]"
    );
  }
  return provider;
}

}  // namespace

std::vector<Provider> read_providers(config::Document& document) {
  config::Section section = document.section("providers");
  std::vector<Provider> providers;
  for (auto& [name, provider] : section.named("")) {
    if (!is_name(name)) {
      provider.fault(
          "", "is no usable name; take up to 32 letters, digits, '_' and '-', a letter first"
      );
    }
    providers.push_back(read_provider(name, provider));
  }
  if (providers.size() > kProvidersMax) {
    section.fault(
        "", "has more than " + std::to_string(kProvidersMax) + " entries; leave some out"
    );
  }
  if (providers.empty()) {
    providers.push_back({"demo", Dialect::Demo, "", {}, {std::string(kDemoModel)}, 0});
  }
  return providers;
}

Config Config::load(config::Document& document) {
  Config config;
  config.bus = service::read_bus(document);
  config.audit = service::read_audit(document, "provider-router");
  config.providers = read_providers(document);
  return config;
}

}  // namespace sluice::provider_router
