"""Compares what really happened (the ledger of a server outside Sluice) and what clients were told with the audit trail. The oracle of
the fault tests: it reads files and SQL of the superuser only, nothing of the code under test; not even its views.

How an effect is proven to come after its intent was durable: the ledger's server asks Postgres in a session of its own, before the
effect, for an intent with the digest of exactly the arguments it got, and for the use of its grant. A row another session sees is
committed and flushed. While Postgres does not answer (it may be the one that was killed), the time at which Postgres itself
committed the row (track_commit_timestamp) has to lie before the time the call arrived; that time is taken just before the flush,
so this weaker proof alone would miss an effect between the two."""

import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

UNANSWERED = "unanswered"
# What an answer may say; anything else is a finding.
STATUSES = {0, 200, 409, 429, 502, 503, 504}
CLAIMS_NOTHING_HAPPENED = ("nothing was done", "nothing was sent", "nothing was carried out")
CARRIED = ("tool.execute", "policy.decision", "tool.intent", "tool.outcome")
CARRIED_BY_SCRIPT = CARRIED[1:]
RUN = {"run.started", "run.finished"}


def read_ledger(path):
    """Effects in their order: {"token", "digest", "at", "seen"}."""
    if not Path(path).exists():
        return []
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


@dataclass
class Trail:
    """The records of Postgres that the oracle looks at."""
    records: list = field(default_factory=list)
    sequences: list = field(default_factory=list)  # gaps and doubles per producer, as texts
    count: int = 0

    def of(self, action):
        return [r for r in self.records if r["action"] == action]


COLUMNS = {
    "event": "r.event_id", "action": "r.action", "producer": "r.producer", "request": "r.request_id", "call": "r.tool_call_id",
    "tool": "r.tool", "digest": "encode(r.args_digest, 'hex')", "grant": "encode(r.grant_id, 'hex')", "effect": "r.effect_class",
    "outcome": "r.outcome", "detail": "r.detail",
    "used": "exists (select from audit.grant_uses u where u.grant_id = r.grant_id and u.event_id = r.event_id and u.state = 'used')",
    "committed": "case when r.action = 'tool.intent' and current_setting('track_commit_timestamp')::bool "
                 "then extract(epoch from pg_xact_commit_timestamp(r.xmin)) end",
    "deadline": "extract(epoch from r.deadline_at)",
}
SEQUENCES = ("select producer, instance, boot, min(sequence), max(sequence), count(*), count(distinct sequence) from audit.records "
             "group by 1, 2, 3 having min(sequence) <> 1 or max(sequence) <> count(*) or count(*) <> count(distinct sequence)")


def read_trail(stack):
    names = list(COLUMNS)
    selected = ", ".join(f"coalesce(({COLUMNS[name]})::text, '') as {name}" for name in names)
    rows = stack.sql(f"select {selected} from audit.records r where action like 'tool.%' or action like 'chat.%' or action like 'run.%' "
                     "or action = 'policy.decision'")
    records = [dict(zip(names, row)) for row in rows]
    for record in records:
        record["used"] = record["used"] == "true"
        for name in ("committed", "deadline"):
            record[name] = float(record[name]) if record[name] else None
    sequences = [f"sequence of {r[0]} {r[1]} boot {r[2]}: {r[3]} to {r[4]} with {r[5]} records, {r[6]} different"
                 for r in stack.sql(SEQUENCES)]
    return Trail(records, sequences, int(stack.sql("select count(*) from audit.records")[0][0]))


@dataclass
class Verdict:
    """broken: promises that do not hold. open: intents whose outcome may still come. The rest counts."""
    broken: list = field(default_factory=list)
    open: int = 0
    counts: Counter = field(default_factory=Counter)


def reconcile(ledger, trail, calls=(), reads=(), chats=(), now=None):
    """calls, reads: fault_load.Call; chats: (fault_load.Answer, streamed)."""
    verdict = Verdict()
    verdict.broken += trail.sequences
    answers = [a for call in [*calls, *reads] for a in list(call.answers)] + [answer for answer, _ in chats]
    check_statuses(verdict, answers)
    by_digest = defaultdict(list)  # intents of writes by the digest of their arguments
    outcomes = defaultdict(list)   # by grant
    for record in trail.records:
        if record["action"] == "tool.intent" and record["effect"] != "read":
            by_digest[record["digest"]].append(record)
        elif record["action"] == "tool.outcome":
            outcomes[record["grant"]].append(record)
    effects = Counter(entry["digest"] for entry in ledger)
    check_effects(verdict, ledger, effects, by_digest, {call.digest for call in calls})
    check_records(verdict, trail, effects, by_digest, outcomes, now or time.time())
    check_answers(verdict, trail, effects, by_digest, outcomes, calls)
    check_reads_and_chats(verdict, trail, reads, chats)
    verdict.counts.update(effects=len(ledger), records=trail.count)
    return verdict


def check_statuses(verdict, answers):
    unexpected = defaultdict(list)
    for answer in answers:
        if answer.status not in STATUSES:
            unexpected[answer.status, answer.code].append(answer)
    verdict.broken += [f"answered {status} {code} {len(found)} times; first {found[0].request}: {found[0].message or found[0].text}"
                       for (status, code), found in unexpected.items()]


def check_effects(verdict, ledger, effects, by_digest, asked):
    names = {entry["digest"]: entry["token"] for entry in ledger}
    for digest, count in effects.items():
        if count > 1:
            verdict.counts["doubled"] += 1
            verdict.broken.append(f"effect happened {count} times: {names[digest]}")
        if digest not in asked:
            verdict.broken.append(f"effect nobody asked for: {names[digest]}")
    for entry in ledger:
        used = [r for r in by_digest[entry["digest"]] if r["used"]]
        times = [r["committed"] for r in used if r["committed"] is not None]
        verdict.counts["intent " + entry["seen"]] += 1
        if not used or entry["seen"] == "absent" or (times and min(times) >= entry["at"]):
            verdict.counts["without intent"] += 1
        if not used:
            verdict.broken.append(f"effect without an intent: {entry['token']}")
        elif entry["seen"] == "absent":
            verdict.broken.append(f"effect before its intent was durable, by the witness: {entry['token']}")
        elif times and min(times) >= entry["at"]:
            verdict.broken.append(f"effect {min(times) - entry['at']:.6f} s before its intent was committed: {entry['token']}")
        elif not times and entry["seen"] == "unreachable":
            verdict.broken.append(f"effect whose intent nobody saw in time: {entry['token']}")


def check_records(verdict, trail, effects, by_digest, outcomes, now):
    intents = [r for r in trail.of("tool.intent")]
    granted = {r["grant"] for r in intents}
    for grant, found in outcomes.items():
        if grant not in granted:
            verdict.broken.append(f"outcome without an intent: call {found[0]['call']}, grant {grant}")
        for request, count in Counter(r["request"] for r in found).items():
            if count > 1:
                verdict.broken.append(f"{count} outcomes of one intent: request {request}")
    for digest, found in by_digest.items():
        happened = effects.get(digest, 0)
        possible = []
        for intent in found:
            ends = [r["outcome"] for r in outcomes[intent["grant"]] if r["request"] == intent["request"]]
            state = ends[0] if ends else "open" if intent["used"] and (intent["deadline"] or 0) > now else "unknown"
            if not intent["used"] and not ends:
                state = "not committed"
            verdict.counts["intents " + state] += 1
            verdict.open += state == "open"
            if intent["used"] and state != "failed":
                possible.append(state)
            if state == "done" and happened == 0:
                verdict.broken.append(f"outcome done without an effect: call {intent['call']}")
        if happened and not possible and any(r["used"] for r in found):
            verdict.broken.append(f"effect of a call that the trail says was not sent: {found[0]['call']}")
        if len(possible) > 1:
            verdict.broken.append(f"{len(possible)} intents of one call may have been sent: {found[0]['call']}")


def check_answers(verdict, trail, effects, by_digest, outcomes, calls):
    carried = defaultdict(set)
    executed = {r["request"] for r in trail.of("tool.execute")}
    runs = defaultdict(set)
    for record in trail.records:
        if record["action"] in RUN:
            runs[record["request"]].add(record["action"])
    for record in trail.records:
        if record["action"] in CARRIED and record["digest"]:
            carried[record["digest"]].add(record["action"])
    done = {r["digest"] for found in outcomes.values() for r in found if r["outcome"] == "done"}
    for call in calls:
        happened = effects.get(call.digest, 0)
        answers = list(call.answers)
        for answer in answers:
            verdict.counts["executions sent"] += 1
            verdict.counts["executions " + (str(answer.status) if answer.status else UNANSWERED)] += 1
            told = answer.status in (200, 409) or answer.code == "not_carried_out"
            if told and answer.request not in executed:
                verdict.broken.append(f"lost record: tool.execute of answered request {answer.request} ({call.id})")
        if any(a.done for a in answers):
            if happened != 1:
                verdict.broken.append(f"answered 200 with {happened} effects: {call.id}")
            missing = [action for action in (CARRIED_BY_SCRIPT if call.scripted else CARRIED) if action not in carried[call.digest]]
            missing += [action for a in answers if a.done and call.scripted for action in sorted(RUN - runs[a.request])]
            if missing or call.digest not in done:
                verdict.broken.append(f"lost record: {', '.join(missing) or 'outcome done'} of answered call {call.id}")
        codes = {a.code for a in answers}
        if happened and "not_carried_out" in codes:
            verdict.broken.append(f"answered not_carried_out, but it happened: {call.id}")
        if "outcome_unknown" in codes and not by_digest[call.digest]:
            verdict.broken.append(f"answered outcome_unknown without an intent: {call.id}")
        if happened and answers and all(any(c in a.message for c in CLAIMS_NOTHING_HAPPENED) for a in answers):
            verdict.broken.append(f"every answer said that nothing happened, but it did: {call.id}: {answers[0].message}")
        verdict.counts["calls"] += 1
        verdict.counts["calls " + ("answered" if any(a.done for a in answers) else
                                   "unknown" if "outcome_unknown" in codes else
                                   "refused" if any(a.status for a in answers) else UNANSWERED)] += 1


def check_reads_and_chats(verdict, trail, reads, chats):
    by_request = defaultdict(set)
    for record in trail.records:
        by_request[record["request"]].add(record["action"])
    for call in reads:
        for answer in list(call.answers):
            verdict.counts["reads sent"] += 1
            if not answer.done:
                continue
            verdict.counts["reads answered"] += 1
            missing = [action for action in CARRIED if action not in by_request[answer.request]]
            if missing:
                verdict.broken.append(f"lost record: {', '.join(missing)} of answered read {answer.request}")
    for answer, streamed in chats:
        verdict.counts["chats sent"] += 1
        if answer.status != 200:
            continue
        if streamed and "[DONE]" not in answer.text:
            if '"error"' not in answer.text:
                verdict.broken.append(f"a stream ended without [DONE] and without an error: {answer.request}")
            continue
        verdict.counts["chats answered"] += 1
        found = by_request[answer.request]
        if "chat.request" not in found or not found & {"chat.answer", "chat.suggestion"}:
            verdict.broken.append(f"lost record: chat {answer.request} has {', '.join(sorted(found)) or 'none'}")
