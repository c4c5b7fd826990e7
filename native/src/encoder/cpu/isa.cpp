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
#if defined(UNSAM_X86)
UNSAM_ENCODER_TABLE(avx2)
UNSAM_ENCODER_TABLE(avx512)
UNSAM_ENCODER_TABLE(avx512bf16)
#if defined(UNSAM_AMX)
UNSAM_ENCODER_TABLE(amx)
#endif
#endif

namespace encoder {

const Kernels& kernels() {
  const char* chosen = unsam::kernels().name;
#if defined(UNSAM_X86)
  for (const Kernels* table : {&avx2::encoder_table, &avx512::encoder_table, &avx512bf16::encoder_table}) {
    if (std::strcmp(chosen, table->name) == 0) return *table;
  }
#if defined(UNSAM_AMX)
  if (std::strcmp(chosen, amx::encoder_table.name) == 0) return amx::encoder_table;
#endif
#endif
  (void)chosen;
  return portable::encoder_table;
}

}  // namespace encoder
}  // namespace unsam
