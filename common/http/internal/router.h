// Finds the route of a request: exact paths first, then templates with {parameters} in the order
// they were given.
#pragma once

#include "common/http/server.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

class Router {
 public:
  struct Match {
    const Route* route = nullptr;         // null: not found, or the method is not allowed
    std::vector<std::string> parameters;  // decoded
    std::string allow;                    // "GET, POST" when the path is known under other methods
    Dialect dialect = Dialect::OpenAi;    // of the path, also when the method is not allowed
  };

  // Paths are "/a/{id}/b": a parameter fills one whole, non-empty segment. Two routes with one
  // method and path: checked.
  explicit Router(std::vector<Route> routes);

  // path is canonical (parse_target). HEAD falls back to a GET route that does not stream.
  [[nodiscard]] Match match(std::string_view method, std::string_view path) const;

  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Template {
    std::vector<std::string> segments;  // "{" first: a parameter
    std::vector<std::size_t> routes;    // one per method
  };

  void choose(const std::vector<std::size_t>& candidates, std::string_view method, Match& out)
      const;

  std::vector<Route> routes_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> exact_;
  std::vector<Template> templates_;
};

}  // namespace sluice::http
