#include "services/ingress/domain/definition.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::ingress {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;

TEST(WithText, ChangesOneMemberAndNoOtherByte) {
  const auto renamed = with_text(
      R"({"inputSchema": {"b" : 1.0, "a":[1e2]}, "name":"t", "_meta":{"x":"\u00e9"}, "name2":"t"})",
      "name",
      "s-t"
  );

  ASSERT_THAT(renamed, IsOk());
  EXPECT_EQ(
      renamed.value(),
      R"({"inputSchema": {"b" : 1.0, "a":[1e2]}, "name":"s-t", "_meta":{"x":"\u00e9"}, "name2":"t"})"
  );
  EXPECT_THAT(with_text("{}", "name", "s-t"), HasCode(Code::Invalid));
}

}  // namespace
}  // namespace sluice::ingress
