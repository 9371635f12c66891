"""Planted failures: each breaks one promise on purpose, by a direct call of the ledger's server or as superuser of Postgres, and the
oracle of the fault run has to tell it. The trail is damaged afterwards, so they come last."""

import json
import subprocess
import sys

from fault_load import Answer, Call
from fault_stack import LEDGER_SERVER

CALL_SECONDS_MAX = 20
UNCHECKED = "set session_replication_role = replica; "  # the superuser's way past the triggers


def call_ledger(stack, token):
    """An effect nobody granted: the MCP server called without Sluice."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "append", "arguments": {"token": token}}}
    socket_path = stack.socket_folder / f".s.PGSQL.{stack.postgres_port}"
    subprocess.run([sys.executable, "-B", str(LEDGER_SERVER), str(stack.ledger), "--postgres", str(socket_path)],
                   input=json.dumps(message) + "\n", text=True, check=True, capture_output=True, timeout=CALL_SECONDS_MAX)


def effect_without_intent(stack, history, _):
    call = Call("planted", "planted", "ledger-append", {"token": "planted"})
    call.answers.append(Answer(request="planted", began=0.0))
    history.calls.append(call)
    call_ledger(stack, call.token)
    return f"effect without an intent: {call.token}"


def doubled_effect(stack, _, call):
    call_ledger(stack, call.token)
    return f"effect happened 2 times: {call.token}"


def deleted_outcome(stack, _, call):
    stack.sql(UNCHECKED + f"delete from audit.records where action = 'tool.outcome' and tool_call_id = '{call.id}'")
    return f"of answered call {call.id}"


def gap_in_a_sequence(stack, _, call):
    stack.sql(UNCHECKED + "delete from audit.records where action = 'tool.execute' and tool_call_id = "
              f"'{call.id}' and request_id = '{call.answers[0].request}'")
    return "sequence of ingress"


def deleted_intent(stack, _, call):
    stack.sql(UNCHECKED + f"delete from audit.records where action = 'tool.intent' and tool_call_id = '{call.id}'")
    return f"effect without an intent: {call.token}"


def intent_committed_later(stack, _, call):
    # A rewritten row has the commit time of the rewriting.
    stack.sql(UNCHECKED + f"update audit.records set detail = detail where action = 'tool.intent' and tool_call_id = '{call.id}'")
    return f"before its intent was committed: {call.token}"


def outcome_turned_into_failure(stack, _, call):
    stack.sql(UNCHECKED + f"update audit.records set outcome = 'failed' where action = 'tool.outcome' and tool_call_id = '{call.id}'")
    return f"effect of a call that the trail says was not sent: {call.id}"


def doubled_record(stack, _, call):
    columns = [row[0] for row in stack.sql("select column_name from information_schema.columns where table_schema = 'audit' "
                                           "and table_name = 'records' order by ordinal_position")]
    values = ", ".join("gen_random_uuid()" if name == "event_id" else name for name in columns)
    stack.sql(f"insert into audit.records ({', '.join(columns)}) select {values} from audit.records "
              f"where action = 'tool.outcome' and tool_call_id = '{call.id}'")
    return "outcomes of one intent"


PLANTS = [effect_without_intent, doubled_effect, deleted_outcome, gap_in_a_sequence, deleted_intent, intent_committed_later,
          outcome_turned_into_failure, doubled_record]


def plant_all(stack, history, judge):
    """[(name, what the oracle said, or None)]. judge() → the oracle's verdict over everything."""
    answered = [c for c in history.calls if len(c.answers) == 1 and c.answers[0].done and c.id == c.token and not c.scripted]
    if len(answered) < len(PLANTS):
        return [("too few plainly answered calls to plant in", None)]
    results = []
    known = set(judge().broken)
    for number, plant in enumerate(PLANTS):
        expected = plant(stack, history, answered[number * len(answered) // len(PLANTS)])
        told = set(judge().broken)
        results.append((plant.__name__.replace("_", " "), next((line for line in told - known if expected in line), None)))
        known = told
    return results
