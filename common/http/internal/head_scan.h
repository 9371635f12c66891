// Looks at the raw bytes of a request's head before llhttp does: finds its end and refuses the
// bytes that different parsers read differently (bare CR or LF, NUL and other controls, folded
// lines, bytes above 0x7e).
#pragma once

#include "common/http/internal/refusal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::http {

class HeadScan {
 public:
  struct Limits {
    std::size_t head_bytes_max;
    std::size_t first_line_bytes_max;
  };

  struct Outcome {
    std::size_t consumed = 0;
    bool complete = false;
    std::optional<Refusal> refusal;
  };

  explicit HeadScan(Limits limits) : limits_(limits) {}

  // Consumes up to and with the empty line.
  [[nodiscard]] Outcome feed(std::string_view bytes);

  [[nodiscard]] bool started() const { return total_ > 0; }

  [[nodiscard]] bool is_h2_preface() const { return preface_ == 4; }

  void reset();

 private:
  [[nodiscard]] std::size_t plain_run(std::string_view bytes, std::size_t position) const;

  Limits limits_;
  std::size_t total_ = 0;
  std::size_t line_ = 0;     // bytes of the current line
  std::size_t lines_ = 0;    // lines with content
  std::size_t preface_ = 0;  // bytes of "PRI " seen at the start
  bool after_cr_ = false;
};

}  // namespace sluice::http
