-- schema: connector
-- What mcp-connector keeps: the MCP servers that were added by API. A row holds what the caller sent, sealed with the service's
-- own key (its secret store.key), because it may hold credentials; the context of the seal is the row's id.

CREATE SCHEMA IF NOT EXISTS connector;
REVOKE ALL ON SCHEMA connector FROM PUBLIC;

CREATE TABLE connector.servers (
  id         text        PRIMARY KEY CHECK (id ~ '^[0-9a-f]{16}$'),
  name       text        NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,31}$'),
  sealed     bytea       NOT NULL CHECK (octet_length(sealed) BETWEEN 30 AND 1048576),
  revision   bigint      NOT NULL DEFAULT 1,  -- goes up with every change: a change made from an older one is refused
  changed_by text        NOT NULL,            -- principal
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT USAGE ON SCHEMA connector TO mcp_connector;
GRANT SELECT, INSERT, UPDATE, DELETE ON connector.servers TO mcp_connector;
