#include "common/config/config.h"

#include "common/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>

namespace sluice::config {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Document document(std::string_view text, Environment environment = {}) {
  auto loaded = Document::from_text(text, std::move(environment));
  if (!loaded.ok()) {
    ADD_FAILURE() << loaded.error().to_log();
    return Document::describing();
  }
  return std::move(loaded).value();
}

std::string faults_of(Document& document) {
  const auto finished = document.finish();
  return finished.ok() ? "" : finished.error().message();
}

Integer port() {
  return {.fallback = 4222, .min = 0, .max = 65535, .description = "Port."};
}

class File {
 public:
  explicit File(std::string_view content)
      : path_(
            std::filesystem::temp_directory_path() /
            ("sluice-config-" + std::to_string(::getpid()) + "-" + std::to_string(++made_))
        ) {
    std::ofstream(path_, std::ios::binary) << content;
  }

  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File(File&&) = delete;
  File& operator=(File&&) = delete;

  ~File() { std::filesystem::remove(path_); }

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  static inline int made_ = 0;
  std::filesystem::path path_;
};

TEST(Section, ReadsEveryKindOfValue) {
  auto settings = document(R"({
    // comments are fine here
    "http": {"address": "::1", "port": 8080, "timeout_ms": 250, "tls": true, "hosts": ["a", "b"],
             "limits": {"body": 1}, "raw": {"x": [1]}}
  })");
  Section http = settings.section("http");

  EXPECT_EQ(http.text("address", {.fallback = "127.0.0.1"}), "::1");
  EXPECT_EQ(http.integer("port", port()), 8080);
  EXPECT_EQ(
      http.milliseconds("timeout_ms", {.fallback = 1, .min = 1, .max = 1000}),
      std::chrono::milliseconds(250)
  );
  EXPECT_TRUE(http.flag("tls", {.fallback = false}));
  EXPECT_THAT(http.list("hosts", {.fallback = std::vector<std::string>{}}), ElementsAre("a", "b"));
  EXPECT_EQ(http.child("limits").integer("body", {.fallback = 0, .min = 0, .max = 9}), 1);
  EXPECT_NE(http.raw("raw", "Anything.").find("x"), nullptr);
  EXPECT_EQ(faults_of(settings), "");
}

TEST(Section, AbsentSettingsHaveTheirDefaults) {
  auto settings = document("{}");
  Section http = settings.section("http");

  EXPECT_EQ(http.text("address", {.fallback = "127.0.0.1"}), "127.0.0.1");
  EXPECT_EQ(http.integer("port", port()), 4222);
  EXPECT_TRUE(http.flag("tls", {.fallback = true}));
  EXPECT_THAT(http.list("hosts", {.fallback = std::vector<std::string>{"x"}}), ElementsAre("x"));
  EXPECT_TRUE(http.secret("key", {.fallback = ""}).empty());
  EXPECT_TRUE(http.children("items").empty());
  EXPECT_TRUE(http.named("by_name").empty());
  EXPECT_EQ(http.child("deep").text("er", {.fallback = "d"}), "d");
  EXPECT_FALSE(http.has("address"));
  EXPECT_EQ(faults_of(settings), "");
}

TEST(Document, ListsAllFaultsAtOnce) {
  auto settings = document(R"({
    "http": {"port": "x", "workers": 70000, "tls": 1, "hosts": ["a", 2], "mode": "fats", "naem": "n"},
    "htpp": {}
  })");
  Section http = settings.section("http");
  static_cast<void>(http.integer("port", port()));
  static_cast<void>(http.integer("workers", {.fallback = 1, .min = 1, .max = 8, .unit = "threads"})
  );
  static_cast<void>(http.flag("tls", {.fallback = false}));
  static_cast<void>(http.list("hosts", {.fallback = std::vector<std::string>{}}));
  static_cast<void>(http.text("mode", {.fallback = "fast", .choices = {"fast", "slow"}}));
  static_cast<void>(http.text("name", {}));

  const std::string faults = faults_of(settings);

  EXPECT_THAT(faults, HasSubstr("http.port: is \"x\", a string; give an integer from 0 to 65535"));
  EXPECT_THAT(
      faults, HasSubstr("http.workers: is 70000, a number; give an integer from 1 to 8 (threads)")
  );
  EXPECT_THAT(faults, HasSubstr("http.tls: is 1, a number; give true or false"));
  EXPECT_THAT(faults, HasSubstr("http.hosts[1]: is 2, a number; give a string"));
  EXPECT_THAT(faults, HasSubstr("http.mode: is \"fats\", a string; give one of: fast, slow"));
  EXPECT_THAT(faults, HasSubstr("http.name: is missing; give a string"));
  EXPECT_THAT(
      faults, HasSubstr("http.naem: is not a setting of this section; did you mean \"name\"?")
  );
  EXPECT_THAT(faults, HasSubstr("htpp: is not a section of this file; did you mean \"http\"?"));
  EXPECT_EQ(std::count(faults.begin(), faults.end(), '\n'), 7);
}

TEST(Document, SectionsNobodyReadsAreNotChecked) {
  auto settings = document(R"({"mcp": {"anything": 1}})");

  static_cast<void>(settings.section("http").integer("port", port()));

  EXPECT_EQ(faults_of(settings), "");
}

TEST(Section, APartialReaderLeavesUnknownKeysToTheOwner) {
  auto settings = document(R"({"mcp": {"mine": "a", "theirs": 1}})");
  Section mcp = settings.section("mcp");

  EXPECT_EQ(mcp.text("mine", {}), "a");
  mcp.leave_rest();

  EXPECT_EQ(faults_of(settings), "");
}

TEST(Section, WrongShapesAreOneFaultEach) {
  auto settings = document(R"({
    "bus": [], "mcp": {"client_configs": {}, "limits": 3, "servers": [{"name": "a"}, 5]},
    "providers": {"openai": "x"}
  })");
  static_cast<void>(settings.section("bus").text("url", {}));
  Section mcp = settings.section("mcp");
  EXPECT_TRUE(mcp.children("client_configs").empty());
  static_cast<void>(mcp.child("limits").text("needed", {}));
  for (Section& server : mcp.children("servers")) {
    EXPECT_EQ(server.text("name", {}), "a");
  }
  EXPECT_TRUE(settings.section("providers").named("").empty());

  const std::string faults = faults_of(settings);

  EXPECT_EQ(
      faults,
      "bus: is an array; give an object\n"
      "mcp.client_configs: is an object; give an array of objects\n"
      "mcp.limits: is 3, a number; give an object\n"
      "mcp.servers[1]: is 5, a number; give an object\n"
      "providers.openai: is \"x\", a string; give an object"
  );
}

TEST(Section, NamesAndIndexesArePartOfThePath) {
  auto settings = document(R"({"providers": {"openai": {"keys": [{"id": "a"}, {"id": 1}]}}})");

  for (auto& [name, provider] : settings.section("providers").named("")) {
    EXPECT_EQ(name, "openai");
    for (Section& key : provider.children("keys")) {
      static_cast<void>(key.text("id", {}));
    }
  }

  EXPECT_EQ(faults_of(settings), "providers.openai.keys[1].id: is 1, a number; give a string");
}

TEST(Section, UnknownKeysOfListElementsAreFound) {
  auto settings = document(R"({"auth": {"keys": [{"id": "a", "rolls": []}]}})");
  for (Section& key : settings.section("auth").children("keys")) {
    static_cast<void>(key.text("id", {}));
    static_cast<void>(key.list("roles", {.fallback = std::vector<std::string>{}}));
  }

  EXPECT_EQ(
      faults_of(settings),
      "auth.keys[0].rolls: is not a setting of this section; did you mean \"roles\"? Else remove it"
  );
}

TEST(Section, EnvReferencesAreReplaced) {
  auto settings = document(
      R"({"bus": {"url": "env.NATS_URL", "port": "env.NATS_PORT", "hosts": ["env.HOST", "b"], "note": "env.no name"}})",
      {{"NATS_URL", "nats://x"}, {"NATS_PORT", "77"}, {"HOST", "h"}}
  );
  Section bus = settings.section("bus");

  EXPECT_EQ(bus.text("url", {}), "nats://x");
  EXPECT_EQ(bus.integer("port", port()), 77);
  EXPECT_THAT(bus.list("hosts", {}), ElementsAre("h", "b"));
  EXPECT_EQ(bus.text("note", {}), "env.no name");
  EXPECT_EQ(faults_of(settings), "");
}

TEST(Section, UnsetEnvReferencesAreFaultsAndOnlyThat) {
  auto settings = document(R"({"bus": {"url": "env.NATS_URL", "hosts": ["env.HOST"]}})");
  Section bus = settings.section("bus");
  static_cast<void>(bus.text("url", {}));
  static_cast<void>(bus.list("hosts", {}));

  EXPECT_EQ(
      faults_of(settings),
      "bus.url: refers to env.NATS_URL, which is not set; set it or give the value itself\n"
      "bus.hosts[0]: refers to env.HOST, which is not set; set it or give the value itself"
  );
}

TEST(Section, VariablesOverrideScalarsOfTopLevelSections) {
  auto settings = document(
      R"({"policy": {"cache_ttl_ms": 5, "strict": false, "child": {"cache_ttl_ms": 6}}})",
      {{"SLUICE_POLICY_CACHE_TTL_MS", "9"},
       {"SLUICE_POLICY_STRICT", "true"},
       {"SLUICE_POLICY_PRESET", "safe"}}
  );
  Section policy = settings.section("policy");
  const Integer ttl{.fallback = 1, .min = 1, .max = 100};

  EXPECT_EQ(policy.integer("cache_ttl_ms", ttl), 9);
  EXPECT_TRUE(policy.flag("strict", {.fallback = false}));
  EXPECT_EQ(policy.text("preset", {.fallback = "manual", .choices = {"manual", "safe"}}), "safe");
  EXPECT_EQ(policy.child("child").integer("cache_ttl_ms", ttl), 6);
  EXPECT_TRUE(policy.has("preset"));
  EXPECT_EQ(faults_of(settings), "");
}

TEST(Section, FaultyVariablesAreNamedButNotShown) {
  auto settings = document("{}", {{"SLUICE_HTTP_PORT", "hunter2"}});
  static_cast<void>(settings.section("http").integer("port", port()));

  EXPECT_EQ(
      faults_of(settings),
      "http.port: is what SLUICE_HTTP_PORT holds, which does not fit; give an integer from 0 to "
      "65535"
  );
}

TEST(Document, VariablesThatOverrideNothingAreWarnings) {
  auto settings = document("{}", {{"SLUICE_HTTP_PROT", "1"}, {"SLUICE_OTHER", "1"}});
  static_cast<void>(settings.section("http").integer("port", port()));

  EXPECT_EQ(faults_of(settings), "");

  EXPECT_THAT(
      settings.warnings(),
      ElementsAre(
          "SLUICE_HTTP_PROT: overrides no setting of http; did you mean \"SLUICE_HTTP_PORT\"? "
          "Else remove it"
      )
  );
}

TEST(Section, SecretsComeFromValueReferenceOrFile) {
  const File file("from file\n");
  auto settings = document(
      R"({"http": {"a": "plain", "b": "env.B", "c_file": ")" + file.path() + R"("}})",
      {{"B", "from env"}}
  );
  Section http = settings.section("http");

  EXPECT_EQ(http.secret("a", {}).reveal(), "plain");
  EXPECT_EQ(http.secret("b", {}).reveal(), "from env");
  EXPECT_EQ(http.secret("c", {}).reveal(), "from file");
  EXPECT_EQ(faults_of(settings), "");
}

TEST(Section, FaultsOfSecretsNeverShowThem) {
  const File file("x");
  auto settings = document(
      R"({"http": {"a": 12345, "b": "twice", "b_file": ")" + file.path() +
      R"(", "c_file": "/nowhere/at/all"}})"
  );
  Section http = settings.section("http");
  static_cast<void>(http.secret("a", {}));
  static_cast<void>(http.secret("b", {}));
  static_cast<void>(http.secret("c", {}));
  static_cast<void>(http.secret("d", {}));

  const std::string faults = faults_of(settings);

  EXPECT_THAT(faults, HasSubstr("http.a: is no string; give a string, env.NAME, or a_file"));
  EXPECT_THAT(faults, HasSubstr("http.b: is given twice; give b or b_file"));
  EXPECT_THAT(
      faults, HasSubstr("http.c_file: names a file that is empty, too large or cannot be read")
  );
  EXPECT_THAT(faults, HasSubstr("http.d: is missing; give a string, env.NAME, or d_file"));
  EXPECT_THAT(faults, Not(HasSubstr("12345")));
  EXPECT_THAT(faults, Not(HasSubstr("twice\"")));
}

TEST(Document, EffectiveSettingsMaskSecretsAndCredentials) {
  auto settings = document(
      R"({"bus": {"url": "nats://me:hunter2@host:1/x", "key": "hunter3", "raw": {"k": "hunter4"}}})",
      {{"SLUICE_BUS_PORT", "9"}}
  );
  Section bus = settings.section("bus");
  static_cast<void>(bus.text("url", {}));
  static_cast<void>(bus.secret("key", {}));
  static_cast<void>(bus.raw("raw", "Raw."));
  static_cast<void>(bus.integer("port", port()));
  static_cast<void>(bus.flag("on", {.fallback = true}));

  EXPECT_EQ(
      settings.effective(),
      "bus.url = \"nats://***@host:1/x\"  (file)\n"
      "bus.key = (secret)  (file)\n"
      "bus.raw = (object)  (file)\n"
      "bus.port = 9  (SLUICE_BUS_PORT)\n"
      "bus.on = true  (default)\n"
  );
}

TEST(Document, DescribingOneNamesEverySetting) {
  Document settings = Document::describing();
  Section auth = settings.section("auth");
  for (Section& key : auth.children("keys")) {
    static_cast<void>(key.text("id", {.description = "Name | of the key."}));
  }
  static_cast<void>(
      auth.milliseconds("ttl_ms", {.fallback = 5, .min = 1, .max = 9, .description = "Life."})
  );

  EXPECT_EQ(faults_of(settings), "");
  const std::string table = settings.settings_table();
  EXPECT_THAT(
      table, HasSubstr("| `auth.keys[].id` | text |  | required |  | Name \\| of the key. |")
  );
  EXPECT_THAT(table, HasSubstr("| `auth.ttl_ms` | integer | ms | 5 | 1 … 9 | Life. |"));
}

TEST(Section, ReadersMayAddFaultsAndWarnings) {
  auto settings = document(R"({"mcp": {"name": "9x"}})");
  Section mcp = settings.section("mcp");
  static_cast<void>(mcp.text("name", {}));
  mcp.fault("name", "starts with a digit; start it with a letter");
  mcp.warn("name", "is short");
  mcp.warn("", "is used");

  EXPECT_EQ(faults_of(settings), "mcp.name: starts with a digit; start it with a letter");
  EXPECT_THAT(settings.warnings(), ElementsAre("mcp.name: is short", "mcp: is used"));
}

TEST(Document, RefusesWhatIsNoConfiguration) {
  EXPECT_THAT(Document::from_text("[]", {}), HasCode(Code::Invalid));
  EXPECT_THAT(Document::from_text("{", {}), HasCode(Code::Invalid));
  EXPECT_THAT(Document::from_text(R"({"bus": {}, "bus": {}})", {}), HasCode(Code::Invalid));
}

TEST(Document, UnreadableFilesAreNamed) {
  const auto missing = Document::load("/nowhere/sluice.json", {});
  const auto folder = Document::load("/tmp", {});
  const File broken("{\"bus\": }");
  const auto malformed = Document::load(broken.path(), {});

  ASSERT_THAT(missing, HasCode(Code::Invalid));
  EXPECT_THAT(
      missing.error().message(), HasSubstr("/nowhere/sluice.json cannot be read (No such file")
  );
  EXPECT_THAT(folder, HasCode(Code::Invalid));
  ASSERT_THAT(malformed, HasCode(Code::Invalid));
  EXPECT_THAT(malformed.error().message(), HasSubstr(broken.path() + ": "));
}

TEST(Document, LoadsAFile) {
  const File file("{\"bus\": {\"url\": \"nats://x\"}}");
  auto loaded = Document::load(file.path(), {});

  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(loaded.value().section("bus").text("url", {}), "nats://x");
}

TEST(ProcessEnvironment, HoldsThePath) {
  EXPECT_TRUE(process_environment().contains("PATH"));
}

}  // namespace
}  // namespace sluice::config
