// Products of small matrices in registers, for processors with AVX-512.
//
// out[r][j] = the sum over i of a[r][i] * b[i][j]: for each number the same multiplications and additions in the same order, whatever
// rows it is computed with.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstdint>

namespace phasewise {

constexpr int64_t kLanes = 16, kPanel = 32, kRows = 8;

// A matrix of `panels(columns)` panels: each has 32 columns (the last one the rest, rounded up to 16, padded with zeros), row after row.
inline int64_t panels(int64_t columns) { return (columns + kPanel - 1) / kPanel; }
inline int64_t panel_width(int64_t columns, int64_t panel) { return columns - panel * kPanel > kLanes ? kPanel : kLanes; }
inline int64_t padded(int64_t columns) { return (columns + kLanes - 1) / kLanes * kLanes; }

// What is multiplied: rows of `a` are `row` apart and their entries `next`; rows of `b` are `b_row` apart, those of the result `out_row`.
struct Factors {
  const float* a;
  int64_t row, next;
  const float* b;
  int64_t b_row, count;
  float* out;
  int64_t out_row;
  bool adds;  // to what is in `out`
};

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")

// `last` are the columns of the last vector that there are: all of them where `is_whole`.
template <int rows, int vectors, bool is_whole>
static inline __attribute__((always_inline)) void multiply(const Factors& f, __mmask16 last) {
  const auto is_cut = [](int vector) { return !is_whole && vector == vectors - 1; };
  __m512 sums[rows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      const float* from = f.out + r * f.out_row + v * kLanes;
      sums[r][v] = !f.adds ? _mm512_setzero_ps() : is_cut(v) ? _mm512_maskz_loadu_ps(last, from) : _mm512_loadu_ps(from);
    }
  const float *a = f.a, *b = f.b;
  for (int64_t i = 0; i < f.count; ++i, a += f.next, b += f.b_row) {
    __m512 of_b[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) of_b[v] = _mm512_loadu_ps(b + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const __m512 of_a = _mm512_set1_ps(a[r * f.row]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sums[r][v] = _mm512_fmadd_ps(of_a, of_b[v], sums[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      float* to = f.out + r * f.out_row + v * kLanes;
      if (is_cut(v)) {
        _mm512_mask_storeu_ps(to, last, sums[r][v]);
      } else {
        _mm512_storeu_ps(to, sums[r][v]);
      }
    }
}

// All rows of a product with one panel that has `columns` columns of numbers.
template <int vectors, bool is_whole>
static inline void multiply_panel(Factors f, int64_t rows, int64_t columns) {
  const __mmask16 last = __mmask16(0xffff >> (vectors * kLanes - columns));
  int64_t r = 0;
  for (; r + kRows <= rows; r += kRows, f.a += kRows * f.row, f.out += kRows * f.out_row) multiply<kRows, vectors, is_whole>(f, last);
  for (; r < rows; ++r, f.a += f.row, f.out += f.out_row) multiply<1, vectors, is_whole>(f, last);
}

static inline void multiply_panel(const Factors& f, int64_t rows, int64_t columns) {
  if (columns == kPanel) return multiply_panel<2, true>(f, rows, columns);
  if (columns > kLanes) return multiply_panel<2, false>(f, rows, columns);
  if (columns == kLanes) return multiply_panel<1, true>(f, rows, columns);
  multiply_panel<1, false>(f, rows, columns);
}

// The whole product: `b` has `columns` columns in panels, and is used in stretches of its rows that stay in the first cache.
static inline void multiply_all(Factors f, int64_t rows, int64_t columns) {
  constexpr int64_t kStretch = 128;
  const Factors whole = f;
  for (int64_t begin = 0; begin < whole.count; begin += kStretch) {
    f.a = whole.a + begin * whole.next;
    f.count = std::min(kStretch, whole.count - begin);
    f.adds = whole.adds || begin > 0;
    for (int64_t panel = 0; panel < panels(columns); ++panel) {
      f.b_row = panel_width(columns, panel);
      f.b = whole.b + panel * kPanel * whole.count + begin * f.b_row;
      f.out = whole.out + panel * kPanel;
      multiply_panel(f, rows, std::min(kPanel, columns - panel * kPanel));
    }
  }
}

#pragma GCC pop_options

}  // namespace phasewise
