// The loops of pooled_channels.inc in the best copy that this machine can run.
#pragma once
#include <cstdint>

#include "bfloat16.h"
#include "instruction_sets.h"

namespace phasewise {

// What an entry of a result is made of, along one axis: entries of another array. Each has a number, which is that of an entry in its
// window; `number` is the first one's.
struct Parts {
  int32_t first, end, number;
};

// The same along the other axes: where the entry that is the first along the last axis lies, and what is added to the numbers.
struct Line {
  int64_t at;
  int32_t number;
};

// How a row of entries along the last axis is made, with all their channels. An entry is made of its parts (`along`) in each line;
// the numbers of neighbouring parts differ by `step`.
struct Row {
  const Line* line;
  int64_t lines;
  const Parts* along;
  int64_t size, channels;
  int32_t step;
};

template <typename X>
struct PooledChannels {
  void (*largest)(const X*, const Row&, X*);
  void (*first_largest)(const X*, const Row&, uint8_t*);
  void (*gradients_of_largest)(const X*, const uint8_t*, const Row&, X*);
  void (*mean)(const X*, const Row&, X*);
  void (*shared_gradients)(const X*, const float*, const Row&, X*);
};

#define PHASEWISE_LOOPS "pooled_channels.inc"
#include "copies.inc"

template <typename X>
PooledChannels<X> best_pooled_channels() {
  return PHASEWISE_BEST(pooled_channels<X>());
}

}  // namespace phasewise
