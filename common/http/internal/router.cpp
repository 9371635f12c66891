#include "common/http/internal/router.h"

#include "common/http/internal/target.h"

#include <algorithm>

namespace sluice::http {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t slash = std::min(path.find('/', begin), path.size());
    segments.push_back(path.substr(begin, slash - begin));
    begin = slash + 1;
  }
  return segments;
}

bool is_parameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{';
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    const Route& route = routes_[i];
    SLUICE_CHECK(route.path.starts_with('/'), "a route's path starts with a slash");
    SLUICE_CHECK(
        static_cast<bool>(route.handler) != static_cast<bool>(route.stream_handler),
        "a route has exactly one handler"
    );
    for (std::size_t j = 0; j < i; ++j) {
      SLUICE_CHECK(
          routes_[j].path != route.path || routes_[j].method != route.method,
          "a method and path belong to one route"
      );
    }
    if (route.path.find('{') == std::string::npos) {
      exact_[route.path].push_back(i);
      continue;
    }
    Template entry;
    for (const std::string_view segment : split(route.path)) {
      entry.segments.emplace_back(segment);
    }
    const auto known =
        std::find_if(templates_.begin(), templates_.end(), [&](const Template& other) {
          return other.segments == entry.segments;
        });
    if (known != templates_.end()) {
      known->routes.push_back(i);
    } else {
      entry.routes.push_back(i);
      templates_.push_back(std::move(entry));
    }
  }
}

void Router::choose(const std::vector<std::size_t>& candidates, std::string_view method, Match& out)
    const {
  const Route* fallback = nullptr;
  for (const std::size_t index : candidates) {
    const Route& route = routes_[index];
    if (route.method == method) {
      out.route = &route;
      out.dialect = route.dialect;
      out.allow.clear();
      return;
    }
    if (method == "HEAD" && route.method == "GET" && route.handler) {
      fallback = &route;
    }
    out.dialect = route.dialect;
    out.allow += (out.allow.empty() ? "" : ", ") + route.method;
  }
  if (fallback != nullptr) {
    out.route = fallback;
    out.dialect = fallback->dialect;
    out.allow.clear();
  }
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match out;
  if (const auto found = exact_.find(path); found != exact_.end()) {
    choose(found->second, method, out);
    return out;
  }
  if (templates_.empty()) {
    return out;
  }
  const auto segments = split(path);
  for (const Template& entry : templates_) {
    if (entry.segments.size() != segments.size()) {
      continue;
    }
    std::vector<std::string> parameters;
    bool fits = true;
    for (std::size_t i = 0; i < segments.size() && fits; ++i) {
      if (is_parameter(entry.segments[i])) {
        auto decoded = percent_decode(segments[i]);
        fits = decoded.ok() && !decoded.value().empty();
        if (fits) {
          parameters.push_back(std::move(decoded).value());
        }
      } else {
        fits = entry.segments[i] == segments[i];
      }
    }
    if (!fits) {
      continue;
    }
    choose(entry.routes, method, out);
    if (out.route != nullptr) {
      out.parameters = std::move(parameters);
      return out;
    }
  }
  return out;
}

}  // namespace sluice::http
