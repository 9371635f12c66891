#include "services/codemode-sandbox/domain/server_writer.h"

#include "services/codemode-sandbox/domain/declarations/limits.h"
#include "services/codemode-sandbox/domain/declarations/server_text.h"
#include "services/codemode-sandbox/domain/script_api.h"

namespace sluice::codemode_sandbox {

ToolFacts facts_of(const std::string& script_name, const ScriptTool& tool) {
  return {
      .name = tool.tool,
      .script_name = script_name,
      .description = tool.description,
      .input_schema = tool.input_schema,
      .output_schema = tool.output_schema
  };
}

std::size_t untyped_bytes_of(std::string_view server, const ScriptTools& tools) {
  std::size_t bytes = kUntypedBytes + 2 * server.size();
  for (const auto& [name, tool] : tools) {
    bytes += kUntypedBytes + name.size();
  }
  return bytes;
}

ServerWriter::ServerWriter(const std::string& server, const ScriptTools& tools, TypeForm form)
    : server_(server), names_(server) {
  for (const auto& [name, tool] : tools) {
    const ToolFacts facts = facts_of(name, tool);
    script_names_.push_back(name);
    typed_.push_back(tool_member(facts, &names_, form));
    untyped_.push_back(untyped_member(facts, TypeForm::Checking));
  }
}

std::string ServerWriter::text_with(std::size_t typed) const {
  std::vector<const ToolMember*> members;
  members.reserve(typed_.size());
  for (std::size_t i = 0; i < typed_.size(); ++i) {
    members.push_back(i < typed ? &typed_[i] : &untyped_[i]);
  }
  return server_text(server_, members, names_);
}

std::string ServerWriter::text(std::size_t bytes_max) const {
  std::size_t typed = typed_.size();
  for (;;) {  // ends: fewer each time
    std::string text = text_with(typed);
    if (text.size() <= bytes_max || typed == 0) {
      return text;
    }
    typed = typed * 3 / 4;
  }
}

std::vector<std::pair<std::string, std::string>> ServerWriter::text_by_tool(std::size_t* bytes_left
) const {
  std::vector<std::pair<std::string, std::string>> texts;
  texts.reserve(typed_.size());
  for (std::size_t i = 0; i < typed_.size(); ++i) {
    std::string text = server_text(server_, {&typed_[i]}, names_);
    if (text.size() > *bytes_left) {
      text = server_text(server_, {&untyped_[i]}, names_);
    }
    *bytes_left -= std::min(*bytes_left, text.size());
    texts.emplace_back(script_names_[i], std::move(text));
  }
  return texts;
}

}  // namespace sluice::codemode_sandbox
