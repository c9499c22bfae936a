// Convolution along one axis or two, channels last: the products as they are written.
//
// An image, or a band of its rows, is brought with its padding into memory of the thread's own, where every output sees the kernel at the
// same steps from its place. The gradient by the input sees the slope in the same way; with strides, outputs of one remainder at a time.
// The gradient by the kernel is, for each of its rows, a product of what the outputs see and the slope.
//
// Lanes of vectors are channels of the result; where these are few, places of a row, or for the kernel channels of the input.
//
// What is computed of an image depends on that image alone. Sums over images are made in chunks that the sizes decide, joined in order.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "convolution_axes.h"
#include "convolution_bands.h"
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
using Numbers = ffi::Span<const int64_t>;

constexpr int64_t kMostChunks = 16, kMostSums = 1 << 19;       // of a sum over images: at most, and numbers in all of them
constexpr int64_t kMostAtOnce = 256, kMostRowsAtOnce = 64;     // positions, and rows of outputs, that are summed up in registers

// A kernel of positions, `wide` in a row, from the channels of a source to those of a result, whose entries lie `of_source` and
// `of_made` apart.
struct Kernel {
  const float* entries;
  int64_t wide, source, of_source, made, of_made;
};

// Phases with their taps in the order in which these lie in the source.
std::vector<Phase> InOrder(std::vector<Phase> phases) {
  for (Phase& phase : phases)
    std::sort(phase.taps.begin(), phase.taps.end(), [](const Tap& a, const Tap& b) { return a.offset < b.offset; });
  return phases;
}

// Whether `few` leave so much of vectors empty that these had better be of the `many`.
bool AreFew(int64_t few, int64_t many, int64_t lanes) {
  const auto whole = [&](int64_t count) { return (count + lanes - 1) / lanes * lanes; };
  return 2 * few * whole(many) <= many * whole(few);
}

// The axis along which an input sees a slope: a tap lies as far from there, on the other side. Without strides.
Axis Mirrored(const Axis& axis) { return {axis.window, 1, axis.dilation, (axis.window - 1) * axis.dilation - axis.before}; }

// How many of the taps of a row lie side by side: all, or one.
int64_t SideBySide(const Phase& phase) {
  const int64_t taps = int64_t(phase.taps.size());
  return taps > 0 && phase.taps.back().offset - phase.taps.front().offset == taps - 1 ? taps : 1;
}

}  // namespace

#define PHASEWISE_LOOPS "products.inc"
#include "vector_copies.inc"
#define PHASEWISE_LOOPS "turned.inc"
#include "vector_copies.inc"
#define PHASEWISE_LOOPS "few_channels.inc"
#include "vector_copies.inc"
#define PHASEWISE_LOOPS "direct.inc"
#include "vector_copies.inc"

namespace {

// The arrays, the part and the attributes are those of convolution.cc; one axis or two.
ffi::Error Direct(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, Numbers strides,
                  Numbers dilation, Numbers before) {
  if (!has_vectors()) return ffi::Error(ffi::ErrorCode::kUnimplemented, "direct: this processor has no AVX2");
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const auto& [input, kernel, output] = Roles<Array>(first, second, *result, part);
  const Images x(input.dimensions()), y(output.dimensions());
  const Numbers window = kernel.dimensions();
  const auto& [down, right] = Axes(window, strides, dilation, before);
  const float *a = first.typed_data(), *b = second.typed_data();
  float* made = result->typed_data();
  if (part == kOutput) {
    const Kernel forward{b, right.window, x.channels, y.channels, y.channels, 1};
    PHASEWISE_WIDEST(Convolve)(pool, x, a, forward, down.of_output(y.height), right.of_output(y.width), y, made);
  } else if (part == kInput) {
    const Kernel turned{a, right.window, y.channels, 1, x.channels, y.channels};
    PHASEWISE_WIDEST(Convolve)(pool, y, b, turned, InOrder(down.of_input(x.height)), InOrder(right.of_input(x.width)), x, made);
  } else {
    PHASEWISE_WIDEST(SumOver)(pool, x, a, y, b, down, right, made);
  }
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_direct, phasewise::Direct,
                              phasewise::OfConvolution<phasewise::Array>()
                                  .Attr<xla::ffi::Span<const int64_t>>("strides")
                                  .Attr<xla::ffi::Span<const int64_t>>("dilation")
                                  .Attr<xla::ffi::Span<const int64_t>>("before"));
