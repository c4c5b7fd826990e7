// Arguments as C++ values. Arrays are copied: JavaScript may detach, transfer or change a buffer while a thread of ours
// reads it, and Node-API offers no way to hold on to its memory, other than to that of a SharedArrayBuffer.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "float_input.h"
#include "unsam/error.h"

namespace unsam::addon {

// All of these throw Error(code), saying `what` was wrong.
Napi::Object read_object(Napi::Value value, const std::string& what, ErrorCode code);
std::vector<float> read_floats(Napi::Value value, const std::string& what, ErrorCode code);
std::vector<std::int32_t> read_integers(Napi::Value value, const std::string& what, ErrorCode code);
std::vector<std::uint32_t> read_words(Napi::Value value, const std::string& what, ErrorCode code);
std::vector<std::uint8_t> read_bytes(Napi::Value value, const std::string& what, ErrorCode code);
std::vector<std::uint16_t> read_shorts(Napi::Value value, const std::string& what, ErrorCode code);
std::vector<double> read_doubles(Napi::Value value, const std::string& what, ErrorCode code);
// Not copied where the memory is shared.
FloatInput read_float_input(Napi::Value value, const std::string& what, ErrorCode code);
// The first cell of an Int32Array on a SharedArrayBuffer, which must be kept alive while it is read.
const std::int32_t* read_shared_cell(Napi::Value value, const std::string& what, ErrorCode code);
// Appends the values of a Float32Array.
void append_floats(std::vector<float>& values, Napi::Value value, const std::string& what, ErrorCode code);
// A whole number from 0 to 2^53 - 1.
std::size_t read_count(Napi::Value value, const std::string& what, ErrorCode code);
// Any number but NaN.
double read_number(Napi::Value value, const std::string& what, ErrorCode code);
bool read_flag(Napi::Value value, const std::string& what, ErrorCode code);

}  // namespace unsam::addon
