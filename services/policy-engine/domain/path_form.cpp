#include "services/policy-engine/domain/path_form.h"

#include <vector>

namespace sluice::policy_engine {

std::string normalised_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    begin = end + 1;
    if (part.empty() || part == ".") {
      continue;
    }
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !absolute) {
      parts.push_back(part);
    }
  }
  std::string out = absolute ? "/" : "";
  for (const std::string_view part : parts) {
    if (!out.empty() && out.back() != '/') {
      out.push_back('/');
    }
    out += part;
  }
  return out.empty() ? "." : out;
}

bool is_normalised(std::string_view path) {
  if (path.empty() || path.front() == '.' || path.back() == '/') {
    return false;
  }
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (path[slash + 1] == '/' || path[slash + 1] == '.') {
      return false;
    }
  }
  return true;
}

bool is_within(std::string_view path, std::string_view folder) {
  if (folder == "/" || path == folder) {
    return path.starts_with('/') || path == folder;
  }
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace sluice::policy_engine
