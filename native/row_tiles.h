// The rows of an array, channels last, in the order and the portions that batch normalization goes through them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "buffer.h"
#include "streaming.h"
#include "xla/ffi/api/ffi.h"

namespace phasewise {

constexpr int64_t kTileBytes = 16 << 10, kFewestRows = 16, kMostChunks = 64;
constexpr int64_t kStretchBytes = 2 << 10;  // written past the caches at a time: more would let the reading wait

// Rows of `width` numbers in tiles that fit the first cache, and chunks of such: several rows of few channels count as one.
struct RowTiles {
  int64_t channels, joined, width, count, tile, chunk, chunks;
  const uint8_t* real;

  RowTiles(const xla::ffi::AnyBuffer& x, const xla::ffi::Buffer<xla::ffi::PRED>* mask) {
    channels = x.dimensions().back();
    int64_t rows = channels ? int64_t(x.element_count()) / channels : 0;
    real = mask && mask->element_count() ? reinterpret_cast<const uint8_t*>(mask->typed_data()) : nullptr;
    joined = 1;
    while (!real && joined * channels < 64 && rows % (joined * 2) == 0) joined *= 2;
    width = joined * channels, count = rows / joined;
    tile = std::max(kTileBytes / (width * 4), kFewestRows);
    chunk = std::max(tile, (count + kMostChunks - 1) / kMostChunks);
    chunk = (chunk + tile - 1) / tile * tile;
    chunks = (count + chunk - 1) / chunk;
  }

  std::vector<float> spread(const float* of_channels) const {
    std::vector<float> wide(width);
    for (int64_t j = 0; j < width; ++j) wide[j] = of_channels[j % channels];
    return wide;
  }

  // work(first row, rows) for the tiles of a chunk.
  template <typename Work>
  void for_tiles(int64_t part, const Work& work) const {
    int64_t end = std::min((part + 1) * chunk, count);
    for (int64_t first = part * chunk; first < end; first += tile) work(first, std::min(tile, end - first));
  }

  int64_t count_real(int64_t first, int64_t rows) const {
    return real ? std::count_if(real + first, real + first + rows, [](uint8_t r) { return r != 0; }) : rows;
  }
};

// Asks for numbers that will be read soon, while others are computed with.
template <typename X>
void fetch(const X* x, int64_t count) {
  for (int64_t i = 0; i < count; i += 64 / sizeof(X)) __builtin_prefetch(x + i);
}

// write(first row, rows, where they go) for rows of `y`; those of a large array go past the caches.
template <typename Y, typename Write>
void write_rows(const RowTiles& rows, Y* y, int64_t first, int64_t count, bool streams, const Write& write) {
  if (!streams) return write(first, count, y + first * rows.width);
  const int64_t stretch = std::max<int64_t>(kStretchBytes / (rows.width * sizeof(Y)), 1);
  thread_local Buffer memory;
  Y* buffer = static_cast<Y*>(memory.OfSize(stretch * rows.width * sizeof(Y)));
  for (int64_t end = first + count; first < end; first += stretch) {
    const int64_t here = std::min(stretch, end - first);
    write(first, here, buffer);
    stream(y + first * rows.width, buffer, here * rows.width * sizeof(Y));
  }
}

}  // namespace phasewise
