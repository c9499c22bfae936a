// The largest entry, or the mean, in each place of a window that moves over up to three axes, for each channel of the last axis; and
// their gradients. Each entry of a result is computed by itself, from its parts in their order: so a result has the same bits each time,
// and a row the same bits in any batch.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "parallel_for.h"
#include "pooled_channels.h"
#include "pooling_window.h"
#include "streaming.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using ffi::AnyBuffer;

constexpr int64_t kLeastPiece = 1 << 16;  // entries of the result in one piece of work, at the least

struct Range {
  int64_t first, end;
};

// A part of an array (outer, three axes, channels): of one of the outer ones, ranges along the first two axes.
struct Slab {
  int64_t outer;
  Range over[2];
};

// Calls work(slab) for slabs that together are an array of these sizes, divided along the first axis that is one. Slabs are no thinner
// than the window: neighbours in the gradient of a maximum look at the same places.
template <typename Work>
void for_slabs(ffi::ThreadPool& pool, const Window& window, const Sizes& sizes, const Work& work) {
  int axis = sizes[0] == 1 ? 1 : 0;
  int64_t layer = std::max<int64_t>(volume(sizes) / sizes[axis] * window.channels, 1);
  int64_t thickness = std::max((kLeastPiece + layer - 1) / layer, window.width[axis]);
  int64_t slabs = (sizes[axis] + thickness - 1) / thickness;
  ParallelFor(pool, window.outer * slabs, [&](int64_t piece) {
    int64_t first = piece % slabs * thickness;
    Slab slab{piece / slabs, {{0, sizes[0]}, {0, sizes[1]}}};
    slab.over[axis] = {first, std::min(first + thickness, sizes[axis])};
    work(slab);
  });
}

// Fills a slab of an array: compute(how a row is made, where it goes). A large array is written past the caches.
template <typename X, typename Compute>
void fill(const Window& window, Rows rows, const Slab& slab, X* array, const Compute& compute) {
  const Sizes& sizes = rows.sizes();
  int64_t length = sizes[2] * window.channels;
  bool streams = window.outer * volume(sizes) * window.channels * int64_t(sizeof(X)) >= kStreamedBytes;
  std::vector<X> buffer(streams ? length : 0);
  for (int64_t i = slab.over[0].first; i < slab.over[0].end; ++i) {
    for (int64_t j = slab.over[1].first; j < slab.over[1].end; ++j) {
      X* there = array + ((slab.outer * sizes[0] + i) * sizes[1] + j) * length;
      compute(rows.at(i, j), streams ? buffer.data() : there);
      if (streams) stream(there, buffer.data(), length * sizeof(X));
    }
  }
  if (streams) end_of_streams();
}

// Each place of the window from its entries, by the loop `of_entries`.
template <typename X>
void pooled(ffi::ThreadPool& pool, const Window& window, const X* x, X* y, void (*of_entries)(const X*, const Row&, X*)) {
  for_slabs(pool, window, window.out, [&](const Slab& slab) {
    const X* from = x + slab.outer * volume(window.in) * window.channels;
    fill(window, Rows::of_places(window), slab, y, [&](const Row& row, X* to) { of_entries(from, row, to); });
  });
}

template <typename X>
void max_pool(ffi::ThreadPool& pool, const Window& window, const X* x, X* y) {
  pooled(pool, window, x, y, best_pooled_channels<X>().largest);
}

template <typename X>
void average_pool(ffi::ThreadPool& pool, const Window& window, const X* x, X* y) {
  pooled(pool, window, x, y, best_pooled_channels<X>().mean);
}

// The places that hold the entries of a slab of the input.
Slab places_of(const Window& window, const Slab& slab) {
  Slab places{slab.outer, {}};
  for (int axis = 0; axis < 2; ++axis) {
    const auto& along = window.places[axis];
    places.over[axis] = {along[slab.over[axis].first].first, along[slab.over[axis].end - 1].end};
  }
  return places;
}

// For the places of a slab, and for each channel: which entry of its window is the first largest.
template <typename X>
std::vector<uint8_t> first_largest(const Window& window, const X* x, const Slab& slab) {
  auto loop = best_pooled_channels<X>().first_largest;
  auto [above, beside] = slab.over;
  int64_t length = window.out[2] * window.channels;
  std::vector<uint8_t> found(std::max<int64_t>(above.end - above.first, 0) * std::max<int64_t>(beside.end - beside.first, 0) * length);
  Rows rows = Rows::of_places(window);
  uint8_t* to = found.data();
  for (int64_t i = above.first; i < above.end; ++i) {
    for (int64_t j = beside.first; j < beside.end; ++j, to += length) loop(x, rows.at(i, j), to);
  }
  return found;
}

template <typename X>
void max_pool_gradient(ffi::ThreadPool& pool, const Window& window, const X* x, const X* dy, X* dx) {
  auto loop = best_pooled_channels<X>().gradients_of_largest;
  for_slabs(pool, window, window.in, [&](const Slab& slab) {
    Slab places = places_of(window, slab);
    auto found = first_largest(window, x + slab.outer * volume(window.in) * window.channels, places);
    const uint8_t* first = found.data() - (places.over[0].first * window.out[1] + places.over[1].first) * window.out[2] * window.channels;
    const X* from = dy + slab.outer * volume(window.out) * window.channels;
    fill(window, Rows::of_entries(window), slab, dx, [&](const Row& row, X* to) { loop(from, first, row, to); });
  });
}

// One by the number of entries in its window, for each place.
std::vector<float> shares(const Window& window) {
  std::vector<float> found;
  for (const Parts& a : window.entries[0]) {
    for (const Parts& b : window.entries[1]) {
      for (const Parts& c : window.entries[2]) found.push_back(1.0f / float((a.end - a.first) * (b.end - b.first) * (c.end - c.first)));
    }
  }
  return found;
}

template <typename X>
void average_pool_gradient(ffi::ThreadPool& pool, const Window& window, const X* dy, X* dx) {
  auto loop = best_pooled_channels<X>().shared_gradients;
  const auto of_places = shares(window);
  for_slabs(pool, window, window.in, [&](const Slab& slab) {
    const X* from = dy + slab.outer * volume(window.out) * window.channels;
    fill(window, Rows::of_entries(window), slab, dx, [&](const Row& row, X* to) { loop(from, of_places.data(), row, to); });
  });
}

// Calls work(Number{}) for the type of the numbers in an array.
template <typename Work>
ffi::Error for_type(const AnyBuffer& array, const Work& work) {
  if (array.element_type() == ffi::BF16) {
    work(Bfloat16{});
  } else {
    work(float{});
  }
  return ffi::Error::Success();
}

template <typename X>
X* data(const AnyBuffer& array) {
  return static_cast<X*>(array.untyped_data());
}

using Numbers = Window::Numbers;
using Result = ffi::Result<AnyBuffer>;

ffi::Error MaxPool(ffi::ThreadPool pool, AnyBuffer x, Result y, Numbers input, Numbers output, Numbers window, Numbers strides,
                   Numbers before) {
  return for_type(x, [&](auto number) {
    using X = decltype(number);
    max_pool(pool, Window(input, output, window, strides, before), data<X>(x), data<X>(*y));
  });
}

ffi::Error MaxPoolGradient(ffi::ThreadPool pool, AnyBuffer x, AnyBuffer dy, Result dx, Numbers input, Numbers output, Numbers window,
                           Numbers strides, Numbers before) {
  return for_type(x, [&](auto number) {
    using X = decltype(number);
    max_pool_gradient(pool, Window(input, output, window, strides, before), data<X>(x), data<X>(dy), data<X>(*dx));
  });
}

ffi::Error AveragePool(ffi::ThreadPool pool, AnyBuffer x, Result y, Numbers input, Numbers output, Numbers window, Numbers strides,
                       Numbers before) {
  return for_type(x, [&](auto number) {
    using X = decltype(number);
    average_pool(pool, Window(input, output, window, strides, before), data<X>(x), data<X>(*y));
  });
}

ffi::Error AveragePoolGradient(ffi::ThreadPool pool, AnyBuffer dy, Result dx, Numbers input, Numbers output, Numbers window,
                               Numbers strides, Numbers before) {
  return for_type(dy, [&](auto number) {
    using X = decltype(number);
    average_pool_gradient(pool, Window(input, output, window, strides, before), data<X>(dy), data<X>(*dx));
  });
}

}  // namespace
}  // namespace phasewise

namespace {

auto OfArray() { return xla::ffi::Ffi::Bind().Ctx<xla::ffi::ThreadPool>().Arg<xla::ffi::AnyBuffer>(); }

// The result, and the window as five lists of numbers.
template <typename Binding>
auto ByWindow(Binding binding) {
  using Numbers = phasewise::Window::Numbers;
  return std::move(binding)
      .template Ret<xla::ffi::AnyBuffer>()
      .template Attr<Numbers>("input")
      .template Attr<Numbers>("output")
      .template Attr<Numbers>("window")
      .template Attr<Numbers>("strides")
      .template Attr<Numbers>("before");
}

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_max_pool, phasewise::MaxPool, ByWindow(OfArray()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_max_pool_gradient, phasewise::MaxPoolGradient, ByWindow(OfArray().Arg<xla::ffi::AnyBuffer>()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_average_pool, phasewise::AveragePool, ByWindow(OfArray()));
XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_average_pool_gradient, phasewise::AveragePoolGradient, ByWindow(OfArray()));
