// The addon's exports. packages/native-cuda/src/binding.ts is their contract: change both, and kContract with them.
#include <napi.h>

#include "backend/backend.h"
#include "cpu/isa.h"
#include "create_task.h"
#include "decoder.h"
#include "encoder/image_encoder.h"
#include "encoder/nano_encoder.h"
#include "free_memory.h"
#include "fusion/operation.h"
#include "memory/memory_network.h"
#include "prepared_image.h"
#include "unsam/region_tree.h"

namespace unsam::addon {
namespace {

// Number of the contract; a binary with another one is not used.
constexpr int kContract = 13;

Napi::Value instruction_set(const Napi::CallbackInfo& info) {
  return throwing(info.Env(), [&] { return Napi::String::New(info.Env(), kernels().name); });
}

Napi::Value cuda(const Napi::CallbackInfo& info) {
  return throwing(info.Env(), [&] {
    const CudaSupport support = cuda_support();
    auto devices = Napi::Array::New(info.Env(), support.devices.size());
    for (std::uint32_t i = 0; i < support.devices.size(); ++i) devices.Set(i, Napi::String::New(info.Env(), support.devices[i]));
    auto result = Napi::Object::New(info.Env());
    result.Set("devices", devices);
    result.Set("reason", support.reason.empty() ? info.Env().Null() : Napi::String::New(info.Env(), support.reason));
    return result;
  });
}

Napi::Value return_free_memory_call(const Napi::CallbackInfo& info) {
  return throwing(info.Env(), [&] { return Napi::Boolean::New(info.Env(), return_free_memory()); });
}

Napi::Value create_decoder(const Napi::CallbackInfo& info) {
  return rejecting(info.Env(),
                   [&] { return Task::start(info.Env(), std::make_unique<CreateTask>(info[0], info[1])); });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto state = std::make_unique<Environment>();
  const Napi::Function decoder = Decoder::define(env), prepared_image = PreparedImage::define(env),
                       image_encoder = ImageEncoderHandle::define(env), nano_encoder = NanoEncoderHandle::define(env),
                       memory_network = MemoryNetworkHandle::define(env);
  state->decoder = Napi::Persistent(decoder);
  state->prepared_image = Napi::Persistent(prepared_image);
  state->image_encoder = Napi::Persistent(image_encoder);
  state->nano_encoder = Napi::Persistent(nano_encoder);
  state->memory_network = Napi::Persistent(memory_network);
  env.SetInstanceData(state.release());
  exports.Set("contract", Napi::Number::New(env, kContract));
  exports.Set("instructionSet", Napi::Function::New(env, instruction_set, "instructionSet"));
  exports.Set("cuda", Napi::Function::New(env, cuda, "cuda"));
  exports.Set("returnFreeMemory", Napi::Function::New(env, return_free_memory_call, "returnFreeMemory"));
  exports.Set("createDecoder", Napi::Function::New(env, create_decoder, "createDecoder"));
  exports.Set("createImageEncoder", Napi::Function::New(env, create_image_encoder, "createImageEncoder"));
  exports.Set("createNanoEncoder", Napi::Function::New(env, create_nano_encoder, "createNanoEncoder"));
  exports.Set("createMemoryNetwork", Napi::Function::New(env, create_memory_network, "createMemoryNetwork"));
  exports.Set("Decoder", decoder);
  exports.Set("PreparedImage", prepared_image);
  exports.Set("ImageEncoder", image_encoder);
  exports.Set("NanoEncoder", nano_encoder);
  exports.Set("MemoryNetwork", memory_network);
  exports.Set("operations", operations_object(env));
  exports.Set("regionTreeRecipe", Napi::Number::New(env, kRegionTreeRecipe));
  exports.Set("learnedRecipe", Napi::Number::New(env, kLearnedRecipe));
  return exports;
}

}  // namespace
}  // namespace unsam::addon

static Napi::Object init_module(Napi::Env env, Napi::Object exports) { return unsam::addon::init(env, exports); }
NODE_API_MODULE(unsam, init_module)
