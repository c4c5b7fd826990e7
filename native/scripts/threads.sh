#!/usr/bin/env bash
# The tests that start threads, under ThreadSanitizer: with Clang where it is, which compiles this in two thirds of the time.
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v clang++ >/dev/null; then export CXX=clang++; fi
cmake -S . -B build-thread -DUNSAM_SANITIZE=thread -DUNSAM_BENCH=OFF
tests=(thread_team_test decoder_test encoder_test nano_test memory_test mask_kernels_test fusion_test patch_merge_test region_tree_test)
cmake --build build-thread --parallel 2 --target "${tests[@]}"
for test in "${tests[@]}"; do
  # Of the decoder those cases that are about threads: the others take minutes here.
  if [ "$test" = decoder_test ]; then cases=(threads concurrent); else cases=(""); fi
  for case in "${cases[@]}"; do build-thread/tests/"$test" "$case"; done
done
