// An object type: on one line, or one line a member where one has a comment.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::codemode_sandbox {

class ObjectText {
 public:
  // comment: text without its marks, may be empty. member: "name?: type".
  void add(std::string comment, std::string member);

  [[nodiscard]] std::string write() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
  bool commented_ = false;
};

}  // namespace sluice::codemode_sandbox
