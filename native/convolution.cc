// Convolution by oneDNN, channels last: the output, and the gradients by the input and by the kernel.
//
// Three arrays belong together, and two of them give the third: the input x (batch, *positions, channels), the kernel k (*window,
// channels / groups, filters) and the output y (batch, *positions, filters).
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "buffer.h"
#include "convolution_roles.h"
#include "dnnl.hpp"
#include "huge_pages.h"
#include "onednn_thread.h"
#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace phasewise {
namespace {

using Dims = std::vector<int64_t>;
using Memory = dnnl::memory;

// What tells one convolution from another; also the key of its program.
struct Problem {
  int64_t part, groups;
  Memory::data_type type;
  Dims input, kernel, output;  // as in XLA
  Dims strides, dilation, before, after;

  Dims Key() const {
    Dims key{part, groups, static_cast<int64_t>(type), static_cast<int64_t>(strides.size())};
    for (const Dims* each : {&input, &kernel, &output, &strides, &dilation, &before, &after}) {
      key.insert(key.end(), each->begin(), each->end());
    }
    return key;
  }
};

// An array of XLA's, channels last, as oneDNN names its axes: batch, channels, positions.
Memory::desc Activations(const Dims& shape, Memory::data_type type) {
  Dims dims{shape.front(), shape.back()}, steps(shape.size());
  dims.insert(dims.end(), shape.begin() + 1, shape.end() - 1);
  int64_t step = shape.back();
  for (size_t axis = shape.size(); axis-- > 2; step *= dims[axis]) steps[axis] = step;
  steps[1] = 1;
  steps[0] = step;
  return Memory::desc(dims, type, steps);
}

// A kernel of XLA's, as oneDNN names its axes: (groups,) filters, channels, window.
Memory::desc Kernel(const Dims& shape, int64_t groups, Memory::data_type type) {
  const int64_t window = static_cast<int64_t>(shape.size()) - 2, channels = shape[window], filters = shape[window + 1];
  Dims dims{filters / groups, channels}, steps{1, filters};
  dims.insert(dims.end(), shape.begin(), shape.begin() + window);
  steps.resize(dims.size());
  int64_t step = channels * filters;
  for (int64_t axis = window; axis-- > 0; step *= shape[axis]) steps[axis + 2] = step;
  if (groups > 1) {
    dims.insert(dims.begin(), groups);
    steps.insert(steps.begin(), filters / groups);
  }
  return Memory::desc(dims, type, steps);
}

// A compiled convolution. oneDNN chooses how it wants the kernel; it is brought there and back.
struct Program {
  Memory::desc input, kernel, output, inner_kernel, scratch;
  dnnl::primitive compute, reorder;
  bool is_reordered;
  std::string implementation;
};

template <typename Described>
void Fill(Program& program, const Described& described, const Memory::desc& inner_kernel) {
  program.compute = dnnl::primitive(described);
  program.inner_kernel = inner_kernel;
  program.scratch = described.scratchpad_desc();
  program.implementation = described.impl_info_str();
}

Program Compile(const Problem& p, const dnnl::engine& engine) {
  Program program;
  program.input = Activations(p.input, p.type);
  program.kernel = Kernel(p.kernel, p.groups, p.type);
  program.output = Activations(p.output, p.type);
  const Memory::desc any(program.kernel.get_dims(), p.type, Memory::format_tag::any);
  Dims gaps = p.dilation;
  for (auto& gap : gaps) --gap;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto direct = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::primitive_desc forward(
      engine, p.part == kOutput ? dnnl::prop_kind::forward_inference : dnnl::prop_kind::forward_training, direct, program.input, any,
      program.output, p.strides, gaps, p.before, p.after, attributes);
  if (p.part == kOutput) {
    Fill(program, forward, forward.weights_desc());
  } else if (p.part == kInput) {
    const dnnl::convolution_backward_data::primitive_desc by_input(engine, direct, program.input, any, program.output, p.strides, gaps,
                                                                   p.before, p.after, forward, attributes);
    Fill(program, by_input, by_input.weights_desc());
  } else {
    const dnnl::convolution_backward_weights::primitive_desc by_kernel(engine, direct, program.input, any, program.output, p.strides,
                                                                       gaps, p.before, p.after, forward, attributes);
    Fill(program, by_kernel, by_kernel.diff_weights_desc());
  }
  program.is_reordered = program.inner_kernel != program.kernel;
  if (program.is_reordered) {
    const bool is_made = p.part == kKernel;
    program.reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine, is_made ? program.inner_kernel : program.kernel, engine,
                                                                  is_made ? program.kernel : program.inner_kernel));
  }
  return program;
}

// All that is kept between calls. There is one for the thread that calls oneDNN, and a new one after a fork.
class Session {
 public:
  static Session& OfThisThread() {
    thread_local Session session;
    return session;
  }

  // The programs used latest are kept, so that ever new shapes do not fill the memory.
  const Program& Find(const Problem& problem) {
    Dims key = problem.Key();
    auto found = places_.find(key);
    if (found != places_.end()) {
      programs_.splice(programs_.begin(), programs_, found->second);
      return found->second->second;
    }
    programs_.emplace_front(key, Compile(problem, engine_));
    places_.emplace(std::move(key), programs_.begin());
    if (programs_.size() > kMostPrograms) {
      places_.erase(programs_.back().first);
      programs_.pop_back();
    }
    return programs_.front().second;
  }

  void Run(const Problem& problem, void* input, void* kernel, void* output) {
    const Program& program = Find(problem);
    void* inner = program.is_reordered ? kernel_.OfSize(program.inner_kernel.get_size()) : kernel;
    Memory outer_kernel(program.kernel, engine_, kernel), inner_kernel(program.inner_kernel, engine_, inner);
    Memory x(program.input, engine_, input), y(program.output, engine_, output);
    Memory scratch(program.scratch, engine_, scratch_.OfSize(program.scratch.get_size()));
    const bool is_made = problem.part == kKernel;
    if (program.is_reordered && !is_made) program.reorder.execute(stream_, {{DNNL_ARG_FROM, outer_kernel}, {DNNL_ARG_TO, inner_kernel}});
    program.compute.execute(stream_, {{problem.part == kInput ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, x},
                                      {is_made ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, inner_kernel},
                                      {problem.part == kOutput ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, y},
                                      {DNNL_ARG_SCRATCHPAD, scratch}});
    if (program.is_reordered && is_made) program.reorder.execute(stream_, {{DNNL_ARG_FROM, inner_kernel}, {DNNL_ARG_TO, outer_kernel}});
    stream_.wait();
  }

 private:
  static constexpr size_t kMostPrograms = 256;

  // oneDNN has a cache of its own, which only holds on to what has gone from ours.
  Session() : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) { dnnl::set_primitive_cache_capacity(0); }

  dnnl::engine engine_;
  dnnl::stream stream_;
  std::list<std::pair<Dims, Program>> programs_;
  std::map<Dims, std::list<std::pair<Dims, Program>>::iterator> places_;
  Buffer kernel_, scratch_;
};

Memory::data_type TypeOf(bool is_half) { return is_half ? Memory::data_type::bf16 : Memory::data_type::f32; }

ffi::Error Convolution(ffi::AnyBuffer first, ffi::AnyBuffer second, ffi::Result<ffi::AnyBuffer> result, int64_t part, int64_t groups,
                       ffi::Span<const int64_t> strides, ffi::Span<const int64_t> dilation, ffi::Span<const int64_t> before,
                       ffi::Span<const int64_t> after) {
  const auto type = first.element_type();
  if (type != ffi::DataType::F32 && type != ffi::DataType::BF16) {
    return ffi::Error(ffi::ErrorCode::kInvalidArgument, "convolution: the arrays must be float32 or bfloat16");
  }
  PreferHugePages(result->untyped_data(), result->size_bytes());
  const Roles<ffi::AnyBuffer> of(first, second, *result, part);
  const auto dims = [](ffi::Span<const int64_t> span) { return Dims(span.begin(), span.end()); };
  const Problem problem{part, groups, TypeOf(type == ffi::DataType::BF16), dims(of.input.dimensions()), dims(of.kernel.dimensions()),
                        dims(of.output.dimensions()), dims(strides), dims(dilation), dims(before), dims(after)};
  const std::string error = OnOneDnnThread([&] {
    Session::OfThisThread().Run(problem, of.input.untyped_data(), of.kernel.untyped_data(), of.output.untyped_data());
  });
  return error.empty() ? ffi::Error::Success() : ffi::Error(ffi::ErrorCode::kInternal, "convolution: " + error);
}

}  // namespace
}  // namespace phasewise

XLA_FFI_DEFINE_HANDLER_SYMBOL(phasewise_convolution, phasewise::Convolution,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::AnyBuffer>()
                                  .Arg<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Attr<int64_t>("part")
                                  .Attr<int64_t>("groups")
                                  .Attr<ffi::Span<const int64_t>>("strides")
                                  .Attr<ffi::Span<const int64_t>>("dilation")
                                  .Attr<ffi::Span<const int64_t>>("before")
                                  .Attr<ffi::Span<const int64_t>>("after"));

// Which implementation oneDNN has for a convolution, "" where it has none. `numbers`: part, groups, whether the type is bfloat16, the
// number of spatial axes n; the shapes of input, kernel and output (n + 2 each); strides, dilation, before, after (n each).
extern "C" void phasewise_convolution_implementation(const int64_t* numbers, char* name, int64_t room) {
  const int64_t n = numbers[3];
  const int64_t* next = numbers + 4;
  const auto taken = [&next](int64_t count) {
    next += count;
    return phasewise::Dims(next - count, next);
  };
  phasewise::Problem problem{numbers[0], numbers[1], phasewise::TypeOf(numbers[2] != 0), {}, {}, {}, {}, {}, {}, {}};
  for (auto* shape : {&problem.input, &problem.kernel, &problem.output}) *shape = taken(n + 2);
  for (auto* each : {&problem.strides, &problem.dilation, &problem.before, &problem.after}) *each = taken(n);
  std::string found;
  const std::string error =
      phasewise::OnOneDnnThread([&] { found = phasewise::Session::OfThisThread().Find(problem).implementation; });
  if (!error.empty()) found.clear();
  name[found.copy(name, static_cast<size_t>(room - 1))] = '\0';
}
