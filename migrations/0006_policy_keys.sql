-- schema: policy
-- What admins add by API beside the settings file: virtual keys. The revision goes up in the transaction of every change of them,
-- and of the pins of tools, and is part of the policy's hash: all replicas come to the same version.

CREATE TABLE policy.revision (
  one      boolean PRIMARY KEY DEFAULT true CHECK (one),
  revision bigint  NOT NULL DEFAULT 0
);
INSERT INTO policy.revision DEFAULT VALUES;

CREATE TABLE policy.keys (
  id         text        PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  sha256     bytea       NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),  -- of the key's text; the key itself stands nowhere
  spec       bytea       NOT NULL CHECK (octet_length(spec) <= 262144),      -- serialized policy.v1.VirtualKey: what it may do
  created_by text        NOT NULL,  -- principal
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz,
  revoked_at timestamptz
);

-- The one-time token that makes the first admin key, of a gateway without one.
CREATE TABLE policy.setup_token (
  one     boolean     PRIMARY KEY DEFAULT true CHECK (one),
  sha256  bytea       NOT NULL CHECK (octet_length(sha256) = 32),
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  used_at timestamptz
);

GRANT SELECT ON policy.revision, policy.keys, policy.setup_token TO policy_engine;
GRANT UPDATE (revision) ON policy.revision TO policy_engine;
GRANT INSERT ON policy.keys, policy.setup_token TO policy_engine;
GRANT UPDATE (spec, expires_at, revoked_at) ON policy.keys TO policy_engine;
GRANT UPDATE (used_at) ON policy.setup_token TO policy_engine;
