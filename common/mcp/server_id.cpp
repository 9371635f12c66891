#include "common/mcp/server_id.h"

#include "common/base/bytes.h"
#include "common/crypto/sha256.h"

#include <algorithm>
#include <string>

namespace sluice::mcp {
namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::size_t kNameCharactersMax = 32;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

ServerId server_id(std::string_view name, std::string_view scope) {
  const std::string digest = crypto::Sha256().field(scope).field(name).finish();
  return ServerId(to_hex(std::string_view(digest).substr(0, kIdBytes)));
}

bool is_server_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameCharactersMax && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

}  // namespace sluice::mcp
