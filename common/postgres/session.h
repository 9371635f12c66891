// One libpqxx connection, and exceptions turned into Errors. Internal: pool.cpp and migrate.cpp.
#pragma once

#include "common/postgres/pool.h"

#include <functional>
#include <memory>
#include <string>

namespace sluice::postgres {

// Life: connects at first use, again after the connection broke. Thread: one at a time, any.
class Session {
 public:
  explicit Session(std::string connection_string);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;
  ~Session();

  // Begins, runs work, commits when it is ok, else rolls back. A connection that died since its
  // last use is replaced before work runs; work itself runs once.
  [[nodiscard]] Result<void> transact(const std::function<Result<void>(Transaction&)>& work);

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

// Runs a call of libpqxx and turns what it throws into an Error. Broken: the connection is of no
// use any more.
struct Guarded {
  Result<void> result;
  bool broken = false;
};

[[nodiscard]] Guarded guarded(const std::function<void()>& call);

// The code of an SQLSTATE; see pool.h for what each means.
[[nodiscard]] Code code_of_sqlstate(const std::string& sqlstate);

}  // namespace sluice::postgres
