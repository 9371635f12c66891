#include "services/ingress/domain/offerings.h"

#include "services/ingress/domain/definition.h"
#include "services/ingress/domain/tool_names.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice::ingress {
namespace {

constexpr std::string_view kWrapped = "sluice://";

struct Kind {
  OfferingKind kind;
  std::string_view member;  // that holds the name
};

constexpr std::array<Kind, kOfferingKinds> kKinds{{
    {OfferingKind::Resource, "uri"},
    {OfferingKind::Template, "uriTemplate"},
    {OfferingKind::Prompt, "name"},
}};

using Listed = google::protobuf::RepeatedPtrField<connector::v1::Offering>;

const Listed& listed(const connector::v1::ServerCatalog& server, OfferingKind kind) {
  switch (kind) {
    case OfferingKind::Resource:
      return server.resources();
    case OfferingKind::Template:
      return server.resource_templates();
    case OfferingKind::Prompt:
      return server.prompts();
  }
  SLUICE_UNREACHABLE("every kind has its list");
}

// The wanted name, and the one that is certainly free.
std::pair<std::string, std::string> names_of(
    const connector::v1::ServerCatalog& server, OfferingKind kind, const std::string& key
) {
  if (kind != OfferingKind::Prompt) {
    return {key, std::string(kWrapped) + server.name() + "/" + key};
  }
  const std::string full = full_name_of(server.name(), key);
  return {server.unprefixed() ? key : full, full};
}

bool by_name(const Offering& a, const Offering& b) {
  return a.name < b.name;
}

}  // namespace

Offerings Offerings::build(
    const connector::v1::CatalogReply& catalog, const std::set<std::string>& servers
) {
  std::vector<const connector::v1::ServerCatalog*> in_order;
  for (const auto& server : catalog.servers()) {
    if (servers.contains(server.server_id())) {
      in_order.push_back(&server);
    }
  }
  std::sort(in_order.begin(), in_order.end(), [](const auto* a, const auto* b) {
    return a->name() < b->name();
  });
  Offerings out;
  for (const auto& [kind, member] : kKinds) {
    auto& offerings = out.kinds_.at(static_cast<std::size_t>(kind));
    std::set<std::string, std::less<>> taken;
    for (const auto* server : in_order) {
      for (const auto& offering : listed(*server, kind)) {
        auto [wanted, free] = names_of(*server, kind, offering.key());
        std::string name = taken.contains(wanted) ? std::move(free) : std::move(wanted);
        auto definition = with_text(offering.definition(), member, name);
        if (!definition.ok() || !taken.insert(name).second) {
          continue;
        }
        offerings.push_back(
            {.name = std::move(name),
             .server_id = server->server_id(),
             .server = server->name(),
             .key = offering.key(),
             .definition = std::move(definition).value()}
        );
      }
    }
    std::sort(offerings.begin(), offerings.end(), by_name);
  }
  return out;
}

Offerings Offerings::narrowed(const Narrowing& narrowing) const {
  Offerings out;
  for (std::size_t kind = 0; kind < kOfferingKinds; ++kind) {
    for (const Offering& offering : kinds_.at(kind)) {
      if (narrowing.allows_resources(offering.server)) {
        out.kinds_.at(kind).push_back(offering);
      }
    }
  }
  return out;
}

std::string Offerings::list(OfferingKind kind) const {
  std::string out;
  for (const Offering& offering : of(kind)) {
    out.append(out.empty() ? "" : ",").append(offering.definition);
  }
  return out;
}

const Offering* Offerings::find(OfferingKind kind, std::string_view name) const {
  const auto& offerings = of(kind);
  const auto place = std::lower_bound(
      offerings.begin(),
      offerings.end(),
      name,
      [](const Offering& offering, std::string_view wanted) { return offering.name < wanted; }
  );
  return place != offerings.end() && place->name == name ? &*place : nullptr;
}

std::optional<OfferingTarget> Offerings::resource(std::string_view uri) const {
  if (const Offering* listed = find(OfferingKind::Resource, uri)) {
    return OfferingTarget{listed->server_id, listed->server, listed->key};
  }
  const Offering* best = nullptr;
  std::size_t longest = 0;
  for (const Offering& offering : of(OfferingKind::Template)) {
    if (const std::size_t fixed = fixed_part_of(offering.name, uri); fixed > longest) {
      best = &offering;
      longest = fixed;
    }
  }
  if (best == nullptr) {
    return std::nullopt;
  }
  // Of a wrapped template the server knows the URI without the wrapping.
  const std::size_t wrapping = best->name.size() - best->key.size();
  return OfferingTarget{best->server_id, best->server, std::string(uri.substr(wrapping))};
}

std::size_t fixed_part_of(std::string_view uri_template, std::string_view uri) {
  const auto open = uri_template.find('{');
  const auto close = uri_template.rfind('}');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return uri_template == uri ? uri.size() : 0;
  }
  const std::string_view begin = uri_template.substr(0, open);
  const std::string_view end = uri_template.substr(close + 1);
  const bool stands =
      uri.size() >= begin.size() + end.size() && uri.starts_with(begin) && uri.ends_with(end);
  return stands ? begin.size() + end.size() : 0;
}

}  // namespace sluice::ingress
