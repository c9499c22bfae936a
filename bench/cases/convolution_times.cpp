// oneDNN's own time of convolutions: `convolution_times float32|bfloat16 BATCH`, shapes on the standard input, one a line:
// size channels filters kernel strides. Prints the sum of the medians of forward, weight gradient and (unless the channels are
// three, which are the images) input gradient of each. Images and slopes lie as (rows, height, width, channels); the weights lie
// as oneDNN likes them best, so no reorder is counted.
#include <oneapi/dnnl/dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>

using namespace dnnl;
using Tag = memory::format_tag;
using Clock = std::chrono::steady_clock;

struct Shape {
    long size, channels, filters, kernel, strides;
};

struct Arrays {
    memory::desc x, weights, y;
    memory::dims strides, before, after;
};

Arrays arrays_of(const Shape& s, long batch, memory::data_type type) {
    const long out = (s.size + s.strides - 1) / s.strides;
    const long padding = std::max(0L, (out - 1) * s.strides + s.kernel - s.size);
    return {{{batch, s.channels, s.size, s.size}, type, Tag::nhwc},
            {{s.filters, s.channels, s.kernel, s.kernel}, type, Tag::any},
            {{batch, s.filters, out, out}, type, Tag::nhwc},
            {s.strides, s.strides},
            {padding / 2, padding / 2},
            {padding - padding / 2, padding - padding / 2}};
}

double median_seconds(const primitive& work, stream& on, const std::unordered_map<int, memory>& arguments) {
    std::vector<double> seconds;
    for (int turn = 0; turn < 25; turn++) {
        const auto begun = Clock::now();
        work.execute(on, arguments);
        on.wait();
        if (turn >= 5) seconds.push_back(std::chrono::duration<double>(Clock::now() - begun).count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + seconds.size() / 2, seconds.end());
    return seconds[seconds.size() / 2];
}

memory zeros(const memory::desc& description, const engine& on) {
    memory made(description, on);
    std::fill_n(static_cast<char*>(made.get_data_handle()), description.get_size(), 0);
    return made;
}

double seconds_of(const Shape& shape, long batch, memory::data_type type, const engine& cpu, stream& on) {
    const auto a = arrays_of(shape, batch, type);
    const auto algorithm = algorithm::convolution_direct;
    const convolution_forward::primitive_desc forward(cpu, prop_kind::forward_training, algorithm, a.x, a.weights, a.y,
                                                      a.strides, a.before, a.after);
    double total = median_seconds(convolution_forward(forward), on,
                                  {{DNNL_ARG_SRC, zeros(forward.src_desc(), cpu)},
                                   {DNNL_ARG_WEIGHTS, zeros(forward.weights_desc(), cpu)},
                                   {DNNL_ARG_DST, zeros(forward.dst_desc(), cpu)}});
    const convolution_backward_weights::primitive_desc of_weights(cpu, algorithm, a.x, a.weights, a.y, a.strides, a.before,
                                                                  a.after, forward);
    total += median_seconds(convolution_backward_weights(of_weights), on,
                            {{DNNL_ARG_SRC, zeros(of_weights.src_desc(), cpu)},
                             {DNNL_ARG_DIFF_WEIGHTS, zeros(of_weights.diff_weights_desc(), cpu)},
                             {DNNL_ARG_DIFF_DST, zeros(of_weights.diff_dst_desc(), cpu)}});
    if (shape.channels == 3) return total;
    const convolution_backward_data::primitive_desc of_x(cpu, algorithm, a.x, a.weights, a.y, a.strides, a.before, a.after,
                                                         forward);
    return total + median_seconds(convolution_backward_data(of_x), on,
                                  {{DNNL_ARG_DIFF_SRC, zeros(of_x.diff_src_desc(), cpu)},
                                   {DNNL_ARG_WEIGHTS, zeros(of_x.weights_desc(), cpu)},
                                   {DNNL_ARG_DIFF_DST, zeros(of_x.diff_dst_desc(), cpu)}});
}

int main(int, char** arguments) {
    const auto type = std::string(arguments[1]) == "bfloat16" ? memory::data_type::bf16 : memory::data_type::f32;
    const engine cpu(engine::kind::cpu, 0);
    stream on(cpu);
    double total = 0;
    long count;
    for (Shape s; std::cin >> count >> s.size >> s.channels >> s.filters >> s.kernel >> s.strides;)
        total += count * seconds_of(s, std::stol(arguments[2]), type, cpu, on);
    std::cout << total << std::endl;
}
