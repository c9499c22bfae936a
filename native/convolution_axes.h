// Which entries of one array an entry of another sees, as a kernel slides along the axes of space or time.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace phasewise {

// An array (batch, height, width, channels), height 1 where there is one axis.
struct Images {
  int64_t batch, height, width, channels;

  explicit Images(xla::ffi::Span<const int64_t> dims)
      : batch(dims.front()), height(dims.size() == 4 ? dims[1] : 1), width(dims[dims.size() - 2]), channels(dims.back()) {}
};

// A position of the kernel, and how far from an output's place it sees.
struct Tap {
  int64_t position, offset;
};

// Outputs that see the kernel in one way: `count` from `first` on, `step` apart, whose places in the other array are `seen` apart.
struct Phase {
  int64_t first, step, count, seen;
  std::vector<Tap> taps;
};

// Which of the taps of an output, which are neighbours, see something of an axis of `size` entries.
struct Seeing {
  int64_t first = 0, end = 0;

  Seeing(const Phase& phase, int64_t output, int64_t size) {
    const auto sees = [&](int64_t tap) {
      const int64_t place = output * phase.seen + phase.taps[tap].offset;
      return place >= 0 && place < size;
    };
    const int64_t all = int64_t(phase.taps.size());
    while (first < all && !sees(first)) ++first;
    for (end = first; end < all && sees(end);) ++end;
  }
};

struct Axis {
  int64_t window, stride, dilation, before;

  std::vector<Phase> of_output(int64_t outputs) const {
    Phase all{0, 1, outputs, stride, {}};
    for (int64_t q = 0; q < window; ++q) all.taps.push_back({q, q * dilation - before});
    return {all};
  }

  // Of the gradient by the input: entry u sees the slope at (u + before - q * dilation) / stride, where that is a whole number.
  std::vector<Phase> of_input(int64_t inputs) const {
    std::vector<Phase> phases;
    for (int64_t first = 0; first < std::min(stride, inputs); ++first) {
      phases.push_back({first, stride, (inputs - first + stride - 1) / stride, 1, {}});
      for (int64_t q = 0; q < window; ++q) {
        const int64_t apart = first + before - q * dilation;
        if (apart % stride == 0) phases.back().taps.push_back({q, apart / stride});
      }
    }
    return phases;
  }
};

// The axes of a window over images; where there is one, the other has one position.
struct Axes {
  Axis down{1, 1, 1, 0}, right;

  using Numbers = xla::ffi::Span<const int64_t>;
  Axes(Numbers window, Numbers strides, Numbers dilation, Numbers before) {
    const size_t last = strides.size() - 1;
    if (last == 1) down = {window[0], strides[0], dilation[0], before[0]};
    right = {window[last], strides[last], dilation[last], before[last]};
  }
};

// All that the phases of an axis have together: how many outputs at most, how far before and behind their places they see.
struct Reach {
  int64_t count = 0, seen = 1, low = 0, high = 0;

  explicit Reach(const std::vector<Phase>& phases) {
    for (const Phase& phase : phases) {
      count = std::max(count, phase.count), seen = phase.seen;
      for (const Tap& tap : phase.taps) low = std::min(low, tap.offset), high = std::max(high, tap.offset);
    }
  }

  // Entries that `outputs` neighbours see.
  int64_t span(int64_t outputs) const { return (outputs - 1) * seen + high - low + 1; }
};

// A part of an image: `rows` from `top` on, `columns` from `left` on, which may lie outside.
struct Part {
  int64_t image, top, rows, left, columns;
};

// Brings a part together, with zeros where there is nothing: `channels` numbers for each position, as many as there are or more.
template <typename Number>
void bring_together(const Images& of, const Number* x, const Part& part, int64_t channels, Number* to) {
  const int64_t width = part.columns * channels;
  const int64_t first = std::clamp<int64_t>(part.left, 0, of.width), end = std::clamp<int64_t>(part.left + part.columns, first, of.width);
  for (int64_t r = part.top; r < part.top + part.rows; ++r, to += width) {
    if (r < 0 || r >= of.height || first == end) {
      std::fill_n(to, width, Number{0});
      continue;
    }
    const Number* row = x + ((part.image * of.height + r) * of.width + first) * of.channels;
    Number* there = std::fill_n(to, (first - part.left) * channels, Number{0});
    if (channels == of.channels) {
      there = std::copy_n(row, (end - first) * channels, there);
    } else {
      for (int64_t c = first; c < end; ++c, row += of.channels)
        there = std::fill_n(std::copy_n(row, of.channels, there), channels - of.channels, Number{0});
    }
    std::fill(there, to + width, Number{0});
  }
}

}  // namespace phasewise
