"""The native kernels: C++ behind a plain C interface, loaded with ctypes."""
