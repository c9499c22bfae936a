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

namespace baseline {
#include "adam.inc"
}
#ifdef PHASEWISE_X86
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2")
namespace avx2 {
#include "adam.inc"
}
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2,prefer-vector-width=512")
namespace avx512 {
#include "adam.inc"
}
#pragma GCC pop_options
#endif

using Adam = void (*)(const float*, float*, float*, float*, int64_t, const AdamNumbers&);

inline Adam best_adam() {
#ifdef PHASEWISE_X86
  if (instruction_set() == InstructionSet::avx512) return avx512::adam;
  if (instruction_set() == InstructionSet::avx2) return avx2::adam;
#endif
  return baseline::adam;
}

}  // namespace phasewise
