// Virtual keys as the management API shows and takes them.
#pragma once

#include "common/base/result.h"
#include "common/json/value.h"

#include "proto/sluice/policy/v1/policy.pb.h"

#include <string>
#include <string_view>

namespace sluice::ingress {

// {"id","tenant","roles","agent","servers","tools","models","expires_at","from_file","created_by",
// "created_at","revoked"}: null for lists that do not restrict, for a key that does not expire, and
// for what is not known of keys of the settings file.
[[nodiscard]] json::Value key_form(const policy::v1::VirtualKey& key);

// {"keys":[…]}
[[nodiscard]] std::string keys_json(const policy::v1::ManageReply& reply);

// A key just made: the same and its text, as "key".
[[nodiscard]] std::string new_key_json(const policy::v1::VirtualKey& key, const std::string& text);

// Members: id, tenant, roles, agent, servers, tools, models, expires_at; all may be absent or null.
// id: the one of the path, which that of the body must be too; "": there is none. Errors: Invalid
// (no object, unknown members, other types).
[[nodiscard]] Result<policy::v1::VirtualKey> parse_key(std::string_view body, std::string_view id);

// Of an RFC 3339 time, with seconds. Errors: Invalid.
[[nodiscard]] Result<std::int64_t> unix_ms_of(std::string_view rfc3339);

}  // namespace sluice::ingress
