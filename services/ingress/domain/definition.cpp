#include "services/ingress/domain/definition.h"

#include "common/json/scan.h"
#include "common/json/write.h"

#include <array>

namespace sluice::ingress {

Result<std::string> with_text(
    std::string definition, std::string_view member, std::string_view text
) {
  definition.reserve(definition.size() + json::kScanPadding);
  SLUICE_TRY(const auto scan, json::Scan::object(definition));
  const json::Field* field = scan.find(member);
  if (field == nullptr) {
    return Error(
        Code::Invalid, "a definition has no " + std::string(member) + "; repair the server"
    );
  }
  std::string quoted;
  json::append_quoted(quoted, text);
  const std::array splices{json::Splice{field->value_begin, field->value_end, quoted}};
  return json::splice(definition, splices);
}

}  // namespace sluice::ingress
