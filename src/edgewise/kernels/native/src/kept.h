// What forward finds out about its rows, kept for the gradient: where they lie on the grid, in order of their intervals.
#pragma once
#include "edgewise.h"

#include <algorithm>

namespace ew::EW_ISA {

// Where the rows of one input go in order of their intervals, or were put: local coordinates, x (where there is a base function),
// numbers of the rows, and the first position of each piece. Vectors are written beyond the end.
template <class T> struct Sorted {
    T *u, *x;
    uint16_t *order, *begin;
};

// What forward leaves to the gradient in memory of the caller's, which may move in between: an entry for each input, then their rows.
template <class T> class Kept {
    struct Entry {
        int64_t at; // from the beginning, in bytes
        int32_t count, first;
        T live[8];
    };
    struct Header {
        int64_t entries; // 0 where nothing was kept
        int32_t rows;
        bool apart, base; // whether some input has a dominant value; whether x was kept
    };
    static constexpr int64_t SLACK = 64 / int64_t(sizeof(uint16_t));
    char *memory;
    int64_t size, used;
    int pieces;
    bool base, fits;

    Header &header() const { return *reinterpret_cast<Header *>(memory); }
    Entry &entry(int64_t i) const { return reinterpret_cast<Entry *>(memory + sizeof(Header))[i]; }

    Sorted<T> places(int64_t at, int64_t count, bool base) const {
        const int64_t each = (count + SLACK) * int64_t(sizeof(T));
        T *u = reinterpret_cast<T *>(memory + at), *x = reinterpret_cast<T *>(memory + at + each);
        auto order = reinterpret_cast<uint16_t *>(memory + at + each * (1 + base));
        return {u, base ? x : nullptr, order, order + count + SLACK};
    }

  public:
    Kept(const ew_spline &s, bool has_base)
        : memory(static_cast<char *>(s.kept)), size(s.kept_bytes), used(int64_t(sizeof(Header)) + s.inputs * int64_t(sizeof(Entry))),
          pieces(s.intervals + 2), base(has_base), fits(s.kept && used <= size) {}

    // Nothing is kept until it is `sealed`.
    void open() const {
        if (memory && size >= int64_t(sizeof(Header))) header().entries = 0;
    }

    void seal(int64_t inputs, int64_t rows, bool apart) const {
        if (fits) header() = {inputs, int32_t(rows), apart, base};
    }

    // Whether the rows of this call were kept; those apart do not do where every row is needed.
    bool holds(int64_t inputs, int64_t rows, bool all) const {
        return fits && header().entries == inputs && header().rows == rows && header().base >= base && !(all && header().apart);
    }

    // Room for the rows of input i, or for nobody from the first that finds none.
    bool take(int64_t i, int64_t count, Sorted<T> &to) {
        const int64_t at = (used + 7) / 8 * 8;
        const int64_t need = (count + SLACK) * (int64_t(sizeof(T)) * (1 + base) + 2) + (pieces + 1) * 2;
        fits = fits && at + need <= size;
        if (!fits) return false;
        entry(i).at = at, used = at + need;
        to = places(at, count, base);
        return true;
    }

    template <class Input> void put(int64_t i, int count, const Input &input) {
        Entry &own = entry(i);
        own.count = count, own.first = input.first;
        std::copy(input.live, input.live + 8, own.live);
    }

    template <class Input> Sorted<T> get(int64_t i, int &count, Input &input) const {
        const Entry &own = entry(i);
        count = own.count, input.first = own.first;
        std::copy(own.live, own.live + 8, input.live);
        return places(own.at, own.count, header().base);
    }
};

} // namespace ew::EW_ISA
