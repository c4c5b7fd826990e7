#include "test.h"

int main() { return test::run_all(); }
