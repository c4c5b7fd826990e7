#include "cpu/isa.h"

#include <cstdlib>
#include <cstring>
#include <string>

#if defined(UNSAM_AMX)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "unsam/error.h"

namespace unsam {

namespace portable {
extern const Kernels table;
}
#if defined(UNSAM_AVX2)
namespace avx2 {
extern const Kernels table;
}
#endif
#if defined(UNSAM_AVX512)
namespace avx512 {
extern const Kernels table;
}
#endif
#if defined(UNSAM_AVX512BF16)
namespace avx512bf16 {
extern const Kernels table;
}
#endif
#if defined(UNSAM_AMX)
namespace amx {
extern const Kernels table;
}
#endif

namespace {

#if defined(UNSAM_AVX2)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
#if defined(UNSAM_AVX512)
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif
#if defined(UNSAM_AVX512BF16)
bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }
#endif

#if defined(UNSAM_AMX)
// Linux gives a process its tile registers on request only, and may refuse; asked once.
bool has_amx() {
  static const bool granted = [] {
    constexpr unsigned tile_and_bf16 = 1u << 24 | 1u << 22;  // of leaf 7, EDX
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!has_avx512bf16() || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & tile_and_bf16) != tile_and_bf16) return false;
    constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  }();
  return granted;
}
#endif

const Kernels& best() {
#if defined(UNSAM_AMX)
  if (has_amx()) return amx::table;
#endif
#if defined(UNSAM_AVX512BF16)
  if (has_avx512bf16()) return avx512bf16::table;
#endif
#if defined(UNSAM_AVX512)
  if (has_avx512()) return avx512::table;
#endif
#if defined(UNSAM_AVX2)
  if (has_avx2()) return avx2::table;
#endif
  return portable::table;
}

}  // namespace

const Kernels* kernels_named(const char* name) {
  if (std::strcmp(name, "portable") == 0) return &portable::table;
#if defined(UNSAM_AMX)
  if (std::strcmp(name, "amx") == 0 && has_amx()) return &amx::table;
#endif
#if defined(UNSAM_AVX512BF16)
  if (std::strcmp(name, "avx512bf16") == 0 && has_avx512bf16()) return &avx512bf16::table;
#endif
#if defined(UNSAM_AVX512)
  if (std::strcmp(name, "avx512") == 0 && has_avx512()) return &avx512::table;
#endif
#if defined(UNSAM_AVX2)
  if (std::strcmp(name, "avx2") == 0 && has_avx2()) return &avx2::table;
#endif
  return nullptr;
}

const Kernels& kernels() {
  const char* wanted = std::getenv("UNSAM_ISA");
  if (wanted == nullptr || *wanted == '\0') return best();
  const Kernels* found = kernels_named(wanted);
  if (found == nullptr) {
    throw Error(ErrorCode::bad_option, "UNSAM_ISA is \"" + std::string(wanted) +
                                           "\", which this CPU or build does not have; use portable, avx2, avx512, "
                                           "avx512bf16 or amx, or unset it.");
  }
  return *found;
}

}  // namespace unsam
