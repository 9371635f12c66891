// Random bytes of getrandom(2), and UUIDv7 made of them.
#include "common/crypto/random.h"

#include "common/base/bytes.h"
#include "common/base/check.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstring>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

namespace sluice::crypto {
namespace {

constexpr int kCounterBits = 12;  // rand_a of RFC 9562 §5.7, used as a counter (§6.2, method 1)
constexpr std::int64_t kUnixMsMask = (std::int64_t{1} << 48) - 1;
// Threads read the clock before they come here: a millisecond this little older than the last one
// is taken for the last.
constexpr std::int64_t kBackstepMsMax = 50;
constexpr std::size_t kUuidLength = 36;
constexpr std::size_t kReserveBytes = 1024;
constexpr std::size_t kReserveTakeMax = 64;  // longer ones are drawn from the kernel directly

bool is_lower_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

// Millisecond and counter of the next id, in one word so that threads agree without a lock.
std::uint64_t next_stamp(std::int64_t unix_ms) {
  static std::atomic<std::uint64_t> last{0};
  std::uint64_t seen = last.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    const auto last_ms = static_cast<std::int64_t>(seen >> kCounterBits);
    const bool ascend = unix_ms <= last_ms && unix_ms + kBackstepMsMax > last_ms;
    next = ascend ? seen + 1 : static_cast<std::uint64_t>(unix_ms) << kCounterBits;
  } while (!last.compare_exchange_weak(seen, next, std::memory_order_relaxed));
  return next;
}

void fill(char* bytes, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = getrandom(bytes + done, count - done, 0);
    if (got < 0) {
      SLUICE_CHECK(errno == EINTR, "getrandom(2) fails only when interrupted");
      continue;
    }
    done += static_cast<std::size_t>(got);
  }
}

// Forks of this process so far: a child must not hand out what its parent will.
std::atomic<std::uint32_t>& forks() {
  static std::atomic<std::uint32_t> count{0};
  return count;
}

// Random bytes drawn ahead by one thread, so that an id does not cost a system call. What was
// handed out is wiped.
class Reserve {
 public:
  void take(char* bytes, std::size_t count) {
    const std::uint32_t now = forks().load(std::memory_order_relaxed);
    if (used_ + count > bytes_.size() || forks_ != now) {
      fill(bytes_.data(), bytes_.size());
      used_ = 0;
      forks_ = now;
    }
    std::memcpy(bytes, bytes_.data() + used_, count);
    explicit_bzero(bytes_.data() + used_, count);
    used_ += count;
  }

 private:
  std::array<char, kReserveBytes> bytes_{};
  std::size_t used_ = kReserveBytes;
  std::uint32_t forks_ = 0;
};

void count_forks() {
  [[maybe_unused]] static const int kRegistered =
      pthread_atfork(nullptr, nullptr, [] { forks().fetch_add(1, std::memory_order_relaxed); });
}

void take_random(char* bytes, std::size_t count) {
  if (count > kReserveTakeMax) {
    fill(bytes, count);
    return;
  }
  count_forks();
  static thread_local Reserve reserve;
  reserve.take(bytes, count);
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  take_random(bytes.data(), count);
  return bytes;
}

std::uint64_t random_u64() {
  std::array<char, sizeof(std::uint64_t)> bytes{};
  take_random(bytes.data(), bytes.size());
  return std::bit_cast<std::uint64_t>(bytes);
}

std::string uuid_v7(std::int64_t unix_ms) {
  const std::uint64_t stamp = next_stamp(unix_ms & kUnixMsMask);
  const std::uint64_t ms = stamp >> kCounterBits;
  const std::uint64_t counter = stamp & ((1U << kCounterBits) - 1);
  std::array<char, 16> bytes{};
  for (std::size_t i = 0; i < 6; ++i) {
    bytes[i] = static_cast<char>((ms >> (40 - 8 * i)) & 0xFF);
  }
  bytes[6] = static_cast<char>(0x70 | (counter >> 8));
  bytes[7] = static_cast<char>(counter & 0xFF);
  take_random(bytes.data() + 8, 8);
  bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3F) | 0x80);
  const std::string_view view(bytes.data(), bytes.size());
  std::string text(kUuidLength, '-');
  write_hex(view.substr(0, 4), text.data());
  write_hex(view.substr(4, 2), text.data() + 9);
  write_hex(view.substr(6, 2), text.data() + 14);
  write_hex(view.substr(8, 2), text.data() + 19);
  write_hex(view.substr(10, 6), text.data() + 24);
  return text;
}

std::int64_t uuid_v7_unix_ms(std::string_view text) {
  if (text.size() != kUuidLength || text[14] != '7' ||
      std::string_view("89ab").find(text[19]) == std::string_view::npos) {
    return -1;
  }
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < kUuidLength; ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') {
        return -1;
      }
      continue;
    }
    if (!is_lower_hex(c)) {
      return -1;
    }
    if (i < 13) {
      ms = ms * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
  }
  return ms;
}

}  // namespace sluice::crypto
