// ZygoteChildren: the children of the two zygotes. Keeps some of each kind forked ahead, starts a
// zygote again that died or hangs, and replaces one that has forked its share.
#pragma once

#include "services/codemode-sandbox/runner/supervisor/busy_children.h"
#include "services/codemode-sandbox/runner/supervisor/event_loop.h"
#include "services/codemode-sandbox/runner/supervisor/ports.h"
#include "services/codemode-sandbox/runner/supervisor/prepared_declarations.h"

#include "common/observability/log.h"

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::codemode_runner {

struct ZygoteMessage;

class ZygoteChildren final : public Children {
 public:
  // Called from the loop's callbacks and from turn(), never from within a method of Children.
  class Events {
   public:
    Events() = default;
    Events(const Events&) = delete;
    Events& operator=(const Events&) = delete;
    Events(Events&&) = delete;
    Events& operator=(Events&&) = delete;
    virtual ~Events() = default;

    virtual void child_idle(ChildKind kind, TimePoint now) = 0;
    virtual void from_child(ChildId child, wire::FromChild message, TimePoint now) = 0;
    virtual void child_broke(ChildId child, std::string_view why, TimePoint now) = 0;
    virtual void child_ended(ChildId child, std::optional<ChildUsage> usage, TimePoint now) = 0;
  };

  struct Deps {
    EventLoop* loop;  // outlive this
    observability::Log* log;
    std::vector<std::string> arguments;  // of a zygote, besides its kind
    std::uint64_t children_per_zygote;
  };

  explicit ZygoteChildren(Deps deps);
  ~ZygoteChildren() override;

  // Once, before the first turn; events outlives this.
  void serve(Events* events) { events_ = events; }

  // Starts what is to be started, orders children, gives up what hangs. After every turn of the
  // loop.
  void turn(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;

  // Both kinds have been warm once.
  [[nodiscard]] bool warm() const;

  [[nodiscard]] const std::string& v8_version() const { return v8_version_; }

  std::optional<ChildId> take(ChildKind kind) override;
  void set_waiting(ChildKind kind, std::size_t waiting) override;
  void prepare(const std::string& digest, const std::string& declarations) override;
  bool send(ChildId child, const wire::ToChild& message) override;
  void kill(ChildId child) override;
  void read(ChildId child, bool wanted) override;

 private:
  struct Zygote;
  struct Pool;
  struct Child;
  enum class Fate { Died, Retired };

  Pool& pool(ChildKind kind);
  void start(Pool& pool, TimePoint now);
  void give_up_hanging(Pool& pool, TimePoint now);
  void order(Pool& pool, TimePoint now);
  void from_zygote(Zygote& zygote, TimePoint now);
  void became_warm(Zygote& zygote, const wire::FromZygote::Warm& warm);
  void look_at_busy(TimePoint now);
  void spawned(Zygote& zygote, ZygoteMessage& answer, TimePoint now);
  void exited(Zygote& zygote, const wire::FromZygote::Exited& exited, TimePoint now);
  void replace_idle(Pool& pool);
  void forget_idle(Pool& pool, ChildId id);
  void tell_declarations(Zygote& zygote, const PreparedDeclarations::Entry& entry);
  void remove_child(ChildId id, std::optional<ChildUsage> usage, TimePoint now);
  void remove_zygote(Zygote& zygote, Fate fate, TimePoint now);
  void child_ready(ChildId id, std::uint32_t what);
  void take_messages(ChildId id, Child& child, TimePoint now);
  void update_interest(Child& child);
  Child* find(ChildId id);

  Deps deps_;
  Events* events_ = nullptr;
  std::string v8_version_;
  ChildId last_id_ = 0;
  PreparedDeclarations prepared_;
  std::array<std::unique_ptr<Pool>, 2> pools_;
  std::unordered_map<ChildId, std::unique_ptr<Child>> children_;
  BusyChildren busy_;
};

}  // namespace sluice::codemode_runner
