-- schema: policy
-- Approvals: calls that wait for people, and what became of each. And the audit records of policy-engine's own changes: written in
-- the transaction of the change, published and deleted afterwards.

-- What was asked for does not change (no UPDATE right): request holds all of it as a serialized policy.v1.Approval, its arguments
-- with secrets masked. What becomes of it is in the other columns.
CREATE TABLE policy.approvals (
  id              text        PRIMARY KEY CHECK (id ~ '^apr_[0-9a-z]{26}$'),
  tenant          text        NOT NULL,
  principal       text        NOT NULL,  -- who asked
  server          text        NOT NULL,
  tool            text        NOT NULL,
  required        text        NOT NULL CHECK (required IN ('approve', 'approve_twice')),
  request         bytea       NOT NULL CHECK (octet_length(request) <= 524288),
  -- SHA-256 of what makes two calls the same call; null: a call that is like no other.
  call_key        bytea       CHECK (octet_length(call_key) = 32),
  hop             bigint      NOT NULL,
  created_at      timestamptz NOT NULL,
  expires_at      timestamptz NOT NULL,
  state           text        NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired', 'granted', 'void')),
  grant_id        bytea       CHECK (octet_length(grant_id) = 16),
  grant_not_after timestamptz,
  end_reason      text        NOT NULL DEFAULT '',
  CHECK ((grant_id IS NULL) = (grant_not_after IS NULL)),
  CHECK (state <> 'granted' OR grant_id IS NOT NULL)
);
CREATE INDEX approvals_by_call ON policy.approvals (call_key, created_at);
CREATE INDEX approvals_by_tenant ON policy.approvals (tenant, created_at, id);
CREATE INDEX approvals_pending ON policy.approvals (tenant, principal) WHERE state = 'pending';
CREATE INDEX approvals_by_expiry ON policy.approvals (expires_at);

CREATE TABLE policy.approval_answers (
  approval_id text        NOT NULL REFERENCES policy.approvals (id) ON DELETE CASCADE,
  position    integer     NOT NULL,
  principal   text        NOT NULL,
  approve     boolean     NOT NULL,
  reason      text        NOT NULL,
  answered_at timestamptz NOT NULL,
  PRIMARY KEY (approval_id, position)
);

CREATE TABLE policy.outbox (
  event_id      uuid        PRIMARY KEY,
  record        bytea       NOT NULL,  -- serialized audit.v1.Record
  claimed_until timestamptz NOT NULL DEFAULT '-infinity'  -- a replica is publishing it
);

GRANT SELECT, INSERT, DELETE ON policy.approvals TO policy_engine;
GRANT UPDATE (state, grant_id, grant_not_after, end_reason) ON policy.approvals TO policy_engine;
GRANT SELECT, INSERT ON policy.approval_answers TO policy_engine;
GRANT SELECT, INSERT, DELETE ON policy.outbox TO policy_engine;
GRANT UPDATE (claimed_until) ON policy.outbox TO policy_engine;
