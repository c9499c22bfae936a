// Images in bands of rows of outputs, for convolutions that bring together what a band sees.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "convolution_axes.h"

namespace phasewise {

constexpr int64_t kBand = 64 << 10;   // bytes of an image that are brought together, about
constexpr int64_t kFewestPieces = 8;  // that the threads share

template <typename Number>
Number* OfThread(int which, int64_t count) {
  thread_local Buffer buffers[4];
  return static_cast<Number*>(buffers[which].OfSize(count * sizeof(Number)));
}

inline int64_t Portions(int64_t count, int64_t size) { return (count + size - 1) / size; }

// Bands of rows of outputs, for all images one after the other. A position takes `bytes`.
struct Bands {
  Reach down, right;
  int64_t rows, of_image, columns;

  Bands(const Images& seen, int64_t bytes, const std::vector<Phase>& vertical, const std::vector<Phase>& horizontal)
      : down(vertical), right(horizontal), columns(right.span(right.count)) {
    const int64_t whole = down.span(down.count) * columns * bytes;
    const int64_t wished = std::max(Portions(whole, kBand), Portions(kFewestPieces, std::max<int64_t>(seen.batch, 1)));
    rows = Portions(down.count, std::clamp<int64_t>(wished, 1, down.count));
    of_image = Portions(down.count, rows);
  }

  // The first row of outputs in a band of an image.
  int64_t first(int64_t band) const { return band % of_image * rows; }

  Part part(int64_t band) const {
    return {band / of_image, first(band) * down.seen + down.low, down.span(rows), right.low, columns};
  }
};

}  // namespace phasewise
