#include "failure.h"

#include <new>
#include <string>

#include "unsam/error.h"

namespace unsam::addon {
namespace {

Napi::Value error(Napi::Env env, const char* code, const std::string& message) {
  const Napi::Error made = Napi::Error::New(env, message);
  made.Set("code", Napi::String::New(env, code));
  return made.Value();
}

}  // namespace

Napi::Value to_javascript(Napi::Env env, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Napi::Error& e) {
    return e.Value();
  } catch (const Error& e) {
    return error(env, code_name(e.code()), e.what());
  } catch (const std::bad_alloc&) {
    return error(env, "E_RUNTIME", "There is not enough memory for this call; give it less at once.");
  } catch (const std::exception& e) {
    return error(env, "E_RUNTIME", std::string("The native addon failed: ") + e.what());
  } catch (...) {
    return error(env, "E_RUNTIME", "The native addon failed.");
  }
}

}  // namespace unsam::addon
