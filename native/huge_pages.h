// Fresh memory in large pages.
#pragma once
#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace phasewise {

// Asks for large pages around an array that is about to be written. XLA takes its memory anew for each run of a program, and where nobody
// asks Linux hands it over in pages of 4 kB, each with an interrupt: a sixth of a training step. It is a wish: where it fails all stays as it is.
inline void PreferHugePages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t kPage = 2 << 20, kFewestBytes = 1 << 18;
  if (bytes < kFewestBytes) return;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data) / kPage * kPage;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes + kPage - 1) / kPage * kPage;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace phasewise
