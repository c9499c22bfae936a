// Adam (Kingma & Ba 2015) as one pass over memory: the weight and its two moments are read and written in place.
#include "adam.h"

#include <algorithm>

#include "parallel_for.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;

constexpr int64_t kPiece = 1 << 15;

// The results lie where the arguments of their names do: XLA is told so, and copies what is still needed.
ffi::Error adam(ffi::ThreadPool pool, Array gradient, Array, Array, Array, Array rate, ffi::Result<Array> weight, ffi::Result<Array> mean,
                ffi::Result<Array> square, float mean_share, float square_share, float epsilon) {
  const AdamNumbers numbers{mean_share, square_share, *rate.typed_data(), epsilon};
  const auto update = best_adam();
  const int64_t count = gradient.element_count();
  ParallelFor(pool, (count + kPiece - 1) / kPiece, [&](int64_t piece) {
    const int64_t at = piece * kPiece;
    update(gradient.typed_data() + at, weight->typed_data() + at, mean->typed_data() + at, square->typed_data() + at,
           std::min(kPiece, count - at), numbers);
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_adam, phasewise::adam,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Ret<phasewise::Array>()
                                  .Ret<phasewise::Array>()
                                  .Ret<phasewise::Array>()
                                  .Attr<float>("mean_share")
                                  .Attr<float>("square_share")
                                  .Attr<float>("epsilon"));
