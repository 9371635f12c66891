// What a Document remembers while sections are read. Internal to this library.
#pragma once

#include "common/config/config.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

// One row of the settings table.
struct Row {
  std::string path;  // list elements as [], names as <name>
  std::string type;
  std::string unit;
  std::string fallback;
  std::string bounds;
  std::string description;
};

struct Reading {
  std::string path;
  std::string value;   // as shown
  std::string source;  // "file", "default", "env.NAME", "SLUICE_…"
};

struct Ledger {
  json::Value root;
  Environment environment;
  bool describing = false;
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
  std::vector<Row> rows;
  std::vector<Reading> readings;
  std::map<std::string, std::shared_ptr<Section::State>, std::less<>> states;  // by path

  void fault(std::string_view path, std::string_view what);
  // One of each path; a later one of the same path is dropped.
  void add_row(Row row);
  void add_reading(Reading reading);
  [[nodiscard]] std::shared_ptr<Section::State> state(
      std::string path, std::string pattern, const json::Object* object, std::string_view section
  );
};

struct Section::State {
  Ledger* ledger = nullptr;
  std::string path;
  std::string pattern;                   // path as the settings table shows it
  const json::Object* object = nullptr;  // null: absent
  std::string section;                   // name of a top-level section; empty below
  bool broken = false;  // is no object: one fault was noted, what is missing in it is not
  bool rest_is_left = false;
  std::set<std::string, std::less<>> known;
};

// "SLUICE_POLICY_CACHE_TTL_MS"
[[nodiscard]] std::string variable_of(std::string_view section, std::string_view key);

// The candidate a typist may have meant, or "".
[[nodiscard]] std::string nearest(
    std::string_view word, const std::set<std::string, std::less<>>& candidates
);

// The value for a message: `"x", a string`; cut when long.
[[nodiscard]] std::string describe(const json::Value& value);

// Without user and password of a URL.
[[nodiscard]] std::string without_credentials(std::string_view text);

}  // namespace sluice::config
