-- schema: audit
-- The audit trail: one row per record, append-only, partitioned by the day inside the record's UUIDv7. Roles (sluice_owner,
-- audit_writer, audit_reader) exist before: the init step makes them.

CREATE SCHEMA IF NOT EXISTS audit;
REVOKE ALL ON SCHEMA audit FROM PUBLIC;

-- Columns are extracted from `record`, which holds the producer's exact bytes without the body (field 52 cut out);
-- record_sha256 covers the bytes as they were sent, body included, and decides whether a repeat is the same record.
CREATE TABLE audit.records (
  day               date        NOT NULL,
  event_id          uuid        NOT NULL,
  producer          text        NOT NULL,
  instance          text        NOT NULL,
  boot              bigint      NOT NULL,
  sequence          bigint      NOT NULL,
  schema_version    integer     NOT NULL,
  tenant            text,
  principal         text,
  agent             text,
  key_id            text,
  source_address    text,
  chain_id          text,
  hop               bigint      NOT NULL,
  request_id        text,
  run_id            text,
  trace_id          text,
  action            text        NOT NULL,
  server            text,
  tool              text,
  definition_hash   bytea,
  provider          text,
  model             text,
  tool_call_id      text,
  policy_version    bigint,
  rule              text,
  decision          text,
  reason            text,
  grant_id          bytea,
  approval_id       text,
  effect_class      text,
  decision_id       bytea,
  args_digest       bytea,
  result_digest     bytea,
  body_truncated    boolean     NOT NULL,
  prompt_tokens     bigint      NOT NULL,
  completion_tokens bigint      NOT NULL,
  cost_micro_usd    bigint      NOT NULL,
  latency_us        bigint      NOT NULL,
  outcome           text CHECK (outcome IN ('done', 'refused', 'failed', 'unknown')),
  error_code        text,
  detail            text,
  occurred_at       timestamptz NOT NULL,
  monotonic_ns      bigint      NOT NULL,
  deadline_at       timestamptz,
  stored_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
  record            bytea       NOT NULL,
  record_sha256     bytea       NOT NULL CHECK (octet_length(record_sha256) = 32),
  PRIMARY KEY (day, event_id)
) PARTITION BY RANGE (day);

CREATE INDEX records_by_chain ON audit.records (chain_id, hop, event_id) WHERE chain_id IS NOT NULL;
CREATE INDEX records_by_sequence ON audit.records (producer, instance, boot, sequence);
CREATE INDEX records_by_principal ON audit.records (tenant, principal, event_id) WHERE principal IS NOT NULL;
CREATE INDEX records_by_grant ON audit.records (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX records_by_tool_call ON audit.records (tool_call_id) WHERE tool_call_id IS NOT NULL;

-- What a record said in full: bounded, redacted, and erasable without touching the record. Text, or raw bytes where the
-- body is no text that Postgres can hold (U+0000, not UTF-8).
CREATE TABLE audit.bodies (
  day      date  NOT NULL,
  event_id uuid  NOT NULL,
  body     text  CHECK (octet_length(body) <= 65536),
  raw      bytea CHECK (octet_length(raw) <= 65536),
  PRIMARY KEY (day, event_id)
) PARTITION BY RANGE (day);

-- Each grant's one use: by the intent committed for it, or void. A row of state 'used' is inserted in the transaction of
-- its intent and nowhere else: a write's intent without one was never sent.
CREATE TABLE audit.grant_uses (
  grant_id    bytea       PRIMARY KEY CHECK (octet_length(grant_id) BETWEEN 1 AND 64),
  state       text        NOT NULL CHECK (state IN ('used', 'void')),
  event_id    uuid,
  not_after   timestamptz,
  recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((state = 'used') = (event_id IS NOT NULL))
);

-- Exact result bytes of writes and deletes, sealed (AES-256-GCM), so that a repeated execution is answered without a
-- second effect. Removed after expires_at.
CREATE TABLE audit.results (
  event_id   uuid        PRIMARY KEY,
  grant_id   bytea       NOT NULL,
  sealed     bytea       NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX results_by_grant ON audit.results (grant_id);
CREATE INDEX results_by_expiry ON audit.results (expires_at);

-- What arrived and could not become a record: unreadable bytes, or an event id that came back with other content.
CREATE TABLE audit.rejected (
  sha256      bytea       PRIMARY KEY CHECK (octet_length(sha256) = 32),
  reason      text        NOT NULL,
  event_id    text,
  bytes       bytea       NOT NULL CHECK (octet_length(bytes) <= 65536),
  bytes_total bigint      NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE audit.records_default PARTITION OF audit.records DEFAULT;
CREATE TABLE audit.bodies_default PARTITION OF audit.bodies DEFAULT;

CREATE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Row triggers pass to every partition; statement triggers do not, so ensure_partition() makes them.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit.records
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.records
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.records_default
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit.grant_uses
  FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.grant_uses
  FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Makes the day's partitions; true when they are there. False when records of that day are in the default partition
-- already (a producer's clock was ahead): they stay there, and so do the rest of that day's.
CREATE FUNCTION audit.ensure_partition(wanted date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  suffix text := to_char(wanted, 'YYYYMMDD');
BEGIN
  IF wanted < current_date - 400 OR wanted > current_date + 8 THEN
    RAISE EXCEPTION 'a partition is made for a day from 400 days ago to 8 days ahead' USING ERRCODE = 'check_violation';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('audit.ensure_partition', 0));
  IF to_regclass('audit.records_' || suffix) IS NOT NULL THEN
    RETURN true;
  END IF;
  IF EXISTS (SELECT FROM audit.records_default WHERE day = wanted)
     OR EXISTS (SELECT FROM audit.bodies_default WHERE day = wanted) THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.records FOR VALUES FROM (%L) TO (%L)',
                 'records_' || suffix, wanted, wanted + 1);
  EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()',
                 'records_' || suffix);
  EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.bodies FOR VALUES FROM (%L) TO (%L)',
                 'bodies_' || suffix, wanted, wanted + 1);
  RETURN true;
EXCEPTION
  WHEN check_violation THEN
    IF wanted BETWEEN current_date - 400 AND current_date + 8 THEN
      RETURN false;
    END IF;
    RAISE;
END
$$;

-- The whole story of a conversation: SELECT * FROM audit.conversation WHERE chain_id = '…'.
CREATE VIEW audit.conversation AS
SELECT r.chain_id, r.hop, r.occurred_at, r.action, r.producer, r.tenant, r.principal, r.agent,
       r.server, r.tool, r.tool_call_id, r.provider, r.model,
       r.decision, r.rule, r.reason, r.policy_version, encode(r.grant_id, 'hex') AS grant_id, r.approval_id, r.effect_class,
       r.outcome, r.error_code, r.detail, r.prompt_tokens, r.completion_tokens, r.latency_us,
       b.body, r.request_id, r.event_id
FROM audit.records r
LEFT JOIN audit.bodies b ON b.day = r.day AND b.event_id = r.event_id
WHERE r.chain_id IS NOT NULL
ORDER BY r.chain_id, r.hop, r.event_id;

-- One row per intended tool call. state: done, refused, failed, unknown (as recorded); in_progress or unknown while the
-- outcome is missing, before and after the deadline; not_committed: the intent of a write that has no grant use, so it was
-- never sent.
CREATE VIEW audit.tool_effects AS
SELECT i.grant_id AS grant_bytes, encode(i.grant_id, 'hex') AS grant_id, i.chain_id, i.tenant, i.principal,
       i.server, i.tool, i.tool_call_id, i.effect_class, i.approval_id, i.rule,
       i.event_id AS intent_event_id, i.occurred_at AS intended_at,
       o.event_id AS outcome_event_id, o.occurred_at AS finished_at, o.error_code, o.detail, o.latency_us,
       CASE
         WHEN o.event_id IS NOT NULL THEN coalesce(o.outcome, 'unknown')
         WHEN i.effect_class IN ('write', 'delete') AND u.grant_id IS NULL THEN 'not_committed'
         WHEN i.deadline_at IS NOT NULL AND i.deadline_at > clock_timestamp() THEN 'in_progress'
         ELSE 'unknown'
       END AS state
FROM audit.records i
LEFT JOIN audit.grant_uses u ON u.grant_id = i.grant_id AND u.event_id = i.event_id
LEFT JOIN LATERAL (
  SELECT r.event_id, r.occurred_at, r.outcome, r.error_code, r.detail, r.latency_us
  FROM audit.records r
  WHERE r.grant_id = i.grant_id AND r.action = 'tool.outcome'
  ORDER BY r.event_id DESC
  LIMIT 1
) o ON true
WHERE i.action = 'tool.intent';

-- Numbers missing in a producer's sequence: a record that was made and is not here.
CREATE VIEW audit.sequence_gaps AS
SELECT producer, instance, boot, previous + 1 AS first_missing, sequence - 1 AS last_missing
FROM (
  SELECT producer, instance, boot, sequence,
         lag(sequence, 1, 0::bigint) OVER (PARTITION BY producer, instance, boot ORDER BY sequence) AS previous
  FROM audit.records
) numbered
WHERE sequence > previous + 1;

REVOKE ALL ON ALL TABLES IN SCHEMA audit FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;

GRANT USAGE ON SCHEMA audit TO audit_writer, audit_reader;
GRANT SELECT, INSERT ON audit.records, audit.bodies, audit.grant_uses, audit.rejected TO audit_writer;
GRANT SELECT, INSERT, DELETE ON audit.results TO audit_writer;
GRANT SELECT ON audit.conversation, audit.tool_effects, audit.sequence_gaps TO audit_writer;
GRANT EXECUTE ON FUNCTION audit.ensure_partition(date) TO audit_writer;
GRANT SELECT ON audit.records, audit.bodies, audit.grant_uses, audit.rejected TO audit_reader;
GRANT SELECT ON audit.conversation, audit.tool_effects, audit.sequence_gaps TO audit_reader;
