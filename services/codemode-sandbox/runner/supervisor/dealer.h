// Dealer: one ZeroMQ DEALER socket towards one service instance. ZeroMQ's headers stay in the .cpp.
#pragma once

#include "common/base/result.h"

#include <memory>
#include <optional>
#include <string>

namespace sluice::codemode_runner {

// ZeroMQ's own thread and memory; made once, outlives every Dealer.
class DealerContext {
 public:
  DealerContext();
  DealerContext(const DealerContext&) = delete;
  DealerContext& operator=(const DealerContext&) = delete;
  DealerContext(DealerContext&&) = delete;
  DealerContext& operator=(DealerContext&&) = delete;
  ~DealerContext();  // waits at most kLinger for what was sent last

 private:
  friend class Dealer;
  struct Body;
  std::unique_ptr<Body> body_;
};

// Thread: one. After each send or receive, and after each event of the descriptor, receive() has to
// be called until it answers nothing: the descriptor tells each change once.
class Dealer {
 public:
  // Connects in the background, again and again, as long as this lives. Errors: Unavailable (no
  // descriptors left, or no such kind of address).
  [[nodiscard]] static Result<std::unique_ptr<Dealer>> connect(
      DealerContext& context, const std::string& endpoint
  );

  struct Body;
  explicit Dealer(std::unique_ptr<Body> body);  // use connect()
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;
  Dealer(Dealer&&) = delete;
  Dealer& operator=(Dealer&&) = delete;
  ~Dealer();

  [[nodiscard]] int descriptor() const;

  // False: there is no connection, or the other side does not read; nothing was sent.
  [[nodiscard]] bool send(const std::string& bytes);
  // Never waits. Of a message in several parts the last one is answered.
  [[nodiscard]] std::optional<std::string> receive();

 private:
  std::unique_ptr<Body> body_;
};

}  // namespace sluice::codemode_runner
