// Invariant checks that stay on in release. For our own invariants only: outside input never
// reaches one.
#pragma once

namespace sluice::base {

// Prints the place, the condition and why it should hold, then aborts.
[[noreturn]] void check_failed(
    const char* file, int line, const char* condition, const char* why
) noexcept;

}  // namespace sluice::base

#define SLUICE_CHECK(condition, why)                                     \
  do {                                                                   \
    if (!(condition)) [[unlikely]] {                                     \
      ::sluice::base::check_failed(__FILE__, __LINE__, #condition, why); \
    }                                                                    \
  } while (false)

#ifdef NDEBUG
#define SLUICE_DCHECK(condition, why) \
  do {                                \
  } while (false)
#else
#define SLUICE_DCHECK(condition, why) SLUICE_CHECK(condition, why)
#endif

#define SLUICE_UNREACHABLE(why) ::sluice::base::check_failed(__FILE__, __LINE__, "unreachable", why)
