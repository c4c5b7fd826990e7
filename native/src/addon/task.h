// Work off the JavaScript thread, and the promise of its result.
#pragma once

#include <napi.h>

#include <exception>
#include <memory>

namespace unsam::addon {

// One call on libuv's thread pool. Owns copies of everything it reads, so nothing of JavaScript's is referenced while
// it runs; an environment that ends (worker.terminate()) waits for it, and then only frees it.
class Task {
 public:
  virtual ~Task() = default;

  // Takes the task over; it is deleted on the JavaScript thread.
  static Napi::Value start(Napi::Env env, std::unique_ptr<Task> task);

 protected:
  // On a thread of the pool. May throw.
  virtual void run() = 0;
  // On the JavaScript thread: what the promise resolves to. May throw.
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  static void execute(napi_env env, void* data);
  static void complete(napi_env env, napi_status status, void* data);
  void settle(napi_env env);

  napi_async_work work_ = nullptr;
  napi_deferred deferred_ = nullptr;
  std::exception_ptr failure_;
};

}  // namespace unsam::addon
