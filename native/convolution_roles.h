// Which of the three arrays of a convolution is asked for; the other two are given.
#pragma once
#include <cstdint>

#include "xla/ffi/api/ffi.h"

namespace phasewise {

enum Asked : int64_t { kOutput, kInput, kKernel };

// The output comes of input and kernel, the gradient by the input of kernel and slope, that by the kernel of input and slope, which is
// called the output here.
template <typename Array>
struct Roles {
  const Array &input, &kernel, &output;

  Roles(const Array& first, const Array& second, const Array& result, int64_t part)
      : input(part == kInput ? result : first), kernel(part == kKernel ? result : part == kInput ? first : second),
        output(part == kOutput ? result : second) {}
};

// What all kernels on XLA's threads are given first.
template <typename Array>
auto OfConvolution() {
  return xla::ffi::Ffi::Bind().Ctx<xla::ffi::ThreadPool>().Arg<Array>().template Arg<Array>().template Ret<Array>().template Attr<int64_t>(
      "part");
}

}  // namespace phasewise
