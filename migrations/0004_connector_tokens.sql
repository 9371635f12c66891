-- schema: connector
-- OAuth towards MCP servers: access tokens, this gateway's registrations, authorizations under way, and what servers wanted when
-- they refused. Whatever could be used by somebody else is sealed with mcp-connector's own key (its secret store.key); the context
-- of a seal is the table and the row's key.

-- What one server is sent, for one principal or, where that is empty, for everybody.
CREATE TABLE connector.tokens (
  server_id  text        NOT NULL CHECK (server_id ~ '^[0-9a-f]{16}$'),
  principal  text        NOT NULL,
  issuer     text        NOT NULL,
  resource   text        NOT NULL,
  sealed     bytea       NOT NULL CHECK (octet_length(sealed) BETWEEN 30 AND 131072),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (server_id, principal)
);

-- Clients that the gateway registered itself, by RFC 7591.
CREATE TABLE connector.oauth_clients (
  issuer        text        NOT NULL,
  redirect_uri  text        NOT NULL,
  client_id     text        NOT NULL,
  sealed        bytea       NOT NULL CHECK (octet_length(sealed) BETWEEN 30 AND 131072),
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (issuer, redirect_uri)
);

-- A person's browser is on its way. The row is deleted by whoever finishes it: once.
CREATE TABLE connector.oauth_pending (
  state_hash bytea       PRIMARY KEY CHECK (octet_length(state_hash) = 32),  -- SHA-256; the state itself is a credential
  server_id  text        NOT NULL CHECK (server_id ~ '^[0-9a-f]{16}$'),
  sealed     bytea       NOT NULL CHECK (octet_length(sealed) BETWEEN 30 AND 131072),
  expires_at timestamptz NOT NULL
);
CREATE INDEX oauth_pending_by_server ON connector.oauth_pending (server_id, expires_at);

CREATE TABLE connector.oauth_demands (
  server_id         text        NOT NULL CHECK (server_id ~ '^[0-9a-f]{16}$'),
  principal         text        NOT NULL,
  resource_metadata text        NOT NULL,
  scopes            text        NOT NULL,
  issuer            text        NOT NULL,
  asked_before      text        NOT NULL,
  updated_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (server_id, principal)
);

GRANT SELECT, INSERT, UPDATE, DELETE
  ON connector.tokens, connector.oauth_clients, connector.oauth_pending, connector.oauth_demands TO mcp_connector;
