# SPDX-License-Identifier: MIT
compute/cpu_CFLAGS = -O3 -fno-math-errno -fno-trapping-math
