// ChatFinal messages of answers and failures, and bus chunks of events.
#pragma once

#include "services/provider-router/domain/route_table.h"
#include "services/provider-router/domain/translate/answer.h"

#include "proto/sluice/provider/v1/provider.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::provider_router {

void set_facts(provider::v1::ChatFinal& final, const AnswerFacts& facts);
void set_failure(provider::v1::ChatFinal& final, const Failure& failure, bool passed_on);

// Cuts whole events into pieces of at most kChunkBytesMax; a single larger event stays whole.
[[nodiscard]] std::vector<std::string> chunks_of(std::string events);

}  // namespace sluice::provider_router
