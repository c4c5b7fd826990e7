#pragma once

#include <stdexcept>
#include <string>

namespace unsam {

// The codes of the SDK's UnSAMError that native code can raise.
enum class ErrorCode { bad_checkpoint, bad_features, bad_prompt, bad_option, bad_file, unsupported, disposed, out_of_memory, device };

constexpr const char* code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::bad_checkpoint: return "E_BAD_CHECKPOINT";
    case ErrorCode::bad_features: return "E_BAD_FILE";
    case ErrorCode::bad_prompt: return "E_BAD_PROMPT";
    case ErrorCode::bad_option: return "E_BAD_OPTION";
    case ErrorCode::bad_file: return "E_BAD_FILE";
    case ErrorCode::unsupported: return "E_UNSUPPORTED";
    case ErrorCode::disposed: return "E_DISPOSED";
    case ErrorCode::out_of_memory: return "E_OUT_OF_MEMORY";
    case ErrorCode::device: return "E_DEVICE";
  }
  return "E_RUNTIME";
}

// One sentence: what was wrong, with which value, what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace unsam
