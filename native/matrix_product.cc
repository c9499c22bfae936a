// Products of two matrices, one of them small: what a layer of many weights is made of where the batch is short.
//
// The factors are packed into strips that a tile of registers runs through. A sum runs over the depth in its order, in blocks of one
// size that are added up: its bits depend neither on the place of its row and column nor on the number of threads.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "adam.h"
#include "instruction_sets.h"
#include "parallel_for.h"
#include "streaming.h"
#include "vectors.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;

constexpr int64_t kDepth = 256;         // of a block
constexpr int64_t kCached = 30 << 10;  // numbers of a factor that stay in the second cache beside what passes

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};
using Packed = std::unique_ptr<float[], Free>;

Packed packed(int64_t count) { return Packed(static_cast<float*>(std::aligned_alloc(64, (count * 4 + 63) / 64 * 64))); }

int64_t parts(int64_t count, int64_t size) { return (count + size - 1) / size; }

}  // namespace

#define PHASEWISE_LOOPS "turned.inc"
#include "vector_copies.inc"
#define PHASEWISE_LOOPS "matrix_product.inc"
#include "vector_copies.inc"

namespace {

using Matrix = ffi::Buffer<ffi::F32, 2>;

ffi::Error product(ffi::ThreadPool pool, Matrix first, Matrix second, ffi::Result<Matrix> out, bool first_turned, bool second_turned) {
  if (!has_vectors() || (first_turned && second_turned)) return ffi::Error::InvalidArgument("there is no such native product");
  const auto a = first.dimensions(), b = second.dimensions(), c = out->dimensions();
  const float *x = first.typed_data(), *y = second.typed_data();
  if (first_turned) PHASEWISE_WIDEST(write_weight_gradient)(pool, x, y, out->typed_data(), a[0], a[1], b[1]);
  else PHASEWISE_WIDEST(times_weights)(pool, x, y, out->typed_data(), c[0], a[1], c[1], second_turned);
  return ffi::Error::Success();
}

// The results lie where the arguments of their names do: XLA is told so, and copies what is still needed.
ffi::Error update(ffi::ThreadPool pool, Matrix x, Matrix slopes, Matrix, Matrix, Matrix, ffi::Buffer<ffi::F32> rate,
                  ffi::Result<Matrix> weight, ffi::Result<Matrix> mean, ffi::Result<Matrix> square, float mean_share, float square_share,
                  float epsilon) {
  if (!has_vectors()) return ffi::Error::InvalidArgument("there is no such native product");
  PHASEWISE_WIDEST(adam_of_product)(pool, x.typed_data(), slopes.typed_data(), weight->typed_data(), mean->typed_data(), square->typed_data(),
                  x.dimensions()[0], x.dimensions()[1], slopes.dimensions()[1], {mean_share, square_share, *rate.typed_data(), epsilon});
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_matrix_product, phasewise::product,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Ret<phasewise::Matrix>()
                                  .Attr<bool>("first_turned")
                                  .Attr<bool>("second_turned"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_adam_of_product, phasewise::update,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<phasewise::Matrix>()
                                  .Arg<xla::ffi::Buffer<xla::ffi::F32>>()
                                  .Ret<phasewise::Matrix>()
                                  .Ret<phasewise::Matrix>()
                                  .Ret<phasewise::Matrix>()
                                  .Attr<float>("mean_share")
                                  .Attr<float>("square_share")
                                  .Attr<float>("epsilon"));
