#include <algorithm>
#include <cmath>

#include "region_tree/cpu/planes.h"

namespace unsam::tree {
namespace {

constexpr std::size_t kHistogram = 512;  // bins of lightness over 0 to 100
constexpr double kTail = 0.002;          // share of the pixels below the black point, and above the white point
constexpr double kLeastRange = 20.0;     // least distance of the two, in units of L
constexpr double kKnee = 0.6;
constexpr double kChroma = 1.3;

std::size_t bin_of(double lightness) {
  const double bin = std::floor(lightness / 100.0 * static_cast<double>(kHistogram));
  return static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(kHistogram - 1)));
}

double lightness_at(std::size_t bin) { return static_cast<double>(bin) / static_cast<double>(kHistogram) * 100.0; }

}  // namespace

void map_tones(Lab& lab) {
  std::vector<double> histogram(kHistogram);
  for (const float value : lab.L) histogram[bin_of(static_cast<double>(value))] += 1.0;
  const double tail = kTail * static_cast<double>(lab.L.size());
  std::size_t black = 0, white = kHistogram - 1;
  for (double sum = histogram[0]; sum < tail; sum += histogram[black]) ++black;
  for (double sum = histogram[white]; sum < tail; sum += histogram[white]) --white;
  const double low = lightness_at(black), range = std::max(kLeastRange, lightness_at(white + 1) - low);
  for (float& value : lab.L) {
    const double t = std::clamp((static_cast<double>(value) - low) / range, 0.0, 1.0);
    value = static_cast<float>(100.0 * t * (1.0 + kKnee) / (t + kKnee));
  }
  for (Plane* const plane : {&lab.a, &lab.b}) {
    for (float& value : *plane) value = static_cast<float>(kChroma * static_cast<double>(value));
  }
}

}  // namespace unsam::tree
