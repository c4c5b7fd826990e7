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

// Rows of the table; bytes beside a copy on the device.
struct Table {
  double copied;  // bytes a second

  void line(const char* what, float time, double bytes) const {
    std::printf("| %s | %.3f | %.0f | %.0f %% |\n", what, static_cast<double>(time), bytes / time / 1e6,
                100 * bytes / time * 1e3 / copied);
  }
};

void title(const DeviceInfo& info, std::size_t count, double copied) {
  char date[32];
  const std::time_t now = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
  std::printf("\n%s, %s: fusion of %zu masks of %zux%zu; device copy: %.0f GB/s\n\n", date, info.name.c_str(), count, kSceneSide,
              kSceneSide, copied / 1e9);
  std::printf("| what | ms | GB/s at least | of the copy |\n| --- | --- | --- | --- |\n");
}

// A scene on the device, and the kernels of a call on it. What lies between the kernels in a call, the order of the masks and what
// the host makes of the parents, is made once.
class SceneKernels {
 public:
  SceneKernels(const DiscScene& scene, std::shared_ptr<MemoryPool> memory)
      : pool(std::move(memory)), count(scene.scores.size()), logits(pool, scene.data.size()), order_(pool, count), parents_(pool, count),
        labels_(pool, kSceneSide * kSceneSide), scores_(pool, count), masks_(pool, count * shape_.words()),
        gathered_(pool, count * shape_.words()), stays_(pool, row_), strikes_(pool, count * row_), holds_(pool, count * row_),
        tallies_(pool, count) {
    PinnedArray<float> host(scene.data.size());
    std::copy(scene.data.begin(), scene.data.end(), host.data());
    copy_to_device(logits.data(), host.data(), scene.data.size() * sizeof(float), stream.get());
    PinnedArray<std::int32_t> order(count);
    for (std::size_t k = 0; k < count; ++k) order[k] = static_cast<std::int32_t>(k);
    PinnedArray<double> scores(count);
    std::copy(scene.scores.begin(), scene.scores.end(), scores.data());
    copy_to_device(order_.data(), order.data(), count * sizeof(std::int32_t), stream.get());
    copy_to_device(scores_.data(), scores.data(), count * sizeof(double), stream.get());
    stream.synchronize();
  }

  void measure(const Table& table, int replays) {
    const auto time = [&](const auto& work) { return milliseconds(stream, replays, work); };
    const double mask_bytes = 4.0 * static_cast<double>(count * shape_.words());
    const double logit_bytes = 4.0 * static_cast<double>(count * kSceneSide * kSceneSide);
    table.line("statistics and packing", time([&] { statistics(); }), logit_bytes + mask_bytes);
    table.line("pairs: duplicates and containment", time([&] { relations(); }), mask_bytes);
    table.line("greedy pass", time([&] { greedy(); }), 4.0 * static_cast<double>(count * row_) / 2);
    table.line("parents", time([&] { forest(); }), 4.0 * static_cast<double>(count * row_));
    table.line("gathering all masks", time([&] { gather(); }), 2 * mask_bytes);
    table.line("finest labels of all masks", time([&] { finest(); }), 4.0 * static_cast<double>(kSceneSide * kSceneSide));
    const auto all = [&] {
      statistics();
      relations();
      greedy();
      forest();
      gather();
      finest();
    };
    table.line("all of these", time(all), logit_bytes + 3 * mask_bytes);
  }

  // Up to 250 masks at a time at the side of the image.
  void measure_finishing(const Table& table, int replays, std::size_t image) {
    const auto side = static_cast<std::uint32_t>(kSceneSide), big = static_cast<std::uint32_t>(image);
    const MaskShape large{big, big, static_cast<std::uint32_t>(words_per_row(image))};
    const std::size_t some = std::min<std::size_t>(count, 250);
    const DeviceArray<std::uint32_t> finished(pool, some * large.words()), columns(pool, some * image + 1);
    const double bytes = 4.0 * static_cast<double>(some * large.words());
    const auto finish = [&] {
      zero(tallies_.data(), some * sizeof(Tally));
      kernels::finish(logits.data(), some, side, side, large, finish_limits({}), finished.data(), tallies_.data(), stream.get());
    };
    const auto count_runs = [&] {
      kernels::column_changes(finished.data(), tallies_.data(), some, large, columns.data(), nullptr, stream.get());
    };
    table.line(("finishing " + std::to_string(some) + " masks to " + std::to_string(image) + "x" + std::to_string(image)).c_str(),
               milliseconds(stream, replays, finish), 4.0 * static_cast<double>(some * kSceneSide * kSceneSide) + bytes);
    table.line("counting their runs", milliseconds(stream, replays, count_runs), bytes);
  }

 private:
  void zero(void* memory, std::size_t bytes) { check(cudaMemsetAsync(memory, 0, bytes, stream.get()), "cudaMemsetAsync"); }
  void statistics() {
    zero(tallies_.data(), count * sizeof(Tally));
    kernels::mask_statistics(logits.data(), order_.data(), count, shape_, -1.0f, 0.0f, 1.0f, masks_.data(), tallies_.data(),
                             stream.get());
  }
  void relations() {
    zero(strikes_.data(), count * row_ * 4);
    zero(holds_.data(), count * row_ * 4);
    kernels::relations(masks_.data(), tallies_.data(), count, shape_, 0.9, 0.8, {strikes_.data(), holds_.data()}, stream.get());
  }
  void greedy() { kernels::greedy_pass(strikes_.data(), count, tallies_.data(), 1.0, stays_.data(), stream.get()); }
  void forest() {
    kernels::find_parents(holds_.data(), tallies_.data(), scores_.data(), stays_.data(), count, parents_.data(), stream.get());
  }
  void gather() { kernels::gather_masks(masks_.data(), order_.data(), count, shape_, gathered_.data(), stream.get()); }
  void finest() { kernels::finest_labels(gathered_.data(), order_.data(), count, shape_, labels_.data(), stream.get()); }

  const MaskShape shape_{kSceneSide, kSceneSide, kSceneSide / 32};

 public:
  const std::shared_ptr<MemoryPool> pool;
  const Stream stream;
  const std::size_t count;
  const DeviceArray<float> logits;

 private:
  const std::size_t row_ = words_per_row(count);
  const DeviceArray<std::int32_t> order_, parents_, labels_;
  const DeviceArray<double> scores_;
  const DeviceArray<std::uint32_t> masks_, gathered_, stays_, strikes_, holds_;
  const DeviceArray<Tally> tallies_;
};

// Whole calls, by the clock of the host.
void measure_calls(const DiscScene& scene, const SceneKernels& there, int replays, std::size_t image, int device) {
  const auto runs = static_cast<std::size_t>(std::max(replays / 5, 1));
  const Fusion fusion({device, 0, true});
  const LogitMaps host_maps{there.count, kSceneSide, kSceneSide, scene.data};
  const DeviceLogitMaps maps{there.count, kSceneSide, kSceneSide, there.logits.data()};
  std::size_t kept = 0;
  const auto whole = [&](const char* what, const auto& work) { std::printf("| %s | %.3f | | |\n", what, 1e3 * median_seconds(runs, work)); };
  whole("call: fuse_logits, logits on the device", [&] { kept = fusion.fuse_logits(maps, scene.scores, scene.granularities, {}).kept.size(); });
  whole("call: fuse_logits, logits from the host", [&] { fusion.fuse_logits(host_maps, scene.scores, scene.granularities, {}); });
  whole("call: finish_masks to run lengths, logits on the device", [&] { fusion.finish_masks(maps, image, image, {{}, false, true}); });
  std::printf("\n%zu masks stay. Calls include copies of results and the host's part.\n", kept);
}

void measure(std::size_t count, int replays, std::size_t image, int device) {
  require_device(device);
  const DeviceScope scope(device);
  const auto pool = std::make_shared<MemoryPool>(device, 0, 0);
  const DiscScene scene(count);
  const Table table{copy_bytes(pool, scene.data.size() * sizeof(float), replays)};
  title(device_info(device), count, table.copied);
  SceneKernels there(scene, pool);
  there.measure(table, replays);
  there.measure_finishing(table, replays, image);
  measure_calls(scene, there, replays, image, device);
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
