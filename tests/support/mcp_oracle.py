"""Compares what MCP clients asked and got with what servers outside Sluice say was called, and with the audit trail: the oracle of the
crowd. It uses nothing of the code under test; it knows the calls (mcp_clients.py), the servers' ledgers (mcp_canary_server.mjs) and
rows that the superuser of Postgres reads."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ledger_server import digest_of

SHOWN_CHARACTERS_MAX = 200
# What a call is told that was turned away; it must not have reached its server then.
TURNED_AWAY_STATUSES = {429, 503}
TURNED_AWAY_CODES = {1429, 1503}  # JSON-RPC: exhausted, unavailable
TURNED_AWAY_WORDS = "Nothing was carried out; try again."
# Who had which arguments carried out and how that ended, as the trail has it.
OUTCOMES = "select encode(args_digest, 'hex'), key_id, outcome from audit.records where action = 'tool.outcome'"
NOT_SENT = "failed"


def read_ledger(path):
    """[(tool, canary)] in the order of the calls."""
    if not Path(path).exists():
        return []
    return [(entry["tool"], entry["canary"]) for entry in map(json.loads, Path(path).read_text().splitlines())]


def read_trail(stack):
    """{digest of arguments: [(key, outcome)]}"""
    found = {}
    for digest, key, outcome in stack.sql(OUTCOMES):
        found.setdefault(digest, []).append((key, outcome))
    return found


def same(one, other):
    """Equal as JSON values: 1 is not "1", nor true."""
    return type(one) is type(other) and one == other


def shown(value):
    text = json.dumps(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}… ({len(text)} characters)"


@dataclass
class Verdict:
    broken: list = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)


def turned_away(call, answer):
    text, _ = text_of(answer)
    return (call.status in TURNED_AWAY_STATUSES or (answer.get("error") or {}).get("code") in TURNED_AWAY_CODES
            or text.endswith(TURNED_AWAY_WORDS))


def text_of(answer):
    """(text, whether it is the tool's own answer) of a message."""
    result = answer.get("result")
    if not isinstance(result, dict):
        return str((answer.get("error") or {}).get("message")), False
    content = result.get("content") or [{}]
    return content[0].get("text", ""), not result.get("isError", False) and len(content) == 1


def judge_answer(call, answer, verdict):
    unread = call.status in TURNED_AWAY_STATUSES and answer.get("id") is None  # turned away before its id was known
    if not unread and not same(answer.get("id"), call.id):
        verdict.broken.append(f"answer with the id {answer.get('id')!r} reached {call}: {shown(answer)}")
        return
    text, done = text_of(answer)
    if done and text == call.canary + "." * call.pad:
        verdict.counts["answered"] += 1
    elif done:
        verdict.broken.append(f"answer of {text.rstrip('.')[:SHOWN_CHARACTERS_MAX]} reached {call}: {shown(answer)}")
    elif turned_away(call, answer):
        verdict.counts["turned away"] += 1
    else:
        verdict.broken.append(f"failed: {call}: status {call.status}: {shown(answer)}")


def judge_progress(call, notification, verdict):
    params = notification.get("params") or {}
    if call.token is None:
        verdict.broken.append(f"progress that was not asked for reached {call}: {shown(notification)}")
    elif notification.get("method") != "notifications/progress" or not same(params.get("progressToken"), call.token) or (
            params.get("message") != call.canary):
        verdict.broken.append(f"progress of another call reached {call}: {shown(notification)}")
    else:
        verdict.counts["progress"] += 1


def judge_call(call, verdict):
    """What one client got for one call."""
    verdict.counts["calls"] += 1
    if call.cancelled:
        verdict.counts["cancelled"] += 1
        return
    answers = [message for message in call.messages if "id" in message]
    for notification in (message for message in call.messages if "id" not in message):
        judge_progress(call, notification, verdict)
    if len(answers) == 1:
        judge_answer(call, answers[0], verdict)
    else:
        verdict.broken.append(f"{len(answers)} answers to {call}: status {call.status}, {call.failure or shown(call.messages)}")


def was_answered(call):
    return any(text_of(message)[1] for message in call.messages if "id" in message)


def judge_ledgers(calls, ledgers, verdict):
    """ledgers: {server: [(tool, canary)]}"""
    asked = {call.canary: call for call in calls}
    seen = Counter()
    for server, entries in ledgers.items():
        verdict.counts["ledger"] += len(entries)
        for tool, canary in entries:
            seen[canary] += 1
            call = asked.get(canary)
            if call is None:
                verdict.broken.append(f"call that nobody made at {server}: {tool} {canary}")
            elif call.tool != f"{server}-{tool}":
                verdict.broken.append(f"call that reached another tool, {server}-{tool}: {call}")
    for canary, times in seen.items():
        if times > 1:
            verdict.broken.append(f"call that reached its server {times} times: {canary}")
    for call in calls:
        if seen[call.canary] == 0 and was_answered(call):
            verdict.broken.append(f"answered, but its server was not called: {call}")
        elif seen[call.canary] > 0 and not call.cancelled and call.messages and not was_answered(call):
            verdict.broken.append(f"turned away, but its server was called: {call}")


def judge_trail(calls, ledgers, trail, verdict):
    """Every call a server saw has one outcome, under the key of the client that made it; another has none, or one that says so."""
    seen = {canary for entries in ledgers.values() for _, canary in entries}
    for call in calls:
        recorded = trail.get(digest_of(call.arguments), [])
        verdict.counts["recorded"] += len(recorded)
        if call.canary in seen:
            allowed = [[(call.principal, outcome)] for outcome in (["done", "unknown"] if call.cancelled else ["done"])]
        else:
            allowed = [[], [(call.principal, NOT_SENT)]]
        if recorded not in allowed:
            verdict.broken.append(f"outcomes in the trail are {recorded}, not {' or '.join(map(str, allowed))}: {call}")


def judge(calls, ledgers, trail):
    verdict = Verdict()
    for call in calls:
        judge_call(call, verdict)
    judge_ledgers(calls, ledgers, verdict)
    judge_trail(calls, ledgers, trail, verdict)
    return verdict
