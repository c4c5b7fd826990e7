// exp and powers out of +, -, * and / alone, which IEEE 754 rounds one way only, so that a tree does not depend on the C
// library. core/src/region-tree/elementary.ts has the same operations in the same order.
#pragma once

namespace unsam::tree {

// For x from -700 to 700, within 1e-15 of it.
double exponential(double x);

// x^p for x > 0, within 1e-15 max(1, |p ln x|) of it.
double power(double x, double p);

}  // namespace unsam::tree
