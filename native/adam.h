// Adam's pass over arrays, in the best copy that this machine can run.
#pragma once
#include <cstdint>

#include "instruction_sets.h"

namespace phasewise {

// What is the same for all entries: how far the moments move towards what they are the means of, the rate of the step, both moments
// corrected, and what is added to the root.
struct AdamNumbers {
  float mean_share, square_share, rate, epsilon;
};

#define PHASEWISE_LOOPS "adam.inc"
#include "copies.inc"

using Adam = void (*)(const float*, float*, float*, float*, int64_t, const AdamNumbers&);

inline Adam best_adam() {
  return PHASEWISE_BEST(adam);
}

}  // namespace phasewise
