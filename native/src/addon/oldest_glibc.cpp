// Keeps the addon loadable with glibc 2.28, the oldest that Node itself supports, on whichever glibc it was linked.
// The linker binds a function to the newest version that the machine's glibc has, and the C++ runtime that is linked in
// (libstdc++.a, libgcc_eh.a) asks for more than our own sources do. What is defined here, hidden, is taken in place of
// glibc's newest. packages/native-cuda/scripts/check-addon.mjs names what is missing here after a change or on another
// system; docs/decisions/0021-prebuilt-addons.md says what else was tried.
#if defined(__linux__)
#include <features.h>
#endif

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))
#include <link.h>
#include <sys/random.h>

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#define UNSAM_OLDEST "GLIBC_2.2.5"
#else
#define UNSAM_OLDEST "GLIBC_2.17"
#endif
#define UNSAM_HIDDEN extern "C" __attribute__((visibility("hidden")))

// Defines `name` as a call of the oldest version of it that glibc has on this processor. In C++ it is called otherwise, so that
// what the headers and the compiler say of `name` does not matter.
#define UNSAM_OLDEST_VERSION(result, name, parameters, arguments)    \
  extern "C" result unsam_oldest_##name parameters;                  \
  __asm__(".symver unsam_oldest_" #name "," #name "@" UNSAM_OLDEST); \
  UNSAM_HIDDEN result unsam_##name parameters __asm__(#name);        \
  UNSAM_HIDDEN result unsam_##name parameters { return unsam_oldest_##name arguments; }

// 2.29: the same results, without errno set in newer ones.
UNSAM_OLDEST_VERSION(double, pow, (double base, double exponent), (base, exponent))
UNSAM_OLDEST_VERSION(double, exp, (double x), (x))
UNSAM_OLDEST_VERSION(double, exp2, (double x), (x))
UNSAM_OLDEST_VERSION(double, log, (double x), (x))
UNSAM_OLDEST_VERSION(double, log2, (double x), (x))

// 2.34: moved from libpthread, which Node links, to libc. pthread_t is an unsigned long.
UNSAM_OLDEST_VERSION(int, pthread_create,
                     (unsigned long* thread, const void* attributes, void* (*start)(void*), void* argument),
                     (thread, attributes, start, argument))
UNSAM_OLDEST_VERSION(int, pthread_join, (unsigned long thread, void** result), (thread, result))
UNSAM_OLDEST_VERSION(int, pthread_detach, (unsigned long thread), (thread))
UNSAM_OLDEST_VERSION(int, pthread_once, (int* once, void (*function)()), (once, function))
UNSAM_OLDEST_VERSION(int, __pthread_key_create, (unsigned* key, void (*destroy)(void*)), (key, destroy))

// 2.32: true would let libstdc++ count references without atomic instructions. False is always right.
UNSAM_HIDDEN char unsam_single_threaded __asm__("__libc_single_threaded");
char unsam_single_threaded = 0;

// 2.36: where std::random_device takes its numbers from.
UNSAM_HIDDEN unsigned unsam_arc4random() __asm__("arc4random");
UNSAM_HIDDEN unsigned unsam_arc4random() {
  unsigned number = 0;
  if (getentropy(&number, sizeof number) != 0) __builtin_trap();
  return number;
}

// 2.35: where the unwinder finds the table of the library that an exception passes through. The same layout as
// `struct dl_find_object` of <dlfcn.h>, which older systems lack.
struct UnwindTable {
  unsigned long long flags;
  void* begin;
  void* end;
  void* link_map;
  void* eh_frame;
  unsigned long long reserved[7];
};

struct UnwindSearch {
  std::uintptr_t address;
  UnwindTable* table;
};

static int look_into(dl_phdr_info* library, std::size_t, void* data) {
  const auto* search = static_cast<UnwindSearch*>(data);
  bool inside = false;
  void* eh_frame = nullptr;
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& segment = library->dlpi_phdr[i];
    const std::uintptr_t start = library->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_GNU_EH_FRAME) eh_frame = reinterpret_cast<void*>(start);
    if (segment.p_type != PT_LOAD) continue;
    if (search->address >= start && search->address < start + segment.p_memsz) inside = true;
    if (begin == 0 || start < begin) begin = start;
    if (start + segment.p_memsz > end) end = start + segment.p_memsz;
  }
  if (!inside || eh_frame == nullptr) return 0;
  *search->table = {0, reinterpret_cast<void*>(begin), reinterpret_cast<void*>(end), nullptr, eh_frame, {}};
  return 1;
}

UNSAM_HIDDEN int unsam_find_object(void* address, UnwindTable* table) __asm__("_dl_find_object");
UNSAM_HIDDEN int unsam_find_object(void* address, UnwindTable* table) {
  UnwindSearch search{reinterpret_cast<std::uintptr_t>(address), table};
  return dl_iterate_phdr(look_into, &search) == 1 ? 0 : -1;
}
#endif
