// What the runs of a runner need of the outside world: services to answer, children to work.
#pragma once

#include "services/codemode-sandbox/runner_messages.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::codemode_runner {

namespace wire = ::sluice::codemode::runner;

// One connection to a service instance.
using ServiceId = std::uint64_t;
// One child process; never used again.
using ChildId = std::uint64_t;

enum class ChildKind { Compiler, Executor };

// As logs and the arguments of a zygote have it.
[[nodiscard]] inline std::string_view name_of(ChildKind kind) {
  return kind == ChildKind::Compiler ? "compiler" : "executor";
}

class Services {
 public:
  enum class Pace {
    Keeps,  // it reads as fast as this runner writes
    Lags,   // the message is kept, but no more should be produced until Runs::service_writable
  };

  Services() = default;
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;
  Services(Services&&) = delete;
  Services& operator=(Services&&) = delete;
  virtual ~Services() = default;

  virtual Pace send(ServiceId service, const wire::ToService& message) = 0;
};

// What was told of a child's end by the zygote that reaped it.
struct ChildUsage {
  int wait_status = 0;
  std::uint64_t user_us = 0;
  std::uint64_t system_us = 0;
  std::uint32_t memory_peak_kib = 0;
};

class Children {
 public:
  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  Children(Children&&) = delete;
  Children& operator=(Children&&) = delete;
  virtual ~Children() = default;

  // An idle child, which is the caller's from then on. Nothing: none is idle, waiting says how many
  // runs want one; Runs::child_idle follows.
  virtual std::optional<ChildId> take(ChildKind kind) = 0;
  virtual void set_waiting(ChildKind kind, std::size_t waiting) = 0;
  // Compiler children forked from here on may have the declarations worked on. Cheap when they were
  // told before.
  virtual void prepare(const std::string& digest, const std::string& declarations) = 0;
  // False: the child reads too slowly, the message is dropped.
  virtual bool send(ChildId child, const wire::ToChild& message) = 0;
  // SIGKILL. Runs::child_ended follows in any case.
  virtual void kill(ChildId child) = 0;
  // Whether its messages are read.
  virtual void read(ChildId child, bool wanted) = 0;
};

}  // namespace sluice::codemode_runner
