#include "tests/contract/recordings_case.h"

#include "common/http/message.h"
#include "common/json/parse.h"
#include "common/json/write.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice::contract {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error(Code::NotFound, "cannot read " + path);
  }
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// Replaces {"$from_recording": pointer} and {"$from_response": pointer} anywhere below value.
Result<void> resolve(json::Value& value, std::string_view key, const json::Value& source) {
  if (value.is_object() && value.find(key) != nullptr) {
    const std::string pointer = value.text_or(key, "");
    const json::Value* found = at_pointer(source, pointer);
    if (found == nullptr) {
      return Error(Code::Invalid, std::string(key) + " names " + pointer + ", which is not there");
    }
    const std::string prefix = value.text_or("prefix", "");
    value = prefix.empty() ? json::Value(*found) : json::Value(prefix + *found->as_string());
    return {};
  }
  if (value.is_array()) {
    for (json::Value& item : *value.as_array()) {
      SLUICE_CHECK_OK(resolve(item, key, source));
    }
  } else if (value.is_object()) {
    for (auto& [name, member] : value.as_object()->members()) {
      SLUICE_CHECK_OK(resolve(member, key, source));
    }
  }
  return {};
}

std::string base_url_of(const std::string& url) {
  const std::size_t end = url.find("/chat/completions");
  return end == std::string::npos ? "http://127.0.0.1/v1" : url.substr(0, end);
}

Result<RecordedCase> case_of(
    const std::string& name, json::Value file, const json::Value& recording
) {
  RecordedCase result;
  result.name = name;
  const json::Value none;
  const json::Value* request = recording.find("request");
  const json::Value* response = recording.find("response");
  if (request == nullptr || response == nullptr) {
    return Error(Code::Invalid, name + ": the recording has no request or response");
  }
  const json::Value* body = request->find("body");
  result.request = body == nullptr ? *request : *body;
  result.base_url = base_url_of(recording.text_or("url", ""));
  const json::Value* status = response->find("status");
  result.status = static_cast<int>(status == nullptr ? 0 : status->as_int().value_or(0));
  result.body_type = response->text_or("body_type", "json");
  result.body = response->text_or("body", "");
  if (const json::Value* sizes = response->find("chunk_sizes");
      sizes != nullptr && sizes->is_array()) {
    for (const json::Value& size : *sizes->as_array()) {
      result.chunk_sizes.push_back(static_cast<std::size_t>(size.as_int().value_or(0)));
    }
  }
  json::Value* input = file.find("input");
  json::Value* expect = file.find("expect");
  if (input == nullptr || expect == nullptr) {
    return Error(Code::Invalid, name + ": a case needs input and expect");
  }
  SLUICE_CHECK_OK(resolve(*input, "$from_recording", result.request));
  const auto answered = json::parse(result.body);
  if (answered.ok()) {
    SLUICE_CHECK_OK(resolve(*expect, "$from_response", answered.value()));
  }
  const std::string model = input->text_or("model", "");
  result.provider = model.substr(0, model.find('/'));
  result.model = model.substr(model.find('/') + 1);
  const json::Value* stream = input->find("stream");
  result.stream = stream != nullptr && stream->as_bool().value_or(false);
  result.input = json::write(*input);
  result.expect = std::move(*expect);
  const json::Value* tolerated = file.find("tolerated");
  result.tolerated = tolerated == nullptr ? none : *tolerated;
  return result;
}

}  // namespace

const json::Value* at_pointer(const json::Value& root, std::string_view pointer) {
  const json::Value* value = &root;
  while (value != nullptr && !pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t slash = std::min(pointer.find('/'), pointer.size());
    const std::string_view step = pointer.substr(0, slash);
    pointer.remove_prefix(slash);
    if (const json::Array* items = value->as_array()) {
      std::size_t index = items->size();
      std::from_chars(step.data(), step.data() + step.size(), index);
      value = index < items->size() ? &(*items)[index] : nullptr;
    } else {
      value = value->find(step);
    }
  }
  return value;
}

Result<CaseList> load_cases(const std::string& folder, const std::string& recordings) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") {
      paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  CaseList list;
  for (const std::string& path : paths) {
    const std::string name = std::filesystem::path(path).stem().string();
    SLUICE_TRY(const std::string text, read_file(path));
    SLUICE_TRY(json::Value file, json::parse(text));
    const std::string recording = file.text_or("recording", "");
    if (!recording.empty() && recordings.empty()) {
      list.without_recording.push_back(name);
      continue;
    }
    json::Value recorded =
        file.find("recorded") == nullptr ? json::Value() : *file.find("recorded");
    if (!recording.empty()) {
      SLUICE_TRY(const std::string taken, read_file(recordings + "/" + recording + ".json"));
      SLUICE_TRY(recorded, json::parse(taken));
    }
    SLUICE_TRY(RecordedCase loaded, case_of(name, std::move(file), recorded));
    list.cases.push_back(std::move(loaded));
  }
  return list;
}

}  // namespace sluice::contract
