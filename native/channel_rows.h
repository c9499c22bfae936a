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

namespace baseline {
#include "channel_rows.inc"
}
#ifdef PHASEWISE_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
namespace avx2 {
#include "channel_rows.inc"
}
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")
namespace avx512 {
#include "channel_rows.inc"
}
#pragma GCC pop_options
#endif

template <typename X, typename Y>
ChannelRows<X, Y> best_channel_rows() {
#ifdef PHASEWISE_X86
  if (instruction_set() == InstructionSet::avx512) return avx512::channel_rows<X, Y>();
  if (instruction_set() == InstructionSet::avx2) return avx2::channel_rows<X, Y>();
#endif
  return baseline::channel_rows<X, Y>();
}

}  // namespace phasewise
