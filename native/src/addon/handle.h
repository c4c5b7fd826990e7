// JavaScript objects that stand for C++ ones.
#pragma once

#include <napi.h>

#include <any>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "failure.h"
#include "parallel/thread_team_pool.h"
#include "unsam/error.h"

namespace unsam::addon {

// What one environment (the main thread, or one worker thread) keeps. There is no other state outside of handles.
struct Environment {
  Napi::FunctionReference decoder;
  Napi::FunctionReference prepared_image;
  Napi::FunctionReference image_encoder;
  Napi::FunctionReference nano_encoder;
  Napi::FunctionReference memory_network;
  // The threads of the calls that belong to no decoder.
  std::shared_ptr<ThreadTeamPool> teams = std::make_shared<ThreadTeamPool>();
  // The contents of the handle that is being constructed; JavaScript's own `new` finds nothing here.
  std::any contents;
};

inline Environment& environment(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

// Base of a handle class `Class`, which stands for `Contents` until it is disposed or collected. Every method call goes through
// Unwrap, which looks at the object's type tag first, so a method borrowed for another object cannot read that object's
// memory as something else.
// `Class` has: kTag, kName, kMaker (who makes it) and kDisposed (the sentence for what is used after dispose()).
template <class Class, class Contents>
class Handle : public Napi::ObjectWrap<Class> {
 public:
  static Class* Unwrap(Napi::Object object) {
    bool matches = false;
    const napi_status status = napi_check_object_type_tag(object.Env(), object, &Class::kTag, &matches);
    if (status != napi_ok || !matches) {
      return throwing(object.Env(), [&]() -> Class* {
        throw Error(ErrorCode::bad_option,
                    std::string("This is no ") + Class::kName + " made by " + Class::kMaker + ".");
      });
    }
    return Napi::ObjectWrap<Class>::Unwrap(object);
  }

  // The handle behind an argument. Throws Error(bad_option).
  static Class& from(Napi::Value value) {
    bool matches = false;
    if (!value.IsObject() ||
        napi_check_object_type_tag(value.Env(), value, &Class::kTag, &matches) != napi_ok || !matches) {
      throw Error(ErrorCode::bad_option,
                  std::string("The argument is no ") + Class::kName + "; pass one made by " + Class::kMaker + ".");
    }
    return *Napi::ObjectWrap<Class>::Unwrap(value.As<Napi::Object>());
  }

  static Napi::Object create(const Napi::FunctionReference& constructor, std::any contents) {
    environment(constructor.Env()).contents = std::move(contents);
    return constructor.New({});
  }

  // Throws Error(disposed).
  const Contents& contents() const {
    if (!contents_) throw Error(ErrorCode::disposed, Class::kDisposed);
    return *contents_;
  }

  void Finalize(Napi::Env env) override { release(env); }

 protected:
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Class>(info) {
    const napi_status status = napi_type_tag_object(info.Env(), info.This(), &Class::kTag);
    NAPI_THROW_IF_FAILED_VOID(info.Env(), status);
    contents_ = take_contents(info.Env());
  }

  void dispose(const Napi::CallbackInfo& info) { release(info.Env()); }

  // Tells the garbage collector what this small object holds on to: without it, forgotten ones would pile up.
  void holds(Napi::Env env, std::size_t bytes) {
    std::int64_t total;
    napi_adjust_external_memory(env, static_cast<std::int64_t>(bytes) - held_, &total);
    held_ = static_cast<std::int64_t>(bytes);
  }

 private:
  static Contents take_contents(Napi::Env env) {
    return throwing(env, [&] {
      const std::any contents = std::exchange(environment(env).contents, {});
      if (const auto found = std::any_cast<Contents>(&contents)) return *found;
      throw Error(ErrorCode::bad_option,
                  std::string("A ") + Class::kName + " is made by " + Class::kMaker + ", not by new.");
    });
  }

  void release(Napi::Env env) {
    contents_.reset();
    holds(env, 0);
  }

  std::optional<Contents> contents_;  // none: disposed
  std::int64_t held_ = 0;
};

}  // namespace unsam::addon
