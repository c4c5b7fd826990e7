#include "cpu/isa.h"

#include <cstring>

#include "fusion/cpu/kernels.h"

namespace unsam {

namespace portable {
extern const FusionKernels fusion_table;
}
#if defined(UNSAM_AVX2)
namespace avx2 {
extern const FusionKernels fusion_table;
}
#endif
#if defined(UNSAM_AVX512)
namespace avx512 {
extern const FusionKernels fusion_table;
}
#endif

const FusionKernels& fusion_kernels() {
  const char* name = kernels().name;
  if (std::strcmp(name, "portable") == 0) return portable::fusion_table;
#if defined(UNSAM_AVX512)
  // The first CPUs with AVX-512 lack its popcount; for them the AVX2 kernels are as fast as any.
  if (std::strcmp(name, "avx2") != 0 && __builtin_cpu_supports("avx512vpopcntdq")) return avx512::fusion_table;
#endif
#if defined(UNSAM_AVX2)
  return avx2::fusion_table;
#else
  return portable::fusion_table;
#endif
}

}  // namespace unsam
