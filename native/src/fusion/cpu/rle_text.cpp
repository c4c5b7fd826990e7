// The text form of COCO run lengths: each number, from the fourth on its difference to the one two places before, in
// groups of 5 bits, lowest first, two's complement; a character is 48 plus the group, plus 32 if more follow.
#include <string>

#include "unsam/masks.h"

namespace unsam {
namespace {

constexpr unsigned char kFirstCharacter = 48;
constexpr unsigned kMore = 32;
constexpr unsigned kMaxGroups = 7;  // 2^35 is more than any run length or difference of two

}  // namespace

std::string encode_counts(std::span<const std::uint32_t> counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::int64_t value = counts[i];
    if (i > 2) value -= counts[i - 2];
    for (bool more = true; more;) {
      const unsigned group = static_cast<unsigned>(value & 31);
      value >>= 5;
      more = value != ((group & 16u) != 0 ? -1 : 0);  // the last group's highest bit is the sign of the whole
      text.push_back(static_cast<char>(kFirstCharacter + group + (more ? kMore : 0)));
    }
  }
  return text;
}

RunLengths decode_counts(std::string_view text) {
  RunLengths counts;
  std::int64_t value = 0;
  unsigned groups = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned code = static_cast<unsigned char>(text[i]) - static_cast<unsigned>(kFirstCharacter);
    if (code >= 2 * kMore) {
      throw Error(ErrorCode::bad_file, "The RLE string has an impossible character (code " +
                                           std::to_string(static_cast<unsigned char>(text[i])) + ") at " +
                                           std::to_string(i) + ".");
    }
    value |= static_cast<std::int64_t>(code & 31u) << (5 * groups++);
    if (code >= kMore) {
      if (groups < kMaxGroups) continue;
      throw Error(ErrorCode::bad_file, "The RLE string has a number of more than " + std::to_string(kMaxGroups) +
                                           " characters at " + std::to_string(i) + ".");
    }
    if ((code & 16u) != 0) value -= std::int64_t{1} << (5 * groups);
    if (counts.size() > 2) value += counts[counts.size() - 2];
    if (value < 0 || value > static_cast<std::int64_t>(kMaxMaskPixels)) {
      throw Error(ErrorCode::bad_file, "The RLE string has the impossible run length " + std::to_string(value) +
                                           " at " + std::to_string(i) + ".");
    }
    counts.push_back(static_cast<std::uint32_t>(value));
    value = 0;
    groups = 0;
  }
  if (groups > 0) throw Error(ErrorCode::bad_file, "The RLE string ends inside a number; it is truncated.");
  return counts;
}

}  // namespace unsam
