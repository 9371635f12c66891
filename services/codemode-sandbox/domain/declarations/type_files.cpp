#include "services/codemode-sandbox/domain/declarations/type_files.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/declarations/safe_text.h"

#include <algorithm>
#include <optional>

namespace sluice::codemode_sandbox {
namespace {

constexpr std::string_view kFolder = "servers/";
constexpr std::string_view kEnding = ".d.ts";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string full_name(std::string_view path) {
  return std::string(kFolder) + std::string(path) + std::string(kEnding);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// What is between "servers/" and ".d.ts".
std::string_view path_in(std::string_view name) {
  name = trimmed(name);
  for (const std::string_view start : {std::string_view("./"), std::string_view("/")}) {
    name.remove_prefix(name.starts_with(start) ? start.size() : 0);
  }
  if (lower(name.substr(0, kFolder.size())) == kFolder) {
    name.remove_prefix(kFolder.size());
  }
  for (const std::string_view ending : {kEnding, std::string_view(".ts"), std::string_view("/")}) {
    if (name.size() > ending.size() && lower(name.substr(name.size() - ending.size())) == ending) {
      name.remove_suffix(ending.size());
      break;
    }
  }
  return name;
}

FileAnswer answer_not(std::string text) {
  return {.text = std::move(text), .found = false};
}

// Offsets at which lines begin.
std::vector<std::size_t> lines_of(std::string_view text) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {  // ends in a newline
    starts.push_back(at);
  }
  return starts;
}

FileAnswer lines_of_file(
    const std::string& name, std::string_view text, std::uint32_t start, std::uint32_t end
) {
  const std::vector<std::size_t> lines = lines_of(text);
  const std::size_t first = std::max<std::size_t>(start, 1);
  std::size_t last = end == 0 ? lines.size() : std::min<std::size_t>(end, lines.size());
  if (first > lines.size() || last < first) {
    return answer_not(
        name + " has lines 1 to " + std::to_string(lines.size()) +
        "; send startLine and endLine within them, startLine not after endLine"
    );
  }
  const auto end_of = [&](std::size_t line) {
    return line < lines.size() ? lines[line] : text.size();
  };
  const std::size_t begin = lines[first - 1];
  const std::size_t wanted = last;
  while (last > first && end_of(last) - begin > kFileAnswerBytesMax) {
    --last;
  }
  FileAnswer answer{.text = std::string(text.substr(begin, end_of(last) - begin)), .found = true};
  if (last < wanted) {
    answer.text.append("// Lines ").append(std::to_string(first)).append(" to ");
    answer.text.append(std::to_string(last)).append(" of ").append(std::to_string(lines.size()));
    answer.text.append(". Go on with startLine ").append(std::to_string(last + 1)).append(".\n");
  }
  return answer;
}

}  // namespace

void TypeFiles::add(std::string path, std::string text) {
  bytes_ += 2 * path.size() + text.size();
  File file{.path = std::move(path), .lower_path = {}, .text = std::move(text)};
  file.lower_path = lower(file.path);
  const auto place = std::lower_bound(
      files_.begin(),
      files_.end(),
      file.path,
      [](const File& other, const std::string& wanted) { return other.path < wanted; }
  );
  files_.insert(place, std::move(file));
}

FileAnswer TypeFiles::list() const {
  if (files_.empty()) {
    return answer_not("No server is offered to scripts, so there are no files and nothing to run.");
  }
  std::string out(kFolder);
  out.push_back('\n');
  std::string_view folder;
  std::size_t count = 0;
  for (const File& file : files_) {
    const std::string_view path = file.path;
    const auto slash = path.find('/');
    const std::string_view parent = slash != std::string_view::npos ? path.substr(0, slash) : "";
    if (out.size() + path.size() > kFileListBytesMax) {
      out.append("  and ").append(std::to_string(files_.size() - count)).append(" more\n");
      break;
    }
    if (!parent.empty() && parent != folder) {
      out.append("  ").append(parent).append("/\n");
    }
    folder = parent;
    out.append(parent.empty() ? "  " : "    ");
    out.append(parent.empty() ? path : path.substr(slash + 1)).append(kEnding).append("\n");
    ++count;
  }
  return {.text = std::move(out), .found = true};
}

std::vector<const TypeFiles::File*> TypeFiles::matching(std::string_view name) const {
  const std::string path = lower(name);
  const std::string folder = path + "/";
  std::vector<const File*> found;
  std::vector<const File*> inside;
  for (const File& file : files_) {
    if (file.path == name) {
      return {&file};
    }
    if (file.lower_path == path) {
      found.push_back(&file);
    } else if (file.lower_path.starts_with(folder) || file.lower_path.ends_with("/" + path)) {
      inside.push_back(&file);
    }
  }
  return !found.empty() ? found : inside;
}

FileAnswer TypeFiles::unknown(std::string_view name) const {
  if (files_.empty()) {
    return list();
  }
  std::string out = "There is no file " + quoted_literal(name.substr(0, kPropertyNameBytesMax));
  out.append("; the files are ");
  std::size_t count = 0;
  for (const File& file : files_) {
    if (count == kFilesInAnswerMax) {
      out.append(" and ").append(std::to_string(files_.size() - count)).append(" more");
      break;
    }
    out.append(count == 0 ? "" : ", ").append(full_name(file.path));
    ++count;
  }
  return answer_not(std::move(out));
}

FileAnswer TypeFiles::read(std::string_view name, std::uint32_t start_line, std::uint32_t end_line)
    const {
  if (name.find("..") != std::string_view::npos) {
    return answer_not("A file name has no \"..\"; send one that listToolFiles names.");
  }
  const auto files = matching(path_in(name));
  if (files.empty()) {
    return unknown(path_in(name));
  }
  if (files.size() == 1) {
    return lines_of_file(full_name(files.front()->path), files.front()->text, start_line, end_line);
  }
  std::string out = "Several files match; send one of ";
  std::size_t count = 0;
  for (const File* file : files) {
    if (++count > kFilesInAnswerMax) {
      out.append(" and ").append(std::to_string(files.size() - kFilesInAnswerMax)).append(" more");
      break;
    }
    out.append(count == 1 ? "" : ", ").append(full_name(file->path));
  }
  return answer_not(std::move(out));
}

}  // namespace sluice::codemode_sandbox
