// The files models read: "servers/files.d.ts", or "servers/files/read_file.d.ts" where tools are
// bound one by one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

// codemode.code_mode_binding_level.
enum class BindingLevel : std::uint8_t { Server, Tool };

// For the model: a file, or what to do instead.
struct FileAnswer {
  std::string text;
  bool found = false;
};

class TypeFiles {
 public:
  // path: "files" or "files/read_file". Paths are unique.
  void add(std::string path, std::string text);

  // An indented tree below "servers/", sorted, at most kFileListBytesMax.
  [[nodiscard]] FileAnswer list() const;

  // name: with or without "servers/" and ".d.ts", in any case. Lines are 1-based and inclusive; 0
  // is the first or the last. More than kFileAnswerBytesMax is cut after a line, and says where to
  // go on.
  [[nodiscard]] FileAnswer read(
      std::string_view name, std::uint32_t start_line, std::uint32_t end_line
  ) const;

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct File {
    std::string path;
    std::string lower_path;
    std::string text;
  };

  [[nodiscard]] std::vector<const File*> matching(std::string_view name) const;
  [[nodiscard]] FileAnswer unknown(std::string_view name) const;

  std::vector<File> files_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::codemode_sandbox
