// Which entries the places of a window hold that moves over three axes, and which places hold an entry.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "pooled_channels.h"
#include "xla/ffi/api/ffi.h"

namespace phasewise {

using Sizes = std::array<int64_t, 3>;

inline int64_t volume(const Sizes& sizes) { return sizes[0] * sizes[1] * sizes[2]; }

// Arrays are (outer, three axes, channels); a window with fewer axes has axes of size 1 before them.
struct Window {
  using Numbers = xla::ffi::Span<const int64_t>;

  int64_t outer, channels;
  Sizes in, out, width, stride, before;
  std::vector<Parts> entries[3];  // along each axis, for each place
  std::vector<Parts> places[3];   // along each axis, for each entry

  Window(Numbers input, Numbers output, Numbers widths, Numbers strides, Numbers pads) : outer(input[0]), channels(input[4]) {
    for (int axis = 0; axis < 3; ++axis) {
      in[axis] = input[1 + axis], out[axis] = output[1 + axis];
      width[axis] = widths[axis], stride[axis] = strides[axis], before[axis] = pads[axis];
      find_entries(axis);
      find_places(axis);
    }
  }

  // Of the numbers along an axis, how much one is in the number of an entry.
  int64_t weight(int axis) const { return axis == 2 ? 1 : axis == 1 ? width[2] : width[1] * width[2]; }

 private:
  void find_entries(int axis) {
    for (int64_t place = 0; place < out[axis]; ++place) {
      int64_t start = place * stride[axis] - before[axis], first = std::max<int64_t>(start, 0);
      entries[axis].push_back({int32_t(first), int32_t(std::min(start + width[axis], in[axis])), int32_t(first - start)});
    }
  }

  void find_places(int axis) {
    int32_t first = 0, end = 0, all = int32_t(out[axis]);
    for (int64_t at = 0; at < in[axis]; ++at) {
      while (first < all && entries[axis][first].end <= at) ++first;
      end = std::max(end, first);
      while (end < all && entries[axis][end].first <= at) ++end;
      places[axis].push_back({first, end, int32_t(at + before[axis] - first * stride[axis])});
    }
  }
};

// How rows of one array are made of another: places of their entries, or entries of their places.
class Rows {
 public:
  static Rows of_places(const Window& window) { return Rows(window, window.entries, window.out, window.in, {1, 1, 1}); }
  static Rows of_entries(const Window& window) { return Rows(window, window.places, window.in, window.out, window.stride, -1); }

  const Sizes& sizes() const { return sizes_; }

  // The row at (i, j) along the other axes.
  Row at(int64_t i, int64_t j) {
    Parts over[2] = {along_[0][i], along_[1][j]};
    int64_t lines = 0;
    for (int32_t p = over[0].first; p < over[0].end; ++p) {
      for (int32_t q = over[1].first; q < over[1].end; ++q) {
        int64_t number = (over[0].number + (p - over[0].first) * step_[0]) * window_.weight(0) +
                         (over[1].number + (q - over[1].first) * step_[1]) * window_.weight(1);
        line_[lines++] = {(p * others_[1] + q) * others_[2], int32_t(number)};
      }
    }
    return {line_.data(), lines, along_[2].data(), sizes_[2], window_.channels, int32_t(step_[2])};
  }

 private:
  Rows(const Window& window, const std::vector<Parts> (&along)[3], const Sizes& sizes, const Sizes& others, const Sizes& steps,
       int64_t sign = 1)
      : window_(window), along_(along), sizes_(sizes), others_(others), line_(window.width[0] * window.width[1]) {
    for (int axis = 0; axis < 3; ++axis) step_[axis] = sign * steps[axis];
  }

  const Window& window_;
  const std::vector<Parts> (&along_)[3];
  Sizes sizes_, others_, step_;
  std::vector<Line> line_;
};

}  // namespace phasewise
