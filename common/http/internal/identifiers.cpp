#include "common/http/internal/identifiers.h"

#include "common/crypto/random.h"

#include <algorithm>

namespace sluice::http {
namespace {

// Sixteen digits.
void write_number(std::uint64_t value, char* to) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) {
    *to++ = kDigits[(value >> shift) & 0xf];
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
  std::string out = "req_00000000000000000000000000000000";
  write_number(process_, out.data() + 4);
  write_number(next(), out.data() + 20);
  return out;
}

std::string Identifiers::trace_parent() {
  std::string out = "00-00000000000000000000000000000000-0000000000000000-01";
  write_number(process_, out.data() + 3);
  write_number(next(), out.data() + 19);
  write_number(next() | 1, out.data() + 36);
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
