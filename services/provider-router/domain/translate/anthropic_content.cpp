#include "services/provider-router/domain/translate/anthropic_content.h"

#include "common/json/parse.h"

namespace sluice::provider_router {
namespace {

Error invalid(const std::string& where, const std::string& what) {
  return Error(Code::Invalid, where + ": " + what);
}

// "data:image/png;base64,AAAA" as {type:base64,…}; nullopt when it is no such URL.
std::optional<json::Value> base64_source(std::string_view url) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kMark = ";base64,";
  if (!url.starts_with(kScheme)) {
    return std::nullopt;
  }
  const std::size_t mark = url.find(kMark);
  if (mark == std::string_view::npos || mark <= kScheme.size()) {
    return std::nullopt;
  }
  const std::string_view media = url.substr(kScheme.size(), mark - kScheme.size());
  return json::object({
      {"type", "base64"},
      {"media_type", media.substr(0, media.find(';'))},
      {"data", url.substr(mark + kMark.size())},
  });
}

Result<json::Value> source_of_url(std::string_view url, const std::string& where) {
  if (auto source = base64_source(url)) {
    return std::move(*source);
  }
  if (url.starts_with("https://") || url.starts_with("http://")) {
    return json::object({{"type", "url"}, {"url", url}});
  }
  return invalid(where, "give a https URL or data:<media type>;base64,<data>");
}

Result<json::Value> image_block(const json::Value& part, const std::string& where) {
  const json::Value* image = part.find("image_url");
  std::string url;
  if (image != nullptr) {
    const std::string* plain = image->as_string();
    url = plain != nullptr ? *plain : image->text_or("url", "");
  }
  SLUICE_TRY(json::Value source, source_of_url(url, where + ".image_url"));
  return json::object({{"type", "image"}, {"source", std::move(source)}});
}

Result<json::Value> file_block(const json::Value& part, const std::string& where) {
  const json::Value* file = part.find("file");
  if (file == nullptr || !file->is_object()) {
    return invalid(where, "a file part needs \"file\": {\"file_data\": …} or {\"file_id\": …}");
  }
  const std::string id = file->text_or("file_id", "");
  json::Value block;
  if (!id.empty()) {
    block = json::object(
        {{"type", "document"}, {"source", json::object({{"type", "file"}, {"file_id", id}})}}
    );
  } else {
    SLUICE_TRY(
        json::Value source, source_of_url(file->text_or("file_data", ""), where + ".file.file_data")
    );
    block = json::object({{"type", "document"}, {"source", std::move(source)}});
  }
  const std::string name = file->text_or("filename", "");
  if (!name.empty()) {
    block.as_object()->set("title", name);
  }
  return block;
}

// Empty optional: leave the part out.
Result<std::optional<json::Value>> block_of(const json::Value& part, const std::string& where) {
  const std::string type = part.text_or("type", "");
  if (type == "text" || type == "refusal") {
    const std::string text = part.text_or(type, "");
    if (text.empty()) {
      return std::optional<json::Value>();
    }
    return std::optional<json::Value>(text_block(text));
  }
  if (type == "image_url") {
    SLUICE_TRY(json::Value block, image_block(part, where));
    return std::optional<json::Value>(std::move(block));
  }
  if (type == "file") {
    SLUICE_TRY(json::Value block, file_block(part, where));
    return std::optional<json::Value>(std::move(block));
  }
  return invalid(
      where,
      "parts of type \"" + type.substr(0, 40) +
          "\" are not taken by this provider; use text, image_url or file"
  );
}

}  // namespace

json::Value text_block(std::string_view text) {
  return json::object({{"type", "text"}, {"text", text}});
}

void copy_cache_control(const json::Value& from, json::Value& to) {
  const json::Value* control = from.find("cache_control");
  if (control != nullptr && to.is_object()) {
    to.as_object()->set("cache_control", *control);
  }
}

Result<json::Array> anthropic_blocks(const json::Array& parts, const std::string& where) {
  json::Array blocks;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string place = where + "[" + std::to_string(i) + "]";
    SLUICE_TRY(std::optional<json::Value> block, block_of(parts[i], place));
    if (block) {
      copy_cache_control(parts[i], *block);
      blocks.push_back(std::move(*block));
    }
  }
  return blocks;
}

Result<json::Value> tool_use_block(const json::Value& call, const std::string& where) {
  const json::Value* function = call.find("function");
  const std::string id = call.text_or("id", "");
  if (function == nullptr || !function->is_object() || id.empty()) {
    return invalid(where, "a tool call needs \"id\" and \"function\": {\"name\", \"arguments\"}");
  }
  const std::string arguments = function->text_or("arguments", "");
  json::Value input = json::object({});
  if (arguments.find_first_not_of(" \t\r\n") != std::string::npos) {
    auto parsed = json::parse(arguments);
    if (!parsed.ok() || !parsed.value().is_object()) {
      return invalid(
          where + ".function.arguments",
          "is no JSON object; send back what the model wrote, or \"{}\""
      );
    }
    input = std::move(parsed).value();
  }
  json::Value block = json::object({
      {"type", "tool_use"},
      {"id", id},
      {"name", function->text_or("name", "")},
      {"input", std::move(input)},
  });
  copy_cache_control(call, block);
  return block;
}

json::Array thinking_blocks(const json::Value& message) {
  json::Array blocks;
  const json::Value* details = message.find("reasoning_details");
  if (details == nullptr || !details->is_array()) {
    return blocks;
  }
  for (const json::Value& detail : *details->as_array()) {
    const std::string type = detail.text_or("type", "");
    const std::string signature = detail.text_or("signature", "");
    const std::string data = detail.text_or("data", "");
    if (type == "reasoning.text" && !signature.empty()) {
      blocks.push_back(json::object({
          {"type", "thinking"},
          {"thinking", detail.text_or("text", "")},
          {"signature", signature},
      }));
    } else if (type == "reasoning.encrypted" && !data.empty()) {
      blocks.push_back(json::object({{"type", "redacted_thinking"}, {"data", data}}));
    }
  }
  return blocks;
}

}  // namespace sluice::provider_router
