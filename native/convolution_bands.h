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

// Bands of rows of outputs, for all images one after the other; of parts of a row where there is one alone, if rows may be cut. A position
// takes `bytes`.
struct Bands {
  Reach down, right;
  int64_t rows, outputs, of_image, columns;  // outputs of a row

  Bands(const Images& seen, int64_t bytes, const std::vector<Phase>& vertical, const std::vector<Phase>& horizontal, bool cuts_rows = false)
      : down(vertical), right(horizontal), rows(down.count), outputs(right.count) {
    const int64_t whole = down.span(down.count) * right.span(right.count) * bytes;
    const int64_t wished = std::max(Portions(whole, kBand), Portions(kFewestPieces, std::max<int64_t>(seen.batch, 1)));
    int64_t& cut = cuts_rows && rows == 1 ? outputs : rows;
    const int64_t all = cut;
    cut = Portions(all, std::clamp<int64_t>(wished, 1, all));
    of_image = Portions(all, cut);
    columns = right.span(outputs);
  }

  // The first row of outputs in a band of an image, and the first output in each.
  int64_t first(int64_t band) const { return down.count > 1 ? band % of_image * rows : 0; }
  int64_t left(int64_t band) const { return outputs < right.count ? band % of_image * outputs : 0; }

  Part part(int64_t band) const {
    const int64_t top = first(band) * down.seen + down.low, left_of_it = left(band) * right.seen + right.low;
    return {band / of_image, top, down.span(rows), left_of_it, columns};
  }
};

}  // namespace phasewise
