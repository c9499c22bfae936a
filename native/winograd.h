// The transforms of Winograd's convolution F(2, 3) of vectors of channels, for processors with AVX-512: see winograd.cc.
#pragma once
#include <immintrin.h>

#include <cstdint>

namespace phasewise {

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")

// Each takes vectors `step` apart and leaves its result among them: four of the input, three of the kernel made four, four of the
// product made two, two of the slope made four, four of the kernel's gradient made three.

static inline __attribute__((always_inline)) void of_input(__m512* d, int step) {
  const __m512 first = d[0], second = d[step], third = d[2 * step], fourth = d[3 * step];
  d[0] = first - third;
  d[step] = second + third;
  d[2 * step] = third - second;
  d[3 * step] = second - fourth;
}

static inline __attribute__((always_inline)) void of_kernel(__m512* g, int step) {
  const __m512 half = _mm512_set1_ps(0.5f), sum = g[0] + g[2 * step], middle = g[step];
  g[3 * step] = g[2 * step];
  g[step] = half * (sum + middle);
  g[2 * step] = half * (sum - middle);
}

static inline __attribute__((always_inline)) void to_output(__m512* m, int step) {
  const __m512 second = m[step], third = m[2 * step];
  m[0] = m[0] + (second + third);
  m[step] = (second - third) - m[3 * step];
}

static inline __attribute__((always_inline)) void of_slope(__m512* y, int step) {
  const __m512 first = y[0], second = y[step];
  y[step] = first + second;
  y[2 * step] = first - second;
  y[3 * step] = -second;
}

static inline __attribute__((always_inline)) void to_kernel(__m512* d, int step) {
  const __m512 half = _mm512_set1_ps(0.5f), sum = half * (d[step] + d[2 * step]);
  d[0] = d[0] + sum;
  d[step] = half * (d[step] - d[2 * step]);
  d[2 * step] = sum + d[3 * step];
}

// The same along both axes of a tile: `turn` along the columns of each of `rows` rows, then along the rows of each of `columns`.
// Tiles of one row have one axis alone.
template <bool is_plane, typename Turn>
static inline __attribute__((always_inline)) void along_axes(__m512* tile, int rows, int columns, const Turn& turn) {
#pragma GCC unroll 4
  for (int r = 0; r < (is_plane ? rows : 1); ++r) turn(tile + 4 * r, 1);
  if (!is_plane) return;
#pragma GCC unroll 4
  for (int c = 0; c < columns; ++c) turn(tile + c, 4);
}

#pragma GCC pop_options

}  // namespace phasewise
