// Loops over ranges, shared out among the threads that XLA computes with: there are no threads of our own beside them.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "xla/ffi/api/ffi.h"

namespace phasewise {

// What the helpers of one loop share. It outlives the call: a helper that starts late finds nothing left, and goes.
struct SharedRange {
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
  int64_t pieces = 0;
  std::mutex mutex;
  std::condition_variable finished;

  template <typename Body>
  void Work(const Body& body) {
    for (int64_t piece; (piece = next.fetch_add(1)) < pieces;) {
      body(piece);
      if (done.fetch_add(1) + 1 == pieces) {
        std::lock_guard<std::mutex> lock(mutex);
        finished.notify_all();
      }
    }
  }
};

// `body(piece)` for each piece in [0, pieces), in any order, by the caller and by threads of XLA's that are free.
//
// Which thread computes a piece is left to chance, which numbers a piece holds must not be: divide the work by its size alone, and
// add partial sums up in the order of the pieces, so that neither the number of threads nor their haste shows in the result.
// The caller works along, so that the loop ends even where every other thread is busy. `body` must not throw.
template <typename Body>
void ParallelFor(xla::ffi::ThreadPool pool, int64_t pieces, const Body& body) {
  const int64_t helpers = std::min<int64_t>(pool.num_threads(), pieces) - 1;
  if (helpers <= 0) {
    for (int64_t piece = 0; piece < pieces; ++piece) body(piece);
    return;
  }
  auto range = std::make_shared<SharedRange>();
  range->pieces = pieces;
  for (int64_t helper = 0; helper < helpers; ++helper) {
    // Until its first piece a helper touches `range` alone; while it has one, the caller waits below and `body` lives.
    pool.Schedule([range, &body] { range->Work(body); });
  }
  range->Work(body);
  std::unique_lock<std::mutex> lock(range->mutex);
  range->finished.wait(lock, [&] { return range->done.load() == pieces; });
}

}  // namespace phasewise
