#include "memory_network.h"

#include <optional>
#include <utility>
#include <vector>

#include "../arguments.h"
#include "../call.h"
#include "../encoder/work_options.h"
#include "../result_arrays.h"
#include "../tensors.h"

namespace unsam::addon {
namespace {

constexpr ErrorCode kCode = ErrorCode::bad_option;

MemoryPlan read_memory_plan(Napi::Value value) {
  const auto object = read_object(value, "The plan", kCode);
  const auto count = [&](const char* name) { return read_count(object.Get(name), std::string("The plan's ") + name, kCode); };
  return {.image_size = count("imageSize"),
          .width = count("width"),
          .memory_width = count("memoryWidth"),
          .layers = count("attentionLayers"),
          .feed_forward = count("feedForward"),
          .rope_theta = read_number(object.Get("ropeTheta"), "The plan's ropeTheta", kCode),
          .fuser_layers = count("fuserLayers"),
          .fuser_hidden = count("fuserHidden"),
          .absent_embedding = read_flag(object.Get("absentEmbedding"), "The plan's absentEmbedding", kCode)};
}

// A call whose result is an array, or null where it was cancelled.
class MemoryTask : public Task {
 public:
  MemoryTask(std::shared_ptr<const MemoryNetwork> network, Napi::Value features, Napi::Value options)
      : network_(std::move(network)), features_(read_floats(features, "The features", kCode)), work_(options) {}

 protected:
  Napi::Value result(Napi::Env env) override { return values_ ? float_array(env, std::move(*values_)) : env.Null(); }
  MemoryOptions options() const { return {.threads = work_.threads(), .cancelled = work_.cancelled()}; }

  std::shared_ptr<const MemoryNetwork> network_;
  std::vector<float> features_;
  std::optional<std::vector<float>> values_;

 private:
  WorkOptions work_;
};

// network.attend(features, feed, { threads, cancel })
class AttendTask : public MemoryTask {
 public:
  AttendTask(std::shared_ptr<const MemoryNetwork> network, Napi::Value features, Napi::Value feed, Napi::Value options)
      : MemoryTask(std::move(network), features, options) {
    const auto object = read_object(feed, "What the frame reads", kCode);
    const auto floats = [&](const char* name) { return read_floats(object.Get(name), std::string("The array ") + name, kCode); };
    memory_ = floats("memory");
    times_ = floats("times");
    pointers_ = floats("pointers");
    pointer_times_ = floats("pointerTimes");
  }

 protected:
  void run() override { values_ = network_->attend(features_, {memory_, times_, pointers_, pointer_times_}, options()); }

 private:
  std::vector<float> memory_, times_, pointers_, pointer_times_;
};

// network.remember(features, mask, absent, { threads, cancel })
class RememberTask : public MemoryTask {
 public:
  RememberTask(std::shared_ptr<const MemoryNetwork> network, Napi::Value features, Napi::Value mask, Napi::Value absent,
               Napi::Value options)
      : MemoryTask(std::move(network), features, options), mask_(read_floats(mask, "The mask", kCode)),
        absent_(read_flag(absent, "Whether the object is absent", kCode)) {}

 protected:
  void run() override { values_ = network_->remember(features_, mask_, absent_, options()); }

 private:
  std::vector<float> mask_;
  bool absent_;
};

}  // namespace

Napi::Value create_memory_network(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    auto weights = std::make_shared<OwnedTensors>(info[1]);
    return start_call(
        info.Env(), [plan = read_memory_plan(info[0]), weights] { return std::make_shared<MemoryNetwork>(plan, weights->tensors); },
        [](Napi::Env env, std::shared_ptr<MemoryNetwork> made) -> Napi::Value {
          return MemoryNetworkHandle::create(environment(env).memory_network, made);
        });
  });
}

Napi::Function MemoryNetworkHandle::define(Napi::Env env) {
  return DefineClass(env, kName,
                     {InstanceMethod("attend", &MemoryNetworkHandle::attend), InstanceMethod("remember", &MemoryNetworkHandle::remember),
                      InstanceMethod("dispose", &MemoryNetworkHandle::dispose)});
}

MemoryNetworkHandle::MemoryNetworkHandle(const Napi::CallbackInfo& info) : Handle(info) {
  holds(info.Env(), contents()->memory_bytes());
}

Napi::Value MemoryNetworkHandle::attend(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<AttendTask>(contents(), info[0], info[1], info[2]));
  });
}

Napi::Value MemoryNetworkHandle::remember(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(), [&] {
    return Task::start(info.Env(), std::make_unique<RememberTask>(contents(), info[0], info[1], info[2], info[3]));
  });
}

}  // namespace unsam::addon
