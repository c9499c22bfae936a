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

#define PHASEWISE_LOOPS "recurrence.inc"
#include "copies.inc"

inline Recurrence best_recurrence() {
  return PHASEWISE_BEST(recurrence());
}

}  // namespace phasewise
