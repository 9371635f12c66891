#include "services/policy-engine/domain/effect_class.h"

#include <gtest/gtest.h>

namespace sluice::policy_engine {
namespace {

using policy::v1::EFFECT_CLASS_DELETE;
using policy::v1::EFFECT_CLASS_READ;
using policy::v1::EFFECT_CLASS_WRITE;

policy::v1::EffectClass by_name(std::string_view name) {
  return effect_class_of({.name = name}, std::nullopt);
}

TEST(EffectClass, FirstVerbOfTheNameDeletes) {
  for (const std::string_view name :
       {"delete",
        "delete_file",
        "DeleteFile",
        "deleteHTTPHook",
        "DELETE_ALL",
        "file.remove",
        "db_drop_table",
        "bulk-delete-users",
        "run_delete_job",
        "list_remove",
        "purgeQueue",
        "rm",
        "repo__destroy",
        "revoke_token",
        "truncateTable",
        "unlink",
        "erase2"}) {
    const bool expected = name != "erase2";
    EXPECT_EQ(by_name(name), expected ? EFFECT_CLASS_DELETE : EFFECT_CLASS_WRITE) << name;
  }
}

TEST(EffectClass, OtherVerbsBeforeMakeItAnObject) {
  for (const std::string_view name :
       {"create_delete_marker",
        "get_removal",
        "add_drop_shadow",
        "search_and_destroy_songs",
        "undelete_file",
        "write_file",
        "",
        "_",
        "dropbox_list",
        "deleted_items",
        "removes"}) {
    EXPECT_EQ(by_name(name), EFFECT_CLASS_WRITE) << name;
  }
}

TEST(EffectClass, ReadOnlyHintCountsOnTrustedServersOnly) {
  EXPECT_EQ(effect_class_of({"read_file", true, true}, std::nullopt), EFFECT_CLASS_READ);
  EXPECT_EQ(effect_class_of({"read_file", true, false}, std::nullopt), EFFECT_CLASS_WRITE);
  EXPECT_EQ(effect_class_of({"read_file", false, true}, std::nullopt), EFFECT_CLASS_WRITE);
}

TEST(EffectClass, ADeletingNameOutweighsAHint) {
  EXPECT_EQ(effect_class_of({"delete_file", true, true}, std::nullopt), EFFECT_CLASS_DELETE);
}

TEST(EffectClass, TheOperatorsWordIsLast) {
  EXPECT_EQ(effect_class_of({"delete_file", false, false}, EFFECT_CLASS_READ), EFFECT_CLASS_READ);
  EXPECT_EQ(effect_class_of({"read_file", true, true}, EFFECT_CLASS_DELETE), EFFECT_CLASS_DELETE);
}

}  // namespace
}  // namespace sluice::policy_engine
