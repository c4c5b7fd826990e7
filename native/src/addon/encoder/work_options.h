#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <functional>

namespace unsam::addon {

// The options of an encode, { threads, cancel }. To be made and destroyed on the JavaScript thread.
class WorkOptions {
 public:
  // Throws Error(bad_option).
  explicit WorkOptions(Napi::Value options);

  std::size_t threads() const { return threads_; }
  // For the call's threads, as long as this object lives; empty where nothing can cancel it.
  std::function<bool()> cancelled() const;

 private:
  std::size_t threads_;
  const std::int32_t* cancel_ = nullptr;  // the call stops where it is cancel_value_
  std::int32_t cancel_value_ = 0;
  Napi::ObjectReference cancel_holder_;
};

}  // namespace unsam::addon
