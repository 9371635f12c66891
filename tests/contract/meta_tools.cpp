// meta_tools <number of tools> <server>…: OpenAI definitions of the meta-tools that stand for them,
// as a JSON array.
#include "services/ingress/domain/catalog_snapshot.h"
#include "services/ingress/domain/code_tool.h"

#include <cstdlib>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
  namespace ingress = sluice::ingress;
  std::vector<std::string_view> servers;
  for (int i = 2; i < argc; ++i) {
    servers.emplace_back(argv[i]);
  }
  const auto tools = static_cast<std::size_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  std::string out = "[";
  for (const ingress::MetaTool& tool : ingress::meta_tools(servers, tools)) {
    const auto openai = ingress::openai_tool_json(tool.name, tool.definition);
    if (!openai.ok()) {
      std::cerr << openai.error().message() << "\n";
      return 1;
    }
    out.append(out.size() > 1 ? "," : "").append(openai.value());
  }
  std::cout << out << "]\n";
  return 0;
}
