// Copies that leave the caches alone.
#pragma once
#include <cstdint>
#include <cstring>

#include "instruction_sets.h"

#if defined(PHASEWISE_X86)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace phasewise {

// Arrays above this size are read again from memory anyway: writing past the caches spares reading what is overwritten.
constexpr int64_t kStreamedBytes = 16 << 20;

#if defined(PHASEWISE_X86)
// In whole lines of a cache, which go to memory in one piece.
#pragma GCC push_options
#pragma GCC target("avx512f")
inline void stream_lines(void* to, const void* from, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(static_cast<char*>(to) + i), _mm512_loadu_si512(static_cast<const char*>(from) + i));
}
#pragma GCC pop_options
#endif

inline void stream(void* to, const void* from, int64_t bytes) {
#if defined(PHASEWISE_X86)
  if (reinterpret_cast<uintptr_t>(to) % 64 == 0 && bytes % 64 == 0 && instruction_set() == InstructionSet::avx512)
    return stream_lines(to, from, bytes);
#endif
#if defined(__SSE2__)
  if (reinterpret_cast<uintptr_t>(to) % 16 == 0 && bytes % 16 == 0) {
    auto* target = static_cast<__m128i*>(to);
    auto* source = static_cast<const __m128i*>(from);
    for (int64_t i = 0; i < bytes / 16; ++i) _mm_stream_si128(target + i, _mm_loadu_si128(source + i));
    return;
  }
#endif
  std::memcpy(to, from, bytes);
}

inline void end_of_streams() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace phasewise
