# The CUDA backend: `unsam_cuda` (UNSAM_CUDA, needs nvcc), and for the tests `unsam_cuda_emulated`, the same sources as
# host C++ on an emulated device.
file(GLOB cuda_host_sources CONFIGURE_DEPENDS src/cuda/*/*.cpp src/*/cuda/*.cpp)
file(GLOB cuda_kernel_sources CONFIGURE_DEPENDS src/cuda/*/*.cu src/*/cuda/*.cu)

if(UNSAM_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 86-real 89-real 90)  # 90: code and PTX, which later devices compile for themselves
  endif()
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX} AND EXISTS /usr/local/cuda/bin/nvcc)
    set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
  endif()
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  enable_language(CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake before 3.26 does not know that nvcc speaks C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  find_package(CUDAToolkit REQUIRED)
  add_library(unsam_cuda_options INTERFACE)
  target_compile_options(unsam_cuda_options INTERFACE
    $<$<COMPILE_LANGUAGE:CUDA>:-lineinfo -Werror all-warnings -Xcompiler=-Wall,-Wextra,-Werror>
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Werror>)

  add_custom_target(device_checks)  # what scripts/gpu-check runs on a GPU

  add_library(unsam_cuda STATIC ${cuda_host_sources} ${cuda_kernel_sources})
  target_include_directories(unsam_cuda PUBLIC include PRIVATE src)
  target_include_directories(unsam_cuda SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(unsam_cuda PUBLIC unsam unsam_fusion CUDA::cudart_static PRIVATE unsam_cuda_options)
endif()

# unsam_emulated(NAME SOURCE...): a library of .cpp and .cu sources for the emulated device.
set(emulated_device ${PROJECT_SOURCE_DIR}/tests/emulated_device)
function(unsam_emulated name)
  set(sources)
  foreach(source ${ARGN})
    get_filename_component(path ${source} ABSOLUTE)
    if(path MATCHES "\\.cu$")  # host compilers do not know the suffix
      file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR} ${path})
      set(wrapper ${PROJECT_BINARY_DIR}/emulated/${relative}.cpp)
      file(CONFIGURE OUTPUT ${wrapper} CONTENT "#include \"${path}\"\n")
      list(APPEND sources ${wrapper})
    else()
      list(APPEND sources ${path})
    endif()
  endforeach()
  add_library(${name} STATIC ${sources})
  target_compile_definitions(${name} PUBLIC UNSAM_EMULATED_DEVICE)
  target_include_directories(${name} BEFORE PUBLIC ${emulated_device})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${PROJECT_SOURCE_DIR}/src)
  # No contraction to fused multiply-add; #pragma unroll is nvcc's.
  target_compile_options(${name} PRIVATE -ffp-contract=off -Wno-unknown-pragmas)
  target_link_libraries(${name} PUBLIC unsam unsam_fusion PRIVATE unsam_options)
  unsam_precompiled(${name})
endfunction()
