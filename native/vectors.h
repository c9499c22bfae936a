// Vectors of floats in the registers of AVX2 and of AVX-512, under the same names in the namespaces of both: what loops are written with
// that tell the compiler how to use the registers. vector_copies.inc makes a copy of such loops for each.
#pragma once
#include <immintrin.h>

#include <cstdint>

#include "instruction_sets.h"

#define PHASEWISE_INLINE static inline __attribute__((always_inline))
#define PHASEWISE_INLINE_MEMBER inline __attribute__((always_inline))

namespace phasewise {

#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
namespace avx2 {
using Floats = __m256;
using Lanes = __m256i;  // the first few of a vector

constexpr int kMostRows = 6;  // of a product, whose sums take two registers each

PHASEWISE_INLINE Floats load(const float* from) { return _mm256_loadu_ps(from); }
PHASEWISE_INLINE void store(float* to, Floats x) { _mm256_storeu_ps(to, x); }
PHASEWISE_INLINE Floats load_aligned(const float* from) { return _mm256_load_ps(from); }
PHASEWISE_INLINE void store_aligned(float* to, Floats x) { _mm256_store_ps(to, x); }
PHASEWISE_INLINE Floats all(float x) { return _mm256_set1_ps(x); }
PHASEWISE_INLINE Floats zeros() { return _mm256_setzero_ps(); }
PHASEWISE_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }

PHASEWISE_INLINE Lanes first_lanes(int64_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
PHASEWISE_INLINE Floats load(const float* from, Lanes lanes) { return _mm256_maskload_ps(from, lanes); }
PHASEWISE_INLINE void store(float* to, Lanes lanes, Floats x) { _mm256_maskstore_ps(to, lanes, x); }
}  // namespace avx2
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")
namespace avx512 {
using Floats = __m512;
using Lanes = __mmask16;

constexpr int kMostRows = 8;

PHASEWISE_INLINE Floats load(const float* from) { return _mm512_loadu_ps(from); }
PHASEWISE_INLINE void store(float* to, Floats x) { _mm512_storeu_ps(to, x); }
PHASEWISE_INLINE Floats load_aligned(const float* from) { return _mm512_load_ps(from); }
PHASEWISE_INLINE void store_aligned(float* to, Floats x) { _mm512_store_ps(to, x); }
PHASEWISE_INLINE Floats all(float x) { return _mm512_set1_ps(x); }
PHASEWISE_INLINE Floats zeros() { return _mm512_setzero_ps(); }
PHASEWISE_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }

PHASEWISE_INLINE Lanes first_lanes(int64_t count) { return Lanes(0xffff >> (kLanes - count)); }
PHASEWISE_INLINE Floats load(const float* from, Lanes lanes) { return _mm512_maskz_loadu_ps(lanes, from); }
PHASEWISE_INLINE void store(float* to, Lanes lanes, Floats x) { _mm512_mask_storeu_ps(to, lanes, x); }
}  // namespace avx512
#pragma GCC pop_options

}  // namespace phasewise
