#include "test.h"

// Usage: NAME_test [part of a test's name]
int main(int argc, char** argv) { return test::run_all(argc > 1 ? argv[1] : ""); }
