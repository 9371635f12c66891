#include "common/postgres/session.h"

#include "common/base/bytes.h"

#include <pqxx/pqxx>

#include <array>
#include <cstdio>
#include <utility>

namespace sluice::postgres {

#if PQXX_VERSION_MAJOR < 7
namespace copying {

// libpqxx 6 streams tuples only: rows whose length is known when compiling. It asks
// separated_list() for the text of a row and finds this one by the type of its argument.
struct CopyLine {
  const std::vector<std::optional<std::string>>& fields;
};

std::string separated_list(
    const std::string& separator,
    const CopyLine& line,
    const pqxx::internal::TypedCopyEscaper& escape
) {
  std::string out;
  for (const auto& field : line.fields) {
    out += &field == &line.fields.front() ? "" : separator;
    out += field ? escape(&*field) : "\\N";
  }
  return out;
}

}  // namespace copying

using copying::CopyLine;
#endif

namespace {

std::string message_of(Code code) {
  switch (code) {
    case Code::Conflict:
      return "the database has a conflicting entry or change; read again and decide";
    case Code::Deadline:
      return "the database took too long; retry later";
    case Code::Denied:
      return "the database does not allow this role to do that";
    case Code::Unavailable:
      return "the database is not reachable; retry later";
    case Code::Invalid:
    case Code::Unauthenticated:
    case Code::NotFound:
    case Code::Exhausted:
    case Code::Cancelled:
    case Code::Internal:
      return "a database statement failed";
  }
  return "a database statement failed";
}

Error error_of(Code code, std::string_view detail) {
  return Error(code, message_of(code)).with_detail(detail);
}

// PostgreSQL object identifiers of the types asked for. Source: pg_type.dat.
constexpr std::array<unsigned, 4> kIntegerTypes{20, 21, 23, 26};
constexpr unsigned kBoolType = 16;
constexpr unsigned kByteaType = 17;

class PqRow final : public Row {
 public:
  explicit PqRow(const pqxx::row& row) : row_(row) {}

  [[nodiscard]] bool is_null(int column) const override { return field(column).is_null(); }

  [[nodiscard]] std::string text(int column) const override { return present(column).c_str(); }

  [[nodiscard]] std::int64_t integer(int column) const override {
    const auto type = present(column).type();
    SLUICE_CHECK(
        std::find(kIntegerTypes.begin(), kIntegerTypes.end(), type) != kIntegerTypes.end(),
        "integer() is asked of an integer column"
    );
    return field(column).as<std::int64_t>();
  }

  [[nodiscard]] bool flag(int column) const override {
    SLUICE_CHECK(present(column).type() == kBoolType, "flag() is asked of a boolean column");
    return field(column).as<bool>();
  }

  [[nodiscard]] std::string bytes(int column) const override {
    SLUICE_CHECK(present(column).type() == kByteaType, "bytes() is asked of a bytea column");
    const std::string_view text(field(column).c_str(), field(column).size());
    SLUICE_CHECK(text.starts_with("\\x"), "every session has bytea_output=hex");
    auto bytes = from_hex(text.substr(2));
    SLUICE_CHECK(bytes.ok(), "the server writes hex");
    return std::move(bytes).value();
  }

 private:
  [[nodiscard]] pqxx::field field(int column) const {
    SLUICE_CHECK(
        column >= 0 && static_cast<std::size_t>(column) < static_cast<std::size_t>(row_.size()),
        "the column is in the result"
    );
    return row_[static_cast<pqxx::row::size_type>(column)];
  }

  [[nodiscard]] pqxx::field present(int column) const {
    SLUICE_CHECK(!is_null(column), "is_null() is asked before a column that may be null");
    return field(column);
  }

  pqxx::row row_;
};

class PqRows final : public Rows {
 public:
  explicit PqRows(const pqxx::result& result)
      : affected_(static_cast<std::int64_t>(result.affected_rows())) {
    rows_.reserve(static_cast<std::size_t>(result.size()));
    for (const auto& row : result) {
      rows_.push_back(std::make_unique<PqRow>(row));
    }
  }

  [[nodiscard]] std::size_t size() const override { return rows_.size(); }

  [[nodiscard]] const Row& at(std::size_t index) const override {
    SLUICE_CHECK(index < rows_.size(), "the row is in the result");
    return *rows_[index];
  }

  [[nodiscard]] std::int64_t affected() const override { return affected_; }

 private:
  std::int64_t affected_;
  std::vector<std::unique_ptr<PqRow>> rows_;
};

// Text form of a parameter, as PostgreSQL reads it; nullopt for NULL.
struct ToText {
  std::optional<std::string> operator()(std::nullptr_t) const { return std::nullopt; }

  std::optional<std::string> operator()(bool flag) const { return flag ? "t" : "f"; }

  std::optional<std::string> operator()(std::int64_t number) const {
    return std::to_string(number);
  }

  std::optional<std::string> operator()(double number) const {
    std::array<char, 40> text{};
    const int size = std::snprintf(text.data(), text.size(), "%.17g", number);
    return std::string(text.data(), static_cast<std::size_t>(size));
  }

  std::optional<std::string> operator()(const std::string& text) const { return text; }

  std::optional<std::string> operator()(const Binary& binary) const {
    return "\\x" + to_hex(binary.bytes);
  }
};

using Texts = std::vector<std::optional<std::string>>;

// Errors: Invalid (a text PostgreSQL cannot hold).
Result<Texts> texts_of(const std::vector<Parameter>& parameters) {
  Texts texts;
  texts.reserve(parameters.size());
  for (const Parameter& parameter : parameters) {
    texts.push_back(std::visit(ToText{}, parameter));
    const auto* text = std::get_if<std::string>(&parameter);
    if (text != nullptr && (text->find('\0') != std::string::npos || !is_utf8(*text))) {
      return Error(Code::Invalid, "a text is no UTF-8 or holds a zero byte; send it without");
    }
  }
  return texts;
}

std::vector<const char*> pointers_to(const Texts& texts) {
  std::vector<const char*> pointers;
  pointers.reserve(texts.size());
  for (const auto& text : texts) {
    pointers.push_back(text ? text->c_str() : nullptr);
  }
  return pointers;
}

pqxx::result execute(
    pqxx::transaction_base& transaction, const std::string& sql, const Texts& parameters
) {
  if (parameters.empty()) {
    return transaction.exec(sql);
  }
  const std::vector<const char*> pointers = pointers_to(parameters);
#if PQXX_VERSION_MAJOR >= 7
  pqxx::params bound;
  for (const char* pointer : pointers) {
    bound.append(pointer);
  }
#if PQXX_VERSION_MAJOR > 7 || PQXX_VERSION_MINOR >= 9
  return transaction.exec(sql, bound);
#else
  return transaction.exec_params(sql, bound);
#endif
#else
  return transaction.exec_params(sql, pqxx::prepare::make_dynamic_params(pointers));
#endif
}

// "audit.records" -> "audit"."records"
std::string quoted_path(const pqxx::transaction_base& transaction, std::string_view path) {
  std::string out;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    out += out.empty() ? "" : ".";
    out += transaction.quote_name(std::string(path.substr(begin, end - begin)));
    begin = end + 1;
  }
  return out;
}

void copy_rows(
    pqxx::transaction_base& transaction,
    std::string_view table,
    const std::vector<std::string>& columns,
    const std::vector<Texts>& rows
) {
#if PQXX_VERSION_MAJOR >= 7
  std::string names;
  for (const std::string& column : columns) {
    names += (names.empty() ? "" : ",") + transaction.quote_name(column);
  }
  auto stream = pqxx::stream_to::raw_table(transaction, quoted_path(transaction, table), names);
  for (const Texts& row : rows) {
    stream.write_row(pointers_to(row));
  }
#else
  pqxx::stream_to stream(transaction, quoted_path(transaction, table), columns);
  for (const Texts& row : rows) {
    stream << CopyLine{row};
  }
#endif
  stream.complete();
}

class PqTransaction final : public Transaction {
 public:
  explicit PqTransaction(pqxx::transaction_base* raw) : raw_(raw) {}

  [[nodiscard]] Result<std::unique_ptr<Rows>> query(
      std::string_view sql, const std::vector<Parameter>& parameters
  ) override {
    SLUICE_TRY(const Texts texts, texts_of(parameters));
    std::unique_ptr<Rows> rows;
    SLUICE_CHECK_OK(note(guarded([&] {
      rows = std::make_unique<PqRows>(execute(*raw_, std::string(sql), texts));
    })));
    return rows;
  }

  [[nodiscard]] Result<void> copy(
      std::string_view table,
      const std::vector<std::string>& columns,
      const std::vector<std::vector<Parameter>>& rows
  ) override {
    std::vector<Texts> texts;
    texts.reserve(rows.size());
    for (const auto& row : rows) {
      if (row.size() != columns.size()) {
        return Error(Code::Internal, "a row to be copied has another number of columns");
      }
      SLUICE_TRY(Texts converted, texts_of(row));
      texts.push_back(std::move(converted));
    }
    return note(guarded([&] { copy_rows(*raw_, table, columns, texts); }));
  }

  [[nodiscard]] bool broken() const { return broken_; }

 private:
  Result<void> note(Guarded outcome) {
    broken_ = broken_ || outcome.broken;
    return std::move(outcome.result);
  }

  pqxx::transaction_base* raw_;
  bool broken_ = false;
};

}  // namespace

Guarded guarded(const std::function<void()>& call) {
  try {
    call();
    return {};
  } catch (const pqxx::broken_connection& broken) {
    return {.result = error_of(Code::Unavailable, broken.what()), .broken = true};
  } catch (const pqxx::in_doubt_error& doubt) {
    return {.result = error_of(Code::Unavailable, doubt.what()), .broken = true};
  } catch (const pqxx::statement_completion_unknown& doubt) {
    return {.result = error_of(Code::Unavailable, doubt.what()), .broken = true};
  } catch (const pqxx::transaction_rollback& rollback) {
    return {.result = error_of(Code::Conflict, rollback.what())};
  } catch (const pqxx::insufficient_privilege& refused) {  // libpqxx 6 leaves its SQLSTATE out
    return {.result = error_of(Code::Denied, refused.what())};
  } catch (const pqxx::sql_error& failed) {
    const Code code = code_of_sqlstate(failed.sqlstate());
    return {
        .result = error_of(code, failed.sqlstate() + " " + failed.what()),
        .broken = code == Code::Unavailable,
    };
  } catch (const std::exception& failed) {
    return {.result = error_of(Code::Internal, failed.what()), .broken = true};
  }
}

struct Session::Body {
  std::string connection_string;
  std::unique_ptr<pqxx::connection> connection;

  // Connected and in a transaction, or an error. A connection from before is tried first.
  Result<std::unique_ptr<pqxx::work>> begin() {
    std::unique_ptr<pqxx::work> transaction;
    Guarded outcome;
    for (const bool fresh : {connection == nullptr, true}) {
      outcome = guarded([&] {
        if (fresh) {
          connection.reset();
          connection = std::make_unique<pqxx::connection>(connection_string);
        }
        transaction = std::make_unique<pqxx::work>(*connection);
      });
      if (outcome.result.ok()) {
        return transaction;
      }
      transaction.reset();
      connection.reset();
      if (fresh) {
        break;
      }
    }
    return std::move(outcome.result).error();
  }
};

Session::Session(std::string connection_string) : body_(std::make_unique<Body>()) {
  body_->connection_string = std::move(connection_string);
}

Session::~Session() {
  wipe(body_->connection_string);
}

Result<void> Session::transact(const std::function<Result<void>(Transaction&)>& work) {
  SLUICE_TRY(auto raw, body_->begin());
  PqTransaction transaction(raw.get());
  Result<void> result;
  const Guarded done = guarded([&] { result = work(transaction); });
  bool broken = done.broken || transaction.broken();
  if (!done.result.ok()) {
    result = done.result;
  }
  Guarded ended;
  if (result.ok()) {
    ended = guarded([&] { raw->commit(); });
    result = ended.result;
  } else if (!broken) {
    ended = guarded([&] { raw->abort(); });
  }
  broken = broken || ended.broken;
  raw.reset();
  if (broken) {
    body_->connection.reset();
  }
  return result;
}

}  // namespace sluice::postgres
