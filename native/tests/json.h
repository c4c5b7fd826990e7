// The little JSON the parity files need: parsed into a tree of values.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace json {

struct Value {
  enum class Kind { null, boolean, number, string, array, object } kind = Kind::null;
  bool boolean = false;
  double number = 0.0;
  std::string string;
  std::vector<Value> array;
  std::map<std::string, Value> object;

  bool is_null() const { return kind == Kind::null; }
  const Value& operator[](const std::string& key) const { return object.at(key); }
  const Value& operator[](std::size_t i) const { return array.at(i); }
  std::size_t size() const { return array.size(); }
};

// Throws std::runtime_error.
Value parse(std::string_view text);

}  // namespace json
