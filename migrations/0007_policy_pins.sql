-- schema: policy
-- Pins: the definition of each tool that was agreed to, and the one its server tells now where that is another. And the pairs of
-- tools whose names are easily taken for each other.

CREATE TABLE policy.pins (
  server             text        NOT NULL CHECK (octet_length(server) <= 64),
  tool               text        NOT NULL CHECK (octet_length(tool) <= 1024),
  -- Null: nobody has agreed to a definition of the tool yet.
  pinned_hash        bytea       CHECK (octet_length(pinned_hash) = 32),
  pinned_definition  text        CHECK (octet_length(pinned_definition) <= 8388608),
  pinned_by          text,       -- principal, or 'first use'
  pinned_at          timestamptz,
  -- Null: the server tells the pinned one, as far as is known.
  offered_hash       bytea       CHECK (octet_length(offered_hash) = 32),
  offered_definition text        CHECK (octet_length(offered_definition) <= 8388608),
  offered_at         timestamptz,
  PRIMARY KEY (server, tool),
  CHECK (pinned_hash IS NOT NULL OR offered_hash IS NOT NULL),
  CHECK ((pinned_hash IS NULL) = (pinned_definition IS NULL) AND (pinned_hash IS NULL) = (pinned_by IS NULL)
         AND (pinned_hash IS NULL) = (pinned_at IS NULL)),
  CHECK ((offered_hash IS NULL) = (offered_definition IS NULL) AND (offered_hash IS NULL) = (offered_at IS NULL))
);
CREATE INDEX pins_quarantined ON policy.pins (server, tool) WHERE offered_hash IS NOT NULL;

-- Each pair once, the lesser (server, tool) first.
CREATE TABLE policy.confusable_tools (
  server       text        NOT NULL,
  tool         text        NOT NULL,
  other_server text        NOT NULL,
  other_tool   text        NOT NULL,
  found_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (server, tool, other_server, other_tool)
);
CREATE INDEX confusable_tools_other ON policy.confusable_tools (other_server, other_tool);

GRANT SELECT, INSERT, UPDATE ON policy.pins TO policy_engine;
GRANT SELECT, INSERT ON policy.confusable_tools TO policy_engine;
