// The fusion kernels on a device, timed with events over graph replays, their bytes against a copy on the device measured in
// the same run; then whole calls, by the clock of the host. The scene is that of fusion_bench.
// Usage: cuda_fusion_bench [masks, 1000] [replays, 50] [image side, 1024] [device]
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "fusion/check.h"
#include "fusion/cuda/kernels.h"
#include "device_rates.h"
#include "disc_scene.h"
#include "measure.h"
#include "unsam/cuda.h"
#include "unsam/cuda_fusion.h"

namespace {

using namespace unsam;
using namespace unsam::cuda;

void measure(std::size_t count, int replays, std::size_t image, int device) {
  require_device(device);
  const DeviceScope scope(device);
  const DeviceInfo info = device_info(device);
  const auto pool = std::make_shared<MemoryPool>(device, 0, 0);
  const DiscScene scene(count);
  const std::size_t pixels = kSceneSide * kSceneSide;
  const double copied = copy_bytes(pool, scene.data.size() * sizeof(float), replays);
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
  std::printf("\n%s, %s: fusion of %zu masks of %zux%zu; device copy: %.0f GB/s\n\n", date, info.name.c_str(), count, kSceneSide,
              kSceneSide, copied / 1e9);
  std::printf("| what | ms | GB/s at least | of the copy |\n| --- | --- | --- | --- |\n");
  const auto line = [&](const char* what, float time, double bytes) {
    std::printf("| %s | %.3f | %.0f | %.0f %% |\n", what, static_cast<double>(time), bytes / time / 1e6,
                100 * bytes / time * 1e3 / copied);
  };

  const Stream stream;
  const auto side = static_cast<std::uint32_t>(kSceneSide), big = static_cast<std::uint32_t>(image);
  const MaskShape shape{side, side, side / 32}, large{big, big, static_cast<std::uint32_t>(words_per_row(image))};
  const std::size_t row = words_per_row(count), words = shape.words();
  const DeviceArray<float> logits(pool, scene.data.size());
  {
    PinnedArray<float> host(scene.data.size());
    std::copy(scene.data.begin(), scene.data.end(), host.data());
    copy_to_device(logits.data(), host.data(), scene.data.size() * sizeof(float), stream.get());
    stream.synchronize();
  }
  // What lies between the kernels in a call: the order of the masks, and what the host makes of the parents.
  std::vector<std::int32_t> order(count);
  for (std::size_t k = 0; k < count; ++k) order[k] = static_cast<std::int32_t>(k);
  PinnedArray<std::int32_t> order_host(count);
  std::copy(order.begin(), order.end(), order_host.data());
  PinnedArray<double> scores_host(count);
  std::copy(scene.scores.begin(), scene.scores.end(), scores_host.data());
  const DeviceArray<std::int32_t> order_there(pool, count), parents(pool, count), labels(pool, pixels);
  const DeviceArray<double> scores(pool, count);
  copy_to_device(order_there.data(), order_host.data(), count * sizeof(std::int32_t), stream.get());
  copy_to_device(scores.data(), scores_host.data(), count * sizeof(double), stream.get());
  const DeviceArray<std::uint32_t> masks(pool, count * words), gathered(pool, count * words), stays(pool, row);
  const DeviceArray<std::uint32_t> strikes(pool, count * row), holds(pool, count * row);
  const DeviceArray<Tally> tallies(pool, count);
  const auto zero = [&](void* memory, std::size_t bytes) { check(cudaMemsetAsync(memory, 0, bytes, stream.get()), "cudaMemsetAsync"); };
  const double mask_bytes = 4.0 * static_cast<double>(count * words);
  const auto statistics = [&] {
    zero(tallies.data(), count * sizeof(Tally));
    kernels::mask_statistics(logits.data(), order_there.data(), count, shape, -1.0f, 0.0f, 1.0f, masks.data(), tallies.data(),
                             stream.get());
  };
  const auto relations = [&] {
    zero(strikes.data(), count * row * 4);
    zero(holds.data(), count * row * 4);
    kernels::relations(masks.data(), tallies.data(), count, shape, 0.9, 0.8, {strikes.data(), holds.data()}, stream.get());
  };
  const auto greedy = [&] { kernels::greedy_pass(strikes.data(), count, tallies.data(), 1.0, stays.data(), stream.get()); };
  const auto forest = [&] {
    kernels::find_parents(holds.data(), tallies.data(), scores.data(), stays.data(), count, parents.data(), stream.get());
  };
  const auto gather = [&] {
    kernels::gather_masks(masks.data(), order_there.data(), count, shape, gathered.data(), stream.get());
  };
  const auto finest = [&] {
    kernels::finest_labels(gathered.data(), order_there.data(), count, shape, labels.data(), stream.get());
  };
  line("statistics and packing", milliseconds(stream, replays, statistics), 4.0 * static_cast<double>(scene.data.size()) + mask_bytes);
  line("pairs: duplicates and containment", milliseconds(stream, replays, relations), mask_bytes);
  line("greedy pass", milliseconds(stream, replays, greedy), 4.0 * static_cast<double>(count * row) / 2);
  line("parents", milliseconds(stream, replays, forest), 4.0 * static_cast<double>(count * row));
  line("gathering all masks", milliseconds(stream, replays, gather), 2 * mask_bytes);
  line("finest labels of all masks", milliseconds(stream, replays, finest), 4.0 * static_cast<double>(pixels));
  line("all of these", milliseconds(stream, replays, [&] {
         statistics();
         relations();
         greedy();
         forest();
         gather();
         finest();
       }), 4.0 * static_cast<double>(scene.data.size()) + 3 * mask_bytes);

  const std::size_t some = std::min<std::size_t>(count, 250);  // of the large masks at a time
  const DeviceArray<std::uint32_t> finished(pool, some * large.words()), columns(pool, some * image + 1);
  const auto finish = [&] {
    zero(tallies.data(), some * sizeof(Tally));
    kernels::finish(logits.data(), some, side, side, large, finish_limits({}), finished.data(), tallies.data(), stream.get());
  };
  const double finished_bytes = 4.0 * static_cast<double>(some * large.words());
  line(("finishing " + std::to_string(some) + " masks to " + std::to_string(image) + "x" + std::to_string(image)).c_str(),
       milliseconds(stream, replays, finish), 4.0 * static_cast<double>(some * pixels) + finished_bytes);
  line("counting their runs", milliseconds(stream, replays, [&] {
         kernels::column_changes(finished.data(), tallies.data(), some, large, columns.data(), nullptr, stream.get());
       }), finished_bytes);

  const auto runs = static_cast<std::size_t>(std::max(replays / 5, 1));
  const Fusion fusion({device, 0, true});
  const LogitMaps host_maps{count, kSceneSide, kSceneSide, scene.data};
  const DeviceLogitMaps maps{count, kSceneSide, kSceneSide, logits.data()};
  std::size_t kept = 0;
  const auto whole = [&](const char* what, const auto& work) { std::printf("| %s | %.3f | | |\n", what, 1e3 * median_seconds(runs, work)); };
  whole("call: fuse_logits, logits on the device", [&] { kept = fusion.fuse_logits(maps, scene.scores, scene.granularities, {}).kept.size(); });
  whole("call: fuse_logits, logits from the host", [&] { fusion.fuse_logits(host_maps, scene.scores, scene.granularities, {}); });
  whole("call: finish_masks to run lengths, logits on the device", [&] { fusion.finish_masks(maps, image, image, {{}, false, true}); });
  std::printf("\n%zu masks stay. Calls include copies of results and the host's part.\n", kept);
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  const std::string why = why_unavailable();
  if (!why.empty()) {
    std::printf("not measured: %s\n", why.c_str());
    return 77;
  }
  const auto argument = [&](int i, int otherwise) { return argc > i ? std::max(std::atoi(argv[i]), i == 4 ? 0 : 1) : otherwise; };
  try {
    measure(static_cast<std::size_t>(argument(1, 1000)), argument(2, 50), static_cast<std::size_t>(argument(3, 1024)), argument(4, 0));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
