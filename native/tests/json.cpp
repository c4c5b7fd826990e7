#include "json.h"

#include <cctype>
#include <stdexcept>

namespace json {
namespace {

struct Parser {
  std::string_view text;
  std::size_t at = 0;

  [[noreturn]] void fail() const { throw std::runtime_error("malformed JSON at byte " + std::to_string(at)); }
  char peek() {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
    if (at >= text.size()) fail();
    return text[at];
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at;
    return true;
  }
  void expect(std::string_view word) {
    if (text.substr(at, word.size()) != word) fail();
    at += word.size();
  }
  std::string string() {
    if (!take('"')) fail();
    std::string out;
    while (at < text.size() && text[at] != '"') {
      if (text[at] == '\\') ++at;  // the parity files escape nothing but quotes and backslashes
      out += text[at++];
    }
    if (at++ >= text.size()) fail();
    return out;
  }
  Value value() {
    Value v;
    switch (peek()) {
      case '{':
        v.kind = Value::Kind::object;
        ++at;
        if (take('}')) break;
        do {
          std::string key = string();
          if (!take(':')) fail();
          v.object.emplace(std::move(key), value());
        } while (take(','));
        if (!take('}')) fail();
        break;
      case '[':
        v.kind = Value::Kind::array;
        ++at;
        if (take(']')) break;
        do v.array.push_back(value());
        while (take(','));
        if (!take(']')) fail();
        break;
      case '"': v.kind = Value::Kind::string; v.string = string(); break;
      case 't': v.kind = Value::Kind::boolean; v.boolean = true; expect("true"); break;
      case 'f': v.kind = Value::Kind::boolean; expect("false"); break;
      case 'n': expect("null"); break;
      default: {
        std::size_t used = 0;
        v.kind = Value::Kind::number;
        v.number = std::stod(std::string(text.substr(at, 64)), &used);
        at += used;
      }
    }
    return v;
  }
};

}  // namespace

Value parse(std::string_view text) { return Parser{text}.value(); }

}  // namespace json
