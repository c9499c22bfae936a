// Convolution along one axis or two in bfloat16, channels last, for processors with AVX512-BF16: the products as they are written.
//
// An image, or a band of its rows, is brought with its padding into memory of the thread's own, where every output sees the kernel at the
// same steps from its place. The gradient by the input sees the slope in the same way; with strides, outputs of one remainder at a time.
// The gradient by the kernel sums over pairs of neighbouring positions. Sums are in float32, and rounded once.
//
// What is computed of an image depends on that image alone. Sums over images are made in chunks that the sizes decide, joined in order.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "buffer.h"
#include "convolution_axes.h"
#include "huge_pages.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#ifdef PHASEWISE_BFLOAT16
#include "bfloat16_dots.h"
#endif

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::BF16>;
using Numbers = ffi::Span<const int64_t>;

#ifdef PHASEWISE_BFLOAT16
constexpr int64_t kPanel = 2 * kPairs;                    // channels of the result that are computed together
constexpr int64_t kBand = 32 << 10;                       // numbers of an image that are brought together, about
constexpr int64_t kFewestPieces = 8;                      // that the threads share
constexpr int64_t kMostChunks = 16, kMostSums = 1 << 19;  // of a sum over images: at most, and numbers in all of them

template <typename Number>
Number* OfThread(int which, int64_t count) {
  thread_local Buffer buffers[4];
  return static_cast<Number*>(buffers[which].OfSize(count * sizeof(Number)));
}

int64_t Portions(int64_t count, int64_t size) { return (count + size - 1) / size; }
int64_t Padded(int64_t channels) { return Portions(channels, kPairs) * kPairs; }
const uint32_t* Pairs(const Bfloat16* entries) { return reinterpret_cast<const uint32_t*>(entries); }

// Bands of rows of outputs, for all images one after the other.
struct Bands {
  Reach down, right;
  int64_t rows, of_image, columns;

  Bands(const Images& seen, const std::vector<Phase>& vertical, const std::vector<Phase>& horizontal)
      : down(vertical), right(horizontal), columns(right.span(right.count)) {
    const int64_t numbers = down.span(down.count) * columns * seen.even_channels();
    const int64_t wished = std::max(Portions(numbers, kBand), Portions(kFewestPieces, std::max<int64_t>(seen.batch, 1)));
    rows = Portions(down.count, std::clamp<int64_t>(wished, 1, down.count));
    of_image = Portions(down.count, rows);
  }

  // The first row of outputs in a band of an image.
  int64_t first(int64_t band) const { return band % of_image * rows; }

  Part part(int64_t band) const {
    return {band / of_image, first(band) * down.seen + down.low, down.span(rows), right.low, columns};
  }
};

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2,prefer-vector-width=512")

// A kernel from the channels of a source to those of a result, whose entries lie `of_source` and `of_made` apart.
struct Kernel {
  const Bfloat16* entries;
  int64_t source, of_source, made, of_made;
};

// The outputs of one phase along each axis, with their taps' entries of the kernel as they are used: [panel][tap][pair][channel].
struct Outputs {
  const Phase *vertical, *horizontal;
  uint32_t* packed;
  std::vector<int64_t> starts;  // of the taps, in pairs from the place of an output

  Outputs(const Phase& v, const Phase& h, const Bands& bands, int64_t channels, uint32_t* at) : vertical(&v), horizontal(&h), packed(at) {
    for (const Tap& row : v.taps)
      for (const Tap& column : h.taps)
        starts.push_back(((row.offset - bands.down.low) * bands.columns + column.offset - bands.right.low) * channels / 2);
  }

  int64_t pairs_of_channel(const Kernel& kernel) const { return int64_t(starts.size()) * Portions(kernel.source, 2); }

  void Pack(const Kernel& kernel, int64_t width_of_kernel, int64_t panel) {
    const int64_t width = std::min(kPanel, Padded(kernel.made) - panel), there = std::min(width, kernel.made - panel);
    uint32_t* to = packed + panel * pairs_of_channel(kernel);
    for (const Tap& row : vertical->taps)
      for (const Tap& column : horizontal->taps) {
        const int64_t position = row.position * width_of_kernel + column.position;
        const Bfloat16* from = kernel.entries + position * kernel.source * kernel.made + panel * kernel.of_made;
        for (int64_t s = 0; s < kernel.source; s += 2, from += 2 * kernel.of_source, to += width) {
          const bool is_last = s + 1 == kernel.source;
          for (int64_t m = 0; m < there; ++m) {
            const Bfloat16* entry = from + m * kernel.of_made;
            to[m] = entry->bits | (is_last ? 0 : uint32_t(entry[kernel.of_source].bits) << 16);
          }
          std::fill(to + there, to + width, 0);
        }
      }
  }
};

// A row of outputs in a panel: those of `row` and the channels from `panel` on.
template <int vectors>
void RowOfOutputs(const Dots& dots, int64_t outputs, Bfloat16* to, int64_t step, int64_t channels) {
  const __mmask16 lanes = lanes_of(channels - (vectors - 1) * kPairs);
  for_rows(outputs, [&](auto rows, int64_t first) __attribute__((always_inline)) {
    __m512 sums[rows][vectors] = {};
    Dots here = dots;
    here.a += first * dots.row;
    add_dots<rows, vectors>(here, sums);
    for (int r = 0; r < rows; ++r)
      for (int v = 0; v < vectors; ++v)
        round_to(to + (first + r) * step + v * kPairs, sums[r][v], v == vectors - 1 ? lanes : __mmask16(0xffff));
  });
}

// The outputs of a band, from the source brought together at `x`.
void Compute(const Outputs& of, const Kernel& kernel, const Bands& bands, const Part& part, int64_t first, const Bfloat16* x,
             const Images& source, const Images& made, Bfloat16* y) {
  const Phase &v = *of.vertical, &h = *of.horizontal;
  const int64_t inner = Portions(kernel.source, 2), row = bands.columns * inner, across = int64_t(h.taps.size());
  for (int64_t panel = 0; panel < made.channels; panel += kPanel) {
    const int64_t width = std::min(kPanel, Padded(made.channels) - panel);
    const uint32_t* packed = of.packed + panel * of.pairs_of_channel(kernel);
    for (int64_t i = first; i < std::min(first + bands.rows, v.count); ++i) {
      const Seeing rows(v, i, source.height);
      const Dots dots{Pairs(x) + (i - first) * v.seen * row, h.seen * inner, 1, of.starts.data() + rows.first * across,
                      (rows.end - rows.first) * across, inner, packed + rows.first * across * inner * width, width};
      Bfloat16* to = y + ((part.image * made.height + v.first + i * v.step) * made.width + h.first) * made.channels + panel;
      (width == kPanel ? RowOfOutputs<2> : RowOfOutputs<1>)(dots, h.count, to, h.step * made.channels, made.channels - panel);
    }
  }
}

void Convolve(ffi::ThreadPool& pool, const Images& source, const Bfloat16* x, const Kernel& kernel, const std::vector<Phase>& vertical,
              const std::vector<Phase>& horizontal, int64_t window, int64_t width_of_kernel, const Images& made, Bfloat16* y) {
  const Bands bands(source, vertical, horizontal);
  uint32_t* packed = OfThread<uint32_t>(0, window * Portions(source.channels, 2) * Padded(made.channels));
  std::vector<Outputs> outputs;
  for (const Phase& v : vertical)
    for (const Phase& h : horizontal) {
      outputs.emplace_back(v, h, bands, source.even_channels(), packed);
      packed += outputs.back().pairs_of_channel(kernel) * Padded(made.channels);
    }
  const int64_t panels = Portions(made.channels, kPanel);
  ParallelFor(pool, int64_t(outputs.size()) * panels, [&](int64_t piece) {
    outputs[piece / panels].Pack(kernel, width_of_kernel, piece % panels * kPanel);
  });
  ParallelFor(pool, source.batch * bands.of_image, [&](int64_t band) {
    const Part part = bands.part(band);
    Bfloat16* together = OfThread<Bfloat16>(1, part.rows * part.columns * source.even_channels());
    bring_together(source, x, part, together);
    for (const Outputs& each : outputs) Compute(each, kernel, bands, part, bands.first(band), together, source, made, y);
  });
}

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

// The gradient by the kernel, of which the outputs are as many in a row as pairs make.
struct SumOverImages {
  Images input, output;
  Axis down, right;
  std::vector<Phase> vertical, horizontal;
  Bands bands;
  int64_t even, filters, taps, size, chunks;

  SumOverImages(const Images& input_, const Images& output_, const Axis& down_, const Axis& right_)
      : input(input_), output(output_), down(down_), right(right_), vertical(down.of_output(output.height)),
        horizontal(right.of_output(output.width)), bands(input, vertical, horizontal), even(input.even_channels()),
        filters(Padded(output.channels)), taps(down.window * right.window), size(taps * input.channels * filters), chunks(1) {
    while (2 * chunks <= std::min(kMostChunks, input.batch * bands.of_image) && 2 * chunks * size <= kMostSums) chunks *= 2;
  }

  // Of the outputs' rows from `first` to `end` those that see a row of the input through a row of the kernel.
  std::pair<int64_t, int64_t> RowsThatSee(int64_t row_of_kernel, int64_t first, int64_t end) const {
    const int64_t offset = row_of_kernel * down.dilation - down.before;
    const int64_t from = offset < 0 ? Portions(-offset, down.stride) : 0, to = Portions(std::max<int64_t>(input.height - offset, 0), down.stride);
    const int64_t begin = std::clamp(from, first, end);
    return {begin, std::clamp(to, begin, end)};
  }

  void Add(int64_t band, const Bfloat16* x, const Bfloat16* slope, float* sums) const {
    const Part part = bands.part(band);
    const int64_t first = bands.first(band), rows = std::min(bands.rows, output.height - first), pairs = output.width / 2;
    const int64_t row = part.columns * even, apart = right.stride * even, numbers = part.rows * row;
    Bfloat16* together = OfThread<Bfloat16>(0, numbers + apart);
    bring_together(input, x, part, together);
    std::fill_n(together + numbers, apart, Bfloat16{0});
    uint32_t* a = OfThread<uint32_t>(1, numbers + kPairs);
    pair_rows(together, together + apart, numbers, a);
    uint32_t* b = OfThread<uint32_t>(2, rows * pairs * filters);
    const Bfloat16* from = slope + (part.image * output.height + first) * output.width * output.channels;
    for (int64_t j = 0; j < rows * pairs; ++j, from += 2 * output.channels)
      pair_rows(from, from + output.channels, output.channels, b + j * filters);
    std::vector<int64_t> starts(rows);
    for (int64_t i = 0; i < rows; ++i) starts[i] = i * down.stride * row;
    for (int64_t tap = 0; tap < taps; ++tap)
      for (int64_t panel = 0; panel < filters; panel += kPanel) {
        const int64_t at = tap / right.window * down.dilation * row + tap % right.window * right.dilation * even;
        const auto [begin, end] = RowsThatSee(tap / right.window, first, first + rows);
        const Dots dots{a + at, 1, 2 * apart, starts.data() + begin - first, end - begin, pairs, b + (begin - first) * pairs * filters + panel, filters};
        (filters - panel > kPairs ? AddBand<2> : AddBand<1>)(dots, input.channels, sums + tap * input.channels * filters + panel, filters);
      }
  }

  void operator()(ffi::ThreadPool& pool, const Bfloat16* x, const Bfloat16* slope, Bfloat16* kernel) const {
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

enum Asked : int64_t { kOutput, kInput, kKernel };

// The arrays and the part are those of convolution.cc; one axis or two.
ffi::Error Convolution(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, Numbers strides,
                       Numbers dilation, Numbers before) {
  if (!has_bfloat16_dots()) return ffi::Error(ffi::ErrorCode::kUnimplemented, "convolution: this processor has no AVX512-BF16");
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const auto entries = [](const Array& array) { return static_cast<Bfloat16*>(array.untyped_data()); };
  const Array& input = part == kInput ? *result : first;
  const Array& kernel = part == kKernel ? *result : part == kInput ? first : second;
  const Array& output = part == kOutput ? *result : second;
  const Images x(input.dimensions()), y(output.dimensions());
  const Numbers window = kernel.dimensions();
  const size_t last = strides.size() - 1;
  const Axis down = last ? Axis{window[0], strides[0], dilation[0], before[0]} : Axis{1, 1, 1, 0};
  const Axis right{window[last], strides[last], dilation[last], before[last]};
  const int64_t taps = down.window * right.window, channels = x.channels, filters = y.channels;
  if (part == kOutput) {
    Convolve(pool, x, entries(input), {entries(kernel), channels, filters, filters, 1}, down.of_output(y.height), right.of_output(y.width),
             taps, right.window, y, entries(output));
  } else if (part == kInput) {
    Convolve(pool, y, entries(output), {entries(kernel), filters, 1, channels, filters}, down.of_input(x.height), right.of_input(x.width),
             taps, right.window, x, entries(input));
  } else {
    SumOverImages(x, y, down, right)(pool, entries(input), entries(output), entries(kernel));
  }
  return ffi::Error::Success();
}
#else
ffi::Error Convolution(ffi::ThreadPool, Array, Array, ffi::Result<Array>, int64_t, Numbers, Numbers, Numbers) {
  return ffi::Error(ffi::ErrorCode::kUnimplemented, "convolution: built by a compiler that does not know AVX512-BF16");
}
#endif

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_bfloat16_convolution, phasewise::Convolution,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Ret<phasewise::Array>()
                                  .Attr<int64_t>("part")
                                  .Attr<xla::ffi::Span<const int64_t>>("strides")
                                  .Attr<xla::ffi::Span<const int64_t>>("dilation")
                                  .Attr<xla::ffi::Span<const int64_t>>("before"));
