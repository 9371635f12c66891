#include "services/ingress/cli/command_line.h"

#include "services/ingress/cli/approval_commands.h"
#include "services/ingress/cli/key_commands.h"
#include "services/ingress/cli/limit_commands.h"
#include "services/ingress/cli/pin_commands.h"
#include "services/ingress/cli/policy_commands.h"
#include "services/ingress/cli/run_commands.h"

#include "common/json/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace sluice::cli {
namespace {

constexpr const char* kUrlDefault = "http://127.0.0.1:8080";
constexpr const char* kFooter =
    "Exit codes: 0 done, 1 a case does not hold, 2 misused, 3 refused by the gateway, 4 not "
    "reached.";

struct Words {
  std::string url;
  std::string key;
  bool json = false;
  std::string server;
  std::string tool;
  std::string arguments;
  std::string mode;
  std::string key_id;
  std::string cases;
  std::string hash;
  bool quarantined = false;
  bool dry_run = false;
  int runs_limit = 50;
  ApprovalQuery query;
  ApprovalAnswer answer;
  NewKey new_key;
  // CLI11 fills these; an option that is not given leaves its list of new_key absent.
  std::vector<std::string> servers;
  std::vector<std::string> tools;
  std::vector<std::string> models;
};

using Runner = std::function<Result<std::function<Async<Answer>(Gateway*)>>()>;

Format format_of(const Words& words) {
  return words.json ? Format::Json : Format::Text;
}

Result<json::Value> file_content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file) {
    return Error(Code::Invalid, path + " cannot be read: give the path of a file of cases");
  }
  auto value = json::parse(content.str());
  if (!value.ok()) {
    return Error(Code::Invalid, path + ": " + value.error().message());
  }
  return value;
}

Result<json::Value> call_in(const Words& words) {
  json::Object call;
  call.set("server", words.server);
  call.set("tool", words.tool);
  if (!words.arguments.empty()) {
    auto arguments = json::parse(words.arguments);
    if (!arguments.ok() || !arguments.value().is_object()) {
      return Error(Code::Invalid, "--arguments is no JSON object: quote one for the shell");
    }
    call.set("arguments", std::move(arguments).value());
  }
  if (!words.mode.empty()) {
    call.set("mode", words.mode);
  }
  if (!words.key_id.empty()) {
    call.set("key_id", words.key_id);
  }
  return json::Value(std::move(call));
}

void add_policy(CLI::App* app, Words* words, Runner* chosen) {
  CLI::App* const policy = app->add_subcommand("policy", "What may be done, and why");
  policy->require_subcommand(1);

  CLI::App* const explain = policy->add_subcommand("explain", "Verdict of one call, step by step");
  explain->add_option("--server", words->server, "Name of the server")->required();
  explain->add_option("--tool", words->tool, "Name of the tool, as the server calls it")
      ->required();
  explain->add_option("--arguments", words->arguments, "JSON object; without: a listing's view");
  explain->add_option("--mode", words->mode, "manual, agent, code or agent_code");
  explain->add_option("--key-id", words->key_id, "Whose call; without: your own key's");
  explain->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      SLUICE_TRY(const json::Value call, call_in(*words));
      return [call, format = format_of(*words)](Gateway* gateway) {
        return explain_call(gateway, call, format);
      };
    };
  });

  CLI::App* const test =
      policy->add_subcommand("test", "Checks a file of cases against the policy");
  test->add_option("cases", words->cases, "JSON file: [{\"call\": {…}, \"expect\": {…}}]")
      ->required();
  test->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      SLUICE_TRY(const json::Value cases, file_content(words->cases));
      return [cases, format = format_of(*words)](Gateway* gateway) {
        return test_policy(gateway, cases, format);
      };
    };
  });

  CLI::App* const reload = policy->add_subcommand("reload", "Takes the settings file over");
  reload->add_flag("--dry-run", words->dry_run, "Only checks it");
  reload->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [dry_run = words->dry_run ? DryRun::Yes : DryRun::No,
              format = format_of(*words)](Gateway* gateway) {
        return reload_policy(gateway, dry_run, format);
      };
    };
  });

  CLI::App* const show = policy->add_subcommand("show", "The policy in force, without keys");
  show->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return
          [format = format_of(*words)](Gateway* gateway) { return show_policy(gateway, format); };
    };
  });
}

void add_limits(CLI::App* app, Words* words, Runner* chosen) {
  CLI::App* const limits = app->add_subcommand("limits", "What limits have counted");
  limits->require_subcommand(1);
  CLI::App* const list = limits->add_subcommand("list", "Each limit with its counters now");
  list->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return
          [format = format_of(*words)](Gateway* gateway) { return list_limits(gateway, format); };
    };
  });
}

void add_answer(CLI::App* approvals, const std::string& action, Words* words, Runner* chosen) {
  CLI::App* const command = approvals->add_subcommand(action, "Answers one that is pending");
  command->add_option("id", words->answer.id, "Its id")->required();
  command->add_option("--reason", words->answer.reason, "One sentence for the record");
  command->callback([action, words, chosen] {
    *chosen = [action, words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      words->answer.action = action;
      return [given = words->answer, format = format_of(*words)](Gateway* gateway) {
        return answer_approval(gateway, given, format);
      };
    };
  });
}

void add_approvals(CLI::App* app, Words* words, Runner* chosen) {
  CLI::App* const approvals = app->add_subcommand("approvals", "Calls that wait for a person");
  approvals->require_subcommand(1);

  CLI::App* const list = approvals->add_subcommand("list", "Those that are pending");
  list->add_option("--state", words->query.state, "Another state; \"\" for all");
  list->add_option("--limit", words->query.limit, "At most so many")->check(CLI::Range(1, 200));
  list->add_option("--after", words->query.after, "Id of the last one of the page before");
  list->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [query = words->query, format = format_of(*words)](Gateway* gateway) {
        return list_approvals(gateway, query, format);
      };
    };
  });

  CLI::App* const show = approvals->add_subcommand("show", "One with its arguments and answers");
  show->add_option("id", words->answer.id, "Its id")->required();
  show->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [id = words->answer.id, format = format_of(*words)](Gateway* gateway) {
        return show_approval(gateway, id, format);
      };
    };
  });

  add_answer(approvals, "approve", words, chosen);
  add_answer(approvals, "deny", words, chosen);
}

void add_key_creation(CLI::App* keys, Words* words, Runner* chosen) {
  CLI::App* const create =
      keys->add_subcommand("create", "Makes one and prints it: it is told this once");
  create->add_option("--id", words->new_key.id, "Names it in records; without: one is made");
  create->add_option("--role", words->new_key.roles, "caller (default), approver, admin")
      ->delimiter(',');
  create->add_option("--agent", words->new_key.agent, "Name of the agent in records");
  create->add_option("--tenant", words->new_key.tenant, "Tenant it belongs to");
  CLI::Option* const servers =
      create->add_option("--servers", words->servers, "Servers it reaches; \"\" for none")
          ->delimiter(',');
  CLI::Option* const tools =
      create->add_option("--tools", words->tools, "<server>-<tool>, <server>-* or *")
          ->delimiter(',');
  CLI::Option* const models =
      create->add_option("--models", words->models, "<provider>/<model>, <provider>/* or *")
          ->delimiter(',');
  create->add_option("--expires-at", words->new_key.expires_at, "RFC 3339 time; without: never");
  create->callback([words, chosen, servers, tools, models] {
    const auto given = [](CLI::Option* option, const std::vector<std::string>& names) {
      return option->count() > 0 ? std::optional(names) : std::nullopt;
    };
    words->new_key.servers = given(servers, words->servers);
    words->new_key.tools = given(tools, words->tools);
    words->new_key.models = given(models, words->models);
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [key = words->new_key, format = format_of(*words)](Gateway* gateway) {
        return create_key(gateway, key, format);
      };
    };
  });
}

void add_keys(CLI::App* app, Words* words, Runner* chosen) {
  CLI::App* const keys = app->add_subcommand("keys", "Virtual keys of callers");
  keys->require_subcommand(1);

  CLI::App* const list = keys->add_subcommand("list", "Those of file and API");
  list->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [format = format_of(*words)](Gateway* gateway) { return list_keys(gateway, format); };
    };
  });

  add_key_creation(keys, words, chosen);

  CLI::App* const revoke = keys->add_subcommand("revoke", "Ends one at once, for good");
  revoke->add_option("id", words->answer.id, "Its id")->required();
  revoke->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [id = words->answer.id, format = format_of(*words)](Gateway* gateway) {
        return revoke_key(gateway, id, format);
      };
    };
  });
}

void add_pin_names(CLI::App* command, Words* words) {
  command->add_option("server", words->server, "Name of its server")->required();
  command->add_option("tool", words->tool, "Its name, as the server calls it")->required();
}

void add_pins(CLI::App* app, Words* words, Runner* chosen) {
  CLI::App* const pins = app->add_subcommand("pins", "Definitions of tools that are agreed to");
  pins->require_subcommand(1);

  CLI::App* const list = pins->add_subcommand("list", "All of them");
  list->add_flag("--quarantined", words->quarantined, "Only what waits for an approval");
  list->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [which = words->quarantined ? Pins::Quarantined : Pins::All,
              format = format_of(*words)](Gateway* gateway) {
        return list_pins(gateway, which, format);
      };
    };
  });

  CLI::App* const show = pins->add_subcommand("show", "One, with what has changed");
  add_pin_names(show, words);
  show->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return
          [server = words->server, tool = words->tool, format = format_of(*words)](Gateway* gateway
          ) { return show_pin(gateway, server, tool, format); };
    };
  });

  CLI::App* const approve = pins->add_subcommand("approve", "Agrees to the offered definition");
  add_pin_names(approve, words);
  approve->add_option("hash", words->hash, "Its hash, as show tells it")->required();
  approve->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [server = words->server,
              tool = words->tool,
              hash = words->hash,
              format = format_of(*words)](Gateway* gateway) {
        return approve_pin(gateway, server, tool, hash, format);
      };
    };
  });
}

void add_runs(CLI::App* app, Words* words, Runner* chosen) {
  CLI::App* const runs = app->add_subcommand("runs", "Runs of scripts of the last day");
  runs->require_subcommand(1);

  CLI::App* const list =
      runs->add_subcommand("list", "The newest of your own; of an admin's tenant");
  list->add_option("--limit", words->runs_limit, "At most so many")->check(CLI::Range(1, 200));
  list->callback([words, chosen] {
    *chosen = [words]() -> Result<std::function<Async<Answer>(Gateway*)>> {
      return [limit = words->runs_limit, format = format_of(*words)](Gateway* gateway) {
        return list_runs(gateway, limit, format);
      };
    };
  });

  const auto add_one = [words, chosen](CLI::App* command, auto* run) {
    command->add_option("id", words->answer.id, "Its id")->required();
    command->callback([words, chosen, run] {
      *chosen = [words, run]() -> Result<std::function<Async<Answer>(Gateway*)>> {
        return [id = words->answer.id, format = format_of(*words), run](Gateway* gateway) {
          return run(gateway, id, format);
        };
      };
    });
  };
  add_one(
      runs->add_subcommand("show", "One with its calls, console, and value or error"), &show_run
  );
  add_one(runs->add_subcommand("cancel", "Ends one that is under way"), &cancel_run);
}

// The option's value, else the variable's, else the default.
std::string setting(
    const std::string& given,
    const config::Environment& environment,
    std::string_view variable,
    const char* fallback
) {
  const auto found = environment.find(variable);
  return !given.empty() ? given : found != environment.end() ? found->second : fallback;
}

}  // namespace

std::variant<Command, Answer> read_command(
    std::vector<std::string> words, const config::Environment& environment
) {
  CLI::App app(
      "Asks a running Sluice gateway about its policy, approvals, keys, pins, limits and runs.",
      "sluice"
  );
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  Words given;
  Runner chosen;
  app.add_option(
      "--url", given.url, "Address of the gateway (else SLUICE_URL, else 127.0.0.1:8080)"
  );
  app.add_option("--key", given.key, "Virtual key (else SLUICE_KEY, which other users cannot see)");
  app.add_flag("--json", given.json, "Print what the gateway answered");
  add_policy(&app, &given, &chosen);
  add_approvals(&app, &given, &chosen);
  add_keys(&app, &given, &chosen);
  add_pins(&app, &given, &chosen);
  add_limits(&app, &given, &chosen);
  add_runs(&app, &given, &chosen);
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    std::stringstream out;
    const bool fine = app.exit(error, out, out) == 0;
    return Answer{fine ? kExitDone : kExitMisused, out.str()};
  }
  auto run = chosen();
  if (!run.ok()) {
    return Answer{kExitMisused, "sluice: " + run.error().message() + "\n"};
  }
  Command command{
      setting(given.url, environment, "SLUICE_URL", kUrlDefault),
      setting(given.key, environment, "SLUICE_KEY", ""),
      std::move(run).value()
  };
  while (command.url.ends_with('/')) {
    command.url.pop_back();
  }
  return command;
}

}  // namespace sluice::cli
