// The one thread that oneDNN is called from.
//
// OpenMP keeps a team of threads for each thread that calls it. Called from whichever of XLA's threads a program runs on, oneDNN would
// get a team for each of them, and several at once would compete for the processors. Calls therefore go through one thread, one after
// another, each with all processors. A forked child, to which no thread passes, starts a thread of its own at its first call.
#pragma once

#include <functional>
#include <string>

namespace phasewise {

// Runs `job` on that thread and returns when it has ended: "" or what it threw, in words.
std::string OnOneDnnThread(const std::function<void()>& job);

}  // namespace phasewise
