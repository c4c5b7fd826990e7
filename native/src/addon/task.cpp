#include "task.h"

#include "failure.h"

namespace unsam::addon {
namespace {

// False while a worker is being terminated: then no value can be made, and there is nobody to tell.
bool can_run_javascript(napi_env env) {
  napi_value global;
  bool found;
  return napi_get_global(env, &global) == napi_ok &&
         napi_has_named_property(env, global, "Object", &found) == napi_ok;
}

}  // namespace

Napi::Value Task::start(Napi::Env env, std::unique_ptr<Task> task) {
  napi_value promise;
  napi_status status = napi_create_promise(env, &task->deferred_, &promise);
  NAPI_THROW_IF_FAILED(env, status, Napi::Value());
  status = napi_create_async_work(env, nullptr, Napi::String::New(env, "UnSAM"), execute, complete, task.get(),
                                  &task->work_);
  NAPI_THROW_IF_FAILED(env, status, Napi::Value());
  status = napi_queue_async_work(env, task->work_);
  if (status != napi_ok) napi_delete_async_work(env, task->work_);
  NAPI_THROW_IF_FAILED(env, status, Napi::Value());
  task.release();  // complete() has it now
  return {env, promise};
}

void Task::execute(napi_env, void* data) {
  const auto task = static_cast<Task*>(data);
  try {
    task->run();
  } catch (...) {
    task->failure_ = std::current_exception();
  }
}

void Task::complete(napi_env env, napi_status status, void* data) {
  const std::unique_ptr<Task> task(static_cast<Task*>(data));
  napi_delete_async_work(env, task->work_);
  if (status == napi_ok && can_run_javascript(env)) task->settle(env);
}

void Task::settle(napi_env env) {
  try {
    const Napi::HandleScope scope(env);
    try {
      if (failure_) std::rethrow_exception(failure_);
      const Napi::Value value = result(env);
      napi_resolve_deferred(env, deferred_, value);
    } catch (...) {
      napi_reject_deferred(env, deferred_, to_javascript(env, std::current_exception()));
    }
  } catch (...) {
    // The environment began to end in between; the promise dies with it.
  }
}

}  // namespace unsam::addon
