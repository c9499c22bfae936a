// Convolution of each channel by itself, channels last.
//
// For every position of what is made a table says where the entries lie that its taps meet, or that they lie outside. A row of positions is
// then gone through for 16 channels at a time, whose taps stay in registers. The gradient by the input reads the slope where the output reads
// the input; that by the kernel sums up the products that make the output. Which rows are computed together shows in no number of the
// former two; sums over rows are made in chunks that the sizes decide, joined in their order.
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "convolution_roles.h"
#include "huge_pages.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#include "xla/ffi/api/ffi.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;
using Dims = ffi::Span<const int64_t>;

constexpr int64_t kLanes = 16, kMostChunks = 16, kFewestRows = 16;

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

// table[position][tap] for a row of what is made; taps that fill up to a multiple of three lie outside.
void FillTable(const Problem& p, const float* read, const float* nothing, int64_t image, int64_t row, bool is_reverse, const float** table) {
  const int64_t high = is_reverse ? p.rows.output : p.rows.input, wide = is_reverse ? p.columns.output : p.columns.input;
  const int64_t made = is_reverse ? p.columns.input : p.columns.output;
  std::fill_n(table, made * p.taps, nothing);
  for (int64_t r = 0; r < p.rows.window; ++r) {
    const int64_t y = p.rows.Met(row, r, is_reverse);
    if (y < 0) continue;
    for (int64_t at = 0; at < made; ++at)
      for (int64_t s = 0; s < p.columns.window; ++s) {
        const int64_t x = p.columns.Met(at, s, is_reverse);
        if (x >= 0) table[at * p.taps + r * p.columns.window + s] = read + ((image * high + y) * wide + x) * p.channels;
      }
  }
}

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")

// Adds what `taps` taps give to a row of 16 channels from `channel` on; the first taps begin it.
template <int taps>
void AddTaps(const Problem& p, const float* const* table, int64_t positions, const float* kernel, int64_t channel, __mmask16 there,
             bool is_first, float* row) {
  __m512 w[taps];
#pragma GCC unroll 9
  for (int t = 0; t < taps; ++t) w[t] = _mm512_loadu_ps(kernel + t * kLanes);
  for (int64_t at = 0; at < positions; ++at, table += p.taps) {
    float* to = row + at * p.channels + channel;
    __m512 sum = is_first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(there, to);
#pragma GCC unroll 9
    for (int t = 0; t < taps; ++t) sum = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(there, table[t] + channel), w[t], sum);
    _mm512_mask_storeu_ps(to, there, sum);
  }
}

// Adds the products of a row of the slope with what each of `taps` taps meets.
template <int taps>
void SumTaps(const Problem& p, const float* const* table, int64_t positions, const float* slope, int64_t channel, __mmask16 there,
             float* sums) {
  __m512 sum[taps];
#pragma GCC unroll 9
  for (int t = 0; t < taps; ++t) sum[t] = _mm512_loadu_ps(sums + t * kLanes);
  for (int64_t at = 0; at < positions; ++at, table += p.taps) {
    const __m512 dy = _mm512_maskz_loadu_ps(there, slope + at * p.channels + channel);
#pragma GCC unroll 9
    for (int t = 0; t < taps; ++t) sum[t] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(there, table[t] + channel), dy, sum[t]);
  }
#pragma GCC unroll 9
  for (int t = 0; t < taps; ++t) _mm512_storeu_ps(sums + t * kLanes, sum[t]);
}

#pragma GCC pop_options

__mmask16 There(const Problem& p, int64_t channel) { return __mmask16(0xffff >> std::max<int64_t>(0, channel + kLanes - p.channels)); }

int64_t Blocks(const Problem& p) { return (p.channels + kLanes - 1) / kLanes; }

// The kernel as [16 channels][tap][channel], zeros where it is filled up.
std::vector<float> InBlocks(const Problem& p, const float* kernel) {
  std::vector<float> blocks(Blocks(p) * p.taps * kLanes);
  for (int64_t t = 0; t < p.rows.window * p.columns.window; ++t)
    for (int64_t c = 0; c < p.channels; ++c) blocks[(c / kLanes * p.taps + t) * kLanes + c % kLanes] = kernel[t * p.channels + c];
  return blocks;
}

// The output from the input, or in reverse the gradient by the input from the slope.
void Convolve(ffi::ThreadPool& pool, const Problem& p, const float* read, const float* kernel, float* made, bool is_reverse) {
  const int64_t high = is_reverse ? p.rows.input : p.rows.output, wide = is_reverse ? p.columns.input : p.columns.output;
  const std::vector<float> blocks = InBlocks(p, kernel), nothing(p.channels);
  const int64_t rows = p.batch * high, of_piece = std::max<int64_t>(1, std::min<int64_t>(8, rows / 8));
  ParallelFor(pool, (rows + of_piece - 1) / of_piece, [&](int64_t piece) {
    auto** table = static_cast<const float**>(OfThread(0).OfSize(wide * p.taps * sizeof(float*)));
    for (int64_t row = piece * of_piece; row < std::min((piece + 1) * of_piece, rows); ++row) {
      FillTable(p, read, nothing.data(), row / high, row % high, is_reverse, table);
      for (int64_t block = 0; block < Blocks(p); ++block) {
        const float* w = blocks.data() + block * p.taps * kLanes;
        for (int64_t t = 0; t < p.taps;) {
          const bool is_nine = p.taps - t >= 9;
          (is_nine ? AddTaps<9> : AddTaps<3>)(p, table + t, wide, w + t * kLanes, block * kLanes, There(p, block * kLanes), t == 0,
                                              made + row * wide * p.channels);
          t += is_nine ? 9 : 3;
        }
      }
    }
  });
}

void SumOverRows(ffi::ThreadPool& pool, const Problem& p, const float* x, const float* slope, float* kernel) {
  const int64_t high = p.rows.output, wide = p.columns.output, rows = p.batch * high, size = Blocks(p) * p.taps * kLanes;
  const int64_t chunks = std::clamp<int64_t>(rows / kFewestRows, 1, kMostChunks), of_chunk = (rows + chunks - 1) / chunks;
  const std::vector<float> nothing(p.channels);
  std::vector<float> sums(chunks * size);
  ParallelFor(pool, chunks, [&](int64_t chunk) {
    auto** table = static_cast<const float**>(OfThread(0).OfSize(wide * p.taps * sizeof(float*)));
    for (int64_t row = chunk * of_chunk; row < std::min((chunk + 1) * of_chunk, rows); ++row) {
      FillTable(p, x, nothing.data(), row / high, row % high, false, table);
      for (int64_t block = 0; block < Blocks(p); ++block) {
        float* sum = sums.data() + chunk * size + block * p.taps * kLanes;
        for (int64_t t = 0; t < p.taps;) {
          const bool is_nine = p.taps - t >= 9;
          (is_nine ? SumTaps<9> : SumTaps<3>)(p, table + t, wide, slope + row * wide * p.channels, block * kLanes,
                                              There(p, block * kLanes), sum + t * kLanes);
          t += is_nine ? 9 : 3;
        }
      }
    }
  });
  for (int64_t t = 0; t < p.rows.window * p.columns.window; ++t)
    for (int64_t c = 0; c < p.channels; ++c) {
      float total = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) total += sums[chunk * size + (c / kLanes * p.taps + t) * kLanes + c % kLanes];
      kernel[t * p.channels + c] = total;
    }
}

// The arrays, the part and the attributes are those of convolution.cc; as many groups and filters as channels, one axis or two.
ffi::Error Depthwise(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, Dims strides, Dims dilation,
                     Dims before) {
  if (instruction_set() != InstructionSet::avx512) {
    return ffi::Error(ffi::ErrorCode::kUnimplemented, "depthwise: this processor has no AVX-512");
  }
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const auto& [input, kernel, output] = Roles<Array>(first, second, *result, part);
  const Problem p = ProblemOf(input.dimensions(), kernel.dimensions(), output.dimensions(), strides, dilation, before);
  const float *a = first.typed_data(), *b = second.typed_data();
  if (part == kOutput) {
    Convolve(pool, p, a, b, result->typed_data(), false);
  } else if (part == kInput) {
    Convolve(pool, p, b, a, result->typed_data(), true);
  } else {
    SumOverRows(pool, p, a, b, result->typed_data());
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
