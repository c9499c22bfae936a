// Convolution along one axis or two in bfloat16, channels last, for processors with AVX512-BF16: the products as they are written.
//
// An image, or a band of its rows, is brought with its padding into memory of the thread's own, where every output sees the kernel at the
// same steps from its place. The gradient by the input sees the slope in the same way; with strides, outputs of one remainder at a time.
// The gradient by the kernel sums over pairs of neighbouring positions. Sums are in float32, and rounded once.
//
// What is computed of an image depends on that image alone. Sums over images are made in chunks that the sizes decide, joined in order.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "convolution_axes.h"
#include "convolution_roles.h"
#include "huge_pages.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#ifdef PHASEWISE_BFLOAT16
#include "bfloat16_kernel_gradient.h"
#endif

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::BF16>;
using Numbers = ffi::Span<const int64_t>;

#ifdef PHASEWISE_BFLOAT16
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2,prefer-vector-width=512")

// A kernel of so many positions, `wide` in a row, from the channels of a source to those of a result, whose entries lie `of_source` and
// `of_made` apart.
struct Kernel {
  const Bfloat16* entries;
  int64_t positions, wide, source, of_source, made, of_made;
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

  void Pack(const Kernel& kernel, int64_t panel) {
    const int64_t width = std::min(kPanel, Padded(kernel.made) - panel), there = std::min(width, kernel.made - panel);
    uint32_t* to = packed + panel * pairs_of_channel(kernel);
    for (const Tap& row : vertical->taps)
      for (const Tap& column : horizontal->taps) {
        const int64_t position = row.position * kernel.wide + column.position;
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

// A row of outputs, `step` apart: the first channels of each, of `channels` that are left.
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
              const std::vector<Phase>& horizontal, const Images& made, Bfloat16* y) {
  const Bands bands(source, Even(source.channels) * sizeof(Bfloat16), vertical, horizontal);
  uint32_t* packed = OfThread<uint32_t>(0, kernel.positions * Portions(source.channels, 2) * Padded(made.channels));
  std::vector<Outputs> outputs;
  for (const Phase& v : vertical)
    for (const Phase& h : horizontal) {
      outputs.emplace_back(v, h, bands, Even(source.channels), packed);
      packed += outputs.back().pairs_of_channel(kernel) * Padded(made.channels);
    }
  const int64_t panels = Portions(made.channels, kPanel);
  ParallelFor(pool, int64_t(outputs.size()) * panels, [&](int64_t piece) {
    outputs[piece / panels].Pack(kernel, piece % panels * kPanel);
  });
  ParallelFor(pool, source.batch * bands.of_image, [&](int64_t band) {
    const Part part = bands.part(band);
    Bfloat16* together = OfThread<Bfloat16>(1, part.rows * part.columns * Even(source.channels));
    bring_together(source, x, part, Even(source.channels), together);
    for (const Outputs& each : outputs) Compute(each, kernel, bands, part, bands.first(band), together, source, made, y);
  });
}

#pragma GCC pop_options

// The arrays and the part are those of convolution.cc; one axis or two.
ffi::Error Convolution(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, Numbers strides,
                       Numbers dilation, Numbers before) {
  if (!has_bfloat16_dots()) return ffi::Error(ffi::ErrorCode::kUnimplemented, "convolution: this processor has no AVX512-BF16");
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const auto entries = [](const Array& array) { return static_cast<Bfloat16*>(array.untyped_data()); };
  const auto& [input, kernel, output] = Roles<Array>(first, second, *result, part);
  const Images x(input.dimensions()), y(output.dimensions());
  const Numbers window = kernel.dimensions();
  const auto& [down, right] = Axes(window, strides, dilation, before);
  const int64_t positions = down.window * right.window, channels = x.channels, filters = y.channels;
  if (part == kOutput) {
    const Kernel forward{entries(kernel), positions, right.window, channels, filters, filters, 1};
    Convolve(pool, x, entries(input), forward, down.of_output(y.height), right.of_output(y.width), y, entries(output));
  } else if (part == kInput) {
    const Kernel turned{entries(kernel), positions, right.window, filters, 1, channels, filters};
    Convolve(pool, y, entries(output), turned, down.of_input(x.height), right.of_input(x.width), x, entries(input));
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
                              phasewise::OfConvolution<phasewise::Array>()
                                  .Attr<xla::ffi::Span<const int64_t>>("strides")
                                  .Attr<xla::ffi::Span<const int64_t>>("dilation")
                                  .Attr<xla::ffi::Span<const int64_t>>("before"));
