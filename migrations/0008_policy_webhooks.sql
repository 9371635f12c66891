-- schema: policy
-- Changes of approvals on their way to the receiver of policy.webhook: written in the transaction of the change, posted, and deleted
-- when the receiver has taken them.

CREATE TABLE policy.webhook_events (
  event_id    uuid        PRIMARY KEY,  -- webhook-id; that of the change's audit record
  approval_id text        NOT NULL,     -- no reference: an event outlives its approval
  tenant      text        NOT NULL,
  type        text        NOT NULL,
  body        bytea       NOT NULL CHECK (octet_length(body) <= 65536),
  created_at  timestamptz NOT NULL,
  attempts    integer     NOT NULL DEFAULT 0,
  -- When it may be posted next. A replica that posts it moves this first, so that no other does at the same time.
  due_at      timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX webhook_events_by_due ON policy.webhook_events (due_at);
CREATE INDEX webhook_events_by_age ON policy.webhook_events (created_at);

GRANT SELECT, INSERT, DELETE ON policy.webhook_events TO policy_engine;
GRANT UPDATE (attempts, due_at) ON policy.webhook_events TO policy_engine;
