// The arguments of the fusion functions as C++ values that own their memory. Whether sizes fit is for the library to
// say, on the thread that does the work; here only what it relies on is checked.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "../arguments.h"
#include "parallel/parallel_on.h"
#include "parallel/thread_team_pool.h"
#include "unsam/fusion.h"
#include "unsam/masks.h"

namespace unsam::addon {

struct OwnedMaps {
  std::size_t count, height, width;
  FloatInput data;
  operator LogitMaps() const { return {count, height, width, data}; }
};

// How many threads a call may use, and where they come from.
struct Threads {
  std::size_t count;
  std::shared_ptr<ThreadTeamPool> teams;
};

struct Size {
  std::size_t width, height;
};

// Throw Error(bad_prompt).
OwnedMaps read_maps(Napi::Value value);
MaskStack read_masks(Napi::Value value);
Size read_size(Napi::Value value);
Overlaps read_overlaps(Napi::Value value);
RegionForest read_forest(Napi::Value value);
std::vector<std::uint32_t> read_areas(Napi::Value value);
std::vector<double> read_scores(Napi::Value value);
std::vector<double> read_granularities(Napi::Value value);

// Throw Error(bad_option).
Napi::Object read_options(Napi::Value value);
double read_option(const Napi::Object& options, const char* name);
bool read_switch(const Napi::Object& options, const char* name);
Threads read_threads(const Napi::Object& options);
Thresholds read_thresholds(const Napi::Object& options);

// body(parallel) with these threads.
template <class Body>
auto with_threads(const Threads& threads, Body body) {
  const auto team = threads.teams->take(threads.count);
  return body(parallel_on(*team));
}

}  // namespace unsam::addon
