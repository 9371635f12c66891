// Subjects of records: each service has its own below kAuditRecord's, and nobody else may publish
// on it. So audit-writer knows who sent a record, whatever stands in it.
#pragma once

#include <string>
#include <string_view>

namespace sluice::audit {

// Of the records that this service sends.
[[nodiscard]] std::string record_subject(std::string_view service);
// Of all of them: what the stream takes.
[[nodiscard]] std::string record_subjects();
// The service that published on this subject; empty: none.
[[nodiscard]] std::string_view record_sender(std::string_view subject);

}  // namespace sluice::audit
