#include "common/audit/subject.h"

#include "proto/endpoints.h"

namespace sluice::audit {

std::string record_subject(std::string_view service) {
  return std::string(endpoints::kAuditRecord.subject).append(".").append(service);
}

std::string record_subjects() {
  return record_subject("*");
}

std::string_view record_sender(std::string_view subject) {
  constexpr std::string_view kPrefix = endpoints::kAuditRecord.subject;
  return subject.size() > kPrefix.size() + 1 && subject.starts_with(kPrefix) &&
                 subject[kPrefix.size()] == '.'
             ? subject.substr(kPrefix.size() + 1)
             : std::string_view();
}

}  // namespace sluice::audit
