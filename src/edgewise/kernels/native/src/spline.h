// Entry points of the spline form for one instruction set.
#pragma once
#include "edgewise.h"

namespace ew::EW_ISA {

int spline_forward(const ew_spline &s);
int spline_grad_coef(const ew_spline &s);
int spline_grad_input(const ew_spline &s);
int spline_backward(const ew_spline &s);

} // namespace ew::EW_ISA
