// Images in bands of rows of outputs, for convolutions in bfloat16: see bfloat16_convolution.cc.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "bfloat16_dots.h"
#include "buffer.h"
#include "convolution_axes.h"

namespace phasewise {

constexpr int64_t kPanel = 2 * kPairs;  // channels of the result that are computed together
constexpr int64_t kBand = 32 << 10;     // numbers of an image that are brought together, about
constexpr int64_t kFewestPieces = 8;    // that the threads share

template <typename Number>
Number* OfThread(int which, int64_t count) {
  thread_local Buffer buffers[4];
  return static_cast<Number*>(buffers[which].OfSize(count * sizeof(Number)));
}

inline int64_t Portions(int64_t count, int64_t size) { return (count + size - 1) / size; }
inline int64_t Padded(int64_t channels) { return Portions(channels, kPairs) * kPairs; }
inline const uint32_t* Pairs(const Bfloat16* entries) { return reinterpret_cast<const uint32_t*>(entries); }

// Bands of rows of outputs, for all images one after the other.
struct Bands {
  Reach down, right;
  int64_t rows, of_image, columns;

  Bands(const Images& seen, const std::vector<Phase>& vertical, const std::vector<Phase>& horizontal)
      : down(vertical), right(horizontal), columns(right.span(right.count)) {
    const int64_t numbers = down.span(down.count) * columns * seen.even_channels();
    const int64_t wished = std::max(Portions(numbers, kBand), Portions(kFewestPieces, std::max<int64_t>(seen.batch, 1)));
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
