#include "services/codemode-sandbox/runner/child/exit_status.h"

#include <gtest/gtest.h>

#include <csignal>

namespace sluice::codemode_runner {
namespace {

using codemode::v1::Outcome;

// As wait(2) encodes them.
constexpr int exited(int code) {
  return code << 8;
}

constexpr int signalled(int signal) {
  return signal;
}

constexpr int kWithCore = 0x80;

Outcome outcome(int wait_status, bool deadline_passed = false) {
  return outcome_of({.wait_status = wait_status, .deadline_passed = deadline_passed}).outcome();
}

TEST(ExitStatus, FatalErrorsOfTheEngineAreMemory) {
  EXPECT_EQ(outcome(signalled(SIGTRAP)), codemode::v1::OUTCOME_MEMORY);
  EXPECT_EQ(outcome(signalled(SIGILL)), codemode::v1::OUTCOME_MEMORY);
  EXPECT_EQ(outcome(signalled(SIGABRT)), codemode::v1::OUTCOME_MEMORY);
  EXPECT_EQ(outcome(signalled(SIGTRAP) | kWithCore), codemode::v1::OUTCOME_MEMORY);
  EXPECT_EQ(outcome(exited(kExitMemory)), codemode::v1::OUTCOME_MEMORY);
}

TEST(ExitStatus, TimeIsOverByCpuLimitExitCodeOrKillAfterTheDeadline) {
  EXPECT_EQ(outcome(signalled(SIGXCPU)), codemode::v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(outcome(exited(kExitTimeout)), codemode::v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(outcome(signalled(SIGKILL), true), codemode::v1::OUTCOME_TIMEOUT);
}

TEST(ExitStatus, AnyOtherEndIsKilled) {
  EXPECT_EQ(outcome(signalled(SIGKILL)), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(outcome(signalled(SIGSEGV)), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(outcome(signalled(SIGSEGV), true), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(outcome(signalled(SIGSYS), true), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(outcome(exited(kExitJail)), codemode::v1::OUTCOME_KILLED);
  EXPECT_EQ(outcome(exited(1)), codemode::v1::OUTCOME_KILLED);
}

TEST(ExitStatus, AChildThatLeftWithoutItsLastMessageIsNotOk) {
  EXPECT_EQ(outcome(exited(kExitDone)), codemode::v1::OUTCOME_KILLED);
}

TEST(ExitStatus, OnlySigsysIsAViolationOfTheJail) {
  EXPECT_TRUE(is_jail_violation(signalled(SIGSYS)));
  EXPECT_TRUE(is_jail_violation(signalled(SIGSYS) | kWithCore));
  EXPECT_FALSE(is_jail_violation(signalled(SIGKILL)));
  EXPECT_FALSE(is_jail_violation(exited(SIGSYS)));
}

TEST(ExitStatus, EveryEndHasTextHintAndTheNumbersOfTheChild) {
  for (const int status : {signalled(SIGTRAP), signalled(SIGSYS), signalled(SIGKILL), exited(0)}) {
    const auto finished = outcome_of({
        .wait_status = status,
        .calls = 3,
        .user_us = 20,
        .system_us = 5,
        .memory_peak_kib = 40'000,
    });

    EXPECT_FALSE(finished.error().message().empty());
    EXPECT_FALSE(finished.error().hint().empty());
    EXPECT_EQ(finished.calls(), 3U);
    EXPECT_EQ(finished.cpu_us(), 25U);
    EXPECT_EQ(finished.memory_peak_kib(), 40'000U);
  }
}

}  // namespace
}  // namespace sluice::codemode_runner
