#include "decoder/cpu/workspace.h"

#include <algorithm>

namespace unsam {

void Workspace::reserve_rows(std::size_t rows) {
  for (Buffer<float>* b : {&position, &queries, &with_position, &q, &k, &v, &mixed, &update}) b->reserve(rows * kDim);
  hidden.reserve(std::min(rows, kHiddenRows) * kMlp);
  for (Buffer<float>* b : {&query, &key, &value1, &value2, &attention}) b->reserve(rows * kInner);
  for (Buffer<float>* b : {&head_a, &head_b}) b->reserve(kMaxSlots * kGroupPrompts * kDim);
}

}  // namespace unsam
