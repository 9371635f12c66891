// UniqueFunction<R(Args…)>: a callable that owns what it captures and may hold move-only things.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace sluice::async {

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> && std::is_invocable_r_v<R, std::remove_cvref_t<F>&, Args...>)
  UniqueFunction(F&& function)  // NOLINT: by design
      : body_(std::make_unique<Holder<std::remove_cvref_t<F>>>(std::forward<F>(function))) {}

  R operator()(Args... args) { return body_->call(std::forward<Args>(args)...); }

  [[nodiscard]] explicit operator bool() const { return body_ != nullptr; }

 private:
  struct Body {
    Body() = default;
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    Body(Body&&) = delete;
    Body& operator=(Body&&) = delete;
    virtual ~Body() = default;
    virtual R call(Args... args) = 0;
  };

  template <class F>
  struct Holder final : Body {
    explicit Holder(F function) : function(std::move(function)) {}

    R call(Args... args) override { return function(std::forward<Args>(args)...); }

    F function;
  };

  std::unique_ptr<Body> body_;
};

}  // namespace sluice::async
