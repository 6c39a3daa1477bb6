// Vectors of the widest kind an instruction set has, through the compilers' vector extensions.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace ew::EW_ISA {

#if defined(EW_BYTES) // any width through the compiler's emulation: tests of the code for wider vectors than the processor has
constexpr int BYTES = EW_BYTES;
#elif defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX2__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif

#if defined(__aarch64__) || defined(__AVX512F__)
constexpr int WIDE = 4; // most vectors in a tile of outputs: 4 rows of a cubic and the sums stay in 32 registers
#else
constexpr int WIDE = 2; // ... in 16
#endif

#define EW_INLINE inline __attribute__((always_inline))
#define EW_RESTRICT __restrict__

template <class T> struct Simd {
    static constexpr int N = BYTES / sizeof(T);
    typedef T V __attribute__((vector_size(BYTES)));
    typedef T U __attribute__((vector_size(BYTES), aligned(alignof(T)), may_alias));
    static EW_INLINE V load(const T *p) { return *reinterpret_cast<const U *>(p); }
    static EW_INLINE void store(T *p, V v) { *reinterpret_cast<U *>(p) = v; }
    // a * b + c in one rounding wherever the processor has it: said aloud, since compilers tuned for some processors split chains
    // of them, and then a row's sum would depend on its group.
    static EW_INLINE V fma(V a, V b, V c) {
#if defined(__AVX512F__)
        if constexpr (sizeof(T) == 4)
            return _mm512_fmadd_ps(a, b, c);
        else
            return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
        if constexpr (sizeof(T) == 4)
            return _mm256_fmadd_ps(a, b, c);
        else
            return _mm256_fmadd_pd(a, b, c);
#else
        return a * b + c;
#endif
    }
    static EW_INLINE T fma1(T a, T b, T c) {
#if defined(__FMA__) || defined(__aarch64__)
        if constexpr (sizeof(T) == 4)
            return __builtin_fmaf(a, b, c);
        else
            return __builtin_fma(a, b, c);
#else
        return a * b + c;
#endif
    }
    // Past the caches, for aligned results larger than those: a plain store would fetch what it overwrites.
    static EW_INLINE void stream(T *p, V v) {
#if defined(__AVX512F__)
        _mm512_stream_si512(reinterpret_cast<__m512i *>(p), reinterpret_cast<__m512i>(v));
#elif defined(__AVX2__)
        _mm256_stream_si256(reinterpret_cast<__m256i *>(p), reinterpret_cast<__m256i>(v));
#else
        store(p, v);
#endif
    }
    static EW_INLINE V all(T s) { return s - V{}; } // x - 0 is x to the bit: compilers make one broadcast of it
    static EW_INLINE T sum(const T *p) {
        T t[N];
        std::memcpy(t, p, sizeof t);
        for (int half = N / 2; half > 0; half /= 2)
            for (int l = 0; l < half; ++l) t[l] += t[l + half];
        return t[0];
    }
};

#if defined(__AVX512F__)
// 16 rows of 16 numbers, turned.
EW_INLINE void turn(__m512 (&r)[16]) {
    __m512 t[16];
    for (int k = 0; k < 16; k += 4) {
        const __m512 a = _mm512_unpacklo_ps(r[k], r[k + 1]), b = _mm512_unpackhi_ps(r[k], r[k + 1]);
        const __m512 c = _mm512_unpacklo_ps(r[k + 2], r[k + 3]), d = _mm512_unpackhi_ps(r[k + 2], r[k + 3]);
        t[k] = _mm512_shuffle_ps(a, c, 0x44), t[k + 1] = _mm512_shuffle_ps(a, c, 0xee);
        t[k + 2] = _mm512_shuffle_ps(b, d, 0x44), t[k + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    // t[4 q + p] holds in its four quarters the columns p, 4 + p, 8 + p, 12 + p of the rows 4 q on.
    for (int p = 0; p < 4; ++p) {
        const __m512 a = _mm512_shuffle_f32x4(t[p], t[4 + p], 0x44), b = _mm512_shuffle_f32x4(t[p], t[4 + p], 0xee);
        const __m512 c = _mm512_shuffle_f32x4(t[8 + p], t[12 + p], 0x44), d = _mm512_shuffle_f32x4(t[8 + p], t[12 + p], 0xee);
        r[p] = _mm512_shuffle_f32x4(a, c, 0x88), r[4 + p] = _mm512_shuffle_f32x4(a, c, 0xdd);
        r[8 + p] = _mm512_shuffle_f32x4(b, d, 0x88), r[12 + p] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}
#endif

// Sums over the lanes of N vectors, in the order of `Simd::sum`.
template <class T> EW_INLINE void lane_sums(const T *from, T *to) {
    using S = Simd<T>;
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
        __m512 r[16];
        for (int k = 0; k < 16; ++k) r[k] = S::load(from + k * 16);
        turn(r);
        for (int half = 8; half > 0; half /= 2)
            for (int l = 0; l < half; ++l) r[l] += r[l + half];
        return S::store(to, r[0]);
    }
#endif
    for (int k = 0; k < S::N; ++k) to[k] = S::sum(from + k * S::N);
}

template <class T> struct Bits;
template <> struct Bits<float> {
    typedef int32_t Int;
    static constexpr int mantissa = 23, bias = 127, terms = 8;
    static constexpr float least = -87.0f, most = 88.0f, high = 0.693359375f, low = -2.12194440e-4f;
};
template <> struct Bits<double> {
    typedef int64_t Int;
    static constexpr int mantissa = 52, bias = 1023, terms = 15;
    static constexpr double least = -708.0, most = 709.0, high = 6.93145751953125e-1, low = 1.42860682030941723212e-6;
};

// exp by reduction to |r| <= ln(2) / 2 and its Taylor series; arguments are held to the range of normal numbers, NaN stays.
template <class T> EW_INLINE typename Simd<T>::V exponential(typename Simd<T>::V x) {
    using S = Simd<T>;
    using V = typename S::V;
    using B = Bits<T>;
    typedef typename B::Int I __attribute__((vector_size(BYTES)));
    x = x < B::least ? S::all(B::least) : x;
    x = x > B::most ? S::all(B::most) : x;
    const T shift = T(3) * T(int64_t(1) << (B::mantissa - 1)); // adding it rounds to an integer
    const V whole = (x * T(1.44269504088896340736) + shift) - shift;
    const V r = (x - whole * B::high) - whole * B::low;
    V sum = S::all(T(1));
    for (int j = B::terms; j >= 1; --j) sum = sum * (r * (T(1) / T(j))) + T(1);
    const V finite = whole == whole ? whole : V{};
    const I power = (__builtin_convertvector(finite, I) + B::bias) << B::mantissa;
    V scale;
    std::memcpy(&scale, &power, sizeof scale);
    return sum * scale;
}

} // namespace ew::EW_ISA
