// One line of console output from values of any kind: strings plain, the rest like JSON. Bounded in
// bytes, depth and entries, whatever the value is.
#pragma once

#include <v8.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::codemode_runner {

class ConsoleLine {
 public:
  ConsoleLine(v8::Local<v8::Context> context, std::size_t bytes_max)
      : context_(context), isolate_(context->GetIsolate()), bytes_max_(bytes_max) {}

  // One argument of console.log; a space goes before all but the first.
  void add(v8::Local<v8::Value> value);

  // The text; what did not fit is counted, exactly for strings and not at all for what is in deep
  // or long objects.
  [[nodiscard]] std::string& text() { return text_; }

  [[nodiscard]] std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  [[nodiscard]] bool full() const { return text_.size() >= bytes_max_; }

  void put(std::string_view text);
  void put(v8::Local<v8::String> text);
  void put_quoted(v8::Local<v8::String> text);
  void put_value(v8::Local<v8::Value> value);
  void put_object(v8::Local<v8::Object> object);
  void put_entries(v8::Local<v8::Object> object);
  void put_items(v8::Local<v8::Array> array);
  void put_collection(std::string_view name, v8::Local<v8::Array> items);
  void put_error(v8::Local<v8::Object> error);

  v8::Local<v8::Context> context_;
  v8::Isolate* isolate_;
  std::size_t bytes_max_;
  std::string text_;
  std::uint64_t cut_bytes_ = 0;
  std::vector<v8::Local<v8::Object>> inside_;  // objects being written, outermost first
  bool first_ = true;
};

}  // namespace sluice::codemode_runner
