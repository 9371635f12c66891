// Grants used for anything but what they are for. All of these come with a valid caller token, so
// that only the grant can be what refuses them.
#include "tests/e2e/abuse/abuse.h"

#include "common/crypto/random.h"
#include "common/crypto/sha256.h"

#include <google/protobuf/descriptor.h>

#include <array>

namespace sluice::e2e {
namespace {

using google::protobuf::FieldDescriptor;

constexpr const char* kArguments = R"({"token":"abuse-grant"})";

Async<std::string> own_grant(Intruder* intruder) {
  co_return co_await intruder->granted(
      {.tool = intruder->tool("ledger-append"), .arguments = kArguments, .token = intruder->token()}
  );
}

Async<std::string> grant_of_other(Intruder* intruder) {
  co_return co_await intruder->granted(
      {.tool = intruder->tool("ledger-append"),
       .arguments = kArguments,
       .token = intruder->other_token()}
  );
}

// --- a fresh grant, sent in another way
// --------------------------------------------------------------

struct Misuse {
  const char* name;
  const char* expected;
  void (*change)(const Intruder& intruder, Sent* sent);
};

std::string with_payload(const std::string& signed_grant, const std::string& payload) {
  auto parts = parts_of(signed_grant);
  parts.set_payload(payload);
  return parts.SerializeAsString();
}

constexpr std::array kMisuses{
    Misuse{"no-grant", "Denied", [](const Intruder&, Sent* sent) { sent->grant.clear(); }},
    Misuse{
        "other-arguments",
        "Denied",
        [](const Intruder&, Sent* sent) { sent->arguments = R"({"token":"abuse-other"})"; }
    },
    Misuse{
        "respelled-arguments",
        "Denied|Invalid",
        [](const Intruder&, Sent* sent) { sent->arguments = R"({ "token":"abuse-grant"})"; }
    },
    Misuse{
        "other-method",
        "Denied|Invalid",
        [](const Intruder&, Sent* sent) { sent->method = "resources/read"; }
    },
    Misuse{
        "method-beyond-the-list",
        "Denied|Invalid",
        [](const Intruder&, Sent* sent) { sent->method = "logging/setLevel"; }
    },
    Misuse{
        "other-server",
        "Denied",
        [](const Intruder& i, Sent* sent) { sent->server_id = i.tool("private-append").server_id; }
    },
    Misuse{
        "other-tenants-server",
        "Denied",
        [](const Intruder& i, Sent* sent) { sent->server_id = i.tool("vault-append").server_id; }
    },
    Misuse{
        "other-caller",
        "Denied",
        [](const Intruder& i, Sent* sent) { sent->token = i.other_token(); }
    },
    Misuse{
        "without-token", "Unauthenticated", [](const Intruder&, Sent* sent) { sent->token.clear(); }
    },
    Misuse{
        "token-with-a-flipped-bit",
        "Unauthenticated",
        [](const Intruder&, Sent* sent) {
          char& byte = sent->token[sent->token.size() / 2];
          byte = static_cast<char>(byte ^ 1);
        }
    },
    Misuse{
        "token-as-grant", "Denied", [](const Intruder& i, Sent* sent) { sent->grant = i.token(); }
    },
    Misuse{
        "token-as-payload",
        "Denied",
        [](const Intruder& i, Sent* sent) { sent->grant = with_payload(sent->grant, i.token()); }
    },
    Misuse{"cut", "Denied", [](const Intruder&, Sent* sent) { sent->grant.pop_back(); }},
    Misuse{"lengthened", "Denied", [](const Intruder&, Sent* sent) { sent->grant += '\0'; }},
    Misuse{
        "unknown-field",
        "Denied",
        [](const Intruder&, Sent* sent) { sent->grant += "\x82\xfa\x01\x01u"; }
    },
    Misuse{
        "payload-twice",
        "Denied",
        [](const Intruder&, Sent* sent) {
          policy::v1::SignedGrant again;
          again.set_payload(parts_of(sent->grant).payload());
          sent->grant += again.SerializeAsString();
        }
    },
    Misuse{
        "unknown-key-id",
        "Denied",
        [](const Intruder&, Sent* sent) {
          auto parts = parts_of(sent->grant);
          parts.set_key_id("0000000000000000");
          sent->grant = parts.SerializeAsString();
        }
    },
    Misuse{
        "key-id-of-tokens",
        "Denied",
        [](const Intruder& i, Sent* sent) {
          auto parts = parts_of(sent->grant);
          parts.set_key_id(i.token_key().public_key().id());
          sent->grant = parts.SerializeAsString();
        }
    },
    Misuse{
        "signed-by-the-intruder",
        "Denied",
        [](const Intruder& i, Sent* sent) {
          sent->grant = grant::sign_grant(i.forger(), grant_in(sent->grant));
        }
    },
    Misuse{
        "signed-by-the-intruder-under-a-known-id",
        "Denied",
        [](const Intruder& i, Sent* sent) {
          auto parts = parts_of(grant::sign_grant(i.forger(), grant_in(sent->grant)));
          parts.set_key_id(i.grant_key().public_key().id());
          sent->grant = parts.SerializeAsString();
        }
    },
    Misuse{
        "signed-by-the-key-of-tokens",
        "Denied",
        [](const Intruder& i, Sent* sent) {
          sent->grant = grant::sign_grant(i.token_key(), grant_in(sent->grant));
        }
    },
    Misuse{
        "signed-without-the-domain",
        "Denied",
        [](const Intruder& i, Sent* sent) {
          auto parts = parts_of(sent->grant);
          parts.set_signature(i.grant_key().sign(parts.payload()));
          sent->grant = parts.SerializeAsString();
        }
    },
};

Async<std::string> misuse(Intruder* intruder, Misuse change) {
  Sent sent{.arguments = kArguments, .grant = "", .token = intruder->token()};
  SLUICE_CO_TRY(sent.grant, co_await own_grant(intruder));
  change.change(*intruder, &sent);
  co_return co_await intruder->send(std::move(sent));
}

// --- what policy-engine really signed, but for another moment or thing
// -------------------------------

struct Signed {
  const char* name;
  const char* expected;
  void (*change)(const Intruder& intruder, policy::v1::Grant* grant);
};

constexpr std::array kSigned{
    Signed{
        "expired",
        "Denied",
        [](const Intruder& i, policy::v1::Grant* grant) {
          grant->set_not_before_unix_ms(i.now_ms() - grant::kGrantLifeMs - 1'000);
          grant->set_not_after_unix_ms(i.now_ms() - 1'000);
        }
    },
    Signed{
        "not-valid-yet",
        "Denied",
        [](const Intruder& i, policy::v1::Grant* grant) {
          grant->set_not_before_unix_ms(i.now_ms() + 20'000);
          grant->set_not_after_unix_ms(i.now_ms() + 40'000);
        }
    },
    Signed{
        "living-too-long",
        "Denied",
        [](const Intruder& i, policy::v1::Grant* grant) {
          grant->set_not_after_unix_ms(i.now_ms() + 3'600'000);
        }
    },
    Signed{
        "of-an-older-policy",
        "Conflict",
        [](const Intruder&, policy::v1::Grant* grant) {
          grant->set_policy_version(grant->policy_version() - 1);
        }
    },
    Signed{
        "of-another-version",
        "Denied",
        [](const Intruder&, policy::v1::Grant* grant) { grant->set_version(2); }
    },
    Signed{
        "with-a-short-id",
        "Denied",
        [](const Intruder&, policy::v1::Grant* grant) { grant->set_grant_id("short"); }
    },
    Signed{
        "of-another-tenant",
        "Denied",
        [](const Intruder&, policy::v1::Grant* grant) { grant->set_tenant("other"); }
    },
    Signed{
        "of-another-definition",
        "Conflict",
        [](const Intruder& i, policy::v1::Grant* grant) {
          grant->set_definition_hash(i.tool("ledger-look").definition_hash);
        }
    },
    Signed{
        "of-another-tool",
        "Conflict",
        [](const Intruder&, policy::v1::Grant* grant) { grant->set_tool("write_file"); }
    },
    Signed{
        "of-no-tool",
        "Denied|NotFound",
        [](const Intruder&, policy::v1::Grant* grant) {
          grant->clear_tool();
          grant->clear_definition_hash();
        }
    },
    Signed{
        "for-a-read-of-resources",
        "Denied",
        [](const Intruder&, policy::v1::Grant* grant) { grant->set_method("resources/read"); }
    },
};

Async<std::string> resigned(Intruder* intruder, Signed change) {
  SLUICE_CO_TRY(const std::string own, co_await own_grant(intruder));
  policy::v1::Grant grant = grant_in(own);
  change.change(*intruder, &grant);
  co_return co_await intruder->send(
      {.arguments = kArguments,
       .grant = grant::sign_grant(intruder->grant_key(), grant),
       .token = intruder->token()}
  );
}

// The connector enforces tools_to_execute by itself, whatever was signed.
Async<std::string> tool_outside_the_list(Intruder* intruder) {
  const Tool& tool = intruder->tool("locked-append");
  SLUICE_CO_TRY(const std::string own, co_await own_grant(intruder));
  policy::v1::Grant grant = grant_in(own);
  grant.set_server_id(tool.server_id);
  grant.set_definition_hash(tool.definition_hash);
  co_return co_await intruder->send(
      {.arguments = kArguments,
       .grant = grant::sign_grant(intruder->grant_key(), grant),
       .token = intruder->token(),
       .server_id = tool.server_id}
  );
}

Async<std::string> stolen(Intruder* intruder) {
  SLUICE_CO_TRY(const std::string grant, co_await grant_of_other(intruder));
  co_return co_await intruder->send(
      {.arguments = kArguments, .grant = grant, .token = intruder->token()}
  );
}

Async<std::string> replayed(Intruder* intruder) {
  const std::string arguments = R"({"token":"control-replayed"})";
  SLUICE_CO_TRY(
      const std::string grant,
      co_await intruder->granted(
          {.tool = intruder->tool("ledger-append"),
           .arguments = arguments,
           .token = intruder->token()}
      )
  );
  SLUICE_CO_TRY(
      const std::string first,
      co_await intruder->send({.arguments = arguments, .grant = grant, .token = intruder->token()})
  );
  if (first != "OK") {
    co_return Error(Code::Internal, "the grant did not work once: " + first);
  }
  co_return co_await intruder->send(
      {.arguments = arguments, .grant = grant, .token = intruder->token()}
  );
}

// A second decision of the same id answers the same grant: no second use.
Async<std::string> decided_again(Intruder* intruder) {
  const std::string arguments = R"({"token":"control-decided-again"})";
  const std::string decision_id = crypto::random_bytes(16);
  std::string code;
  for (int i = 0; i < 2; ++i) {
    SLUICE_CO_TRY(
        const std::string grant,
        co_await intruder->granted(
            {.tool = intruder->tool("ledger-append"),
             .arguments = arguments,
             .token = intruder->token(),
             .decision_id = decision_id}
        )
    );
    SLUICE_CO_TRY(
        code,
        co_await intruder->send({.arguments = arguments, .grant = grant, .token = intruder->token()}
        )
    );
  }
  co_return code;
}

// --- one bit of each field
// --------------------------------------------------------------------------

void flip(policy::v1::Grant* grant, const FieldDescriptor* field) {
  const auto* reflection = grant->GetReflection();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string text = reflection->GetString(*grant, field);
      if (text.empty()) {
        text = "a";
      } else {
        text[0] = static_cast<char>(text[0] ^ 1);
      }
      reflection->SetString(grant, field, text);
      return;
    }
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection->SetUInt32(grant, field, reflection->GetUInt32(*grant, field) ^ 1U);
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection->SetUInt64(grant, field, reflection->GetUInt64(*grant, field) ^ 1U);
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection->SetInt64(grant, field, reflection->GetInt64(*grant, field) ^ 1);
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      reflection->SetEnumValue(grant, field, reflection->GetEnumValue(*grant, field) ^ 1);
      return;
    default:
      reflection->SetBool(grant, field, !reflection->GetBool(*grant, field));
  }
}

Async<std::string> flipped_field(Intruder* intruder, const FieldDescriptor* field) {
  SLUICE_CO_TRY(const std::string own, co_await own_grant(intruder));
  policy::v1::Grant grant = grant_in(own);
  flip(&grant, field);
  co_return co_await intruder->send(
      {.arguments = kArguments,
       .grant = with_payload(own, grant.SerializeAsString()),
       .token = intruder->token()}
  );
}

// The same bit in the bytes as they are, at one of sixteen places spread over the whole statement.
Async<std::string> flipped_byte(Intruder* intruder, std::size_t sixteenth) {
  SLUICE_CO_TRY(std::string own, co_await own_grant(intruder));
  char& byte = own[own.size() * sixteenth / 16];
  byte = static_cast<char>(byte ^ 1);
  co_return co_await intruder->send(
      {.arguments = kArguments, .grant = own, .token = intruder->token()}
  );
}

}  // namespace

void add_grants(Abuses* abuses) {
  for (const Misuse& change : kMisuses) {
    abuses->push_back(
        {std::string("grant-") + change.name,
         change.expected,
         Shown::Trail,
         [change](Intruder* intruder) { return misuse(intruder, change); }}
    );
  }
  for (const Signed& change : kSigned) {
    abuses->push_back(
        {std::string("grant-") + change.name,
         change.expected,
         Shown::Trail,
         [change](Intruder* intruder) { return resigned(intruder, change); }}
    );
  }
  const auto add = [abuses](const char* name, const char* expected, auto attempt) {
    abuses->push_back({std::string("grant-") + name, expected, Shown::Trail, attempt});
  };
  add("for-a-tool-outside-the-list", "Denied", tool_outside_the_list);
  add("stolen", "Denied", stolen);
  add("replayed", "Conflict", replayed);
  add("decided-again", "Conflict", decided_again);
}

void add_flips(Abuses* abuses) {
  const auto* descriptor = policy::v1::Grant::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* const field = descriptor->field(i);
    std::string name = "flip-" + std::string(field->name());
    for (char& c : name) {
      c = c == '_' ? '-' : c;
    }
    abuses->push_back({name, "Denied", Shown::Trail, [field](Intruder* intruder) {
                         return flipped_field(intruder, field);
                       }});
  }
  for (std::size_t sixteenth = 0; sixteenth < 16; ++sixteenth) {
    abuses->push_back(
        {"flip-byte-" + std::to_string(sixteenth),
         "Denied",
         Shown::Trail,
         [sixteenth](Intruder* intruder) { return flipped_byte(intruder, sixteenth); }}
    );
  }
}

}  // namespace sluice::e2e
