#include "common/audit/subject.h"

#include <gtest/gtest.h>

namespace sluice::audit {
namespace {

TEST(Subject, TellsWhoPublishedARecord) {
  EXPECT_EQ(record_subject("ingress"), "sluice.audit.v1.record.ingress");
  EXPECT_EQ(record_sender(record_subject("mcp-connector")), "mcp-connector");
  EXPECT_EQ(record_subjects(), "sluice.audit.v1.record.*");
}

TEST(Subject, WhatIsNoSubjectOfRecordsHasNoSender) {
  for (const char* subject :
       {"",
        "sluice.audit.v1.record",
        "sluice.audit.v1.record.",
        "sluice.audit.v1.records.ingress",
        "sluice.audit.v1.commit",
        "ingress"}) {
    EXPECT_EQ(record_sender(subject), "") << subject;
  }
}

}  // namespace
}  // namespace sluice::audit
