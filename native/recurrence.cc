// Long short-term memory over a whole sequence, and its gradient but for that of the kernel, which is one product over all steps.
//
// The rows are divided into groups, each of which goes over all steps by itself: threads never wait for each other.
#include "recurrence.h"

#include <vector>

#include "parallel_for.h"

namespace phasewise {
namespace {

namespace ffi = xla::ffi;
using Array = ffi::Buffer<ffi::F32>;
using Mask = ffi::Buffer<ffi::PRED>;

template <typename Buffer>
auto* data_or_null(Buffer& of) {
  return of.element_count() ? of.typed_data() : nullptr;
}

// Shapes that the loops may trust; `sequence` is (time, batch, 4 units).
ffi::Error sized(LstmPass& pass, Array sequence, Array h0, Array c0, Array kernel, Array kept, Mask mask) {
  auto shape = sequence.dimensions();
  if (shape.size() != 3 || shape[2] % 4) return ffi::Error::InvalidArgument("The gates of an LSTM are (time, batch, 4 units).");
  const size_t time = shape[0], batch = shape[1], units = shape[2] / 4;
  const bool fits = h0.element_count() == batch * units && c0.element_count() == batch * units &&
                    kernel.element_count() == units * 4 * units && (!kept.element_count() || kept.element_count() == batch * units) &&
                    (!mask.element_count() || mask.element_count() == time * batch);
  if (!fits) return ffi::Error::InvalidArgument("The states, kernel or masks of an LSTM do not fit its gates.");
  pass.time = time, pass.batch = batch, pass.units = units;
  pass.padded = (pass.units + kPadding - 1) / kPadding * kPadding;
  pass.kept = data_or_null(kept);
  pass.mask = reinterpret_cast<const uint8_t*>(data_or_null(mask));
  pass.h0 = h0.typed_data(), pass.c0 = c0.typed_data();
  return ffi::Error::Success();
}

// kernel (depth, 4 units) with each gate in a run of `padded`; transposed, (4 padded, padded).
std::vector<float> packed(const float* kernel, int64_t depth, int64_t units, int64_t padded, bool transposed) {
  std::vector<float> result((transposed ? padded : depth) * 4 * padded);
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t gate = 0; gate < 4; ++gate)
      for (int64_t j = 0; j < units; ++j) {
        const int64_t column = gate * padded + j;
        result[transposed ? column * padded + k : k * 4 * padded + column] = kernel[(k * 4 + gate) * units + j];
      }
  return result;
}

template <typename Pass>
void over_groups(ffi::ThreadPool& pool, const Pass& pass, void (*loop)(const Pass&, int64_t, int64_t, float*)) {
  const int64_t groups = (pass.batch + kGroup - 1) / kGroup;
  ParallelFor(pool, groups, [&](int64_t group) {
    std::vector<float> scratch(kGroup * 8 * pass.padded);
    const int64_t first = group * kGroup;
    loop(pass, first, std::min(kGroup, pass.batch - first), scratch.data());
  });
}

ffi::Error lstm(ffi::ThreadPool pool, Array projected, Array h0, Array c0, Array kernel, Array kept, Mask mask, Array bias,
                ffi::Result<Array> hs, ffi::Result<Array> last_c, ffi::Result<Array> gates, ffi::Result<Array> cs) {
  LstmForward pass{};
  if (auto error = sized(pass, projected, h0, c0, kernel, kept, mask); error.failure()) return error;
  if (bias.element_count() && bias.element_count() != size_t(4 * pass.units))
    return ffi::Error::InvalidArgument("The bias of an LSTM does not fit its gates.");
  const bool keeps = gates->element_count() > 0;
  const size_t states = hs->element_count();
  if (states * 4 != projected.element_count() || last_c->element_count() != c0.element_count() ||
      (keeps && (gates->element_count() != projected.element_count() || cs->element_count() != states)))
    return ffi::Error::InvalidArgument("The results of an LSTM do not fit its gates.");
  auto weights = packed(kernel.typed_data(), pass.units, pass.units, pass.padded, false);
  std::vector<float> biases;
  if (bias.element_count()) biases = packed(bias.typed_data(), 1, pass.units, pass.padded, false), pass.bias = biases.data();
  pass.kernel = weights.data(), pass.projected = projected.typed_data();
  pass.hs = hs->typed_data(), pass.last_c = last_c->typed_data();
  if (keeps) pass.gates = gates->typed_data(), pass.cs = cs->typed_data();
  over_groups(pool, pass, best_recurrence().lstm_forward);
  return ffi::Error::Success();
}

ffi::Error lstm_gradient(ffi::ThreadPool pool, Array gates, Array h0, Array c0, Array kernel, Array kept, Mask mask, Array cs, Array d_hs,
                         Array d_h, Array d_c, ffi::Result<Array> d_projected, ffi::Result<Array> d_h0, ffi::Result<Array> d_c0) {
  LstmBackward pass{};
  if (auto error = sized(pass, gates, h0, c0, kernel, kept, mask); error.failure()) return error;
  const size_t one = c0.element_count(), states = gates.element_count() / 4;
  if (cs.element_count() != states || (d_hs.element_count() && d_hs.element_count() != states) || d_h.element_count() != one ||
      d_c.element_count() != one || d_h0->element_count() != one || d_c0->element_count() != one ||
      d_projected->element_count() != gates.element_count())
    return ffi::Error::InvalidArgument("The gradients of an LSTM do not fit its gates.");
  auto weights = packed(kernel.typed_data(), pass.units, pass.units, pass.padded, true);
  pass.kernel = weights.data(), pass.gates = gates.typed_data(), pass.cs = cs.typed_data();
  pass.d_hs = data_or_null(d_hs), pass.d_h = d_h.typed_data(), pass.d_c = d_c.typed_data();
  pass.d_projected = d_projected->typed_data(), pass.d_h0 = d_h0->typed_data(), pass.d_c0 = d_c0->typed_data();
  over_groups(pool, pass, best_recurrence().lstm_backward);
  return ffi::Error::Success();
}

// What both are given first: gates, the two states, the kernel, recurrent dropout and the mask.
auto OfSequence() {
  return ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Array>().Arg<Array>().Arg<Array>().Arg<Array>().Arg<Array>().Arg<Mask>();
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(
    phasewise_lstm, phasewise::lstm,
    phasewise::OfSequence()
        .Arg<phasewise::Array>()
        .Ret<phasewise::Array>()
        .Ret<phasewise::Array>()
        .Ret<phasewise::Array>()
        .Ret<phasewise::Array>());
XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_lstm_gradient, phasewise::lstm_gradient,
                              phasewise::OfSequence()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Arg<phasewise::Array>()
                                  .Ret<phasewise::Array>()
                                  .Ret<phasewise::Array>()
                                  .Ret<phasewise::Array>());
