#!/usr/bin/env bash
# libFuzzer under AddressSanitizer and UBSan: all targets at once, for SECONDS (default 20). Needs clang++ and its
# sanitizers. Usage: native/scripts/fuzz.sh [SECONDS]; what crashes a target is left in native/build-fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."
targets=(fusion_fuzz decoder_fuzz)
CXX=clang++ cmake -S . -B build-fuzz -DUNSAM_FUZZ=ON -DUNSAM_SANITIZE=address -DUNSAM_BENCH=OFF
cmake --build build-fuzz --parallel 2 --target "${targets[@]}"
mkdir -p build-fuzz/found
running=()
for target in "${targets[@]}"; do
  build-fuzz/tests/"$target" -max_total_time="${1:-20}" -len_control=0 -max_len=400 -rss_limit_mb=3000 \
    -artifact_prefix=build-fuzz/found/ -print_final_stats=1 -verbosity=0 >build-fuzz/"$target".log 2>&1 &
  running+=($!)
done
failed=0
for i in "${!targets[@]}"; do
  wait "${running[$i]}" || failed=1
  tail -n 30 build-fuzz/"${targets[$i]}".log
done
exit $failed
