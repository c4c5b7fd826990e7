// Memory that the C library holds though nobody uses it.
#pragma once

namespace unsam::addon {

/**
 * Gives it back to the system where the C library has a call for that (glibc); says whether there was any. Other
 * threads of the process that allocate wait meanwhile, some milliseconds.
 */
bool return_free_memory();

}  // namespace unsam::addon
