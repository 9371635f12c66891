#include "services/ingress/domain/tool_names.h"

#include "services/ingress/limits.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <vector>

namespace sluice::ingress {
namespace {

constexpr std::size_t kSuffixDigits = 8;

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

std::string full_name_of(std::string_view server, std::string_view tool) {
  std::string name;
  name.reserve(server.size() + 1 + tool.size());
  name.append(server).append(1, '-').append(tool);
  return name;
}

std::string model_name_of(std::string name) {
  if (name.size() <= kToolNameBytesMax && std::all_of(name.begin(), name.end(), is_allowed)) {
    return name;
  }
  const std::string digest = to_hex(crypto::sha256(name)).substr(0, kSuffixDigits);
  std::replace_if(name.begin(), name.end(), [](char c) { return !is_allowed(c); }, '_');
  name.resize(std::min(name.size(), kToolNameBytesMax - kSuffixDigits - 1));
  return name + "_" + digest;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kNearNameBytesMax);
  b = b.substr(0, kNearNameBytesMax);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace sluice::ingress
