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
#include "vectors.h"
#include "xla/ffi/api/ffi.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;

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

}  // namespace

#define PHASEWISE_LOOPS "products.inc"
#include "vector_copies.inc"
#define PHASEWISE_LOOPS "winograd_transforms.inc"
#include "vector_copies.inc"
#define PHASEWISE_LOOPS "winograd.inc"
#include "vector_copies.inc"

namespace {

// The arrays and the part are those of convolution.cc. `lanes` channels are computed together, which divide those of both arrays: a
// program may come from a machine that has other vectors. `top` and `left` is the padding before the first row and column.
ffi::Error Winograd(ffi::ThreadPool pool, Array first, Array second, ffi::Result<Array> result, int64_t part, int64_t lanes, int64_t top,
                    int64_t left) {
  const bool has_wide = instruction_set() == InstructionSet::avx512;
  if (!has_vectors() || (lanes == avx512::kLanes && !has_wide)) {
    return ffi::Error(ffi::ErrorCode::kUnimplemented, "winograd: this processor lacks the vectors that the program was made for");
  }
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const bool is_plane = result->dimensions().size() == 4;
  const auto run = lanes == avx512::kLanes ? (is_plane ? avx512::Run<true> : avx512::Run<false>)
                                           : (is_plane ? avx2::Run<true> : avx2::Run<false>);
  run(pool, first, second, *result, part, top, left);
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_winograd, phasewise::Winograd,
                              phasewise::OfConvolution<phasewise::Array>()
                                  .Attr<int64_t>("lanes")
                                  .Attr<int64_t>("top")
                                  .Attr<int64_t>("left"));
