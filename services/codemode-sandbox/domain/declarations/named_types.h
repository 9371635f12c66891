// The types of one server that have a name: those that lead back to themselves, or that are long
// and used more than once.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace sluice::codemode_sandbox {

class NamedTypes {
 public:
  // "$files" of the server that scripts call files: no server's name begins with "$".
  explicit NamedTypes(std::string_view server) : space_("$" + std::string(server)) {}

  struct Named {
    std::string declaration;     // empty while it is being written
    std::set<std::string> uses;  // other names in it
    std::size_t members = 1;     // as Type::members
    int structure = 0;           // while it is being written: structures around its beginning
  };

  // "$files.Node", as types refer to it.
  [[nodiscard]] std::string reference_to(const std::string& name) const {
    return space_ + "." + name;
  }

  // Empty when no type of this identity was begun.
  [[nodiscard]] std::string find(const std::string& identity) const;
  // A name like the wished one that no other type has.
  std::string begin(const std::string& identity, std::string_view wished, int structure);

  [[nodiscard]] Named& at(const std::string& name) { return types_.at(name); }

  // Adds what the named types use, and what that uses.
  void close_over(std::set<std::string>& names) const;
  // "declare namespace $files {…}" of these; empty for none.
  [[nodiscard]] std::string text_of(const std::set<std::string>& names) const;

 private:
  std::string space_;
  std::map<std::string, std::string> by_identity_;
  std::map<std::string, Named> types_;  // by name
};

}  // namespace sluice::codemode_sandbox
