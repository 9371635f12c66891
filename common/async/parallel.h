// run_parallel: several tasks of one request at the same time, a bounded number of them.
#pragma once

#include "common/async/async.h"

#include <cstddef>
#include <vector>

namespace sluice::async {

// Starts the tasks in their order, at most at_once (at least 1) at the same time, and returns when
// all have ended. A cancelled wait cancels those under way, starts no other, and returns only when
// nothing they refer to is in use any more.
//
// Errors: Cancelled (the wait was), else that of the first task in order that has one; the others
// have run all the same.
Async<void> run_parallel(std::size_t at_once, std::vector<Async<void>> tasks);

}  // namespace sluice::async
