// What the machine gives: how many threads XLA shares the work of a kernel out to, and which instructions there are.
#include "instruction_sets.h"
#include "parallel_for.h"

namespace ffi = xla::ffi;

static ffi::Error Threads(ffi::ThreadPool pool, ffi::Result<ffi::Buffer<ffi::S32>> count) {
  *count->typed_data() = static_cast<int32_t>(pool.num_threads());
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_threads, Threads,
                              ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Ret<ffi::Buffer<ffi::S32>>());

extern "C" int phasewise_instruction_set() { return int(phasewise::instruction_set()); }

// Floats that loops in vectors.h's terms compute together; 0 where they cannot run.
extern "C" int phasewise_lanes() { return phasewise::has_vectors() ? PHASEWISE_WIDEST(kLanes) : 0; }

extern "C" void phasewise_limit_instructions(int most) { phasewise::most_instructions = phasewise::InstructionSet(most); }

extern "C" int phasewise_has_bfloat16_dots() { return phasewise::has_bfloat16_dots(); }

extern "C" int phasewise_has_bfloat16() { return phasewise::has_bfloat16(); }
