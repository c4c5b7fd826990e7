// Memory attention and memory encoder as plainly as possible and in double: one loop per formula, nothing folded, rotations on
// neighbouring channels as the official code turns them. It shares nothing with the code it checks.
#pragma once

#include <vector>

#include "random_memory.h"

namespace test {

std::vector<double> reference_attention(const unsam::RandomMemory& model, const std::vector<float>& features,
                                        const unsam::RandomFeed& feed);
std::vector<double> reference_memory(const unsam::RandomMemory& model, const std::vector<float>& features,
                                     const std::vector<float>& mask, bool absent);

}  // namespace test
