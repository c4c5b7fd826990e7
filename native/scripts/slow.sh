#!/usr/bin/env bash
# The native tests that are too slow under a sanitizer (tests/CMakeLists.txt), in the plain build; compiles the benchmarks, too.
# With sanitized.sh each native test has run once.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake -S . -B build
cmake --build build --parallel 2 --target slow_tests benches
ctest --test-dir build --parallel 2 --output-on-failure -L slow
