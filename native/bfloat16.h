#pragma once
#include <cstdint>

namespace phasewise {

struct Bfloat16 {
  uint16_t bits;
};

}  // namespace phasewise
