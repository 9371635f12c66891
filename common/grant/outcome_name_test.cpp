#include "common/grant/outcome_name.h"

#include <gtest/gtest.h>

namespace sluice::codemode::v1 {
namespace {

TEST(OutcomeName, EveryOutcomeHasOne) {
  EXPECT_EQ(name_of(OUTCOME_OK), "ok");
  EXPECT_EQ(name_of(OUTCOME_TYPE_ERROR), "type_error");
  EXPECT_EQ(name_of(OUTCOME_APPROVAL_REQUIRED), "approval_required");
  EXPECT_EQ(name_of(static_cast<Outcome>(99)), "unknown");
}

}  // namespace
}  // namespace sluice::codemode::v1
