// TypescriptChecker: the bundle of typescript/ in one context of V8.
#pragma once

#include "services/codemode-sandbox/runner/v8/checker.h"
#include "services/codemode-sandbox/runner/v8/engine.h"

#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice::codemode_runner {

class TypescriptChecker final : public Checker {
 public:
  explicit TypescriptChecker(std::size_t heap_bytes) : engine_(EngineKind::Compiler, heap_bytes) {}

  // Once, before anything else. Errors: Internal (the bundle does not run).
  [[nodiscard]] Result<void> load(const std::string& bundle);

  [[nodiscard]] wire::Compiled compile(const wire::Compile& script) override;
  void prepare(const std::string& digest, const std::string& declarations) override;
  bool warm_more() override;

  [[nodiscard]] Engine& engine() { return engine_; }

 private:
  Engine engine_;
  v8::Global<v8::Context> context_;
  v8::Global<v8::Function> compile_;
  v8::Global<v8::Function> prepare_;
  v8::Global<v8::Function> warm_up_;
  std::uint32_t warm_up_step_ = 0;
};

}  // namespace sluice::codemode_runner
