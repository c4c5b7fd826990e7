// Written by tools/fit_gelu.py; do not edit.
#pragma once

inline constexpr float kGeluLimit = 5.6f;

// Degree 18; largest absolute error, evaluated in float32: 2.2e-07.
inline constexpr float kGeluExact[] = {
    7.154364925e-03f,
    -5.490320194e-02f,
    1.812069932e-01f,
    -3.113522137e-01f,
    2.145825785e-01f,
    2.148776964e-01f,
    -6.340853814e-01f,
    5.303285814e-01f,
    7.830826905e-02f,
    -5.471122028e-01f,
    3.729252584e-01f,
    1.520114117e-01f,
    -3.278784041e-01f,
    5.440958271e-02f,
    1.332206441e-01f,
    -4.862501909e-02f,
    -2.765831145e-02f,
    1.036541240e-02f,
    2.224015059e-03f,
};

// Degree 12; largest absolute error, evaluated in float32: 2.0e-05.
inline constexpr float kGeluCoarse[] = {
    7.154364925e-03f,
    -5.478831881e-02f,
    1.810236392e-01f,
    -3.145246354e-01f,
    2.197823512e-01f,
    2.392835373e-01f,
    -6.769899852e-01f,
    4.535204596e-01f,
    2.338857844e-01f,
    -4.436401709e-01f,
    8.678522014e-02f,
    1.201591581e-01f,
    -5.165101543e-02f,
};
