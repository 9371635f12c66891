// Provider traffic, translated both ways: the hand-written OpenAI input of each case becomes
// exactly the request that was recorded, and the recorded answer becomes what OpenAI's clients
// read.
//
// SLUICE_RECORDINGS: folder of the recordings; without it only the cases that carry their own
// traffic run. SLUICE_CONTRACT_OUT: folder for the translated answers, for sdk_parse.mjs.
#include "services/provider-router/domain/translate/dialects.h"
#include "services/provider-router/limits.h"
#include "tests/contract/recordings_case.h"
#include "tests/contract/recordings_compare.h"

#include "common/config/config.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <optional>

namespace sluice::contract {
namespace {

using provider_router::AnswerFacts;
using provider_router::AnswerSource;
using provider_router::Dialect;
using provider_router::Failure;

// Streams up to this size are also fed byte by byte and cut at every place.
constexpr std::size_t kEveryCutBytesMax = 2600;

std::string variable(std::string_view name) {
  const config::Environment environment = config::process_environment();
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string cases_folder() {
  const std::string source = variable("SLUICE_SOURCE_DIR");
  return (source.empty() ? std::string(".") : source) + "/tests/contract/cases";
}

// What one answer became.
struct Outcome {
  std::string out;  // a chat.completion, or events
  AnswerFacts facts;
  std::optional<Failure> failure;
};

class Router {
 public:
  explicit Router(const RecordedCase& recorded) : recorded_(recorded), keys_({}) {
    provider_.name = recorded.provider;
    provider_.dialect = recorded.provider == "anthropic" ? Dialect::Anthropic : Dialect::OpenAi;
    provider_.base_url = recorded.base_url;
    provider_.max_tokens_default = provider_router::kAnthropicMaxTokensDefault;
  }

  [[nodiscard]] Result<provider_router::UpstreamBody> request() {
    const provider_router::Route route{&provider_, &keys_, recorded_.model};
    return upstream_body(route, recorded_.input, recorded_.stream);
  }

  [[nodiscard]] Outcome plain() const {
    auto read = read_answer(provider_.dialect, recorded_.body, source());
    if (auto* failure = std::get_if<Failure>(&read)) {
      return {"", {}, std::move(*failure)};
    }
    auto& answer = std::get<provider_router::Answer>(read);
    return {std::move(answer.body), std::move(answer.facts), std::nullopt};
  }

  // The stream in pieces of these sizes; the last one takes the rest.
  [[nodiscard]] Outcome streamed(const std::vector<std::size_t>& sizes, bool usage_asked) const {
    const auto translator = make_stream(provider_.dialect, source(), usage_asked);
    Outcome outcome;
    std::string_view rest = recorded_.body;
    for (std::size_t i = 0; !rest.empty() && !outcome.failure; ++i) {
      const std::size_t size = i < sizes.size() ? std::min(sizes[i], rest.size()) : rest.size();
      outcome.failure = translator->feed(rest.substr(0, size), outcome.out);
      rest.remove_prefix(size);
    }
    if (!outcome.failure) {
      outcome.failure = translator->finish(outcome.out);
    }
    outcome.facts = translator->facts();
    return outcome;
  }

  [[nodiscard]] Failure error_answer() const {
    return provider_router::failure_of_answer(
        recorded_.provider, recorded_.status, http::Headers(), recorded_.body, 0
    );
  }

 private:
  [[nodiscard]] AnswerSource source() const {
    return {provider_.name, recorded_.model, 1700000000, "chatcmpl-test"};
  }

  const RecordedCase& recorded_;
  provider_router::Provider provider_;
  provider_router::KeyPool keys_;
};

bool below(const std::string& pointer, const std::string& at) {
  return pointer == at || pointer.starts_with(at + "/");
}

// The translated request against the recorded one.
void check_request(
    const RecordedCase& recorded, const std::string& body, std::vector<std::string>& problems
) {
  const auto got = json::parse(body);
  if (!got.ok()) {
    problems.push_back("the request is no JSON: " + got.error().message());
    return;
  }
  std::vector<std::string> places = differences(recorded.request, got.value());
  const json::Array none;
  for (const json::Value& entry :
       recorded.tolerated.is_array() ? *recorded.tolerated.as_array() : none) {
    const std::string at = entry.text_or("at", "");
    const std::size_t before = places.size();
    std::erase_if(places, [&at](const std::string& place) { return below(place, at); });
    if (places.size() == before) {
      problems.push_back("tolerated difference " + at + " does not occur; take it out of the case");
    }
  }
  for (const std::string& place : places) {
    const json::Value* value = at_pointer(got.value(), place);
    problems.push_back(
        "request differs at " + place + ": " +
        (value == nullptr ? "missing" : json::write(*value).substr(0, 200))
    );
  }
}

void check_facts(
    const RecordedCase& recorded,
    const AnswerFacts& facts,
    const Seen& seen,
    std::vector<std::string>& problems
) {
  if (facts.finish_reason != seen.finish_reason) {
    problems.push_back("the gateway read finish_reason " + facts.finish_reason);
  }
  if (facts.tool_calls.size() != seen.calls.size()) {
    problems.push_back(
        "the gateway read " + std::to_string(facts.tool_calls.size()) + " tool calls"
    );
  }
  for (std::size_t i = 0; i < std::min(facts.tool_calls.size(), seen.calls.size()); ++i) {
    const auto& call = facts.tool_calls[i];
    if (call.id != seen.calls[i].id || call.name != seen.calls[i].name ||
        call.arguments != seen.calls[i].arguments) {
      problems.push_back("the gateway read another tool call: " + call.name + " " + call.arguments);
    }
  }
  const json::Value* usage = recorded.expect.find("usage");
  if (usage == nullptr) {
    return;
  }
  const json::Value got = json::object({
      {"prompt_tokens", facts.usage.prompt_tokens},
      {"completion_tokens", facts.usage.completion_tokens},
      {"total_tokens", facts.usage.total_tokens},
      {"cached_tokens", facts.usage.cached_tokens},
      {"reasoning_tokens", facts.usage.reasoning_tokens},
  });
  for (const auto& [key, value] : usage->as_object()->members()) {
    if (*got.find(key) != value) {
      problems.push_back("the gateway counted " + key + " " + json::write(*got.find(key)));
    }
  }
}

void check_failure(
    const RecordedCase& recorded, const Failure& failure, std::vector<std::string>& problems
) {
  const json::Value* status = recorded.expect.find("status");
  if (status == nullptr || status->as_int() != status_of(failure)) {
    problems.push_back(
        "it failed with status " + std::to_string(status_of(failure)) + ": " + failure.message
    );
  }
  if (name_of(failure.kind) != recorded.expect.text_or("error_kind", "")) {
    problems.push_back("it failed with kind " + std::string(name_of(failure.kind)));
  }
  const auto body = json::parse(error_body(failure));
  const json::Value* error = body.ok() ? body.value().find("error") : nullptr;
  if (error == nullptr || error->text_or("message", "").empty() ||
      error->text_or("type", "").empty()) {
    problems.push_back("the error body is not OpenAI's: " + error_body(failure));
  }
}

// Every way of cutting gives the same events. Returns how many ways were tried.
std::size_t check_cuts(
    const RecordedCase& recorded,
    const Router& router,
    bool usage_asked,
    std::vector<std::string>& problems
) {
  const std::string whole = router.streamed({}, usage_asked).out;
  std::size_t ways = 1;
  const auto check = [&](const std::vector<std::size_t>& sizes, const std::string& what) {
    ++ways;
    if (router.streamed(sizes, usage_asked).out != whole) {
      problems.push_back("cut " + what + " gives other events");
    }
  };
  if (!recorded.chunk_sizes.empty()) {
    check(recorded.chunk_sizes, "as recorded");
  }
  check(std::vector<std::size_t>(recorded.body.size(), 1), "at every byte");
  if (recorded.body.size() <= kEveryCutBytesMax) {
    for (std::size_t at = 1; at < recorded.body.size(); ++at) {
      check({at}, "at byte " + std::to_string(at));
    }
  }
  return ways;
}

void write_file(const std::string& name, const std::string& text) {
  const std::string folder = variable("SLUICE_CONTRACT_OUT");
  if (folder.empty()) {
    return;
  }
  std::ofstream file(folder + "/" + name, std::ios::binary);
  file << text;
  ASSERT_TRUE(file.good()) << "cannot write to " << folder;
}

void write_out(const RecordedCase& recorded, const Outcome& outcome) {
  const bool failed_at_once = outcome.failure && recorded.status != 200;
  std::string text = outcome.out;
  if (recorded.stream && !failed_at_once) {
    text += outcome.failure ? "data: " + error_body(*outcome.failure) + "\n\n" : "data: [DONE]\n\n";
  } else if (outcome.failure) {
    text = error_body(*outcome.failure);
  }
  const bool sse = recorded.stream && !failed_at_once;
  write_file(recorded.name + (sse ? ".sse" : ".json"), text);
  write_file(recorded.name + ".expect", json::write(recorded.expect));
}

struct Row {
  std::string name;
  std::string request;
  std::string answer;
  std::size_t ways = 0;
};

Row run_case(const RecordedCase& recorded) {
  std::vector<std::string> problems;
  Router router(recorded);
  const auto request = router.request();
  if (request.ok()) {
    check_request(recorded, request.value().body, problems);
  } else {
    problems.push_back("the input was refused: " + request.error().message());
  }
  Row row{recorded.name, problems.empty() ? "equal" : "DIFFERS", "", 0};
  if (row.request == "equal" && recorded.tolerated.is_array()) {
    row.request = "equal but " + recorded.tolerated.as_array()->front().text_or("at", "");
  }
  Outcome outcome;
  if (recorded.status != 200) {
    outcome.failure = router.error_answer();
    row.answer = "error " + std::to_string(recorded.status) + " -> " +
                 std::to_string(status_of(*outcome.failure));
  } else if (recorded.stream) {
    const bool asked = request.ok() && request.value().usage_asked;
    outcome = router.streamed(recorded.chunk_sizes, asked);
    row.ways = check_cuts(recorded, router, asked, problems);
    row.answer = outcome.failure
                     ? "stream, then error " + std::to_string(status_of(*outcome.failure))
                     : "stream";
  } else {
    outcome = router.plain();
    row.answer = "plain";
  }
  if (recorded.status == 200) {
    const Seen seen = recorded.stream ? read_chunks(outcome.out, problems)
                                      : read_completion(outcome.out, problems);
    compare(recorded.expect, seen, problems);
    check_facts(recorded, outcome.facts, seen, problems);
  }
  if (outcome.failure) {
    check_failure(recorded, *outcome.failure, problems);
  } else if (recorded.expect.find("error_kind") != nullptr) {
    problems.emplace_back("it should have failed");
  }
  write_out(recorded, outcome);
  for (const std::string& problem : problems) {
    ADD_FAILURE() << recorded.name << ": " << problem;
  }
  if (!problems.empty()) {
    row.answer += " FAILED";
  }
  return row;
}

TEST(Recordings, TranslateBothWays) {
  const std::string recordings = variable("SLUICE_RECORDINGS");

  const auto list = load_cases(cases_folder(), recordings);

  ASSERT_TRUE(list.ok()) << list.error().to_log();
  std::printf("%-44s %-28s %-28s %s\n", "case", "request", "answer", "ways cut");
  for (const RecordedCase& recorded : list.value().cases) {
    const Row row = run_case(recorded);
    std::printf(
        "%-44s %-28s %-28s %s\n",
        row.name.c_str(),
        row.request.c_str(),
        row.answer.c_str(),
        row.ways == 0 ? "" : std::to_string(row.ways).c_str()
    );
  }
  std::printf("%zu cases", list.value().cases.size());
  if (!list.value().without_recording.empty()) {
    std::printf(
        "; %zu left out: set SLUICE_RECORDINGS to the folder of recordings",
        list.value().without_recording.size()
    );
  }
  std::printf("\n");
  EXPECT_GE(list.value().cases.size(), 6U);
}

}  // namespace
}  // namespace sluice::contract
