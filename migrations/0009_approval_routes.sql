-- schema: policy
-- How the server of a tool was reached when an approval was asked for: it is given for that way only.

-- SHA-256 in hexadecimal, as mcp-connector tells it of servers added by API; empty for those of the settings file.
ALTER TABLE policy.approvals ADD COLUMN route text NOT NULL DEFAULT '';
