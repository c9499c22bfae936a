// Convolution of a kernel of three positions along one axis or two, without strides, channels last: Winograd's F(2, 3), in which four
// products along each axis take the place of six (Lavin & Gray 2016, "Fast algorithms for convolutional neural networks").
//
// A tile of four positions of the input gives two of the output. Tile, kernel and slope are each transformed along the axes of space;
// at each of the 4 or 16 positions that gives, a matrix of tiles is multiplied by the matrix of the kernel. The gradient by the input is
// the convolution of the slope with the kernel turned around; that by the kernel sums products over the tiles.
//
// What is computed of a tile depends on that tile alone. Sums over tiles are made in chunks that their number decides, joined in order.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "convolution_roles.h"
#include "huge_pages.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#include "products.h"
#include "winograd.h"
#include "xla/ffi/api/ffi.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")

constexpr int64_t kMostChunks = 16, kFewestTilesOfChunk = 64;

// An array (batch, height, width, channels), height 1 where there is one axis.
struct Images {
  int64_t batch, height, width, channels;

  explicit Images(ffi::Span<const int64_t> dims)
      : batch(dims.front()), height(dims.size() == 4 ? dims[1] : 1), width(dims[dims.size() - 2]), channels(dims.back()) {}
};

// Tiles over the positions of `output`, which see `input` from `top` rows above and `left` columns beside.
struct Tiles {
  Images input, output;
  int64_t top, left, high, wide, count;

  Tiles(Images input_, Images output_, int64_t top_, int64_t left_)
      : input(input_), output(output_), top(top_), left(left_), high((output.height + 1) / 2), wide((output.width + 1) / 2),
        count(output.batch * high * wide) {}
};

struct Place {
  int64_t image, row, column;  // of a tile
  Place(const Tiles& tiles, int64_t tile)
      : image(tile / (tiles.high * tiles.wide)), row(tile / tiles.wide % tiles.high), column(tile % tiles.wide) {}
};

Buffer& OfThread(int which) {
  thread_local Buffer buffers[4];
  return buffers[which];
}

// Where the entries of a tile lie, `size` along each axis; `nothing` for those outside.
template <bool is_plane, int size>
void Find(const float** at, const float* array, const float* nothing, const Images& of, const Place& place, int64_t top, int64_t left) {
  const int64_t row = is_plane ? 2 * place.row - top : 0, column = 2 * place.column - left;
  const float* corner = array + ((place.image * of.height + row) * of.width + column) * of.channels;
  const bool is_inside = column >= 0 && column + size <= of.width && (!is_plane || (row >= 0 && row + size <= of.height));
  for (int64_t r = 0; r < (is_plane ? size : 1); ++r, corner += of.width * of.channels)
#pragma GCC unroll 4
    for (int64_t c = 0; c < size; ++c) {
      const bool is_there =
          is_inside || (row + r >= 0 && row + r < of.height && column + c >= 0 && column + c < of.width);
      at[4 * r + c] = is_there ? corner + c * of.channels : nothing;
    }
}

// v[position][tile][channel] of `count` tiles from `first` on; there is room for `room` tiles.
template <bool is_plane>
void TransformInput(const Tiles& tiles, const float* x, const float* nothing, int64_t first, int64_t count, int64_t room, float* v) {
  constexpr int kPositions = is_plane ? 16 : 4;
  const int64_t channels = tiles.input.channels;
  for (int64_t t = 0; t < count; ++t) {
    const float* at[kPositions];
    Find<is_plane, 4>(at, x, nothing, tiles.input, Place(tiles, first + t), tiles.top, tiles.left);
    for (int64_t c = 0; c < channels; c += kLanes) {
      __m512 d[kPositions];
#pragma GCC unroll 16
      for (int p = 0; p < kPositions; ++p) d[p] = _mm512_loadu_ps(at[p] + c);
      along_axes<is_plane>(d, 4, 4, of_input);
#pragma GCC unroll 16
      for (int p = 0; p < kPositions; ++p) _mm512_store_ps(v + (p * room + t) * channels + c, d[p]);
    }
  }
}

// z[position][panel][tile][filter] of the slope.
template <bool is_plane>
void TransformSlope(const Tiles& tiles, const float* slope, const float* nothing, int64_t first, int64_t count, int64_t room, float* z) {
  constexpr int kPositions = is_plane ? 16 : 4;
  const int64_t filters = tiles.output.channels;
  for (int64_t t = 0; t < count; ++t) {
    const float* at[kPositions];
    Find<is_plane, 2>(at, slope, nothing, tiles.output, Place(tiles, first + t), 0, 0);
    for (int64_t k = 0; k < filters; k += kLanes) {
      __m512 y[kPositions];
#pragma GCC unroll 2
      for (int r = 0; r < (is_plane ? 2 : 1); ++r)
#pragma GCC unroll 2
        for (int c = 0; c < 2; ++c) y[4 * r + c] = _mm512_loadu_ps(at[4 * r + c] + k);
      along_axes<is_plane>(y, 2, 4, of_slope);
      const int64_t panel = k / kPanel, width = panel_width(filters, panel);
      float* to = z + panel * kPanel * count + t * width + k % kPanel;
#pragma GCC unroll 16
      for (int p = 0; p < kPositions; ++p) _mm512_store_ps(to + p * room * filters, y[p]);
    }
  }
}

// The output of tiles from the products m[position][tile][filter].
template <bool is_plane>
void WriteOutput(const Tiles& tiles, const float* m, int64_t first, int64_t count, int64_t room, float* y) {
  constexpr int kPositions = is_plane ? 16 : 4;
  const auto& [batch, height, width, filters] = tiles.output;
  for (int64_t t = 0; t < count; ++t) {
    const Place place(tiles, first + t);
    const int64_t row = is_plane ? 2 * place.row : 0, column = 2 * place.column;
    float* to = y + ((place.image * height + row) * width + column) * filters;
    const bool has_right = column + 1 < width, has_below = is_plane && row + 1 < height;
    for (int64_t k = 0; k < filters; k += kLanes) {
      __m512 d[kPositions];
#pragma GCC unroll 16
      for (int p = 0; p < kPositions; ++p) d[p] = _mm512_load_ps(m + (p * room + t) * filters + k);
      along_axes<is_plane>(d, 4, 2, to_output);
      _mm512_storeu_ps(to + k, d[0]);
      if (has_right) _mm512_storeu_ps(to + filters + k, d[1]);
      if (has_below) _mm512_storeu_ps(to + width * filters + k, d[is_plane ? 4 : 0]);
      if (has_right && has_below) _mm512_storeu_ps(to + (width + 1) * filters + k, d[is_plane ? 5 : 0]);
    }
  }
}

// u[position][panel][channel][filter] from the kernel (window, channels, filters), for some of the channels.
template <bool is_plane>
void TransformKernel(const float* kernel, int64_t channels, int64_t filters, int64_t first, int64_t count, float* u) {
  constexpr int kPositions = is_plane ? 16 : 4;
  const int64_t size = channels * filters;
  for (int64_t c = first; c < first + count; ++c) {
    for (int64_t k = 0; k < filters; k += kLanes) {
      __m512 g[kPositions];
#pragma GCC unroll 3
      for (int r = 0; r < (is_plane ? 3 : 1); ++r)
#pragma GCC unroll 3
        for (int s = 0; s < 3; ++s) g[4 * r + s] = _mm512_loadu_ps(kernel + (3 * r + s) * size + c * filters + k);
      along_axes<is_plane>(g, 3, 4, of_kernel);
      const int64_t panel = k / kPanel, width = panel_width(filters, panel);
      float* to = u + panel * kPanel * channels + c * width + k % kPanel;
#pragma GCC unroll 16
      for (int p = 0; p < kPositions; ++p) _mm512_store_ps(to + p * size, g[p]);
    }
  }
}

// The gradient by the kernel, for some of the channels, from the sums d[chunk][position][channel][filter].
template <bool is_plane>
void WriteKernel(const float* d, int64_t chunks, int64_t channels, int64_t filters, int64_t first, int64_t count, float* kernel) {
  constexpr int kPositions = is_plane ? 16 : 4;
  const int64_t size = channels * filters;
  for (int64_t at = first * filters; at < (first + count) * filters; at += kLanes) {
    __m512 g[kPositions];
#pragma GCC unroll 16
    for (int p = 0; p < kPositions; ++p) g[p] = _mm512_load_ps(d + p * size + at);
    for (int64_t chunk = 1; chunk < chunks; ++chunk)
#pragma GCC unroll 16
      for (int p = 0; p < kPositions; ++p) g[p] += _mm512_load_ps(d + (chunk * kPositions + p) * size + at);
    along_axes<is_plane>(g, 4, 3, to_kernel);
#pragma GCC unroll 3
    for (int r = 0; r < (is_plane ? 3 : 1); ++r)
#pragma GCC unroll 3
      for (int s = 0; s < 3; ++s) _mm512_storeu_ps(kernel + (3 * r + s) * size + at, g[4 * r + s]);
  }
}

// The kernel (window, channels, filters) turned around: from the last position to the first, (filters, channels).
void TurnKernel(const float* kernel, int64_t channels, int64_t filters, int64_t from, int64_t to, float* turned) {
  const float* matrix = kernel + from * channels * filters;
  float* target = turned + to * channels * filters;
  for (int64_t c = 0; c < channels; c += kLanes)
    for (int64_t k = 0; k < filters; ++k)
      for (int64_t i = 0; i < kLanes; ++i) target[k * channels + c + i] = matrix[(c + i) * filters + k];
}

// Tiles at a time: what is read of the kernel, or of its gradient, serves all of them, and they fit the second cache.
int64_t TilesAtOnce(int64_t channels, int64_t filters) { return channels + filters <= 128 ? 16 : 32; }
int64_t TilesInASum(int64_t channels, int64_t filters) { return channels + filters <= 64 ? 16 : 64; }

template <bool is_plane>
void Convolve(ffi::ThreadPool& pool, const Tiles& tiles, const float* x, const float* kernel, float* y) {
  constexpr int64_t kPositions = is_plane ? 16 : 4;
  const int64_t channels = tiles.input.channels, filters = tiles.output.channels;
  float* u = OfThread(0).Floats(kPositions * channels * filters);
  ParallelFor(pool, channels / kLanes, [&](int64_t part) {
    TransformKernel<is_plane>(kernel, channels, filters, part * kLanes, kLanes, u);
  });
  const std::vector<float> nothing(channels);
  const int64_t room = TilesAtOnce(channels, filters), blocks = (tiles.count + room - 1) / room;
  const int64_t of_piece = std::max<int64_t>(1, blocks / 64);
  ParallelFor(pool, (blocks + of_piece - 1) / of_piece, [&](int64_t piece) {
    float* v = OfThread(1).Floats(kPositions * room * channels);
    float* m = OfThread(2).Floats(kPositions * room * filters);
    for (int64_t block = piece * of_piece; block < std::min((piece + 1) * of_piece, blocks); ++block) {
      const int64_t first = block * room, count = std::min(room, tiles.count - first);
      TransformInput<is_plane>(tiles, x, nothing.data(), first, count, room, v);
      for (int64_t p = 0; p < kPositions; ++p)
        multiply_all({v + p * room * channels, channels, 1, u + p * channels * filters, 0, channels, m + p * room * filters, filters, false},
                     count, filters);
      WriteOutput<is_plane>(tiles, m, first, count, room, y);
    }
  });
}

template <bool is_plane>
void ConvolveTurned(ffi::ThreadPool& pool, const Tiles& tiles, const float* kernel, const float* slope, float* dx) {
  constexpr int64_t kWindow = is_plane ? 9 : 3;
  const int64_t channels = tiles.output.channels, filters = tiles.input.channels;
  float* turned = OfThread(3).Floats(kWindow * channels * filters);
  ParallelFor(pool, kWindow, [&](int64_t at) { TurnKernel(kernel, channels, filters, at, kWindow - 1 - at, turned); });
  Convolve<is_plane>(pool, tiles, slope, turned, dx);
}

template <bool is_plane>
void SumOverTiles(ffi::ThreadPool& pool, const Tiles& tiles, const float* x, const float* slope, float* kernel) {
  constexpr int64_t kPositions = is_plane ? 16 : 4;
  const int64_t channels = tiles.input.channels, filters = tiles.output.channels, size = channels * filters;
  const int64_t room = TilesInASum(channels, filters);
  const int64_t chunks = std::clamp<int64_t>(tiles.count / kFewestTilesOfChunk, 1, kMostChunks);
  const int64_t of_chunk = (tiles.count + chunks - 1) / chunks;
  const std::vector<float> nothing(std::max(channels, filters));
  float* sums = OfThread(0).Floats(chunks * kPositions * size);
  ParallelFor(pool, chunks, [&](int64_t chunk) {
    float* v = OfThread(1).Floats(kPositions * room * channels);
    float* z = OfThread(2).Floats(kPositions * room * filters);
    float* sum = sums + chunk * kPositions * size;
    const int64_t begin = std::min(chunk * of_chunk, tiles.count), end = std::min(begin + of_chunk, tiles.count);
    if (begin == end) std::fill_n(sum, kPositions * size, 0.0f);
    for (int64_t first = begin; first < end; first += room) {
      const int64_t count = std::min(room, end - first);
      TransformInput<is_plane>(tiles, x, nothing.data(), first, count, room, v);
      TransformSlope<is_plane>(tiles, slope, nothing.data(), first, count, room, z);
      for (int64_t p = 0; p < kPositions; ++p)
        multiply_all({v + p * room * channels, 1, channels, z + p * room * filters, 0, count, sum + p * size, filters, first > begin},
                     channels, filters);
    }
  });
  ParallelFor(pool, channels / kLanes, [&](int64_t part) {
    WriteKernel<is_plane>(sums, chunks, channels, filters, part * kLanes, kLanes, kernel);
  });
}

#pragma GCC pop_options

template <bool is_plane>
void Run(ffi::ThreadPool& pool, const Array& first, const Array& second, Array& result, int64_t part, int64_t top, int64_t left) {
  const Images one(first.dimensions()), other(second.dimensions()), made(result.dimensions());
  const float *a = first.typed_data(), *b = second.typed_data();
  if (part == kOutput) return Convolve<is_plane>(pool, Tiles(one, made, top, left), a, b, result.typed_data());
  if (part == kInput) return ConvolveTurned<is_plane>(pool, Tiles(other, made, 2 - top, 2 - left), a, b, result.typed_data());
  SumOverTiles<is_plane>(pool, Tiles(one, other, top, left), a, b, result.typed_data());
}

// The arrays and the part are those of convolution.cc; `top` and `left` is the padding before the first row and column.
ffi::Error Winograd(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, int64_t top, int64_t left) {
  if (instruction_set() != InstructionSet::avx512) {
    return ffi::Error(ffi::ErrorCode::kUnimplemented, "winograd: this processor has no AVX-512");
  }
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const bool is_plane = result->dimensions().size() == 4;
  (is_plane ? Run<true> : Run<false>)(pool, first, second, *result, part, top, left);
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_winograd, phasewise::Winograd,
                              phasewise::OfConvolution<phasewise::Array>()
                                  .Attr<int64_t>("top")
                                  .Attr<int64_t>("left"));
