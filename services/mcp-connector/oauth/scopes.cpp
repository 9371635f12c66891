#include "services/mcp-connector/oauth/scopes.h"

#include "services/mcp-connector/oauth/limits.h"

#include <algorithm>

namespace sluice::mcp_connector::oauth {
namespace {

constexpr std::string_view kOffline = "offline_access";

bool is_scope(std::string_view word) {
  return !word.empty() && word.size() <= kScopeBytesMax &&
         std::all_of(word.begin(), word.end(), [](char c) {
           return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
         });
}

}  // namespace

Scopes parse_scopes(std::string_view text) {
  Scopes out;
  while (!text.empty() && out.size() < kScopesMax) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (is_scope(word) && !contains(out, word)) {
      out.emplace_back(word);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string joined(const Scopes& scopes) {
  std::string out;
  for (const std::string& scope : scopes) {
    out.append(out.empty() ? "" : " ").append(scope);
  }
  return out;
}

bool contains(const Scopes& all, std::string_view scope) {
  return std::find(all.begin(), all.end(), scope) != all.end();
}

bool contains_all(const Scopes& all, const Scopes& some) {
  return std::all_of(some.begin(), some.end(), [&all](const std::string& scope) {
    return contains(all, scope);
  });
}

Scopes united(Scopes first, const Scopes& second) {
  for (const std::string& scope : second) {
    if (first.size() < kScopesMax && !contains(first, scope)) {
      first.push_back(scope);
    }
  }
  return first;
}

Scopes scopes_to_ask(const ScopeSources& sources) {
  Scopes asked = united(sources.asked_before, united(sources.configured, sources.challenged));
  if (asked.empty()) {
    asked = sources.resource_supported;
  }
  const bool offline_is_known = contains(sources.issuer_supported, kOffline);
  if (!offline_is_known && !contains(sources.configured, kOffline)) {
    std::erase(asked, kOffline);
  } else if (offline_is_known && sources.may_stay_offline && !asked.empty()) {
    asked = united(std::move(asked), {std::string(kOffline)});
  }
  return asked;
}

}  // namespace sluice::mcp_connector::oauth
