// C++ exceptions as JavaScript errors with a `code`.
#pragma once

#include <napi.h>

#include <exception>

namespace unsam::addon {

// An Error whose `code` is one of the SDK's (E_BAD_PROMPT, E_DISPOSED, …; E_RUNTIME for what nobody foresaw).
// A JavaScript exception that came through C++ passes unchanged.
Napi::Value to_javascript(Napi::Env env, const std::exception_ptr& failure);

// Runs the synchronous part of a method that returns a promise: its failures reject the promise.
template <class Body>
Napi::Value rejecting(Napi::Env env, Body body) {
  try {
    return body();
  } catch (...) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(to_javascript(env, std::current_exception()));
    return deferred.Promise();
  }
}

// The same for a method that answers at once: its failures are thrown.
template <class Body>
auto throwing(Napi::Env env, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw Napi::Error(env, to_javascript(env, std::current_exception()));
  }
}

}  // namespace unsam::addon
