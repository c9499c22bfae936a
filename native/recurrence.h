// The loops of recurrence.inc in the best copy that this machine can run.
#pragma once
#include <cstdint>

#include "instruction_sets.h"

namespace phasewise {

// A group of rows, and of each row a place for every gate that is rounded up to whole vectors.
constexpr int64_t kGroup = 8, kPadding = 16;

// What a pass over time is given; sizes are those of the layer, `padded` is `units` rounded up. An absent array is null.
struct LstmPass {
  int64_t time, batch, units, padded;
  const float* kernel;   // packed: (units, 4 padded) forward, (4 padded, padded) backward
  const float* kept;     // (batch, units)
  const uint8_t* mask;   // (time, batch)
  const float *h0, *c0;  // (batch, units)
};

struct LstmForward : LstmPass {
  const float* projected;  // (time, batch, 4 units)
  const float* bias;       // packed: (4 padded)
  float *hs, *last_c;      // (time, batch, units), (batch, units)
  float *gates, *cs;       // (time, batch, 4 units), (time, batch, units); both or neither
};

struct LstmBackward : LstmPass {
  const float *gates, *cs;
  const float *d_hs, *d_h, *d_c;  // (time, batch, units) or null; (batch, units)
  float *d_projected, *d_h0, *d_c0;
};

// Each works on the rows [first, first + rows), rows at most kGroup, with `scratch` of kGroup * 8 * padded numbers.
struct Recurrence {
  void (*lstm_forward)(const LstmForward&, int64_t first, int64_t rows, float* scratch);
  void (*lstm_backward)(const LstmBackward&, int64_t first, int64_t rows, float* scratch);
};

namespace baseline {
constexpr int kLanes = 4, kTile = 4;
#include "recurrence.inc"
}  // namespace baseline
#ifdef PHASEWISE_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
namespace avx2 {
constexpr int kLanes = 8, kTile = 4;
#include "recurrence.inc"
}  // namespace avx2
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")
namespace avx512 {
constexpr int kLanes = 16, kTile = 8;
#include "recurrence.inc"
}  // namespace avx512
#pragma GCC pop_options
#endif

inline Recurrence best_recurrence() {
#ifdef PHASEWISE_X86
  if (instruction_set() == InstructionSet::avx512) return avx512::recurrence();
  if (instruction_set() == InstructionSet::avx2) return avx2::recurrence();
#endif
  return baseline::recurrence();
}

}  // namespace phasewise
