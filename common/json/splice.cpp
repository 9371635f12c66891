// Rewriting a document by replacing byte ranges.
#include "common/base/check.h"
#include "common/json/scan.h"

namespace sluice::json {

std::string splice(std::string_view document, std::span<const Splice> splices) {
  std::size_t size = document.size();
  std::size_t last = 0;
  for (const Splice& one : splices) {
    SLUICE_CHECK(
        one.begin >= last && one.end >= one.begin && one.end <= document.size(),
        "splices are made from one scan, sorted and apart"
    );
    size = size - (one.end - one.begin) + one.text.size();
    last = one.end;
  }
  std::string out;
  out.reserve(size + kScanPadding);
  std::size_t at = 0;
  for (const Splice& one : splices) {
    out += document.substr(at, one.begin - at);
    out += one.text;
    at = one.end;
  }
  out += document.substr(at);
  return out;
}

}  // namespace sluice::json
