// A test registry small enough to need no library: TEST("name") { CHECK(...); }. One executable per file; every test
// runs, the exit status tells whether all passed, 77 that nothing could run (CTest: skipped).
#pragma once

#include <cstdio>
#include <exception>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace test {

struct Case {
  const char* name;
  std::function<void()> body;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Skip {
  std::string why;
};

struct Register {
  Register(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

inline void fail(const char* file, int line, const std::string& what) {
  ++failures();
  if (failures() <= 20) std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

// Runs the cases whose name contains `filter`.
inline int run_all(const std::string& filter) {
  int ran = 0, skipped = 0;
  for (const Case& c : cases()) {
    if (std::string(c.name).find(filter) == std::string::npos) continue;
    ++ran;
    const int before = failures();
    try {
      c.body();
    } catch (const Skip& skip) {
      ++skipped;
      std::printf("skip  %s: %s\n", c.name, skip.why.c_str());
      continue;
    } catch (const std::exception& e) {
      fail(c.name, 0, std::string("exception: ") + e.what());
    }
    std::printf("%s  %s\n", failures() == before ? "ok  " : "FAIL", c.name);
  }
  if (failures() > 0) return 1;
  return skipped == ran ? 77 : 0;
}

using Random = std::mt19937_64;

inline std::vector<float> normal(Random& random, std::size_t n, float scale = 1.0f) {
  std::normal_distribution<float> distribution(0.0f, scale);
  std::vector<float> v(n);
  for (float& x : v) x = distribution(random);
  return v;
}

}  // namespace test

#define TEST_JOIN_(a, b) a##b
#define TEST_JOIN(a, b) TEST_JOIN_(a, b)
#define TEST(name)                                                                            \
  static void TEST_JOIN(test_body_, __LINE__)();                                              \
  static const test::Register TEST_JOIN(test_register_, __LINE__)(name, TEST_JOIN(test_body_, __LINE__)); \
  static void TEST_JOIN(test_body_, __LINE__)()
#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) test::fail(__FILE__, __LINE__, #condition);   \
  } while (false)
#define CHECK_LE(a, b)                                                                 \
  do {                                                                                 \
    const auto left_ = (a);                                                            \
    const auto right_ = (b);                                                           \
    if (!(left_ <= right_)) {                                                          \
      std::ostringstream text_;                                                        \
      text_ << #a " <= " #b " is false: " << left_ << " against " << right_;           \
      test::fail(__FILE__, __LINE__, text_.str());                                     \
    }                                                                                  \
  } while (false)
#define CHECK_THROWS(expression, wanted)                                               \
  do {                                                                                 \
    bool threw_ = false;                                                               \
    try {                                                                              \
      (void)(expression);                                                              \
    } catch (const unsam::Error& e_) {                                                 \
      threw_ = e_.code() == (wanted);                                                  \
    }                                                                                  \
    if (!threw_) test::fail(__FILE__, __LINE__, #expression " does not throw " #wanted); \
  } while (false)
