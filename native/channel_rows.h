// The loops of channel_rows.inc in the best copy that this machine can run.
#pragma once
#include <cstdint>

#include "bfloat16.h"
#include "instruction_sets.h"

namespace phasewise {

// The last four are indexed by 2 * rectify + adds.
template <typename X, typename Y>
struct ChannelRows {
  void (*sum_rows)(const X*, const uint8_t*, int64_t, int64_t, const float*, float*);
  void (*sum_squares)(const X*, const uint8_t*, int64_t, int64_t, const float*, const float*, float*);
  void (*normalize[4])(const X*, const Y*, int64_t, int64_t, const float*, const float*, const float*, float, Y*);
  void (*sum_gradients[4])(const X*, const Y*, const Y*, int64_t, int64_t, const float*, const float*, const float*, const float*, float,
                           float*, float*);
  void (*gradient[4])(const X*, const Y*, const Y*, const uint8_t*, int64_t, int64_t, const float*, const float*, const float*,
                      const float*, float, const float*, const float*, X*, Y*);
};

#define PHASEWISE_LOOPS "channel_rows.inc"
#include "copies.inc"

template <typename X, typename Y>
ChannelRows<X, Y> best_channel_rows() {
  return PHASEWISE_BEST(channel_rows<X, Y>());
}

}  // namespace phasewise
