// Products of two matrices, one of them small: what a layer of many weights is made of where the batch is short. For AVX-512.
//
// The factors are packed into strips that a tile of registers runs through. A sum runs over the depth in its order, in blocks of one
// size that are added up: its bits depend neither on the place of its row and column nor on the number of threads.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "adam.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#include "streaming.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;

bool multiplies() { return instruction_set() == InstructionSet::avx512; }

#ifdef PHASEWISE_X86
constexpr int64_t kRows = 8, kLanes = 16, kColumns = 3 * kLanes;  // of a tile: 24 registers of sums
constexpr int64_t kDepth = 256;                                   // of a block
constexpr int64_t kStrips = 3;                                    // of columns in a piece of a product with weights
constexpr int64_t kWideStrips = 10, kPanels = 64;                 // of columns, at most, and of rows in a piece of a gradient by weights
constexpr int64_t kCached = 640 * kColumns;                       // numbers of a factor that stay in the second cache beside what passes

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};
using Packed = std::unique_ptr<float[], Free>;

Packed packed(int64_t count) { return Packed(static_cast<float*>(std::aligned_alloc(64, (count * 4 + 63) / 64 * 64))); }

int64_t parts(int64_t count, int64_t size) { return (count + size - 1) / size; }

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")

using Lanes = float __attribute__((vector_size(64)));
using Unaligned = float __attribute__((vector_size(64), aligned(4), may_alias));
using Places = int __attribute__((vector_size(64)));

// out[r][c] = the sum over d of a[d][r] * b[d][c], or that added to it.
void tile(int64_t depth, const float* a, const float* b, float* out, int64_t stride, bool adds) {
  Lanes sums[kRows][3] = {};
  for (int64_t d = 0; d < depth; ++d, a += kRows, b += kColumns) {
    const Lanes *row = reinterpret_cast<const Lanes*>(b), first = row[0], second = row[1], third = row[2];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      sums[r][0] += a[r] * first;
      sums[r][1] += a[r] * second;
      sums[r][2] += a[r] * third;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    auto* to = reinterpret_cast<Unaligned*>(out + r * stride);
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) to[j] = adds ? to[j] + sums[r][j] : Lanes(sums[r][j]);
  }
}

// Strips of `width` columns: to[d][c] = from[d][c], 0 past `columns`.
void pack(const float* from, int64_t stride, int64_t depth, int64_t columns, int64_t width, float* to) {
  for (int64_t d = 0; d < depth; ++d, to += width) {
    std::memcpy(to, from + d * stride, columns * 4);
    if (columns < width) std::memset(to + columns, 0, (width - columns) * 4);
  }
}

template <int kApart>
void exchange(Lanes* rows) {
  Places low, high;
  for (int j = 0; j < kLanes; ++j) low[j] = j & kApart ? 16 + j - kApart : j, high[j] = j & kApart ? 16 + j : j + kApart;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if (i & kApart) continue;
    Lanes a = rows[i], b = rows[i + kApart];
    rows[i] = __builtin_shuffle(a, b, low), rows[i + kApart] = __builtin_shuffle(a, b, high);
  }
}

// to[d][c] = from[c][d] for one strip of `width` columns, 0 past `columns`.
void pack_turned(const float* from, int64_t stride, int64_t depth, int64_t columns, int64_t width, float* to) {
  if (columns < width) std::memset(to, 0, depth * width * 4);
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    int64_t d = 0;
    for (; d + kLanes <= depth; d += kLanes) {
      Lanes rows[kLanes];
      for (int i = 0; i < kLanes; ++i) rows[i] = *reinterpret_cast<const Unaligned*>(from + (c + i) * stride + d);
      exchange<1>(rows), exchange<2>(rows), exchange<4>(rows), exchange<8>(rows);
      for (int i = 0; i < kLanes; ++i) *reinterpret_cast<Unaligned*>(to + (d + i) * width + c) = rows[i];
    }
    for (; d < depth; ++d)
      for (int64_t i = c; i < c + kLanes; ++i) to[d * width + i] = from[i * stride + d];
  }
  for (; c < columns; ++c)
    for (int64_t d = 0; d < depth; ++d) to[d * width + c] = from[c * stride + d];
}
#pragma GCC pop_options

// (rows, depth) in panels of eight rows.
Packed panels_of(ffi::ThreadPool& pool, const float* from, int64_t rows, int64_t depth) {
  Packed to = packed(parts(rows, kRows) * kRows * depth);
  ParallelFor(pool, parts(rows, kRows), [&](int64_t p) {
    pack_turned(from + p * kRows * depth, depth, depth, std::min(kRows, rows - p * kRows), kRows, to.get() + p * kRows * depth);
  });
  return to;
}

// out (rows, columns) = x (rows, depth) times weights (depth, columns); `turned`: these are (columns, depth).
void times_weights(ffi::ThreadPool& pool, const float* x, const float* weights, float* out, int64_t rows, int64_t depth, int64_t columns,
                   bool turned) {
  const Packed panels = panels_of(pool, x, rows, depth);
  const int64_t height = parts(rows, kRows) * kRows, width = kStrips * kColumns;
  ParallelFor(pool, parts(columns, width), [&](int64_t piece) {
    const int64_t first = piece * width, here = std::min(width, columns - first);
    Packed strip = packed(kDepth * kColumns), sums = packed(height * width);
    for (int64_t d = 0; d < depth; d += kDepth) {
      const int64_t deep = std::min(kDepth, depth - d);
      for (int64_t c = 0; c < here; c += kColumns) {
        const int64_t wide = std::min(kColumns, here - c), at = first + c;
        if (turned) pack_turned(weights + at * depth + d, depth, deep, wide, kColumns, strip.get());
        else pack(weights + d * columns + at, columns, deep, wide, kColumns, strip.get());
        for (int64_t r = 0; r < height; r += kRows)
          tile(deep, panels.get() + r * depth + d * kRows, strip.get(), sums.get() + r * width + c, width, d > 0);
      }
    }
    for (int64_t r = 0; r < rows; ++r) std::memcpy(out + r * columns + first, sums.get() + r * width, here * 4);
  });
}

// The product of x (depth, rows) turned and slopes (depth, columns), a run of each row at a time: `finish(place, run, count)` takes what
// belongs at `place`; `prepare(place, count)` is told some thousand cycles before.
template <typename Prepare, typename Finish>
void weight_gradient(ffi::ThreadPool& pool, const float* x, const float* slopes, int64_t depth, int64_t rows, int64_t columns,
                     const Prepare& prepare, const Finish& finish) {
  const int64_t panels = parts(rows, kRows), strips = parts(columns, kColumns);
  const int64_t width = std::clamp<int64_t>(kCached / (kColumns * depth), 2, kWideStrips) * kColumns;
  Packed left = packed(panels * kRows * depth), right = packed(strips * kColumns * depth);
  ParallelFor(pool, parts(panels, kPanels), [&](int64_t part) {
    for (int64_t p = part * kPanels; p < std::min(panels, (part + 1) * kPanels); ++p)
      pack(x + p * kRows, rows, depth, std::min(kRows, rows - p * kRows), kRows, left.get() + p * kRows * depth);
  });
  ParallelFor(pool, parts(strips, kWideStrips), [&](int64_t part) {
    for (int64_t s = part * kWideStrips; s < std::min(strips, (part + 1) * kWideStrips); ++s)
      pack(slopes + s * kColumns, columns, depth, std::min(kColumns, columns - s * kColumns), kColumns, right.get() + s * kColumns * depth);
  });
  const int64_t across = parts(columns, width);
  ParallelFor(pool, across * parts(panels, kPanels), [&](int64_t piece) {
    const int64_t first = piece % across * width, here = std::min(width, columns - first), start = piece / across * kPanels;
    alignas(64) float sums[kRows * kWideStrips * kColumns];
    for (int64_t p = start; p < std::min(panels, start + kPanels); ++p) {
      const int64_t high = std::min(kRows, rows - p * kRows), corner = p * kRows * columns + first;
      for (int64_t c = 0; c < here; c += kColumns) {
        for (int64_t r = 0; r < high; ++r) prepare(corner + r * columns + c, std::min(kColumns, here - c));
        tile(depth, left.get() + p * kRows * depth, right.get() + (first + c) * depth, sums + c, width, false);
      }
      for (int64_t r = 0; r < high; ++r) finish(corner + r * columns, sums + r * width, here);
    }
    end_of_streams();
  });
}

void write_weight_gradient(ffi::ThreadPool& pool, const float* x, const float* slopes, float* out, int64_t depth, int64_t rows,
                           int64_t columns) {
  const bool streams = rows * columns * 4 >= kStreamedBytes;
  weight_gradient(pool, x, slopes, depth, rows, columns, [](int64_t, int64_t) {}, [=](int64_t place, const float* run, int64_t count) {
    if (streams) stream(out + place, run, count * 4);
    else std::memcpy(out + place, run, count * 4);
  });
}

// Adam by a gradient that is never written: while a run of it is computed, the weights and moments that it changes are fetched.
void adam_of_product(ffi::ThreadPool& pool, const float* x, const float* slopes, float* weight, float* mean, float* square, int64_t depth,
                     int64_t rows, int64_t columns, const AdamNumbers& numbers) {
  const auto update = best_adam();
  auto prepare = [=](int64_t place, int64_t count) {
    for (const float* array : {weight, mean, square})
      for (int64_t i = place; i < place + count; i += kLanes) __builtin_prefetch(array + i, 1, 2);
  };
  weight_gradient(pool, x, slopes, depth, rows, columns, prepare, [=](int64_t place, const float* run, int64_t count) {
    update(run, weight + place, mean + place, square + place, count, numbers);
  });
}
#else
void times_weights(ffi::ThreadPool&, const float*, const float*, float*, int64_t, int64_t, int64_t, bool) {}
void write_weight_gradient(ffi::ThreadPool&, const float*, const float*, float*, int64_t, int64_t, int64_t) {}
void adam_of_product(ffi::ThreadPool&, const float*, const float*, float*, float*, float*, int64_t, int64_t, int64_t, const AdamNumbers&) {}
#endif

using Matrix = ffi::Buffer<ffi::F32, 2>;

ffi::Error product(ffi::ThreadPool pool, Matrix first, Matrix second, ffi::Result<Matrix> out, bool first_turned, bool second_turned) {
  if (!multiplies() || (first_turned && second_turned)) return ffi::Error::InvalidArgument("there is no such native product");
  const auto a = first.dimensions(), b = second.dimensions(), c = out->dimensions();
  const float *x = first.typed_data(), *y = second.typed_data();
  if (first_turned) write_weight_gradient(pool, x, y, out->typed_data(), a[0], a[1], b[1]);
  else times_weights(pool, x, y, out->typed_data(), c[0], a[1], c[1], second_turned);
  return ffi::Error::Success();
}

// The results lie where the arguments of their names do: XLA is told so, and copies what is still needed.
ffi::Error update(ffi::ThreadPool pool, Matrix x, Matrix slopes, Matrix, Matrix, Matrix, ffi::Buffer<ffi::F32> rate,
                  ffi::Result<Matrix> weight, ffi::Result<Matrix> mean, ffi::Result<Matrix> square, float mean_share, float square_share,
                  float epsilon) {
  if (!multiplies()) return ffi::Error::InvalidArgument("there is no such native product");
  adam_of_product(pool, x.typed_data(), slopes.typed_data(), weight->typed_data(), mean->typed_data(), square->typed_data(),
                  x.dimensions()[0], x.dimensions()[1], slopes.dimensions()[1], {mean_share, square_share, *rate.typed_data(), epsilon});
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_matrix_product, phasewise::product,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Ret<phasewise::Matrix>()
                                  .Attr<bool>("first_turned")
                                  .Attr<bool>("second_turned"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_adam_of_product, phasewise::update,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<xla::ffi::Buffer<xla::ffi::F32>>()
                                  .Ret<phasewise::Matrix>()
                                  .Ret<phasewise::Matrix>()
                                  .Ret<phasewise::Matrix>()
                                  .Attr<float>("mean_share")
                                  .Attr<float>("square_share")
                                  .Attr<float>("epsilon"));
