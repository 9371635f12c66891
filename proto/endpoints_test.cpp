#include "proto/endpoints.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace sluice::endpoints {
namespace {

std::vector<std::string> all_subjects() {
  const auto keyed = [](const auto& e) {
    return std::string(e.prefix) + "*" + std::string(e.suffix);
  };
  return {
      std::string(kProviderChat.subject),
      std::string(kProviderEmbed.subject),
      std::string(kProviderModels.subject),
      std::string(kPolicyAuthenticate.subject),
      std::string(kPolicyVisible.subject),
      std::string(kPolicyDecide.subject),
      std::string(kPolicyManage.subject),
      std::string(kPolicyBeat.subject),
      std::string(kPolicyApprovalsList.subject),
      std::string(kPolicyApprovalsGet.subject),
      std::string(kPolicyApprovalsAnswer.subject),
      std::string(kPolicySetup.subject),
      std::string(kApprovalChanged.subject),
      keyed(kConnectorRequest),
      keyed(kConnectorInput),
      keyed(kConnectorServerCatalog),
      std::string(kConnectorCatalog.subject),
      std::string(kConnectorManage.subject),
      std::string(kCatalogChanged.subject),
      std::string(kServerChanged.subject),
      std::string(kResourceUpdated.subject),
      std::string(kServersChanged.subject),
      std::string(kCallEnded.subject),
      std::string(kClientMessage.subject),
      std::string(kCodemodeRun.subject),
      std::string(kCodemodeDescribe.subject),
      std::string(kCodemodeRuns.subject),
      std::string(kRunChanged.subject),
      std::string(kRunCancelled.subject),
      std::string(kAuditCommit.subject),
      std::string(kAuditVoidGrant.subject),
      std::string(kAuditQuery.subject),
      std::string(kAuditVerify.subject),
      std::string(kAuditJournal.subject),
      std::string(kAuditRecord.subject),
  };
}

TEST(Endpoints, SubjectsAreUniqueAndWellFormed) {
  std::set<std::string> seen;
  for (const std::string& subject : all_subjects()) {
    EXPECT_TRUE(seen.insert(subject).second) << subject;
    EXPECT_TRUE(subject.starts_with("sluice.")) << subject;
    EXPECT_NE(subject.find(".v1."), std::string::npos) << subject;
    EXPECT_EQ(subject.find_first_of(" >\t"), std::string::npos) << subject;
  }
}

TEST(Endpoints, EveryUseNamesAnExistingSubjectOnce) {
  const std::vector<std::string> subjects = all_subjects();
  const std::set<std::string> known(subjects.begin(), subjects.end());
  std::set<std::string> seen;
  for (const Use& use : kUses) {
    EXPECT_TRUE(known.contains(std::string(use.subject))) << use.subject;
    EXPECT_TRUE(seen.insert(std::string(use.service) + " " + std::string(use.subject)).second)
        << use.subject;
  }
}

TEST(Endpoints, OnlyPolicyEngineMayVoidGrantsAndOnlyTheConnectorMayCommit) {
  for (const Use& use : kUses) {
    if (use.subject == kAuditVoidGrant.subject) {
      EXPECT_EQ(use.service, "policy-engine");
    }
    if (use.subject == kAuditCommit.subject) {
      EXPECT_EQ(use.service, "mcp-connector");
    }
  }
}

}  // namespace
}  // namespace sluice::endpoints
