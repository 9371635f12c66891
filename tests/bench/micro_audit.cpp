// What one audit record costs its request: completion, serialization and framing; and the write
// that a turn's records share.
#include "common/audit/outbox.h"
#include "common/audit/outbox_frame.h"
#include "common/audit/record.h"

#include <benchmark/benchmark.h>

#include <filesystem>

namespace sluice::audit {
namespace {

v1::Record chat_request() {
  v1::Record record;
  record.set_action("chat.request");
  record.set_tenant("default");
  record.set_principal("key:team-a");
  record.set_chain_id("0af7651916cd43dd8448eb211c80319c");
  record.set_request_id("req_0af7651916cd43dd8448eb211c80319c");
  record.set_provider("openai");
  record.set_model("gpt-4o-mini");
  record.set_hop(1);
  return record;
}

std::unique_ptr<Outbox> fresh_outbox(const std::string& root) {
  std::filesystem::remove_all(root);
  auto opened = Outbox::open(root, "bench", std::size_t{1} << 30);
  SLUICE_CHECK(opened.ok(), "the temporary directory is writable");
  return std::move(opened).value();
}

void append(Outbox& outbox, const v1::Record& record) {
  std::string& buffer = outbox.begin_frame();
  const std::size_t begin = buffer.size();
  buffer.resize(begin + record.ByteSizeLong());
  record.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(buffer.data() + begin));
  static_cast<void>(outbox.commit_frame());
}

void BM_CompleteAndFrame(benchmark::State& state) {
  const Producer producer{"ingress", "ingress-0a1b2c3d", 1767323045000};
  const v1::Record given = chat_request();
  std::string buffer;
  std::uint64_t sequence = 0;
  for (auto _ : state) {
    v1::Record record = given;
    complete(record, producer, ++sequence, {1767323045000, 1});
    const std::size_t begin = open_frame(buffer);
    const std::size_t size = record.ByteSizeLong();
    buffer.resize(begin + kFrameHeaderBytes + size);
    record.SerializeWithCachedSizesToArray(
        reinterpret_cast<std::uint8_t*>(buffer.data() + begin + kFrameHeaderBytes)
    );
    close_frame(buffer, begin);
    if (buffer.size() > (std::size_t{1} << 20)) {
      buffer.clear();
    }
  }
}

BENCHMARK(BM_CompleteAndFrame);

// Argument: records that share the write.
void BM_FlushTakeAcknowledge(benchmark::State& state) {
  const std::string root =
      (std::filesystem::temp_directory_path() / "sluice-bench-outbox").string();
  auto outbox = fresh_outbox(root);
  v1::Record record = chat_request();
  complete(record, {"ingress", "ingress-0a1b2c3d", 1767323045000}, 1, {1767323045000, 1});
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      append(*outbox, record);
    }
    SLUICE_CHECK(outbox->flush().ok(), "the disk is not full");
    while (true) {
      const auto taken = outbox->take();
      if (!taken.ok() || !taken.value()) {
        break;
      }
      outbox->acknowledge({{taken.value()->segment, 1}});
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  outbox.reset();
  std::filesystem::remove_all(root);
}

BENCHMARK(BM_FlushTakeAcknowledge)->Arg(1)->Arg(8)->Arg(64);

}  // namespace
}  // namespace sluice::audit
