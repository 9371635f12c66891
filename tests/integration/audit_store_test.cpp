#include "tests/integration/audit_rig.h"

#include "common/async/task_group.h"
#include "common/audit/record.h"
#include "common/crypto/random.h"

#include <gmock/gmock.h>

namespace sluice::audit_writer {
namespace {

using sluice::testing::HasCode;
using sluice::testing::IsOk;
using ::testing::HasSubstr;

class PgAuditStoreTest : public AuditTest {
 protected:
  PgAuditStoreTest() {
    const auto today = static_cast<std::int32_t>(day_of(clock_.unix_ms()));
    EXPECT_THAT(run(store_.ensure_partitions({today, today + 1})), IsOk());
  }

  // A record of now, from one producer, in one conversation.
  audit::v1::Record made(const std::string& action) {
    audit::v1::Record record;
    record.set_action(action);
    record.set_tenant("default");
    record.set_principal("key:k1");
    record.set_chain_id("chain-1");
    const std::uint64_t sequence = ++sequence_;
    record.set_hop(static_cast<std::uint32_t>(sequence));
    audit::complete(record, {"ingress", "ingress-1", 7}, sequence, {clock_.unix_ms(), 1});
    return record;
  }

  audit::v1::Record intent(const std::string& grant_id) {
    audit::v1::Record record = made("tool.intent");
    record.set_grant_id(grant_id);
    record.set_effect_class("write");
    record.set_tool_call_id("call-1");
    record.set_deadline_unix_ms(clock_.unix_ms() + 60'000);
    return record;
  }

  audit::v1::Record outcome(const std::string& grant_id) {
    audit::v1::Record record = made("tool.outcome");
    record.set_grant_id(grant_id);
    record.set_effect_class("write");
    record.set_outcome(audit::v1::OUTCOME_DONE);
    return record;
  }

  static StoredRecord stored(const audit::v1::Record& record) {
    auto form = store_form(record.SerializeAsString());
    EXPECT_THAT(form, IsOk());
    return std::move(form).value();
  }

  Result<InsertReport> insert(const std::vector<audit::v1::Record>& records) {
    Insertion insertion;
    for (const auto& record : records) {
      insertion.records.push_back(stored(record));
    }
    return run(store_.insert(std::move(insertion)));
  }

  Result<std::vector<IntentResult>> commit(const std::vector<audit::v1::Record>& records) {
    std::vector<Intent> intents;
    for (const auto& record : records) {
      intents.push_back({stored(record), record.grant_id()});
    }
    return run(store_.commit_intents(std::move(intents)));
  }

  std::string text(const std::string& statement) {
    const auto rows = sql("audit_reader", statement);
    EXPECT_THAT(rows, IsOk());
    std::string out;
    for (const auto& row : rows.ok() ? rows.value() : std::vector<std::vector<std::string>>()) {
      out += row[0] + "\n";
    }
    return out;
  }

  std::uint64_t sequence_ = 0;
  std::unique_ptr<postgres::Pool> pool_ = pool_of("audit_writer");
  PgAuditStore store_{pool_.get(), pool_.get()};
};

TEST_F(PgAuditStoreTest, StoresEveryFieldAndTheExactBytes) {
  audit::v1::Record record = made("policy.decision");
  record.set_server("files");
  record.set_tool("read");
  record.set_decision("manual");
  record.set_rule("preset.manual");
  record.set_policy_version(3);
  record.set_grant_id("\x01\x02");
  record.set_latency_us(17);
  record.set_prompt_tokens(5);
  record.set_outcome(audit::v1::OUTCOME_DONE);
  record.set_body(R"({"a":1})");
  audit::v1::Record bare = record;
  bare.clear_body();

  const auto report = insert({record});

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report.value().inserted, 1U);
  EXPECT_EQ(
      number("SELECT count(*) FROM audit.records WHERE action = 'policy.decision' AND server = "
             "'files' AND decision = 'manual'"
             " AND policy_version = 3 AND grant_id = '\\x0102' AND latency_us = 17 AND "
             "prompt_tokens = 5 AND outcome = 'done'"
             " AND abs(extract(epoch FROM stored_at - occurred_at)) < 10 AND model IS NULL"),
      1
  );
  const auto found = run(store_.query(
      {.tenant = "default", .chain_id = "chain-1", .action = "", .after_event_id = "", .limit = 10}
  ));
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found.value().size(), 1U);
  EXPECT_EQ(found.value()[0], bare.SerializeAsString() + "\xA2\x03\x07{\"a\":1}");
  audit::v1::Record back;
  ASSERT_TRUE(back.ParseFromString(found.value()[0]));
  EXPECT_EQ(back.SerializeAsString(), record.SerializeAsString());
}

TEST_F(PgAuditStoreTest, ARecordIsThereOnceHoweverOftenItComes) {
  const auto one = made("a");
  const auto two = made("b");

  ASSERT_THAT(insert({one}), IsOk());
  const auto report = insert({one, two, two, one});

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report.value().inserted, 1U);
  EXPECT_TRUE(report.value().changed.empty());
  EXPECT_EQ(number("SELECT count(*) FROM audit.records"), 2);
}

TEST_F(PgAuditStoreTest, OtherContentUnderTheSameEventIdIsKeptAsSuspicion) {
  auto record = made("a");
  ASSERT_THAT(insert({record}), IsOk());
  record.set_action("forged");
  record.set_body("forged body");

  const auto report = insert({made("b"), record});

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report.value().changed, (std::vector<std::size_t>{1}));
  EXPECT_EQ(number("SELECT count(*) FROM audit.records WHERE action = 'forged'"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM audit.bodies"), 0)
      << "no body is slipped under another's record";
  EXPECT_EQ(
      number(
          "SELECT count(*) FROM audit.rejected WHERE event_id = '" + record.event_id() +
          "' AND reason LIKE 'event id%'"
      ),
      1
  );
}

TEST_F(PgAuditStoreTest, AnythingInAnyFieldStaysInert) {
  const std::vector<std::string> nasty{
      "'; DROP TABLE audit.records; --",
      "{\"a\"}",
      "\\",
      "NULL",
      "=cmd|'/c calc'!A1",
      "<script>alert(1)</script>",
      "\x1B[31mred",
      std::string("zero\0byte", 9),
      "\xF0\x9F\x98\x80 \xE2\x80\xAE",
      "line\nbreak\ttab",
      "$1",
      "%s"
  };
  std::vector<audit::v1::Record> records;
  for (const std::string& text : nasty) {
    audit::v1::Record record = made("a");
    record.set_tool(text);
    record.set_detail(text);
    record.set_reason(text);
    record.set_body(text);
    record.set_args_digest(text);
    records.push_back(record);
  }
  audit::v1::Record raw = made("a");
  raw.set_body(std::string("\xFF\x00\xFE", 3));
  records.push_back(raw);

  ASSERT_THAT(insert(records), IsOk());

  const auto found = run(store_.query(
      {.tenant = "default", .chain_id = "chain-1", .action = "", .after_event_id = "", .limit = 100}
  ));
  ASSERT_THAT(found, IsOk());
  ASSERT_EQ(found.value().size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    audit::v1::Record back;
    ASSERT_TRUE(back.ParseFromString(found.value()[i]));
    EXPECT_EQ(back.SerializeAsString(), records[i].SerializeAsString()) << i;
  }
  EXPECT_EQ(
      number("SELECT count(*) FROM audit.records WHERE tool = $$'; DROP TABLE audit.records; --$$"),
      1
  );
  EXPECT_EQ(number("SELECT count(*) FROM audit.bodies WHERE raw IS NOT NULL"), 2);
}

TEST_F(PgAuditStoreTest, AGrantIsUsedByOneIntentAndTheLoserDoesNotFailTheOthers) {
  const auto first = intent("grant-1");
  ASSERT_THAT(commit({first}), IsOk());
  const auto second = intent("grant-1");
  const auto other = intent("grant-2");

  const auto results = commit({second, other, first});

  ASSERT_THAT(results, IsOk());
  EXPECT_FALSE(results.value()[0].committed);
  EXPECT_EQ(results.value()[0].used_by_event_id, first.event_id());
  EXPECT_TRUE(results.value()[1].committed);
  EXPECT_TRUE(results.value()[2].committed) << "a repeat";
  EXPECT_EQ(number("SELECT count(*) FROM audit.records WHERE action = 'tool.intent'"), 2);
}

TEST_F(PgAuditStoreTest, TwoIntentsForOneGrantInOneBatchHaveOneWinner) {
  const auto results = commit({intent("grant-1"), intent("grant-1"), intent("grant-1")});

  ASSERT_THAT(results, IsOk());
  int winners = 0;
  for (const IntentResult& result : results.value()) {
    winners += result.committed ? 1 : 0;
  }
  EXPECT_EQ(winners, 1);
  EXPECT_EQ(number("SELECT count(*) FROM audit.records"), 1);
}

TEST_F(PgAuditStoreTest, AnIntentThatCameThroughTheStreamFirstIsStillCommitted) {
  const auto first = intent("grant-1");
  ASSERT_THAT(insert({first}), IsOk());
  EXPECT_THAT(text("SELECT state FROM audit.tool_effects"), HasSubstr("not_committed"));

  const auto results = commit({first});

  ASSERT_THAT(results, IsOk());
  EXPECT_TRUE(results.value()[0].committed);
  EXPECT_THAT(text("SELECT state FROM audit.tool_effects"), HasSubstr("in_progress"));
}

TEST_F(PgAuditStoreTest, AChangedIntentClaimsNothing) {
  auto first = intent("grant-1");
  ASSERT_THAT(commit({first}), IsOk());
  first.set_tool("other");
  first.set_grant_id("grant-2");

  const auto results = commit({first});

  ASSERT_THAT(results, IsOk());
  EXPECT_TRUE(results.value()[0].changed);
  EXPECT_EQ(number("SELECT count(*) FROM audit.grant_uses"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM audit.rejected"), 1);
}

TEST_F(PgAuditStoreTest, ManyWritersCommittingTheSameGrantsNeverUseOneTwice) {
  constexpr int kWriters = 4;
  constexpr int kGrants = 40;
  std::vector<std::unique_ptr<postgres::Pool>> pools;
  std::vector<std::unique_ptr<PgAuditStore>> stores;
  int committed = 0;
  int refused = 0;
  async::TaskGroup tasks(loop_.get_executor(), [](std::string_view, const Error& error) {
    ADD_FAILURE() << error.to_log();
  });

  struct Writer {
    static Async<void> run(PgAuditStore* store, std::vector<Intent> intents, int* won, int* lost) {
      SLUICE_CO_TRY(const auto results, co_await store->commit_intents(std::move(intents)));
      for (const IntentResult& result : results) {
        ++*(result.committed ? won : lost);
      }
      co_return Result<void>();
    }
  };

  for (int writer = 0; writer < kWriters; ++writer) {
    pools.push_back(pool_of("audit_writer"));
    stores.push_back(std::make_unique<PgAuditStore>(pools.back().get(), pools.back().get()));
    std::vector<Intent> intents;
    for (int i = 0; i < kGrants; ++i) {
      const std::string grant = "grant-" + std::to_string((i * (writer + 3)) % kGrants);
      intents.push_back({stored(intent(grant)), grant});
    }
    tasks.spawn(
        "writer", Writer::run(stores.back().get(), std::move(intents), &committed, &refused)
    );
  }

  ASSERT_THAT(run(tasks.close()), IsOk());

  EXPECT_EQ(committed + refused, kWriters * kGrants);
  EXPECT_EQ(committed, kGrants);
  EXPECT_EQ(number("SELECT count(*) FROM audit.grant_uses"), kGrants);
  EXPECT_EQ(number("SELECT count(*) FROM audit.records"), kGrants);
}

TEST_F(PgAuditStoreTest, AVoidGrantIsNeverUsedAndAUsedOneNeverVoid) {
  const auto first = intent("grant-1");
  ASSERT_THAT(commit({first}), IsOk());

  const auto used = run(store_.void_grant("grant-1"));
  const auto fresh = run(store_.void_grant("grant-2"));
  const auto again = run(store_.void_grant("grant-2"));
  const auto late = commit({intent("grant-2")});

  ASSERT_THAT(used, IsOk());
  EXPECT_FALSE(used.value().voided);
  EXPECT_EQ(used.value().used_by_event_id, first.event_id());
  ASSERT_THAT(fresh, IsOk());
  EXPECT_TRUE(fresh.value().voided);
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again.value().voided);
  ASSERT_THAT(late, IsOk());
  EXPECT_FALSE(late.value()[0].committed);
  EXPECT_EQ(late.value()[0].used_by_event_id, "");
}

TEST_F(PgAuditStoreTest, JournalFollowsACallFromSuggestionToResult) {
  JournalKey key{
      .tenant = "default",
      .principal = "key:k1",
      .grant_id = "",
      .chain_id = "",
      .tool_call_id = "call-1"
  };
  auto suggestion = made("chat.suggestion");
  suggestion.set_tool_call_id("call-1");
  ASSERT_THAT(insert({suggestion}), IsOk());
  const auto suggested = run(store_.journal(key));
  const auto call = intent("grant-1");
  ASSERT_THAT(commit({call}), IsOk());
  const auto begun = run(store_.journal(key));
  const auto done = outcome("grant-1");
  Insertion insertion;
  insertion.records.push_back(stored(done));
  insertion.results.push_back(
      {done.event_id(), "grant-1", "sealed bytes", clock_.unix_ms() + 60'000}
  );
  ASSERT_THAT(run(store_.insert(std::move(insertion))), IsOk());
  const auto finished = run(store_.journal(key));
  key.tool_call_id.clear();
  key.grant_id = "grant-1";
  const auto by_grant = run(store_.journal(key));
  key.principal = "key:other";
  const auto foreign = run(store_.journal(key));

  ASSERT_THAT(suggested, IsOk());
  EXPECT_EQ(suggested.value().suggested_chain_id, "chain-1");
  EXPECT_EQ(suggested.value().intent_event_id, "");
  ASSERT_THAT(begun, IsOk());
  EXPECT_EQ(begun.value().intent_event_id, call.event_id());
  EXPECT_EQ(begun.value().deadline_unix_ms, call.deadline_unix_ms());
  EXPECT_EQ(begun.value().outcome_event_id, "");
  ASSERT_THAT(finished, IsOk());
  EXPECT_EQ(finished.value().outcome_event_id, done.event_id());
  EXPECT_EQ(finished.value().sealed_result, "sealed bytes");
  EXPECT_TRUE(finished.value().result_expected);
  ASSERT_THAT(by_grant, IsOk());
  EXPECT_EQ(by_grant.value().outcome_event_id, done.event_id());
  ASSERT_THAT(foreign, IsOk());
  EXPECT_EQ(foreign.value().intent_event_id, "");
}

TEST_F(PgAuditStoreTest, ResultsAreGoneAfterTheirTime) {
  ASSERT_THAT(commit({intent("grant-1")}), IsOk());
  const auto done = outcome("grant-1");
  Insertion insertion;
  insertion.records.push_back(stored(done));
  insertion.results.push_back({done.event_id(), "grant-1", "sealed bytes", clock_.unix_ms() - 1});
  ASSERT_THAT(run(store_.insert(std::move(insertion))), IsOk());

  const auto entry = run(store_.journal(
      {.tenant = "default",
       .principal = "key:k1",
       .grant_id = "grant-1",
       .chain_id = "",
       .tool_call_id = ""}
  ));
  ASSERT_THAT(run(store_.expire_results()), IsOk());

  ASSERT_THAT(entry, IsOk());
  EXPECT_EQ(entry.value().sealed_result, "");
  EXPECT_EQ(entry.value().outcome_event_id, done.event_id());
  const auto left = sql("audit_writer", "SELECT count(*) AS n FROM audit.results");
  ASSERT_THAT(left, IsOk());
  EXPECT_EQ(left.value()[0][0], R"({"n":0})");
}

TEST_F(PgAuditStoreTest, QueriesPageThroughConversationAndTime) {
  std::vector<audit::v1::Record> records;
  for (int i = 0; i < 25; ++i) {
    records.push_back(made(i % 2 == 0 ? "even" : "odd"));
  }
  auto service = made("service.started");
  service.clear_tenant();
  service.clear_chain_id();
  auto foreign = made("even");
  foreign.set_tenant("other");
  ASSERT_THAT(insert(records), IsOk());
  ASSERT_THAT(insert({service, foreign}), IsOk());

  for (const std::string chain : {"chain-1", ""}) {
    std::vector<std::string> ids;
    std::string after;
    for (int page = 0; page < 10; ++page) {
      const auto found = run(store_.query(
          {.tenant = "default", .chain_id = chain, .action = "", .after_event_id = after, .limit = 7
          }
      ));
      ASSERT_THAT(found, IsOk());
      for (const std::string& bytes : found.value()) {
        audit::v1::Record record;
        ASSERT_TRUE(record.ParseFromString(bytes));
        after = ids.emplace_back(record.event_id());
      }
    }
    ASSERT_EQ(ids.size(), chain.empty() ? 26U : 25U);
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(ids[i], records[i].event_id());
    }
  }
  const auto even = run(store_.query(
      {.tenant = "default", .chain_id = "", .action = "even", .after_event_id = "", .limit = 100}
  ));
  ASSERT_THAT(even, IsOk());
  EXPECT_EQ(even.value().size(), 13U);
}

TEST_F(PgAuditStoreTest, MissingSequenceNumbersShow) {
  std::vector<audit::v1::Record> records;
  for (int i = 0; i < 10; ++i) {
    records.push_back(made("a"));
  }
  records.erase(records.begin() + 4, records.begin() + 6);  // 5 and 6
  records.erase(records.begin());                           // 1
  ASSERT_THAT(insert(records), IsOk());

  const auto report = run(store_.verify());

  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report.value().records, 7U);
  ASSERT_EQ(report.value().gaps.size(), 2U);
  EXPECT_EQ(report.value().gaps[0].first_missing, 1U);
  EXPECT_EQ(report.value().gaps[0].last_missing, 1U);
  EXPECT_EQ(report.value().gaps[1].first_missing, 5U);
  EXPECT_EQ(report.value().gaps[1].last_missing, 6U);
  EXPECT_EQ(report.value().gaps[1].instance, "ingress-1");
}

TEST_F(PgAuditStoreTest, OneQueryTellsTheStoryOfAConversation) {
  auto decision = made("policy.decision");
  decision.set_decision("manual");
  decision.set_rule("preset.manual");
  const auto call = intent("grant-1");
  auto done = outcome("grant-1");
  done.set_body("{}");
  auto request = made("chat.request");
  request.set_hop(0);
  ASSERT_THAT(commit({call}), IsOk());
  ASSERT_THAT(insert({done, decision, request}), IsOk());

  const std::string story =
      text("SELECT action, rule, outcome FROM audit.conversation WHERE chain_id = 'chain-1'");

  EXPECT_EQ(
      story,
      R"({"action":"chat.request","rule":null,"outcome":null})"
      "\n"
      R"({"action":"policy.decision","rule":"preset.manual","outcome":null})"
      "\n"
      R"({"action":"tool.intent","rule":null,"outcome":null})"
      "\n"
      R"({"action":"tool.outcome","rule":null,"outcome":"done"})"
      "\n"
  );
  EXPECT_THAT(
      text("SELECT state, tool_call_id FROM audit.tool_effects"), HasSubstr(R"("state":"done")")
  );
}

TEST_F(PgAuditStoreTest, AnIntentWithoutOutcomeIsUnknownAfterItsDeadline) {
  auto late = intent("grant-1");
  late.set_deadline_unix_ms(clock_.unix_ms() - 1);
  ASSERT_THAT(commit({late}), IsOk());

  EXPECT_THAT(text("SELECT state FROM audit.tool_effects"), HasSubstr("unknown"));
}

TEST_F(PgAuditStoreTest, RecordsOfAnyDayHaveAPlace) {
  auto old = made("a");
  old.set_event_id(crypto::uuid_v7(clock_.unix_ms() - std::int64_t{400} * 86'400'000));
  auto ahead = made("a");
  ahead.set_event_id(crypto::uuid_v7(clock_.unix_ms() + std::int64_t{3} * 86'400'000));

  ASSERT_THAT(insert({old, ahead, made("a")}), IsOk());
  const auto day = static_cast<std::int32_t>(day_of(clock_.unix_ms()));
  ASSERT_THAT(run(store_.ensure_partitions({day + 3, day + 2, day, day})), IsOk())
      << "the day ahead stays in the default";

  EXPECT_EQ(number("SELECT count(*) FROM audit.records"), 3);
  EXPECT_FALSE(execute("audit_reader", "SELECT * FROM audit.records_default").ok())
      << "readers go through the parent";
}

TEST_F(PgAuditStoreTest, NoRoleOfAServiceCanChangeOrRemoveARow) {
  ASSERT_THAT(commit({intent("grant-1")}), IsOk());
  const std::string suffix = text("SELECT to_char(current_date, 'YYYYMMDD') AS d").substr(6, 8);
  const std::vector<std::string> attempts{
      "UPDATE audit.records SET action = 'x'",
      "DELETE FROM audit.records",
      "TRUNCATE audit.records",
      "DROP TABLE audit.records",
      "ALTER TABLE audit.records DISABLE TRIGGER ALL",
      "ALTER TABLE audit.records DISABLE TRIGGER append_only",
      "DROP TRIGGER append_only ON audit.records",
      "UPDATE audit.records_" + suffix + " SET action = 'x'",
      "DELETE FROM audit.records_" + suffix,
      "TRUNCATE audit.records_" + suffix,
      "DROP TABLE audit.records_" + suffix,
      "ALTER TABLE audit.records DETACH PARTITION audit.records_" + suffix,
      "INSERT INTO audit.records_" + suffix + " SELECT * FROM audit.records",
      "DELETE FROM audit.records_default",
      "TRUNCATE audit.records_default",
      "DELETE FROM audit.bodies",
      "UPDATE audit.bodies SET body = 'x'",
      "TRUNCATE audit.bodies",
      "UPDATE audit.grant_uses SET state = 'void', event_id = NULL",
      "DELETE FROM audit.grant_uses",
      "TRUNCATE audit.grant_uses",
      "DELETE FROM audit.rejected",
      "UPDATE audit.rejected SET reason = 'x'",
      "SET session_replication_role = replica",
      "CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
      "$$BEGIN RETURN NULL; END$$",
      "CREATE OR REPLACE FUNCTION audit.ensure_partition(wanted date) RETURNS boolean LANGUAGE sql "
      "AS 'SELECT true'",
      "DROP FUNCTION audit.refuse_change() CASCADE",
      "ALTER FUNCTION audit.ensure_partition(date) SECURITY INVOKER",
      "CREATE TABLE audit.other (n int)",
      "DROP SCHEMA audit CASCADE",
      "SET ROLE sluice_owner",
      "ALTER ROLE audit_writer SUPERUSER",
      "INSERT INTO audit.records SELECT * FROM audit.records ON CONFLICT (day, event_id) DO UPDATE "
      "SET action = 'x'",
      "CREATE TEMP TABLE records (n int)",
      "COPY audit.records TO PROGRAM 'true'",
      "SELECT lo_create(0)::text FROM lo_unlink(1)",
  };
  // Postgres only warns about a grant by somebody who has nothing to give; what follows shows that
  // it gave nothing.
  static_cast<void>(execute("audit_writer", "GRANT ALL ON audit.records TO audit_writer"));
  int tried = 0;
  for (const std::string role :
       {"audit_writer", "audit_reader", "mcp_connector", "policy_engine"}) {
    for (const std::string& attempt : attempts) {
      EXPECT_FALSE(execute(role, attempt).ok()) << role << ": " << attempt;
      ++tried;
    }
  }
  EXPECT_EQ(tried, 4 * 36);
  EXPECT_EQ(number("SELECT count(*) FROM audit.records WHERE action = 'tool.intent'"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM audit.grant_uses WHERE state = 'used'"), 1);

  // The check itself works: the planted change by somebody who may is seen, and even the owner
  // meets the trigger.
  EXPECT_THAT(
      execute("sluice_owner", "UPDATE audit.records SET action = 'x'"), HasCode(Code::Denied)
  );
  EXPECT_THAT(execute("sluice_owner", "TRUNCATE audit.records_" + suffix), HasCode(Code::Denied));
  EXPECT_THAT(execute("postgres", "SET session_replication_role = replica"), IsOk());
}

TEST_F(PgAuditStoreTest, OnlyTheWriterWritesAndOthersSeeNothingTheyNeedNot) {
  EXPECT_FALSE(
      execute("audit_reader", "INSERT INTO audit.grant_uses (grant_id, state) VALUES ('x', 'void')")
          .ok()
  );
  EXPECT_FALSE(execute("audit_reader", "SELECT * FROM audit.results").ok());
  EXPECT_FALSE(execute("mcp_connector", "SELECT * FROM audit.records").ok());
  EXPECT_FALSE(execute("audit_reader", "SELECT audit.ensure_partition(current_date)").ok());
  EXPECT_FALSE(execute("audit_writer", "SELECT audit.ensure_partition(current_date + 100)").ok());
  EXPECT_TRUE(execute("audit_reader", "SELECT * FROM audit.conversation").ok());
  EXPECT_TRUE(execute("audit_reader", "SELECT * FROM audit.sequence_gaps").ok());
}

}  // namespace
}  // namespace sluice::audit_writer
