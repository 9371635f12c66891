#include "services/audit-writer/domain/fetch_size.h"

#include "services/audit-writer/limits.h"

#include <algorithm>

namespace sluice::audit_writer {

static_assert(kFetchMessagesFirst == 16);

void FetchSize::observe(std::size_t messages, std::size_t records, std::size_t bytes) {
  if (messages == 0) {
    count_ = kFetchMessagesFirst;
    return;
  }
  const std::size_t by_records = kRowsPerInsertMax * messages / std::max<std::size_t>(records, 1);
  const std::size_t by_bytes = kFetchBytesWanted * messages / std::max<std::size_t>(bytes, 1);
  count_ =
      std::clamp<std::size_t>(std::min({by_records, by_bytes, 2 * count_}), 1, kFetchMessagesMax);
}

}  // namespace sluice::audit_writer
