#include "common/postgres/migration_files.h"

#include "common/crypto/sha256.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace sluice::postgres {
namespace {

constexpr std::size_t kFilesMax = 9999;
constexpr std::size_t kDigits = 4;

// "0001_audit.sql" -> 1; 0 when the name is not of that form.
std::int64_t number_of(const std::string& name) {
  std::int64_t number = 0;
  const auto parsed =
      std::from_chars(name.data(), name.data() + std::min(kDigits, name.size()), number);
  const bool is_whole = parsed.ec == std::errc() && parsed.ptr == name.data() + kDigits;
  return is_whole && name.size() > kDigits && name[kDigits] == '_' ? number : 0;
}

Result<MigrationFile> read_file(const std::filesystem::path& path) {
  MigrationFile migration;
  migration.name = path.filename().string();
  migration.number = number_of(migration.name);
  if (migration.number <= 0) {
    return Error(Code::Invalid, migration.name + ": name a migration like 0001_what_it_does.sql");
  }
  std::ifstream file(path, std::ios::binary);
  migration.sql.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  if (!file || migration.sql.empty()) {
    return Error(Code::Invalid, migration.name + ": is empty or cannot be read");
  }
  migration.sha256 = crypto::sha256(migration.sql);
  return migration;
}

}  // namespace

Result<std::vector<MigrationFile>> read_migrations(const std::string& folder) {
  std::error_code error;
  std::vector<MigrationFile> migrations;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() != ".sql") {
      continue;
    }
    SLUICE_TRY(MigrationFile migration, read_file(entry->path()));
    migrations.push_back(std::move(migration));
  }
  if (error || migrations.empty() || migrations.size() > kFilesMax) {
    return Error(Code::NotFound, folder + ": holds no migrations; give the folder with 0001_….sql");
  }
  std::sort(migrations.begin(), migrations.end(), [](const auto& a, const auto& b) {
    return a.name < b.name;
  });
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    if (migrations[i].number != static_cast<std::int64_t>(i) + 1) {
      return Error(
          Code::Conflict,
          migrations[i].name + ": stands where number " + std::to_string(i + 1) +
              " belongs; number migrations from 0001 without gaps"
      );
    }
  }
  return migrations;
}

std::string line_in(std::string_view error_text) {
  constexpr std::string_view kMark = "LINE ";
  const std::size_t mark = error_text.find(kMark);
  if (mark == std::string_view::npos) {
    return "";
  }
  const std::string_view rest = error_text.substr(mark + kMark.size());
  const std::string_view digits = rest.substr(0, rest.find_first_not_of("0123456789"));
  return digits.empty() ? "" : "line " + std::string(digits);
}

}  // namespace sluice::postgres
