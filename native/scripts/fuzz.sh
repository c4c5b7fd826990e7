#!/usr/bin/env bash
# libFuzzer under AddressSanitizer and UBSan: each target for SECONDS (default 30). Needs clang++ and its sanitizers.
# Usage: native/scripts/fuzz.sh [SECONDS]; what crashes a target is left in native/build-fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."
CXX=clang++ cmake -S . -B build-fuzz -DUNSAM_FUZZ=ON -DUNSAM_SANITIZE=address -DUNSAM_BENCH=OFF
cmake --build build-fuzz --parallel 2 --target fusion_fuzz decoder_fuzz
mkdir -p build-fuzz/found
for target in fusion_fuzz decoder_fuzz; do
  build-fuzz/tests/$target -max_total_time="${1:-30}" -len_control=0 -max_len=400 -rss_limit_mb=3000 \
    -artifact_prefix=build-fuzz/found/ -print_final_stats=1 -verbosity=0
done
