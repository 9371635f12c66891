#include "services/mcp-connector/config_client.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

namespace sluice::mcp_connector {
namespace {

using testing::IsOk;

struct Read {
  ClientOffer offer;
  std::string faults;
};

Read read(const std::string& members) {
  auto document = config::Document::from_text(R"({"mcp":{)" + members + "}}", {});
  EXPECT_THAT(document, IsOk());
  auto section = document.value().section("mcp");
  Read out{.offer = read_client(section), .faults = {}};
  const auto finished = document.value().finish();
  out.faults = finished.ok() ? "" : finished.error().message();
  return out;
}

TEST(ReadClient, OffersAllUnlessItIsSaid) {
  const auto all = read("");
  const auto some = read(R"("client_capabilities":["sampling"])");
  const auto none = read(R"("client_capabilities":[])");

  EXPECT_TRUE(all.offer.roots && all.offer.sampling && all.offer.elicitation);
  EXPECT_TRUE(all.offer.root_uris.empty());
  EXPECT_TRUE(!some.offer.roots && some.offer.sampling && !some.offer.elicitation);
  EXPECT_FALSE(none.offer.roots || none.offer.sampling || none.offer.elicitation);
  EXPECT_EQ(all.faults + some.faults + none.faults, "");
}

TEST(ReadClient, RootsAreFileUris) {
  EXPECT_EQ(
      read(R"("roots":["file:///srv"])").offer.root_uris, std::vector<std::string>{"file:///srv"}
  );
  EXPECT_NE(read(R"("roots":["/srv"])").faults.find("file://"), std::string::npos);
}

TEST(ReadClient, ReportsANameNobodyKnows) {
  EXPECT_NE(read(R"("client_capabilities":["tasks"])").faults.find("tasks"), std::string::npos);
}

}  // namespace
}  // namespace sluice::mcp_connector
