// Convolution of a kernel of one position, channels last: a product of two matrices.
//
// The rows are the positions of all images; with strides those that the kernel sees. The output is rows times kernel, the gradient by the
// input the slope's rows times the kernel turned; that by the kernel sums products over the rows. A row of the output depends on its row of
// the input alone. Sums over rows are made in chunks that the sizes decide, joined in their order.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "buffer.h"
#include "convolution_roles.h"
#include "huge_pages.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#include "products.h"
#include "xla/ffi/api/ffi.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;
using Dims = ffi::Span<const int64_t>;

constexpr int64_t kBlock = 64;                                       // rows at a time, which fit the second cache
constexpr int64_t kFewestPieces = 8;                                 // that the threads share
constexpr int64_t kMostChannels = 256, kMostChunks = 16, kChunk = 128;  // of a sum over rows: at most, at most, and at least

Buffer& OfThread(int which) {
  thread_local Buffer buffers[3];
  return buffers[which];
}

// The positions that a kernel with strides sees, row by row.
struct Seen {
  int64_t count, high, wide, height, width, down, right, channels;

  // `seen` are the dims of the output, `all` those of the input, of the same batch.
  Seen(Dims seen, Dims all, Dims strides) : count(1), channels(all.back()) {
    for (size_t axis = 0; axis + 1 < seen.size(); ++axis) count *= seen[axis];
    const bool is_plane = strides.size() == 2;
    const size_t last = all.size() - 2;
    high = is_plane ? seen[1] : 1, height = is_plane ? all[1] : 1, down = is_plane ? strides[0] : 1;
    wide = seen[last], width = all[last], right = strides[strides.size() - 1];
  }

  // Where the row lies in the input.
  int64_t operator()(int64_t row) const {
    const int64_t image = row / (high * wide), y = row / wide % high, x = row % wide;
    return ((image * height + y * down) * width + x * right) * channels;
  }
};

// A matrix in panels, from rows that are `step` apart.
void Pack(const float* from, int64_t step, int64_t rows, int64_t columns, int64_t first, int64_t end, float* to) {
  for (int64_t panel = first; panel < end; ++panel) {
    const int64_t width = panel_width(columns, panel), there = std::min(kPanel, columns - panel * kPanel);
    float* target = to + panel * kPanel * rows;
    for (int64_t r = 0; r < rows; ++r, target += width) {
      std::memcpy(target, from + r * step + panel * kPanel, there * sizeof(float));
      std::fill(target + there, target + width, 0.0f);
    }
  }
}

// The same of the matrix turned: its rows are the columns of `from`.
void PackTurned(const float* from, int64_t step, int64_t rows, int64_t columns, int64_t first, int64_t end, float* to) {
  for (int64_t panel = first; panel < end; ++panel) {
    const int64_t width = panel_width(columns, panel), there = std::min(kPanel, columns - panel * kPanel);
    float* target = to + panel * kPanel * rows;
    if (there < width) std::fill_n(target, width * rows, 0.0f);
    for (int64_t begin = 0; begin < rows; begin += kLanes)
      for (int64_t j = 0; j < there; ++j)
        for (int64_t r = begin; r < std::min(begin + kLanes, rows); ++r) target[r * width + j] = from[(panel * kPanel + j) * step + r];
  }
}

// Rows as they lie, or brought together from where they lie.
const float* Gathered(const float* x, const Seen* seen, int64_t first, int64_t rows, int64_t columns) {
  if (!seen) return x + first * columns;
  float* together = OfThread(1).Floats(rows * columns);
  for (int64_t r = 0; r < rows; ++r) std::memcpy(together + r * columns, x + (*seen)(first + r), columns * sizeof(float));
  return together;
}

// y = x times the matrix in the panels `u`. The rows of x, or those of y, may lie apart.
void MultiplyRows(ffi::ThreadPool& pool, const float* x, const Seen* read, const float* u, float* y, const Seen* written, int64_t rows,
                  int64_t inner, int64_t columns) {
  const int64_t blocks = (rows + kBlock - 1) / kBlock, all = panels(columns);
  const int64_t parts = read || written ? 1 : std::clamp<int64_t>((kFewestPieces + blocks - 1) / std::max<int64_t>(blocks, 1), 1, all);
  const int64_t of_part = (all + parts - 1) / parts * kPanel;
  ParallelFor(pool, blocks * parts, [&](int64_t piece) {
    const int64_t first = piece / parts * kBlock, count = std::min(kBlock, rows - first);
    const int64_t column = piece % parts * of_part, there = std::min(of_part, columns - column);
    if (there <= 0) return;
    const float* a = Gathered(x, read, first, count, inner);
    float* out = written ? OfThread(2).Floats(count * columns) : y + first * columns;
    multiply_all({a, inner, 1, u + column * inner, 0, inner, out + column, columns, false}, count, there);
    for (int64_t r = 0; written && r < count; ++r) std::memcpy(y + (*written)(first + r), out + r * columns, columns * sizeof(float));
  });
}

template <typename Packing>
float* Packed(ffi::ThreadPool& pool, const Packing& pack, const float* kernel, int64_t step, int64_t rows, int64_t columns) {
  float* u = OfThread(0).Floats(rows * padded(columns));
  const int64_t all = panels(columns), at_once = rows * columns < 1 << 14 ? all : 1;
  ParallelFor(pool, (all + at_once - 1) / at_once, [&](int64_t part) {
    pack(kernel, step, rows, columns, part * at_once, std::min(all, (part + 1) * at_once), u);
  });
  return u;
}

// kernel[c][k] = the sum over the rows of x[row][c] * slope[row][k].
void SumOverRows(ffi::ThreadPool& pool, const float* x, const Seen* read, const float* slope, float* kernel, int64_t rows, int64_t channels,
                 int64_t filters) {
  const int64_t groups = (channels + kMostChannels - 1) / kMostChannels, size = channels * filters;
  const int64_t chunks = std::clamp<int64_t>(rows / kChunk, 1, std::max<int64_t>(kMostChunks / groups, 1));
  const int64_t of_chunk = (rows + chunks - 1) / chunks;
  float* sums = chunks > 1 ? OfThread(0).Floats(chunks * size) : kernel;
  ParallelFor(pool, chunks * groups, [&](int64_t piece) {
    const int64_t chunk = piece / groups, channel = piece % groups * kMostChannels;
    const int64_t begin = std::min(chunk * of_chunk, rows), end = std::min(begin + of_chunk, rows);
    float* sum = sums + chunk * size + channel * filters;
    const int64_t here = std::min(kMostChannels, channels - channel);
    if (begin == end) std::fill_n(sum, here * filters, 0.0f);
    float* z = OfThread(2).Floats(kBlock * padded(filters));
    for (int64_t first = begin; first < end; first += kBlock) {
      const int64_t count = std::min(kBlock, end - first);
      const float* a = Gathered(x, read, first, count, channels) + channel;
      Pack(slope + first * filters, filters, count, filters, 0, panels(filters), z);
      multiply_all({a, 1, channels, z, 0, count, sum, filters, first > begin}, here, filters);
    }
  });
  if (chunks == 1) return;
  ParallelFor(pool, (size + kBlock * kBlock - 1) / (kBlock * kBlock), [&](int64_t part) {
    const int64_t begin = part * kBlock * kBlock, end = std::min(begin + kBlock * kBlock, size);
    std::copy(sums + begin, sums + end, kernel + begin);
    for (int64_t chunk = 1; chunk < chunks; ++chunk)
      for (int64_t i = begin; i < end; ++i) kernel[i] += sums[chunk * size + i];
  });
}

// The arrays and the part are those of convolution.cc. Strides other than 1 have one axis or two.
ffi::Error Pointwise(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, Dims strides) {
  if (instruction_set() != InstructionSet::avx512) {
    return ffi::Error(ffi::ErrorCode::kUnimplemented, "pointwise: this processor has no AVX-512");
  }
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const auto& [input, kernel, output] = Roles<Array>(first, second, *result, part);
  const Dims window = kernel.dimensions();
  const int64_t channels = window[window.size() - 2], filters = window.back();
  const Seen apart(output.dimensions(), input.dimensions(), strides);
  const bool sees_all = std::all_of(strides.begin(), strides.end(), [](int64_t stride) { return stride == 1; });
  const Seen* seen = sees_all ? nullptr : &apart;
  float* x = const_cast<float*>(input.typed_data());
  float* k = const_cast<float*>(kernel.typed_data());
  float* y = const_cast<float*>(output.typed_data());
  if (part == kOutput) {
    const float* u = Packed(pool, Pack, k, filters, channels, filters);
    MultiplyRows(pool, x, seen, u, y, nullptr, apart.count, channels, filters);
  } else if (part == kInput) {
    const float* u = Packed(pool, PackTurned, k, filters, filters, channels);
    const int64_t size = int64_t(input.element_count()), piece = 1 << 16;
    if (seen)
      ParallelFor(pool, (size + piece - 1) / piece, [&](int64_t i) { std::fill(x + i * piece, x + std::min((i + 1) * piece, size), 0.0f); });
    MultiplyRows(pool, y, nullptr, u, x, seen, apart.count, filters, channels);
  } else {
    SumOverRows(pool, x, seen, y, k, apart.count, channels, filters);
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_pointwise, phasewise::Pointwise,
                              phasewise::OfConvolution<phasewise::Array>()
                                  .Attr<xla::ffi::Span<const int64_t>>("strides"));
