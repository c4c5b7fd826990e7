#include "operation.h"

#include <utility>
#include <vector>

namespace unsam::addon {
namespace {

std::vector<std::pair<const char*, OperationFunction>>& registered() {
  static std::vector<std::pair<const char*, OperationFunction>> operations;
  return operations;
}

}  // namespace

Operation::Operation(const char* name, OperationFunction function) { registered().emplace_back(name, function); }

Napi::Object operations_object(Napi::Env env) {
  auto operations = Napi::Object::New(env);
  for (const auto& [name, function] : registered()) operations.Set(name, Napi::Function::New(env, function, name));
  return operations;
}

}  // namespace unsam::addon
