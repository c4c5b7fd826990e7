#!/usr/bin/env bash
# The native tests under AddressSanitizer and UBSan: with Clang where it is, in the build that fuzz.sh uses, else with the
# default compiler. Those marked as slow (tests/CMakeLists.txt) are for slow.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v clang++ >/dev/null; then
  build=build-fuzz
  CXX=clang++ cmake -S . -B $build -DUNSAM_FUZZ=ON -DUNSAM_SANITIZE=address -DUNSAM_BENCH=OFF
else
  build=build-address
  cmake -S . -B $build -DUNSAM_SANITIZE=address -DUNSAM_BENCH=OFF
fi
cmake --build $build --parallel 2
ctest --test-dir $build --parallel 2 --output-on-failure -LE slow
