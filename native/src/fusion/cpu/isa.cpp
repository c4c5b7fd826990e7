#include "cpu/isa.h"

#include <cstring>

#include "fusion/cpu/kernels.h"

namespace unsam {

namespace portable {
extern const FusionKernels fusion_table;
}
#if defined(UNSAM_X86)
namespace avx2 {
extern const FusionKernels fusion_table;
}
namespace avx512 {
extern const FusionKernels fusion_table;
}
#endif

const FusionKernels& fusion_kernels() {
  const char* name = kernels().name;
  if (std::strcmp(name, "portable") == 0) return portable::fusion_table;
#if defined(UNSAM_X86)
  // The first CPUs with AVX-512 lack its popcount; for them the AVX2 kernels are as fast as any.
  const bool wide = std::strcmp(name, "avx2") != 0 && __builtin_cpu_supports("avx512vpopcntdq");
  return wide ? avx512::fusion_table : avx2::fusion_table;
#else
  return portable::fusion_table;
#endif
}

}  // namespace unsam
