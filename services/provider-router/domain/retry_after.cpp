#include "services/provider-router/domain/retry_after.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace sluice::provider_router {
namespace {

// A day: more is as good as never.
constexpr double kWaitMsMax = 86400000.0;

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value < 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> digits(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT" only. Source: RFC 9110 5.6.7.
std::optional<std::int64_t> unix_of_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
  };
  if (text.size() != 29 || text.substr(25) != " GMT") {
    return std::nullopt;
  }
  const auto day = digits(text.substr(5, 2));
  const auto year = digits(text.substr(12, 4));
  const auto hour = digits(text.substr(17, 2));
  const auto minute = digits(text.substr(20, 2));
  const auto second = digits(text.substr(23, 2));
  unsigned month = 0;
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (text.substr(8, 3) == kMonths.at(i)) {
      month = i + 1;
    }
  }
  if (!day || !year || !hour || !minute || !second || month == 0) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(*year)),
      std::chrono::month(month),
      std::chrono::day(static_cast<unsigned>(*day))
  };
  if (!date.ok()) {
    return std::nullopt;
  }
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return std::int64_t{days} * 86400 + *hour * 3600 + *minute * 60 + *second;
}

std::chrono::milliseconds bounded(double wait_ms) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(std::min(wait_ms, kWaitMsMax)
  )));
}

}  // namespace

std::optional<std::chrono::milliseconds> retry_after_of(
    const http::Headers& headers, std::int64_t now_unix_s
) {
  if (const auto wait = number_of(headers.get("retry-after-ms"))) {
    return bounded(*wait);
  }
  const std::string_view text = headers.get("retry-after");
  if (const auto wait = number_of(text)) {
    return bounded(*wait * 1000.0);
  }
  if (const auto instant = unix_of_http_date(text)) {
    return bounded(static_cast<double>(std::max<std::int64_t>(*instant - now_unix_s, 0)) * 1000.0);
  }
  return std::nullopt;
}

}  // namespace sluice::provider_router
