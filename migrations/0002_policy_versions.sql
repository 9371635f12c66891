-- schema: policy
-- Policy versions: one sequence for all replicas. The newest row names the policy in force; a replica that loads an equal
-- policy keeps its version, one that loads another makes the next. A hash may come back (settings undone): as a new version,
-- because readers keep the highest they have heard.

CREATE SCHEMA IF NOT EXISTS policy;
REVOKE ALL ON SCHEMA policy FROM PUBLIC;

CREATE TABLE policy.versions (
  version       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  snapshot_hash bytea       NOT NULL CHECK (octet_length(snapshot_hash) = 32),
  loaded_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT USAGE ON SCHEMA policy TO policy_engine;
GRANT SELECT, INSERT ON policy.versions TO policy_engine;
