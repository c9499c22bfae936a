// Sums of products of pairs of bfloat16 in registers, for processors with AVX512-BF16.
//
// A pair is two entries in 32 bits. An instruction multiplies both entries of a pair with both of another and adds the products, in
// float32. For each sum these are the same in the same order, whatever sums it is computed with.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "bfloat16.h"

namespace phasewise {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2,prefer-vector-width=512")

constexpr int64_t kPairs = 16;          // in a vector
constexpr int64_t kPanel = 2 * kPairs;  // channels of a result that are computed together

inline int64_t Padded(int64_t channels) { return (channels + kPairs - 1) / kPairs * kPairs; }
inline int64_t Even(int64_t channels) { return (channels + 1) / 2 * 2; }
inline const uint32_t* Pairs(const Bfloat16* entries) { return reinterpret_cast<const uint32_t*>(entries); }

// For each of `count` starts `inner` pairs of a, `next` apart, each times the next row of b. Rows of the sums have their pairs `row` apart.
struct Dots {
  const uint32_t* a;
  int64_t row, next;
  const int64_t* starts;
  int64_t count, inner;
  const uint32_t* b;
  int64_t b_row;
};

template <int rows, int vectors>
static inline __attribute__((always_inline)) void add_dots(const Dots& d, __m512 (&sums)[rows][vectors]) {
  const uint32_t* b = d.b;
  for (int64_t start = 0; start < d.count; ++start) {
    const uint32_t* a = d.a + d.starts[start];
    for (int64_t i = 0; i < d.inner; ++i, a += d.next, b += d.b_row) {
      __m512i of_b[vectors];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) of_b[v] = _mm512_loadu_si512(b + v * kPairs);
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
        const __m512i of_a = _mm512_set1_epi32(int(a[r * d.row]));
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) sums[r][v] = _mm512_dpbf16_ps(sums[r][v], (__m512bh)of_b[v], (__m512bh)of_a);
      }
    }
  }
}

// work(rows, first row) until all of `count` are done, as many rows at a time as there are registers for.
template <typename Work>
static inline __attribute__((always_inline)) void for_rows(int64_t count, const Work& work) {
  int64_t r = 0;
  for (; r + 8 <= count; r += 8) work(std::integral_constant<int, 8>{}, r);
  if (r + 4 <= count) work(std::integral_constant<int, 4>{}, r), r += 4;
  if (count - r == 3) return work(std::integral_constant<int, 3>{}, r);
  if (count - r == 2) return work(std::integral_constant<int, 2>{}, r);
  if (count - r == 1) return work(std::integral_constant<int, 1>{}, r);
}

// The lanes of a vector in which there are numbers, where `count` are left.
static inline __mmask16 lanes_of(int64_t count) { return __mmask16(0xffff >> (kPairs - std::min(count, kPairs))); }

// Rounds sums to where they belong.
static inline __attribute__((always_inline)) void round_to(Bfloat16* to, __m512 sums, __mmask16 lanes) {
  _mm256_mask_storeu_epi16(to, lanes, (__m256i)_mm512_cvtneps_pbh(sums));
}

// Pairs of the entries of two rows, or of one and zeros where there is no second: `count` of them, up to the end of a vector.
static inline void pair_rows(const Bfloat16* first, const Bfloat16* second, int64_t count, uint32_t* to) {
  for (int64_t i = 0; i < count; i += kPairs) {
    const __mmask16 lanes = lanes_of(count - i);
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, first + i));
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(second ? lanes : __mmask16(0), second + i));
    _mm512_storeu_si512(to + i, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
  }
}

#pragma GCC pop_options

}  // namespace phasewise
