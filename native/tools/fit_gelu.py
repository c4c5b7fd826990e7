#!/usr/bin/env python3
"""Prints the polynomial coefficients of src/cpu/kernels/gelu_coefficients.h.

gelu(x) = max(x, 0) - c(|x|) with c(t) = t * erfc(t / sqrt(2)) / 2. c is smooth, at most 0.17 and below 6e-8 beyond
t = 5.6, so one Chebyshev interpolant on [0, 5.6], written as a polynomial in u = t / 2.8 - 1, is enough.
Usage: fit_gelu.py > ../src/cpu/kernels/gelu_coefficients.h
"""
import math
import numpy as np
from numpy.polynomial import chebyshev

LIMIT = 5.6


def correction(t):
    return np.array([v * 0.5 * math.erfc(v / math.sqrt(2)) for v in np.atleast_1d(t)])


def coefficients(degree):
    fit = chebyshev.Chebyshev.interpolate(correction, degree, domain=[0, LIMIT])
    return chebyshev.cheb2poly(fit.coef)


def worst_error(poly):
    t = np.linspace(0, LIMIT, 20001)
    u = (t.astype(np.float32) * np.float32(2 / LIMIT) - np.float32(1)).astype(np.float32)
    value = np.zeros_like(u)
    for c in poly[::-1].astype(np.float32):
        value = (value * u + c).astype(np.float32)
    return np.abs(value - correction(t)).max()


print("// Written by tools/fit_gelu.py; do not edit.\n#pragma once\n")
print(f"inline constexpr float kGeluLimit = {LIMIT}f;")
for name, degree in (("kGeluExact", 18), ("kGeluCoarse", 12)):
    poly = coefficients(degree)
    print(f"\n// Degree {degree}; largest absolute error, evaluated in float32: {worst_error(poly):.1e}.")
    print(f"inline constexpr float {name}[] = {{")
    for c in poly:
        print(f"    {c:.9e}f,")
    print("};")
