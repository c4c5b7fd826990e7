#pragma once

#include <napi.h>

#include <span>
#include <utility>
#include <vector>

namespace unsam::addon {

// A large Float32Array as an argument: a copy of it, or, in a SharedArrayBuffer, the memory itself. That cannot be
// detached, so a reference is enough to hold it; whoever writes to it meanwhile gets numbers of either state. Made and
// destroyed on the JavaScript thread.
class FloatInput {
 public:
  FloatInput() = default;
  explicit FloatInput(std::vector<float> copy) : copy_(std::move(copy)) {}
  FloatInput(std::span<const float> shared, Napi::ObjectReference holder)
      : shared_(shared), holder_(std::move(holder)) {}

  operator std::span<const float>() const { return holder_.IsEmpty() ? std::span<const float>(copy_) : shared_; }

 private:
  std::vector<float> copy_;
  std::span<const float> shared_;
  Napi::ObjectReference holder_;
};

}  // namespace unsam::addon
