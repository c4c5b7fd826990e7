#include "work_options.h"

#include "../arguments.h"

namespace unsam::addon {

WorkOptions::WorkOptions(Napi::Value options) {
  const auto named = read_object(options, "The options", ErrorCode::bad_option);
  threads_ = read_count(named.Get("threads"), "The option threads", ErrorCode::bad_option);
  const Napi::Value cancel = named.Get("cancel");
  if (cancel.IsUndefined() || cancel.IsNull()) return;
  const auto pair = read_object(cancel, "The option cancel", ErrorCode::bad_option);
  const Napi::Value cell = pair.Get("cell"), value = pair.Get("value");
  cancel_ = read_shared_cell(cell, "The cell of the option cancel", ErrorCode::bad_option);
  cancel_holder_ = Napi::Persistent(cell.As<Napi::Object>());
  if (!value.IsNumber()) throw Error(ErrorCode::bad_option, "The value of the option cancel must be a number.");
  cancel_value_ = value.As<Napi::Number>().Int32Value();
}

std::function<bool()> WorkOptions::cancelled() const {
  if (cancel_ == nullptr) return {};
  return [cell = cancel_, value = cancel_value_] { return __atomic_load_n(cell, __ATOMIC_RELAXED) == value; };
}

}  // namespace unsam::addon
