#include "region_tree/cpu/elementary.h"

#include <cmath>
#include <numbers>

namespace unsam::tree {
namespace {

constexpr double kLn2 = std::numbers::ln2;
// ln 2 in two parts: whole multiples of the first, of few bits, are exact.
constexpr double kLn2High = 0.6931471803691238, kLn2Low = 1.9082149292705877e-10;

}  // namespace

double exponential(double x) {
  const double halvings = std::floor(x / kLn2 + 0.5);
  const double r = x - halvings * kLn2High - halvings * kLn2Low;
  // Taylor, |r| <= ln 2 / 2.
  double sum = 1.0;
  for (int n = 14; n > 0; --n) sum = 1.0 + (sum * r) / n;
  double k = halvings;
  for (; k > 0.0; --k) sum *= 2.0;
  for (; k < 0.0; ++k) sum *= 0.5;
  return sum;
}

double power(double x, double p) {
  double mantissa = x, exponent = 0.0;
  for (; mantissa > std::numbers::sqrt2; mantissa *= 0.5) ++exponent;
  for (; mantissa < std::numbers::sqrt2 / 2.0; mantissa *= 2.0) --exponent;
  // ln m = 2 artanh((m - 1) / (m + 1)), |z| <= 0.1716.
  const double z = (mantissa - 1.0) / (mantissa + 1.0), square = z * z;
  double series = 0.0;
  for (int n = 23; n > 0; n -= 2) series = series * square + 1.0 / n;
  return exponential(p * (exponent * kLn2High + (exponent * kLn2Low + 2.0 * z * series)));
}

}  // namespace unsam::tree
