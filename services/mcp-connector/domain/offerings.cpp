#include "services/mcp-connector/domain/offerings.h"

#include "services/mcp-connector/limits.h"

#include "common/json/canonical.h"
#include "common/json/parse.h"
#include "common/json/write.h"
#include "common/mcp/messages.h"

#include <map>
#include <utility>

namespace sluice::mcp_connector {
namespace {

using Copies = google::protobuf::RepeatedPtrField<connector::v1::Offering>;

constexpr std::string_view kName = "name";
constexpr json::ParseLimits kDefinitionLimits{.depth_max = 64, .bytes_max = kCatalogBytesMax};

std::vector<Offering> read(const Copies& copies, const mcp::ListMethod& list) {
  std::vector<json::Value> definitions;
  for (const auto& copy : copies) {
    if (auto value = json::parse(copy.definition(), kDefinitionLimits); value.ok()) {
      definitions.push_back(std::move(value).value());
    }
  }
  auto built = OfferingList::build(list.key, definitions);
  return built.ok() ? std::move(built.value().items) : std::vector<Offering>();
}

void write(const std::vector<Offering>& offerings, Copies* out) {
  for (const Offering& offering : offerings) {
    auto* copy = out->Add();
    copy->set_key(offering.key);
    copy->set_definition(offering.definition);
  }
}

// Every definition of a list has a name besides the key that it is found by.
bool lacks_name(const json::Value& definition, std::string_view key) {
  const json::Value* const name = definition.find(kName);
  return !definition.text_or(key, "").empty() && (name == nullptr || name->as_string() == nullptr);
}

json::Value named_by(json::Value definition, std::string_view key) {
  definition.as_object()->set(kName, definition.text_or(key, ""));
  return definition;
}

Offering offering_of(const json::Value& definition, std::string_view key) {
  return {
      .key = definition.text_or(key, ""),
      .definition = json::write(definition),
      .definition_hash = crypto::sha256(json::canonical(definition))
  };
}

}  // namespace

Result<OfferingList> OfferingList::build(
    std::string_view key, const std::vector<json::Value>& definitions
) {
  if (definitions.size() > kListItemsMax) {
    return Error(
        Code::Invalid,
        "the server lists more than " + std::to_string(kListItemsMax) +
            " items; split it into several servers"
    );
  }
  std::map<std::string, Offering> by_key;  // sorted, and the first of a key stays
  std::size_t bytes = 0;
  std::size_t unnamed = 0;
  for (const json::Value& definition : definitions) {
    const bool is_unnamed = lacks_name(definition, key);
    Offering offering =
        is_unnamed ? offering_of(named_by(definition, key), key) : offering_of(definition, key);
    bytes += offering.definition.size();
    if (bytes > kCatalogBytesMax) {
      return Error(
          Code::Invalid,
          "the server's definitions exceed " + std::to_string(kCatalogBytesMax) +
              " bytes; shorten them or split the server"
      );
    }
    if (!offering.key.empty()) {
      std::string name = offering.key;
      const bool is_new = by_key.emplace(std::move(name), std::move(offering)).second;
      unnamed += is_new && is_unnamed ? 1 : 0;
    }
  }
  OfferingList list{
      .items = {}, .left_out = definitions.size() - by_key.size(), .unnamed = unnamed
  };
  list.items.reserve(by_key.size());
  for (auto& [name, offering] : by_key) {
    list.items.push_back(std::move(offering));
  }
  return list;
}

Offerings Offerings::from_copy(const connector::v1::ServerCatalog& copy) {
  return {
      .resources = read(copy.resources(), mcp::kResourcesList),
      .templates = read(copy.resource_templates(), mcp::kTemplatesList),
      .prompts = read(copy.prompts(), mcp::kPromptsList),
      .completions = copy.completions()
  };
}

std::size_t Offerings::bytes() const {
  std::size_t sum = 0;
  for (const auto* list : {&resources, &templates, &prompts}) {
    for (const Offering& offering : *list) {
      sum += offering.definition.size();
    }
  }
  return sum;
}

void Offerings::add_to(crypto::Sha256* hash) const {
  for (const auto* list : {&resources, &templates, &prompts}) {
    hash->field(std::to_string(list->size()));
    for (const Offering& offering : *list) {
      hash->field(offering.key).field(offering.definition_hash);
    }
  }
  hash->field(completions ? "completions" : "");
}

void Offerings::fill(connector::v1::ServerCatalog* out) const {
  write(resources, out->mutable_resources());
  write(templates, out->mutable_resource_templates());
  write(prompts, out->mutable_prompts());
  out->set_completions(completions);
}

}  // namespace sluice::mcp_connector
