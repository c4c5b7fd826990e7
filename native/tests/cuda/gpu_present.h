// Whether this machine has an NVIDIA GPU, whatever the CUDA runtime makes of it: where it has one, a test that is skipped hides
// a broken driver or build.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <system_error>

inline bool gpu_present() {
  std::error_code none;
  if (std::filesystem::exists("/dev/nvidia0", none)) return true;
  return std::system("nvidia-smi -L > /dev/null 2>&1") == 0;  // succeeds only where it finds a GPU
}
