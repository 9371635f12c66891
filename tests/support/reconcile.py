"""Compares what really happened (ledger of the fake server, answers the clients got) with the audit trail. The oracle of the fault
tests: it reads files and SQL only, nothing of the code under test."""

import json
from collections import Counter
from pathlib import Path


def read_ledger(path):
    """Tokens in the order of their effects."""
    if not Path(path).exists():
        return []
    return [json.loads(line)["token"] for line in Path(path).read_text().splitlines()]


def trail(stack):
    """Intents and outcomes of the ledger server's `append`: token digest is not readable, so by tool_call_id."""
    rows = stack.sql("select action, tool_call_id, outcome, coalesce(encode(grant_id, 'hex'), '') from audit.records "
                     "where server = 'ledger' and tool = 'append'")
    return [{"action": r[0], "call": r[1], "outcome": r[2], "grant": r[3]} for r in rows]


def gaps(stack):
    return stack.sql("select * from audit.sequence_gaps")


def reconcile(ledger, records, sent, answered):
    """Lists of broken promises, empty when all hold. `sent`: tokens (= tool call ids) asked for; `answered`: those that got 200."""
    effects = Counter(ledger)
    intents = {r["call"] for r in records if r["action"] == "tool.intent"}
    finished = {r["call"] for r in records if r["action"] == "tool.outcome" and r["outcome"] == "done"}
    broken = []
    broken += [f"effect happened {n} times: {t}" for t, n in effects.items() if n > 1]
    broken += [f"effect nobody asked for: {t}" for t in effects if t not in sent]
    broken += [f"effect without an intent: {t}" for t in effects if t not in intents]
    broken += [f"answered 200 without an effect: {t}" for t in answered if t not in effects]
    broken += [f"answered 200 without a recorded outcome: {t}" for t in answered if t not in finished]
    broken += [f"outcome done without an effect: {t}" for t in finished if t not in effects]
    return broken
