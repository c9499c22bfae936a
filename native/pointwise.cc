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
#include "vectors.h"
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

}  // namespace

#define PHASEWISE_LOOPS "products.inc"
#include "vector_copies.inc"
#define PHASEWISE_LOOPS "pointwise.inc"
#include "vector_copies.inc"

namespace {

// The arrays and the part are those of convolution.cc. Strides other than 1 have one axis or two.
ffi::Error Pointwise(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, Dims strides) {
  if (!has_vectors()) return ffi::Error(ffi::ErrorCode::kUnimplemented, "pointwise: this processor has no AVX2");
  PreferHugePages(result->untyped_data(), result->size_bytes());
  PHASEWISE_WIDEST(Run)(pool, first, second, *result, part, strides);
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_pointwise, phasewise::Pointwise,
                              phasewise::OfConvolution<phasewise::Array>()
                                  .Attr<xla::ffi::Span<const int64_t>>("strides"));
