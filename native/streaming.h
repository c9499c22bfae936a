// Copies that leave the caches alone.
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace phasewise {

// Arrays above this size are read again from memory anyway: writing past the caches spares reading what is overwritten.
constexpr int64_t kStreamedBytes = 16 << 20;

inline void stream(void* to, const void* from, int64_t bytes) {
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
