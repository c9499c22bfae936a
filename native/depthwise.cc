// Convolution of each channel by itself, channels last.
//
// For every position of what is made a table says where the entries lie that its taps meet, or that they lie outside. A row of positions is
// then gone through for a vector of channels at a time, whose taps stay in registers. The gradient by the input reads the slope where the output reads
// the input; that by the kernel sums up the products that make the output. Which rows are computed together shows in no number of the
// former two; sums over rows are made in chunks that the sizes decide, joined in their order.
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "buffer.h"
#include "convolution_roles.h"
#include "huge_pages.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#include "vectors.h"
#include "xla/ffi/api/ffi.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;
using Dims = ffi::Span<const int64_t>;

constexpr int64_t kMostChunks = 16, kFewestRows = 16;

// One axis, and the other one, which has one position where there is none.
struct Axis {
  int64_t input, window, output, stride, dilation, before;

  // The place in the input that a tap meets at a position of the output, or the reverse; -1 outside.
  int64_t Met(int64_t at, int64_t tap, bool is_reverse) const {
    if (!is_reverse) {
      const int64_t place = at * stride + tap * dilation - before;
      return place >= 0 && place < input ? place : -1;
    }
    const int64_t place = at - tap * dilation + before;
    return place >= 0 && place % stride == 0 && place / stride < output ? place / stride : -1;
  }
};

struct Problem {
  int64_t batch, channels, taps;
  Axis rows, columns;
};

Problem ProblemOf(Dims input, Dims window, Dims output, Dims strides, Dims dilation, Dims before) {
  const bool is_plane = strides.size() == 2;
  const size_t last = strides.size() - 1;
  Problem p{input.front(), input.back(), 0, {1, 1, 1, 1, 1, 0}, {}};
  if (is_plane) p.rows = {input[1], window[0], output[1], strides[0], dilation[0], before[0]};
  p.columns = {input[last + 1], window[last], output[last + 1], strides[last], dilation[last], before[last]};
  p.taps = (p.rows.window * p.columns.window + 2) / 3 * 3;
  return p;
}

Buffer& OfThread(int which) {
  thread_local Buffer buffers[2];
  return buffers[which];
}

// Where along a row the taps of each position meet something, in numbers from the row's begin; -1 outside. It is the same in every row.
std::vector<int64_t> PlacesInRow(const Problem& p, bool is_reverse) {
  const int64_t made = is_reverse ? p.columns.input : p.columns.output;
  std::vector<int64_t> places(made * p.columns.window);
  for (int64_t at = 0; at < made; ++at)
    for (int64_t s = 0; s < p.columns.window; ++s) {
      const int64_t x = p.columns.Met(at, s, is_reverse);
      places[at * p.columns.window + s] = x < 0 ? -1 : x * p.channels;
    }
  return places;
}

// table[position][tap] for a row of what is made; taps that fill up to a multiple of three lie outside.
void FillTable(const Problem& p, const std::vector<int64_t>& places, const float* read, const float* nothing, int64_t image, int64_t row,
               bool is_reverse, const float** table) {
  const int64_t high = is_reverse ? p.rows.output : p.rows.input, wide = is_reverse ? p.columns.output : p.columns.input;
  const int64_t window = p.columns.window, made = int64_t(places.size()) / window;
  std::fill_n(table, made * p.taps, nothing);
  for (int64_t r = 0; r < p.rows.window; ++r) {
    const int64_t y = p.rows.Met(row, r, is_reverse);
    if (y < 0) continue;
    const float* begin = read + (image * high + y) * wide * p.channels;
    for (int64_t at = 0; at < made; ++at)
      for (int64_t s = 0; s < window; ++s) {
        const int64_t place = places[at * window + s];
        if (place >= 0) table[at * p.taps + r * window + s] = begin + place;
      }
  }
}

}  // namespace

#define PHASEWISE_LOOPS "depthwise.inc"
#include "vector_copies.inc"

namespace {

// The arrays, the part and the attributes are those of convolution.cc; as many groups and filters as channels, one axis or two.
ffi::Error Depthwise(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, Dims strides, Dims dilation,
                     Dims before) {
  if (!has_vectors()) return ffi::Error(ffi::ErrorCode::kUnimplemented, "depthwise: this processor has no AVX2");
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const auto& [input, kernel, output] = Roles<Array>(first, second, *result, part);
  const Problem p = ProblemOf(input.dimensions(), kernel.dimensions(), output.dimensions(), strides, dilation, before);
  const float *a = first.typed_data(), *b = second.typed_data();
  if (part == kOutput) {
    PHASEWISE_WIDEST(Convolve)(pool, p, a, b, result->typed_data(), false);
  } else if (part == kInput) {
    PHASEWISE_WIDEST(Convolve)(pool, p, b, a, result->typed_data(), true);
  } else {
    PHASEWISE_WIDEST(SumOverRows)(pool, p, a, b, result->typed_data());
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_depthwise, phasewise::Depthwise,
                              phasewise::OfConvolution<phasewise::Array>()
                                  .Attr<xla::ffi::Span<const int64_t>>("strides")
                                  .Attr<xla::ffi::Span<const int64_t>>("dilation")
                                  .Attr<xla::ffi::Span<const int64_t>>("before"));
