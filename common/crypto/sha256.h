// SHA-256 (FIPS 180-4).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sluice::crypto {

inline constexpr std::size_t kSha256Bytes = 32;

// 32 raw bytes.
[[nodiscard]] std::string sha256(std::string_view bytes);

// In pieces. field() hashes the length first (8 bytes, big-endian), so that two lists of fields
// never collide.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::string_view bytes);
  Sha256& field(std::string_view bytes);
  [[nodiscard]] std::string finish();  // once

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sluice::crypto
