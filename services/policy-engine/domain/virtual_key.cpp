#include "services/policy-engine/domain/virtual_key.h"

#include "services/policy-engine/limits.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace sluice::policy_engine {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

constexpr std::size_t kIdBytesMax = 64;
constexpr std::size_t kAgentBytesMax = 256;
constexpr std::size_t kNameBytesMax = 512;

std::optional<NameList> list_of(bool restricted, const Names& names) {
  if (!restricted) {
    return std::nullopt;
  }
  return NameList(std::vector<std::string>(names.begin(), names.end()));
}

void show(const std::optional<NameList>& list, Names* names) {
  if (list) {
    names->Assign(list->names().begin(), list->names().end());
  }
}

// Every fault, one a line.
class Faults {
 public:
  void add_unless(bool good, std::string_view fault) {
    if (!good) {
      text_ += text_.empty() ? "" : "\n";
      text_ += fault;
    }
  }

  void check_list(std::string_view member, const Names& names) {
    const std::string name(member);
    add_unless(
        static_cast<std::size_t>(names.size()) <= kListEntriesMax,
        name + " has more than " + std::to_string(kListEntriesMax) + " entries: use \"*\" or fewer"
    );
    add_unless(
        std::all_of(
            names.begin(),
            names.end(),
            [](const std::string& one) {
              return !one.empty() && one.size() <= kNameBytesMax &&
                     std::none_of(one.begin(), one.end(), [](char c) { return c >= 0 && c < ' '; });
            }
        ),
        name + " holds a name that is empty, longer than " + std::to_string(kNameBytesMax) +
            " bytes or holds control characters: correct or remove it"
    );
  }

  [[nodiscard]] Result<void> result() const {
    return text_.empty() ? Result<void>() : Result<void>(Error(Code::Invalid, text_));
  }

 private:
  std::string text_;
};

}  // namespace

bool is_key_id(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

policy::v1::VirtualKey shown(const CallerKey& key) {
  policy::v1::VirtualKey view;
  view.set_id(key.id);
  view.set_tenant(key.tenant);
  view.mutable_roles()->Assign(key.roles.begin(), key.roles.end());
  view.set_agent(key.agent);
  view.set_servers_restricted(key.servers.has_value());
  show(key.servers, view.mutable_servers());
  view.set_tools_restricted(key.tools.has_value());
  show(key.tools, view.mutable_tools());
  view.set_models_restricted(key.models.has_value());
  show(key.models, view.mutable_models());
  view.set_expires_unix_ms(key.expires_unix_ms);
  view.set_from_file(!key.origin);
  if (key.origin) {
    view.set_created_by(key.origin->created_by);
    view.set_created_unix_ms(key.origin->created_unix_ms);
  }
  return view;
}

CallerKey caller_key_of(const policy::v1::VirtualKey& key) {
  CallerKey made;
  made.id = key.id();
  made.tenant = key.tenant().empty() ? "default" : key.tenant();
  made.roles.assign(key.roles().begin(), key.roles().end());
  made.agent = key.agent();
  made.servers = list_of(key.servers_restricted(), key.servers());
  made.tools = list_of(key.tools_restricted(), key.tools());
  made.models = list_of(key.models_restricted(), key.models());
  made.expires_unix_ms = key.expires_unix_ms();
  if (!key.from_file()) {
    made.origin = KeyOrigin{key.created_by(), key.created_unix_ms()};
  }
  return made;
}

Result<CallerKey> checked_key(const policy::v1::VirtualKey& key, std::int64_t now_unix_ms) {
  Faults faults;
  faults.add_unless(
      key.id().empty() || is_key_id(key.id()),
      "id does not match [A-Za-z0-9_.-]{1,64}: give such an id, or none to have one made"
  );
  faults.add_unless(
      key.tenant().empty() || is_key_id(key.tenant()),
      "tenant does not match [A-Za-z0-9_.-]{1,64}: give such a name"
  );
  faults.add_unless(
      !key.roles().empty() && std::all_of(key.roles().begin(), key.roles().end(), is_role),
      "roles is no list of \"caller\", \"approver\" and \"admin\": give at least one of them"
  );
  faults.add_unless(
      key.agent().size() <= kAgentBytesMax,
      "agent is longer than " + std::to_string(kAgentBytesMax) + " bytes: give a shorter name"
  );
  faults.check_list("servers", key.servers());
  faults.check_list("tools", key.tools());
  faults.check_list("models", key.models());
  faults.add_unless(
      key.expires_unix_ms() == 0 || key.expires_unix_ms() > now_unix_ms,
      "expires_at is over already: give a later time, or revoke the key"
  );
  faults.add_unless(
      key.ByteSizeLong() <= kKeySpecBytesMax,
      "the key's lists fill more than " + std::to_string(kKeySpecBytesMax) +
          " bytes: name whole servers, as <server>-*, or fewer"
  );
  SLUICE_CHECK_OK(faults.result());
  CallerKey made = caller_key_of(key);
  std::sort(made.roles.begin(), made.roles.end());
  made.roles.erase(std::unique(made.roles.begin(), made.roles.end()), made.roles.end());
  return made;
}

}  // namespace sluice::policy_engine
