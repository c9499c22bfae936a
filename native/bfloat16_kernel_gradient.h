// The gradient of a convolution by its kernel in bfloat16: see bfloat16_convolution.cc.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "bfloat16_dots.h"
#include "convolution_bands.h"
#include "parallel_for.h"

namespace phasewise {

constexpr int64_t kMostChunks = 16, kMostSums = 1 << 19;  // of a sum over images: at most, and numbers in all of them

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2,prefer-vector-width=512")

// Adds what a band gives to sums[tap][channel][filter], from pairs of positions of the source and of the slope.
template <int vectors>
void AddBand(const Dots& dots, int64_t channels, float* sums, int64_t filters) {
  for_rows(channels, [&](auto rows, int64_t first) __attribute__((always_inline)) {
    __m512 sum[rows][vectors];
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < vectors; ++v) sum[r][v] = _mm512_loadu_ps(sums + (first + r) * filters + v * kPairs);
    Dots here = dots;
    here.a += first;
    add_dots<rows, vectors>(here, sum);
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < vectors; ++v) _mm512_storeu_ps(sums + (first + r) * filters + v * kPairs, sum[r][v]);
  });
}

// Positions that are multiplied: entries of the input, `apart` of each other in a row, and those of the slope.
struct Positions {
  const uint32_t *input, *slope;
  int64_t in_row, apart;
};

// The gradient by the kernel. The last of an odd number of outputs is paired with zeros on both sides: beside it something may lie that is
// not finite.
struct SumOverImages {
  Images input, output;
  Axis down, right;
  std::vector<Phase> vertical, horizontal;
  Bands bands;
  int64_t even, filters, taps, size, chunks;

  SumOverImages(const Images& input_, const Images& output_, const Axis& down_, const Axis& right_)
      : input(input_), output(output_), down(down_), right(right_), vertical(down.of_output(output.height)),
        horizontal(right.of_output(output.width)), bands(input, Even(input.channels) * sizeof(Bfloat16), vertical, horizontal),
        even(Even(input.channels)), filters(Padded(output.channels)), taps(down.window * right.window),
        size(taps * input.channels * filters), chunks(1) {
    while (2 * chunks <= std::min(kMostChunks, input.batch * bands.of_image) && 2 * chunks * size <= kMostSums) chunks *= 2;
  }

  // Of the outputs' rows from `first` to `end` those that see a row of the input through a row of the kernel.
  std::pair<int64_t, int64_t> RowsThatSee(int64_t row_of_kernel, int64_t first, int64_t end) const {
    const int64_t offset = row_of_kernel * down.dilation - down.before;
    const int64_t from = offset < 0 ? Portions(-offset, down.stride) : 0;
    const int64_t to = Portions(std::max<int64_t>(input.height - offset, 0), down.stride), begin = std::clamp(from, first, end);
    return {begin, std::clamp(to, begin, end)};
  }

  void Add(int64_t band, const Bfloat16* x, const Bfloat16* slope, float* sums) const {
    const Part part = bands.part(band);
    const int64_t first = bands.first(band), rows = std::min(bands.rows, output.height - first);
    const int64_t pairs = output.width / 2, single = output.width % 2;
    const int64_t row = part.columns * even, apart = right.stride * even, numbers = part.rows * row;
    Bfloat16* together = OfThread<Bfloat16>(0, numbers + apart);
    bring_together(input, x, part, even, together);
    std::fill_n(together + numbers, apart, Bfloat16{0});
    uint32_t* a = OfThread<uint32_t>(1, (1 + single) * (numbers + kPairs));
    uint32_t* a_single = a + numbers + kPairs;
    pair_rows(together, together + apart, numbers, a);
    if (single) pair_rows(together, nullptr, numbers, a_single);
    uint32_t* b = OfThread<uint32_t>(2, rows * (pairs + single) * filters);
    uint32_t* b_single = b + rows * pairs * filters;
    const Bfloat16* from = slope + (part.image * output.height + first) * output.width * output.channels;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < pairs; ++j, from += 2 * output.channels)
        pair_rows(from, from + output.channels, output.channels, b + (i * pairs + j) * filters);
      if (single) pair_rows(from, nullptr, output.channels, b_single + i * filters), from += output.channels;
    }
    const Positions paired{a, b, pairs, 2 * apart}, alone{a_single + 2 * pairs * apart, b_single, single, 0};
    std::vector<int64_t> starts(rows);
    for (int64_t i = 0; i < rows; ++i) starts[i] = i * down.stride * row;
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t panel = 0; panel < filters; panel += kPanel) {
        const int64_t at = tap / right.window * down.dilation * row + tap % right.window * right.dilation * even;
        const auto [begin, end] = RowsThatSee(tap / right.window, first, first + rows);
        for (const Positions& each : {paired, alone}) {
          const Dots dots{each.input + at, 1, each.apart, starts.data() + begin - first, end - begin, each.in_row,
                          each.slope + (begin - first) * each.in_row * filters + panel, filters};
          if (each.in_row == 0) continue;
          float* to = sums + tap * input.channels * filters + panel;
          (filters - panel > kPairs ? AddBand<2> : AddBand<1>)(dots, input.channels, to, filters);
        }
      }
  }

  void operator()(xla::ffi::ThreadPool& pool, const Bfloat16* x, const Bfloat16* slope, Bfloat16* kernel) const {
    float* sums = OfThread<float>(3, chunks * size);
    const int64_t all = input.batch * bands.of_image, of_chunk = Portions(all, chunks);
    ParallelFor(pool, chunks, [&](int64_t chunk) {
      std::fill_n(sums + chunk * size, size, 0.0f);
      for (int64_t band = chunk * of_chunk; band < std::min((chunk + 1) * of_chunk, all); ++band)
        Add(band, x, slope, sums + chunk * size);
    });
    ParallelFor(pool, taps, [&](int64_t tap) {
      for (int64_t row = tap * input.channels; row < (tap + 1) * input.channels; ++row)
        for (int64_t f = 0; f < output.channels; f += kPairs) {
          __m512 sum = _mm512_setzero_ps();
          for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += _mm512_loadu_ps(sums + chunk * size + row * filters + f);
          round_to(kernel + row * output.channels + f, sum, lanes_of(output.channels - f));
        }
    });
  }
};

#pragma GCC pop_options

}  // namespace phasewise
