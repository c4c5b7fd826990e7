# Hierarchical fusion on the CPU: the library unsam_fusion. Its kernels are compiled once per instruction set like the
# decoder's, but never contract to fused multiply-add: they give the same bits as their TypeScript versions.
file(GLOB fusion_kernel_sources CONFIGURE_DEPENDS src/fusion/cpu/kernels/*.cpp)
set(fusion_kernel_objects)
function(unsam_fusion_kernels isa)
  add_library(unsam_fusion_kernels_${isa} OBJECT ${fusion_kernel_sources})
  target_include_directories(unsam_fusion_kernels_${isa} PRIVATE src include)
  target_compile_definitions(unsam_fusion_kernels_${isa} PRIVATE UNSAM_ISA=${isa})
  # GCC 12 takes the undefined operands in its own AVX-512 headers for uninitialised variables.
  target_compile_options(unsam_fusion_kernels_${isa} PRIVATE -ffp-contract=off -Wno-psabi
                         $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized -Wno-maybe-uninitialized> ${ARGN})
  target_link_libraries(unsam_fusion_kernels_${isa} PRIVATE unsam_options)
  set(fusion_kernel_objects ${fusion_kernel_objects} $<TARGET_OBJECTS:unsam_fusion_kernels_${isa}> PARENT_SCOPE)
endfunction()
unsam_fusion_kernels(portable)
if("avx2" IN_LIST instruction_sets)
  unsam_fusion_kernels(avx2 ${avx2})
endif()
if("avx512" IN_LIST instruction_sets)
  unsam_fusion_kernels(avx512 ${avx512} -mavx512vpopcntdq)
endif()

file(GLOB fusion_sources CONFIGURE_DEPENDS src/fusion/*.cpp src/fusion/cpu/*.cpp src/region_tree/cpu/*.cpp)
add_library(unsam_fusion STATIC ${fusion_sources} ${fusion_kernel_objects})
target_include_directories(unsam_fusion PUBLIC include PRIVATE src)
target_compile_definitions(unsam_fusion PRIVATE ${unsam_x86})
target_compile_options(unsam_fusion PRIVATE -ffp-contract=off)
target_link_libraries(unsam_fusion PUBLIC unsam PRIVATE unsam_options)
unsam_precompiled(unsam_fusion)
