#include "services/codemode-sandbox/runner/zygote/control_socket.h"

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <unistd.h>

namespace sluice::codemode_runner {
namespace {

TEST(SealedText, HoldsTheTextAndCanBeChangedByNobody) {
  const auto file = sealed_text("declare const a: {};");
  ASSERT_TRUE(file.ok()) << file.error().to_log();

  const auto text = read_text(file.value().get(), 100);
  ASSERT_TRUE(text.ok()) << text.error().to_log();
  EXPECT_EQ(text.value(), "declare const a: {};");
  EXPECT_LT(::write(file.value().get(), "x", 1), 0);
  EXPECT_NE(::ftruncate(file.value().get(), 0), 0);
}

TEST(SealedText, IsReadAgainFromItsBeginning) {
  const auto file = sealed_text("text");
  ASSERT_TRUE(file.ok());

  EXPECT_EQ(read_text(file.value().get(), 4).value(), "text");
  EXPECT_EQ(read_text(file.value().get(), 4).value(), "text");
}

TEST(SealedText, RefusesWhatIsNotSealedEmptyOrTooLarge) {
  const auto file = sealed_text("text");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(read_text(file.value().get(), 3).error().code(), Code::Invalid);

  const auto empty = sealed_text("");
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(read_text(empty.value().get(), 100).error().code(), Code::Invalid);

  const FileDescriptor open(::memfd_create("open", MFD_CLOEXEC));
  ASSERT_EQ(::write(open.get(), "text", 4), 4);
  EXPECT_EQ(read_text(open.get(), 100).error().code(), Code::Invalid);
  EXPECT_EQ(read_text(-1, 100).error().code(), Code::Invalid);
}

}  // namespace
}  // namespace sluice::codemode_runner
