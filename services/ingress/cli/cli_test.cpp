// The sluice command against a fake gateway over real HTTP.
#include "services/ingress/cli/command_line.h"

#include "common/http/testing/loopback.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace sluice::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Answers what a test put in, and remembers what it was asked.
class FakeGateway {
 public:
  http::Handler handler() {
    return [this](http::HttpRequest request, RequestContext) { return answer(std::move(request)); };
  }

  std::vector<http::HttpRequest> asked;
  int status = 200;
  std::function<std::string(const http::HttpRequest&)> body = [](const auto&) {
    return std::string("{}");
  };

 private:
  Async<http::HttpResponse> answer(http::HttpRequest request) {
    http::HttpResponse response;
    response.status = status;
    response.headers.add("content-type", "application/json");
    response.body = body(request);
    asked.push_back(std::move(request));
    co_return response;
  }
};

http::Route route(const std::string& method, const std::string& path, FakeGateway* fake) {
  return {
      .method = method,
      .path = path,
      .body_bytes_max = method == "POST" ? std::size_t{1} << 20 : 0,
      .timeout = std::chrono::seconds(5),
      .handler = fake->handler()
  };
}

class CliTest : public ::testing::Test {
 protected:
  Answer run(std::vector<std::string> words) {
    const config::Environment environment{
        {"SLUICE_URL", loopback.url("/")}, {"SLUICE_KEY", "sk-1"}
    };
    auto read = read_command(std::move(words), environment);
    if (std::holds_alternative<Answer>(read)) {
      return std::get<Answer>(read);
    }
    Command command = std::get<Command>(std::move(read));
    Gateway gateway({loopback.client.get(), &loopback.clock, command.url, command.key});
    auto done = loopback.run(command.run(&gateway));
    return done.ok() ? std::move(done).value() : answer_of(done.error());
  }

  static std::string file(const std::string& content) {
    const std::string path = ::testing::TempDir() + "sluice-cases.json";
    std::ofstream(path) << content;
    return path;
  }

  FakeGateway fake;
  http::testing::Loopback loopback{{
      route("GET", "/api/limits", &fake),
      route("GET", "/api/policy", &fake),
      route("POST", "/api/policy/reload", &fake),
      route("POST", "/api/policy/explain", &fake),
      route("GET", "/api/pins", &fake),
      route("GET", "/api/pins/{server}", &fake),
      route("POST", "/api/pins/{server}", &fake),
      route("GET", "/api/approvals", &fake),
      route("GET", "/api/approvals/{id}", &fake),
      route("POST", "/api/approvals/{id}", &fake),
      route("GET", "/api/runs", &fake),
      route("GET", "/api/runs/{id}", &fake),
      route("POST", "/api/runs/{id}/cancel", &fake),
      route("GET", "/api/keys", &fake),
      route("POST", "/api/keys", &fake),
      route("DELETE", "/api/keys/{id}", &fake),
  }};
};

constexpr const char* kRun =
    R"({"run_id":"run_1","state":"script_error","principal":"key:a","calls_made":2,"duration_ms":31,
        "check":{"diagnostics":[{"line":2,"column":3,"message":"unused"}],"escapes":[]},
        "call_set":[{"server":"files","tool":"write","verdict":"approve","rule":"preset.safe"}],
        "calls":[{"call_site":"1:8","server":"files","tool":"write","outcome":"Denied","message":"no","arguments":{"a":1}}],
        "console":[{"level":"log","text":"hello"}],"error":{"message":"boom","hint":"catch it"}})";

TEST_F(CliTest, ListsRuns) {
  fake.body = [](const auto&) { return R"({"runs":[)" + std::string(kRun) + "]}"; };

  const Answer answer = run({"runs", "list", "--limit", "7"});

  EXPECT_EQ(answer.exit_code, kExitDone);
  EXPECT_EQ(answer.text, "run_1  script_error  2 calls  31 ms  key:a\n");
  EXPECT_EQ(fake.asked.at(0).query, "limit=7");
}

TEST_F(CliTest, ShowsARun) {
  fake.body = [](const auto&) { return kRun; };

  const Answer answer = run({"runs", "show", "run_1"});

  EXPECT_EQ(answer.exit_code, kExitDone);
  EXPECT_EQ(
      answer.text,
      "run_1  script_error  2 calls  31 ms  key:a\n"
      "  2:3  unused\n"
      "  may call files-write: approve (preset.safe)\n"
      "  1:8  files-write  Denied: no  {\"a\":1}\n"
      "  | hello\n"
      "  error: boom\n"
      "  hint: catch it\n"
  );
}

TEST_F(CliTest, CancelsARun) {
  fake.body = [](const auto&) { return R"({"run_id":"run_1","state":"cancelled"})"; };

  const Answer answer = run({"runs", "cancel", "run_1"});

  EXPECT_EQ(answer.exit_code, kExitDone);
  EXPECT_THAT(answer.text, HasSubstr("run_1  cancelled"));
  EXPECT_EQ(fake.asked.at(0).method, "POST");
  EXPECT_THAT(fake.asked.at(0).path, HasSubstr("/api/runs/run_1/cancel"));
}

constexpr const char* kExplanation =
    R"({"policy_version":3,"verdict":"deny","effect_class":"write","rule":"rules.etc","reason":"Not there.","steps":[
        {"rule":"files.tools_to_execute","matched":false,"verdict":"deny","detail":"let pass"},
        {"rule":"rules.etc","matched":true,"verdict":"deny","detail":""}]})";

TEST_F(CliTest, ExplainsACall) {
  fake.body = [](const auto&) { return kExplanation; };

  const Answer answer = run(
      {"policy",
       "explain",
       "--server",
       "files",
       "--tool",
       "write_file",
       "--arguments",
       R"({"path": "/etc/x"})",
       "--mode",
       "agent",
       "--key-id",
       "alice"}
  );

  EXPECT_EQ(answer.exit_code, kExitDone);
  EXPECT_EQ(
      answer.text,
      "deny by rules.etc: Not there.\n"
      "    files.tools_to_execute  deny           let pass\n"
      "  * rules.etc               deny\n"
  );
  ASSERT_EQ(fake.asked.size(), 1U);
  EXPECT_EQ(fake.asked[0].headers.get("authorization"), "Bearer sk-1");
  EXPECT_EQ(
      fake.asked[0].body,
      R"({"server":"files","tool":"write_file","arguments":{"path":"/etc/x"},"mode":"agent","key_id":"alice"})"
  );
}

TEST_F(CliTest, ListsWhatLimitsHaveCounted) {
  fake.body = [](const auto&) {
    return R"({"policy_version":3,"limits":[{"id":"writes","counters":[
        {"subject":"key:ci","counts":"calls","taken":3,"of":5,"frees_at":"2026-01-02T03:04:05.000Z"},
        {"subject":"key:ci","counts":"at_once","taken":1,"of":2}]},{"id":"reads","counters":[]}]})";
  };

  const Answer answer = run({"limits", "list"});

  EXPECT_EQ(answer.exit_code, kExitDone);
  EXPECT_EQ(
      answer.text,
      "writes  key:ci  3 of 5 calls  frees at 2026-01-02T03:04:05.000Z\n"
      "writes  key:ci  1 of 2 at once\n"
      "reads  nothing counted\n"
  );
  fake.body = [](const auto&) { return R"({"policy_version":3,"limits":[]})"; };
  EXPECT_EQ(run({"limits", "list"}).text, "no limits\n");
}

TEST_F(CliTest, TestsAFileOfCases) {
  fake.body = [](const auto&) { return kExplanation; };
  const std::string call = R"("call": {"server": "files", "tool": "write_file"})";

  const Answer good = run(
      {"policy",
       "test",
       file("[{" + call + R"(, "expect": {"verdict": "deny", "rule": "rules.etc"}}])")}
  );
  EXPECT_EQ(good.exit_code, kExitDone);
  EXPECT_EQ(good.text, "1 cases, 0 failed\n");

  const std::string two = file(
      "[{" + call + R"(, "expect": {"verdict": "deny"}}, {"name": "writes wait", )" + call +
      R"(, "expect": {"verdict": "approve", "rule": "preset.safe"}}])"
  );
  const Answer bad = run({"policy", "test", two});
  EXPECT_EQ(bad.exit_code, kExitFailed);
  EXPECT_THAT(
      bad.text,
      AllOf(
          StartsWith("FAILED writes wait: expected approve by preset.safe, got deny by rules.etc"),
          HasSubstr("  * rules.etc"),
          HasSubstr("2 cases, 1 failed\n")
      )
  );

  const Answer listed = run({"--json", "policy", "test", two});
  EXPECT_EQ(listed.exit_code, kExitFailed);
  EXPECT_EQ(json::parse(listed.text).value().find("failures")->as_array()->size(), 1U);
}

TEST_F(CliTest, FilesThatAreNoCasesAreMisuse) {
  for (const char* content :
       {"",
        "{}",
        "[]",
        R"([{"call": {}}])",
        R"([{"call": {}, "expect": {}}])",
        R"([{"call": {}, "expect": {"verdikt": "deny"}}])"}) {
    EXPECT_NE(run({"policy", "test", file(content)}).exit_code, kExitDone) << content;
  }
  EXPECT_EQ(run({"policy", "test", "/no/such/file"}).exit_code, kExitMisused);
  EXPECT_TRUE(fake.asked.empty());
}

TEST_F(CliTest, ReloadsAndShowsWarnings) {
  fake.body = [](const auto&) {
    return R"({"policy_version":4,"snapshot_hash":"0123456789abcdef","dry_run":true,"warnings":["rules.a changes nothing"]})";
  };

  const Answer answer = run({"policy", "reload", "--dry-run"});

  EXPECT_EQ(
      answer.text,
      "warning: rules.a changes nothing\n"
      "the file is good; in force stays policy version 4 (0123456789ab)\n"
  );
  EXPECT_EQ(fake.asked[0].body, R"({"dry_run":true})");
  EXPECT_THAT(run({"policy", "reload"}).text, HasSubstr("in force is policy version 4"));
}

TEST_F(CliTest, ShowsThePolicy) {
  fake.body = [](const auto&) {
    return R"({"policy_version":4,"snapshot_hash":"ab","policy":{"preset":"safe","servers":{},"rules":[
        {"id":"a","match":{"tool":["x"]},"reason":"","verdict":"deny"}]},"warnings":[]})";
  };

  EXPECT_EQ(
      run({"policy", "show"}).text,
      "policy version 4 (ab)\npreset safe\nrules.a  deny  {\"tool\":[\"x\"]}\n"
  );
}

constexpr const char* kApproval =
    R"({"id":"apr_1","state":"pending","server":"files","tool":"write_file","required":"approve","principal":"key:alice",
        "expires_at":"2026-01-01T00:00:00Z","effect_class":"write","arguments":{"path":"/x"},"reason":"",
        "answers":[{"principal":"key:bob","action":"approve","reason":"fine","at":"2026-01-01T00:00:00Z"}]})";

TEST_F(CliTest, ListsApprovals) {
  fake.body = [](const auto&) {
    return R"({"approvals":[)" + std::string(kApproval) + R"(],"more":true})";
  };

  const Answer answer = run({"approvals", "list", "--limit", "1", "--after", "apr_0"});

  EXPECT_EQ(
      answer.text,
      "apr_1  pending  files-write_file  approve  for key:alice  until 2026-01-01T00:00:00Z\n"
      "there are more: repeat with --after apr_1\n"
  );
  EXPECT_EQ(fake.asked[0].query, "limit=1&state=pending&after=apr_0");
  fake.body = [](const auto&) { return R"({"approvals":[],"more":false})"; };
  EXPECT_EQ(run({"approvals", "list", "--state", ""}).text, "no approvals\n");
  EXPECT_EQ(fake.asked[1].query, "limit=50");
}

TEST_F(CliTest, ShowsAndAnswersOne) {
  fake.body = [](const auto&) { return kApproval; };

  EXPECT_THAT(
      run({"approvals", "show", "apr_1"}).text,
      AllOf(
          HasSubstr("arguments: {\"path\":\"/x\"}"),
          HasSubstr("approve by key:bob at 2026-01-01T00:00:00Z: fine"),
          Not(HasSubstr("reason:"))
      )
  );
  EXPECT_EQ(fake.asked.back().method, "GET");
  EXPECT_EQ(fake.asked.back().path_parameters.at(0), "apr_1");

  EXPECT_EQ(run({"approvals", "deny", "apr_1", "--reason", "not today"}).exit_code, kExitDone);
  EXPECT_EQ(fake.asked.back().method, "POST");
  EXPECT_EQ(fake.asked.back().body, R"({"action":"deny","reason":"not today"})");

  EXPECT_EQ(
      run({"--json", "approvals", "approve", "apr_1"}).text,
      json::write(json::parse(kApproval).value()) + "\n"
  );
  EXPECT_EQ(fake.asked.back().body, R"({"action":"approve"})");
}

constexpr const char* kKey =
    R"({"id":"ci","roles":["caller"],"servers":null,"tools":["files-*"],"models":[],
        "expires_at":"2030-01-01T00:00:00.000Z","from_file":false,"revoked":false,"key":"sk-sl-x"})";

TEST_F(CliTest, ListsKeys) {
  fake.body = [](const auto&) { return R"({"keys":[)" + std::string(kKey) + "]}"; };

  EXPECT_EQ(
      run({"keys", "list"}).text,
      "ci  caller  servers all  tools files-*  models none  until 2030-01-01T00:00:00.000Z\n"
  );
}

TEST_F(CliTest, MakesAKeyAndPrintsItsTextAlone) {
  fake.status = 201;
  fake.body = [](const auto&) { return kKey; };

  const Answer made =
      run({"keys", "create", "--id", "ci", "--tools", "files-*,web-get", "--models", ""});

  EXPECT_EQ(made.exit_code, kExitDone);
  EXPECT_EQ(made.text, "sk-sl-x\n");
  EXPECT_EQ(fake.asked.back().body, R"({"id":"ci","tools":["files-*","web-get"],"models":[]})");
  EXPECT_EQ(run({"keys", "create"}).exit_code, kExitDone);
  EXPECT_EQ(fake.asked.back().body, "{}");
}

TEST_F(CliTest, RevokesAKey) {
  fake.body = [](const auto&) { return R"({"id":"ci","roles":["caller"],"revoked":true})"; };

  EXPECT_THAT(run({"keys", "revoke", "ci"}).text, HasSubstr("revoked"));
  EXPECT_EQ(fake.asked.back().method, "DELETE");
  EXPECT_EQ(fake.asked.back().path_parameters.at(0), "ci");
}

TEST_F(CliTest, TellsWhatTheGatewayRefused) {
  fake.status = 403;
  fake.body = [](const auto&) { return R"({"error":{"message":"needs the role admin"}})"; };

  const Answer refused = run({"policy", "show"});
  EXPECT_EQ(refused.exit_code, kExitRefused);
  EXPECT_EQ(refused.text, "sluice: needs the role admin\n");

  fake.status = 503;
  fake.body = [](const auto&) { return "<html>"; };
  EXPECT_EQ(run({"policy", "show"}).exit_code, kExitUnreached);
  fake.status = 200;
  EXPECT_EQ(run({"policy", "show"}).exit_code, kExitUnreached);
}

TEST_F(CliTest, WordsThatSayNothingAreMisuse) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{},
        {"policy"},
        {"policy", "explain", "--server", "a"},
        {"approvals", "approve"},
        {"keys", "revoke"},
        {"approvals", "list", "--limit", "0"},
        {"policy", "explain", "--server", "a", "--tool", "b", "--arguments", "[]"}}) {
    EXPECT_EQ(run(words).exit_code, kExitMisused);
  }
  EXPECT_EQ(run({"--help"}).exit_code, kExitDone);
  EXPECT_THAT(run({"--help"}).text, HasSubstr("Exit codes"));
}

TEST_F(CliTest, PinsAreListedShownAndApproved) {
  const std::string pin =
      R"({"server":"files","tool":"read/file","quarantined":true,"pinned_hash":"01","pinned_by":"first use","pinned_at":"then",)"
      R"("offered_hash":"02","offered_at":"now","confusable_with":["other-read_file"])";
  fake.body = [&pin](const auto& request) {
    return request.path_parameters.empty()
               ? R"({"pins":[)" + pin + "}]}"
               : pin +
                     R"(,"differences":[{"pointer":"/a","pinned":null,"offered":"\"b\\u200b\""}],"warnings":["more"]})";
  };

  EXPECT_EQ(
      run({"pins", "list", "--quarantined"}).text,
      "quarantined  files  read/file  like other-read_file\n"
  );
  EXPECT_EQ(fake.asked.back().query, "quarantined=true");
  EXPECT_EQ(
      run({"pins", "show", "files", "read/file"}).text,
      "quarantined  files  read/file  like other-read_file\n"
      "  pinned by first use at then: 01\n"
      "  offered since now: 02\n"
      "  /a\n"
      "    + \"b\\u200b\"\n"
      "  more\n"
  );
  EXPECT_EQ(fake.asked.back().query, "tool=read%2Ffile");
  EXPECT_EQ(run({"pins", "approve", "files", "read_file", "02"}).exit_code, kExitDone);
  EXPECT_EQ(fake.asked.back().body, R"({"definition_hash":"02","approve":true})");
  EXPECT_EQ(run({"pins", "approve", "files", "read_file"}).exit_code, kExitMisused);
}

}  // namespace
}  // namespace sluice::cli
