// Calls that stand for one function of the library.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "failure.h"
#include "task.h"

namespace unsam::addon {

template <class Work, class Convert>
class Call final : public Task {
 public:
  Call(Work work, Convert convert) : work_(std::move(work)), convert_(std::move(convert)) {}

 protected:
  void run() override { result_.emplace(work_()); }
  Napi::Value result(Napi::Env env) override { return convert_(env, std::move(*result_)); }

 private:
  Work work_;
  Convert convert_;
  std::optional<std::invoke_result_t<Work&>> result_;
};

// The promise of convert(env, work()): `work` runs on a thread of the pool and owns all it reads, `convert` makes the
// JavaScript value.
template <class Work, class Convert>
Napi::Value start_call(Napi::Env env, Work work, Convert convert) {
  return Task::start(env, std::make_unique<Call<Work, Convert>>(std::move(work), std::move(convert)));
}

}  // namespace unsam::addon
