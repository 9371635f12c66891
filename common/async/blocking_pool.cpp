#include "common/async/blocking_pool.h"

namespace sluice::async {

BlockingPool::BlockingPool(std::size_t threads, std::size_t queued_max)
    : threads_(threads), queued_max_(queued_max) {}

BlockingPool::~BlockingPool() {
  threads_.join();
}

}  // namespace sluice::async
