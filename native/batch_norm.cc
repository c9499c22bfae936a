// Batch normalization over the channels of the last axis, with the rectifier and the sum that often follow it.
//
// The rows are divided into chunks whatever the number of threads, and what the chunks give is joined in their order: so a result has the
// same bits each time. Inside a chunk, tiles that fit the first cache are summed in float32 and joined in float64.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "channel_rows.h"
#include "huge_pages.h"
#include "parallel_for.h"
#include "row_tiles.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using ffi::AnyBuffer;
using Vector = ffi::Buffer<ffi::F32>;
using Mask = ffi::Buffer<ffi::PRED>;

// Count, mean and sum of squared deviations of columns, joined as in Chan, Golub & LeVeque (1979).
struct Summary {
  double count = 0;
  std::vector<double> mean, squares;

  explicit Summary(int64_t width) : mean(width), squares(width) {}

  template <typename Number>
  void join(double other, const Number* other_mean, const Number* other_squares, int64_t width) {
    if (!other) return;
    double all = count + other, share = other / all, weight = count * share;
    double* m = mean.data();
    double* q = squares.data();
    for (int64_t j = 0; j < width; ++j) {
      double apart = double(other_mean[j]) - m[j];
      m[j] += apart * share;
      q[j] += double(other_squares[j]) + apart * apart * weight;
    }
    count = all;
  }
};

template <typename X>
ffi::Error moments_of(ffi::ThreadPool& pool, const X* x, const RowTiles& rows, float* shift, float* offset, float* variance) {
  auto loops = best_channel_rows<X, float>();
  int64_t width = rows.width, channels = rows.channels;
  int64_t first_real = rows.real ? std::find_if(rows.real, rows.real + rows.count, [](uint8_t r) { return r != 0; }) - rows.real : 0;
  std::vector<float> start(width);
  for (int64_t j = 0; first_real < rows.count && j < width; ++j) start[j] = baseline::wide(x[first_real * channels + j % channels]);
  std::vector<Summary> found(rows.chunks, Summary(width));
  ParallelFor(pool, rows.chunks, [&](int64_t part) {
    std::vector<float> mean(width), squares(width);
    rows.for_tiles(part, [&](int64_t first, int64_t count) {
      const X* tile = x + first * width;
      const uint8_t* real = rows.real ? rows.real + first : nullptr;
      int64_t counted = rows.count_real(first, count);
      if (!counted) return;
      loops.sum_rows(tile, real, count, width, start.data(), mean.data());
      float scale = 1.0f / float(counted);
      for (int64_t j = 0; j < width; ++j) mean[j] *= scale;
      fetch(tile + count * width, std::min(count, rows.count - first - count) * width);
      loops.sum_squares(tile, real, count, width, start.data(), mean.data(), squares.data());
      found[part].join(double(counted), mean.data(), squares.data(), width);
    });
  });
  Summary all(width), channel(channels);
  for (const Summary& each : found) all.join(each.count, each.mean.data(), each.squares.data(), width);
  for (int64_t j = 0; j < width; j += channels) channel.join(all.count, all.mean.data() + j, all.squares.data() + j, channels);
  for (int64_t c = 0; c < channels; ++c) {
    shift[c] = start[c];
    offset[c] = float(channel.mean[c]);
    variance[c] = float(channel.squares[c] / std::max(channel.count, 1.0));
  }
  return ffi::Error::Success();
}

ffi::Error moments(ffi::ThreadPool pool, AnyBuffer x, Mask mask, ffi::Result<Vector> shift, ffi::Result<Vector> offset,
                   ffi::Result<Vector> variance) {
  RowTiles rows(x, &mask);
  auto of = [&](const auto* values) {
    return moments_of(pool, values, rows, shift->typed_data(), offset->typed_data(), variance->typed_data());
  };
  if (x.element_type() == ffi::BF16) return of(static_cast<const Bfloat16*>(x.untyped_data()));
  return of(static_cast<const float*>(x.untyped_data()));
}

// What the loops are given for each column.
struct Coefficients {
  std::vector<float> shift, offset, factor, added;

  Coefficients(const RowTiles& rows, const Vector& shift_, const Vector& offset_, const Vector& variance, const Vector& gamma,
               const Vector& beta, double epsilon)
      : shift(rows.spread(shift_.typed_data())), offset(rows.spread(offset_.typed_data())) {
    std::vector<float> f(rows.channels), b(rows.channels);
    for (int64_t c = 0; c < rows.channels; ++c) {
      double scale = gamma.typed_data()[c] / std::sqrt(double(variance.typed_data()[c]) + epsilon);
      f[c] = float(scale);
      b[c] = float(beta.typed_data()[c] - offset_.typed_data()[c] * scale);
    }
    factor = rows.spread(f.data()), added = rows.spread(b.data());
  }
};

template <typename X, typename Y>
void normalize_as(ffi::ThreadPool& pool, const RowTiles& rows, const Coefficients& of, int kind, float ceiling, const void* x,
                  const void* residual, void* y) {
  auto loop = best_channel_rows<X, Y>().normalize[kind];
  bool streams = rows.count * rows.width * int64_t(sizeof(Y)) >= kStreamedBytes;
  ParallelFor(pool, rows.chunks, [&](int64_t turn) {
    rows.for_tiles(rows.chunks - 1 - turn, [&](int64_t begin, int64_t tile) {  // the last that was read is still in the cache
      write_rows(rows, static_cast<Y*>(y), begin, tile, streams, [&](int64_t first, int64_t count, Y* to) {
        int64_t at = first * rows.width;
        loop(static_cast<const X*>(x) + at, static_cast<const Y*>(residual) + (kind & 1 ? at : 0), count, rows.width, of.shift.data(),
             of.factor.data(), of.added.data(), ceiling, to);
      });
    });
    if (streams) end_of_streams();
  });
}

// Calls work<X, Y> for the types of two buffers.
template <typename Work>
void for_types(ffi::DataType x, ffi::DataType y, const Work& work) {
  bool x_short = x == ffi::BF16, y_short = y == ffi::BF16;
  if (x_short && y_short) return work(Bfloat16{}, Bfloat16{});
  if (x_short) return work(Bfloat16{}, float{});
  if (y_short) return work(float{}, Bfloat16{});
  work(float{}, float{});
}

// The mask is there for the derivative.
ffi::Error normalize(ffi::ThreadPool pool, AnyBuffer x, Mask, Vector shift, Vector offset, Vector variance, Vector gamma, Vector beta,
                     AnyBuffer residual, ffi::Result<AnyBuffer> y, float epsilon, bool rectify, float ceiling) {
  PreferHugePages(y->untyped_data(), y->size_bytes());
  RowTiles rows(x, nullptr);
  Coefficients of(rows, shift, offset, variance, gamma, beta, epsilon);
  int kind = 2 * rectify + (residual.element_count() > 0);
  for_types(x.element_type(), y->element_type(), [&](auto x_type, auto y_type) {
    normalize_as<decltype(x_type), decltype(y_type)>(pool, rows, of, kind, ceiling, x.untyped_data(), residual.untyped_data(),
                                                    y->untyped_data());
  });
  return ffi::Error::Success();
}

// Sums over all rows of the gradients that reach the normalization, and of their products with the deviations; for each column.
template <typename X, typename Y>
std::vector<double> gradient_sums(ffi::ThreadPool& pool, const RowTiles& rows, const Coefficients& of, int kind, float ceiling, const X* x,
                                  const Y* y, const Y* gradient) {
  auto loop = best_channel_rows<X, Y>().sum_gradients[kind];
  int64_t width = rows.width;
  std::vector<double> found(rows.chunks * 2 * width), sums(2 * rows.channels);
  ParallelFor(pool, rows.chunks, [&](int64_t part) {
    std::vector<float> one(2 * width);
    double* sum = found.data() + part * 2 * width;
    rows.for_tiles(part, [&](int64_t first, int64_t count) {
      int64_t at = first * width;
      loop(x + at, y + (kind == 3 ? at : 0), gradient + at, count, width, of.shift.data(), of.offset.data(), of.factor.data(),
           of.added.data(), ceiling, one.data(), one.data() + width);
      for (int64_t j = 0; j < 2 * width; ++j) sum[j] += one[j];
    });
  });
  for (int64_t part = 0; part < rows.chunks; ++part)
    for (int64_t j = 0; j < 2 * width; ++j) sums[j % rows.channels + (j < width ? 0 : rows.channels)] += found[part * 2 * width + j];
  return sums;
}

ffi::Error gradient(ffi::ThreadPool pool, AnyBuffer x, Mask mask, Vector shift, Vector offset, Vector variance, Vector gamma, Vector beta,
                    AnyBuffer y, AnyBuffer dy, ffi::Result<AnyBuffer> dx, ffi::Result<Vector> dgamma, ffi::Result<Vector> dbeta,
                    ffi::Result<AnyBuffer> dresidual, float epsilon, bool rectify, float ceiling) {
  PreferHugePages(dx->untyped_data(), dx->size_bytes());
  PreferHugePages(dresidual->untyped_data(), dresidual->size_bytes());
  RowTiles rows(x, &mask);
  Coefficients of(rows, shift, offset, variance, gamma, beta, epsilon);
  bool adds = dresidual->element_count() > 0;
  int kind = 2 * rectify + adds;
  for_types(x.element_type(), dy.element_type(), [&](auto x_type, auto y_type) {
    using X = decltype(x_type);
    using Y = decltype(y_type);
    auto* x_ = static_cast<const X*>(x.untyped_data());
    auto* y_ = static_cast<const Y*>(y.untyped_data());
    auto* dy_ = static_cast<const Y*>(dy.untyped_data());
    auto sums = gradient_sums(pool, rows, of, kind, ceiling, x_, y_, dy_);
    int64_t channels = rows.channels, width = rows.width;
    double count = double(std::max<int64_t>(rows.count_real(0, rows.count) * rows.joined, 1));
    std::vector<float> constant(channels), slope(channels);
    for (int64_t c = 0; c < channels; ++c) {
      double inverse = 1 / (double(variance.typed_data()[c]) + epsilon);
      constant[c] = float(-sums[c] / count);
      slope[c] = float(-inverse * sums[channels + c] / count);
      dgamma->typed_data()[c] = float(sums[channels + c] * std::sqrt(inverse));
      dbeta->typed_data()[c] = float(sums[c]);
    }
    auto constants = rows.spread(constant.data()), slopes = rows.spread(slope.data());
    auto loop = best_channel_rows<X, Y>().gradient[kind];
    bool streams = rows.count * width * int64_t(sizeof(X)) >= kStreamedBytes;
    ParallelFor(pool, rows.chunks, [&](int64_t turn) {
      rows.for_tiles(rows.chunks - 1 - turn, [&](int64_t begin, int64_t tile) {
        write_rows(rows, static_cast<X*>(dx->untyped_data()), begin, tile, streams, [&](int64_t first, int64_t rows_here, X* to) {
          int64_t at = first * width;
          loop(x_ + at, y_ + (kind == 3 ? at : 0), dy_ + at, rows.real ? rows.real + first : nullptr, rows_here, width, of.shift.data(),
               of.offset.data(), of.factor.data(), of.added.data(), ceiling, constants.data(), slopes.data(), to,
               static_cast<Y*>(dresidual->untyped_data()) + (adds ? at : 0));
        });
      });
      if (streams) end_of_streams();
    });
  });
  return ffi::Error::Success();
}

}  // namespace
}  // namespace phasewise

namespace {

// What every kernel is given first: the array and which of its rows count.
auto OfArray() { return xla::ffi::Ffi::Bind().Ctx<xla::ffi::ThreadPool>().Arg<xla::ffi::AnyBuffer>().Arg<phasewise::Mask>(); }

// The array with its moments (shift, offset, variance), gamma and beta.
auto OfNormalization() {
  using phasewise::Vector;
  return OfArray().Arg<Vector>().Arg<Vector>().Arg<Vector>().Arg<Vector>().Arg<Vector>();
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_batch_moments, phasewise::moments,
                              OfArray().Ret<phasewise::Vector>().Ret<phasewise::Vector>().Ret<phasewise::Vector>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(
    phasewise_batch_normalize, phasewise::normalize,
    OfNormalization()
        .Arg<xla::ffi::AnyBuffer>()
        .Ret<xla::ffi::AnyBuffer>()
        .Attr<float>("epsilon")
        .Attr<bool>("rectify")
        .Attr<float>("ceiling"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_batch_gradient, phasewise::gradient,
                              OfNormalization()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<phasewise::Vector>()
                                  .Ret<phasewise::Vector>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<float>("epsilon")
                                  .Attr<bool>("rectify")
                                  .Attr<float>("ceiling"));
