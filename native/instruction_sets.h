// Which of several copies of a loop this machine can run. A copy for an instruction set stands in a namespace of its own:
//
//   namespace baseline {
//   #include "loops.inc"
//   }
//   #ifdef PHASEWISE_X86
//   #pragma GCC push_options
//   #pragma GCC target(...)
//   namespace avx2 { ...
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PHASEWISE_X86
#endif

namespace phasewise {

enum class InstructionSet { baseline, avx2, avx512 };

inline InstructionSet instruction_set() {
#ifdef PHASEWISE_X86
  static const InstructionSet found =
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
          ? InstructionSet::avx512
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? InstructionSet::avx2
                                                                        : InstructionSet::baseline;
  return found;
#else
  return InstructionSet::baseline;
#endif
}

}  // namespace phasewise
