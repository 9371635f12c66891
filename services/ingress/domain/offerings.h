// Offerings: resources, resource templates and prompts of the servers one caller may use, under
// names that lead back to one server. Immutable, sorted.
#pragma once

#include "services/ingress/domain/narrowing.h"

#include "proto/sluice/connector/v1/connector.pb.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ingress {

enum class OfferingKind : std::uint8_t { Resource, Template, Prompt };
inline constexpr std::size_t kOfferingKinds = 3;

struct Offering {
  std::string name;  // as clients see it: URI, URI template or prompt name
  std::string server_id;
  std::string server;
  std::string key;         // the server's own
  std::string definition;  // under that name, all else as the server gave it
};

// Where a request for one of them goes.
struct OfferingTarget {
  std::string server_id;
  std::string server;
  std::string key;  // what the server is asked for
};

class Offerings {
 public:
  // A URI is the server's own where no server that comes first by name has it, else
  // "sluice://<server>/<its own>". A prompt is "<server>-<name>", or its own name where its server
  // has no prefix and nothing else that name. servers: ids of those the caller may use.
  [[nodiscard]] static Offerings build(
      const connector::v1::CatalogReply& catalog, const std::set<std::string>& servers
  );

  // Those of the servers a request asks for.
  [[nodiscard]] Offerings narrowed(const Narrowing& narrowing) const;

  [[nodiscard]] const std::vector<Offering>& of(OfferingKind kind) const {
    return kinds_.at(static_cast<std::size_t>(kind));
  }

  // Definitions joined by commas: the same bytes for the same offerings.
  [[nodiscard]] std::string list(OfferingKind kind) const;

  // A listed name; nullptr for others.
  [[nodiscard]] const Offering* find(OfferingKind kind, std::string_view name) const;

  // Of a listed URI, or of one that a template covers: the longest fixed part decides.
  [[nodiscard]] std::optional<OfferingTarget> resource(std::string_view uri) const;

 private:
  std::array<std::vector<Offering>, kOfferingKinds> kinds_;  // each sorted by name, names unique
};

// Whether an RFC 6570 template may expand to this URI: its fixed beginning and end stand there.
// Bytes of both, or 0.
[[nodiscard]] std::size_t fixed_part_of(std::string_view uri_template, std::string_view uri);

}  // namespace sluice::ingress
