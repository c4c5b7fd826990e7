#include <cstdlib>

#include "cpu/isa.h"
#include "test.h"

// Usage: NAME_test [part of a test's name]. Skipped where UNSAM_ISA asks for what this CPU lacks.
int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // what a test printed is not lost with it
  const char* isa = std::getenv("UNSAM_ISA");
  if (isa != nullptr && *isa != '\0' && unsam::kernels_named(isa) == nullptr) {
    std::printf("skip  this CPU or build has no %s\n", isa);
    return 77;
  }
  return test::run_all(argc > 1 ? argv[1] : "");
}
