#include "services/ingress/domain/model_access.h"

#include "common/testing/matchers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace sluice::ingress {
namespace {

using testing::HasCode;
using testing::IsOk;

using List = std::optional<std::vector<std::string>>;

CallerPtr caller_with(const List& models) {
  auto caller = std::make_shared<Caller>();
  caller->claims.set_models_restricted(models.has_value());
  for (const std::string& model : models.value_or(std::vector<std::string>())) {
    caller->claims.add_models(model);
  }
  return caller;
}

http::Headers headers_with(const List& models) {
  http::Headers headers;
  if (models) {
    std::string value;
    for (const std::string& model : *models) {
      value += (value.empty() ? "" : " , ") + model;
    }
    headers.add("x-sluice-include-models", value);
  }
  return headers;
}

TEST(ModelAccess, AbsentListsDoNotRestrictAndEmptyOnesNameNothing) {
  EXPECT_TRUE(ModelAccess::of(*caller_with({}), {}).value().allows("a/b"));
  EXPECT_FALSE(ModelAccess::of(*caller_with(List(std::in_place)), {}).value().allows("a/b"));
  EXPECT_FALSE(
      ModelAccess::of(*caller_with({}), headers_with(List(std::in_place))).value().allows("a/b")
  );
}

TEST(ModelAccess, AWholeProviderIsNotTheOneWhoseNameBeginsTheSame) {
  const auto access = ModelAccess::of(*caller_with(List({"demo/*"})), {}).value();

  EXPECT_TRUE(access.allows("demo/a/b"));
  EXPECT_FALSE(access.allows("demos/a"));
  EXPECT_FALSE(access.allows("demo"));
  EXPECT_THAT(access.check("other/a"), HasCode(Code::Denied));
  EXPECT_THAT(access.check("demo/a"), IsOk());
}

TEST(ModelAccess, AHeaderTwiceIsAFault) {
  http::Headers headers = headers_with(List({"a/b"}));
  headers.add("x-sluice-include-models", "*");

  EXPECT_THAT(ModelAccess::of(*caller_with({}), headers), HasCode(Code::Invalid));
}

// Written anew: what an entry stands for is listed, instead of compared.
bool listed(const List& list, const std::string& model, const std::vector<std::string>& all) {
  if (!list) {
    return true;
  }
  std::vector<std::string> named;
  for (const std::string& entry : *list) {
    for (const std::string& one : all) {
      const std::string provider = one.substr(0, one.find('/'));
      if (entry == "*" || entry == provider + "/*" || entry == one) {
        named.push_back(one);
      }
    }
  }
  return std::find(named.begin(), named.end(), model) != named.end();
}

TEST(ModelAccess, IsWhatKeyAndHeaderBothName) {
  const std::vector<std::string> models{"a/x", "a/y", "b/x", "b/x/2", "ab/x"};
  std::vector<std::string> entries = models;
  entries.insert(entries.end(), {"*", "a/*", "b/*", "ab/*", "c/*", "a"});
  std::mt19937 random(20'261'129);  // NOLINT: the same lists at every run
  const auto list = [&random, &entries]() -> List {
    const auto size = random() % 5;
    if (size == 4) {
      return std::nullopt;
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < size; ++i) {
      names.push_back(entries[random() % entries.size()]);
    }
    return names;
  };
  int allowed = 0;
  for (int round = 0; round < 2'000; ++round) {
    const List key = list();
    const List header = list();
    const CallerPtr caller = caller_with(key);
    const auto access = ModelAccess::of(*caller, headers_with(header)).value();
    const auto applied = ModelAccess::of(*access.applied_to(caller), {}).value();
    for (const std::string& model : models) {
      const bool expected = listed(key, model, models) && listed(header, model, models);
      EXPECT_EQ(access.allows(model), expected) << model;
      EXPECT_EQ(applied.allows(model), expected) << model;
      allowed += expected ? 1 : 0;
    }
  }
  EXPECT_GT(allowed, 1'000);
  EXPECT_LT(allowed, 9'000);
}

}  // namespace
}  // namespace sluice::ingress
