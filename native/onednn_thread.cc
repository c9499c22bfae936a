#include "onednn_thread.h"

#include <pthread.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>

namespace phasewise {
namespace {

class Worker {
 public:
  std::string Run(const std::function<void()>& job) {
    std::lock_guard<std::mutex> turn(turn_);
    std::unique_lock<std::mutex> lock(mutex_);
    if (!is_started_) {
      std::thread([this] { Loop(); }).detach();
      is_started_ = true;
    }
    job_ = &job;
    changed_.notify_all();
    changed_.wait(lock, [this] { return job_ == nullptr; });
    return std::move(error_);
  }

  std::mutex& turn() { return turn_; }

 private:
  void Loop() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return job_ != nullptr; });
      error_.clear();
      try {
        (*job_)();
      } catch (const std::exception& error) {
        error_ = error.what();
        if (error_.empty()) error_ = "unknown error";
      } catch (...) {
        error_ = "unknown error";
      }
      job_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex turn_;  // held by the caller whose job runs
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* job_ = nullptr;
  std::string error_;
  bool is_started_ = false;
};

// In memory that is never given back: the thread uses it to the end of the process.
alignas(Worker) unsigned char memory[sizeof(Worker)];

Worker& TheWorker() {
  static Worker* worker = [] {
    auto* made = new (memory) Worker;
    // A fork waits for the job that runs, so that the child finds no lock held and no cache half written.
    pthread_atfork([] { reinterpret_cast<Worker*>(memory)->turn().lock(); },
                   [] { reinterpret_cast<Worker*>(memory)->turn().unlock(); }, [] { new (memory) Worker; });
    return made;
  }();
  return *worker;
}

}  // namespace

std::string OnOneDnnThread(const std::function<void()>& job) { return TheWorker().Run(job); }

}  // namespace phasewise
