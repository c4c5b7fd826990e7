#include <cstring>
#include <initializer_list>

#include "cpu/isa.h"
#include "encoder/cpu/kernels.h"

namespace unsam {

#define UNSAM_ENCODER_TABLE(isa)                  \
  namespace isa {                                 \
  extern const encoder::Kernels encoder_table;    \
  }
UNSAM_ENCODER_TABLE(portable)
#if defined(UNSAM_AVX2)
UNSAM_ENCODER_TABLE(avx2)
#endif
#if defined(UNSAM_AVX512)
UNSAM_ENCODER_TABLE(avx512)
#endif
#if defined(UNSAM_AVX512BF16)
UNSAM_ENCODER_TABLE(avx512bf16)
#endif
#if defined(UNSAM_AMX)
UNSAM_ENCODER_TABLE(amx)
#endif

namespace encoder {

const Kernels& kernels() {
  const char* chosen = unsam::kernels().name;
  for (const Kernels* table : {
#if defined(UNSAM_AVX2)
         &avx2::encoder_table,
#endif
#if defined(UNSAM_AVX512)
         &avx512::encoder_table,
#endif
#if defined(UNSAM_AVX512BF16)
         &avx512bf16::encoder_table,
#endif
#if defined(UNSAM_AMX)
         &amx::encoder_table,
#endif
         &portable::encoder_table,
       }) {
    if (std::strcmp(chosen, table->name) == 0) return *table;
  }
  return portable::encoder_table;
}

}  // namespace encoder
}  // namespace unsam
