// Which instruction set this machine has; copies.inc and vector_copies.inc make copies of loops, and
// PHASEWISE_BEST and PHASEWISE_WIDEST choose among them.
#pragma once
#include <algorithm>
#include <atomic>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PHASEWISE_X86
#if __GNUC__ >= 11
#define PHASEWISE_BFLOAT16  // the compiler knows AVX512-BF16
#endif
#endif

namespace phasewise {

enum class InstructionSet { baseline, avx2, avx512 };

// What may be used at most: with less than the machine has, it computes what a lesser machine does.
inline std::atomic<InstructionSet> most_instructions{InstructionSet::avx512};

inline InstructionSet instruction_set() {
#ifdef PHASEWISE_X86
  static const InstructionSet found =
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
          ? InstructionSet::avx512
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? InstructionSet::avx2
                                                                        : InstructionSet::baseline;
  return std::min(found, most_instructions.load(std::memory_order_relaxed));
#else
  return InstructionSet::baseline;
#endif
}

// Whether loops in vectors.h's terms can run.
inline bool has_vectors() { return instruction_set() >= InstructionSet::avx2; }

// Whether there are products of pairs of bfloat16, and not the matrix units (AMX) beside which they are slow.
inline bool has_bfloat16_dots() {
#ifdef PHASEWISE_BFLOAT16
  static const bool found = __builtin_cpu_supports("avx512bf16") && !__builtin_cpu_supports("amx-bf16");
  return found && instruction_set() == InstructionSet::avx512;
#else
  return false;
#endif
}

// Whether the processor multiplies bfloat16 in any way. A compiler that does not know how to ask says yes where that may be.
inline bool has_bfloat16() {
#ifdef PHASEWISE_BFLOAT16
  static const bool found = __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
  return found && instruction_set() == InstructionSet::avx512;
#else
  return instruction_set() == InstructionSet::avx512;
#endif
}

#ifdef PHASEWISE_X86
#define PHASEWISE_BEST(...)                                                        \
  (::phasewise::instruction_set() == ::phasewise::InstructionSet::avx512 ? avx512::__VA_ARGS__ \
   : ::phasewise::instruction_set() == ::phasewise::InstructionSet::avx2 ? avx2::__VA_ARGS__   \
                                                                         : baseline::__VA_ARGS__)
#define PHASEWISE_WIDEST(...)                                                      \
  (::phasewise::instruction_set() == ::phasewise::InstructionSet::avx512 ? ::phasewise::avx512::__VA_ARGS__ : ::phasewise::avx2::__VA_ARGS__)
#else
#define PHASEWISE_BEST(...) (baseline::__VA_ARGS__)
#endif

// Floats in a vector, and rows of a product that fit the registers.
namespace baseline {
constexpr int kLanes = 4, kTile = 4;
}
namespace avx2 {
constexpr int kLanes = 8, kTile = 4;
}
namespace avx512 {
constexpr int kLanes = 16, kTile = 8;
}

}  // namespace phasewise
