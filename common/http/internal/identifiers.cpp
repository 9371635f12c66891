#include "common/http/internal/identifiers.h"

#include "common/crypto/random.h"

#include <algorithm>

namespace sluice::http {
namespace {

void append_hex(std::string& out, std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) {
    out.push_back(kDigits[(value >> shift) & 0xf]);
  }
}

}  // namespace

Identifiers::Identifiers() : state_(crypto::random_u64()), process_(crypto::random_u64()) {}

// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014). A permutation of its
// counter: no repeats.
std::uint64_t Identifiers::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::string Identifiers::request_id() {
  std::string out;
  out.reserve(36);
  out = "req_";
  append_hex(out, process_);
  append_hex(out, next());
  return out;
}

std::string Identifiers::trace_parent() {
  std::string out;
  out.reserve(55);
  out = "00-";
  append_hex(out, process_);
  append_hex(out, next());
  out.push_back('-');
  append_hex(out, next() | 1);
  out.append("-01");
  return out;
}

bool is_request_id(std::string_view text) {
  constexpr std::size_t kIdBytesMax = 64;
  return !text.empty() && text.size() <= kIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

}  // namespace sluice::http
