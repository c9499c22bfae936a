// Memory that grows to the largest size that was asked for, aligned for vectors.
#pragma once
#include <cstddef>
#include <cstdlib>
#include <new>

namespace phasewise {

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  void* OfSize(size_t bytes) {
    if (bytes > size_) {
      std::free(data_);
      size_ = 0;
      data_ = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
      if (data_ == nullptr) throw std::bad_alloc();
      size_ = bytes;
    }
    return data_;
  }

  float* Floats(size_t count) { return static_cast<float*>(OfSize(count * sizeof(float))); }

 private:
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace phasewise
