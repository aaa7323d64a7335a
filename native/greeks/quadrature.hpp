// Rules of numerical integration and interpolation, made once.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

namespace quantumcore::greeks {

/// Gauss and Legendre's rule of N points on (-1, 1).
template <std::size_t N>
struct GaussLegendre {
  std::array<double, N> at{};
  std::array<double, N> weight{};

  GaussLegendre() {
    for (std::size_t i = 0; i < N; ++i) {
      double x = std::cos(kPi * (static_cast<double>(i) + 0.75) / (N + 0.5));
      double slope = 1.0;
      for (int step = 0; step < 8; ++step) {  // Newton's method doubles the digits of each root
        double before = 1.0, now = x;
        for (std::size_t n = 1; n < N; ++n) {
          const auto k = static_cast<double>(n);
          const double next = ((2 * k + 1) * x * now - k * before) / (k + 1);
          before = now;
          now = next;
        }
        slope = N * (x * now - before) / (x * x - 1);
        x -= now / slope;
      }
      at[i] = x;
      weight[i] = 2 / ((1 - x * x) * slope * slope);
    }
  }

 private:
  static constexpr double kPi = 3.14159265358979323846;
};

/// Chebyshev's points of the second kind on [-1, 1], from 1 downwards, and what interpolation
/// through values there gives elsewhere (the barycentric formula).
template <std::size_t N>
struct Chebyshev {
  static constexpr std::size_t kPoints = N + 1;
  std::array<double, kPoints> at{};

  Chebyshev() {
    for (std::size_t i = 0; i < kPoints; ++i)
      at[i] = std::cos(3.14159265358979323846 * static_cast<double>(i) / N);
  }

  /// What each value counts at `x`; the sum of all is 1.
  std::array<double, kPoints> weights(double x) const {
    std::array<double, kPoints> w{};
    double sum = 0.0;
    for (std::size_t i = 0; i < kPoints; ++i) {
      if (x == at[i]) {
        w.fill(0.0);
        w[i] = 1.0;
        return w;
      }
      const double end = i == 0 || i == N ? 0.5 : 1.0;
      w[i] = (i % 2 == 0 ? end : -end) / (x - at[i]);
      sum += w[i];
    }
    for (double& each : w) each /= sum;
    return w;
  }
};

}  // namespace quantumcore::greeks
