#include "threads.h"
#include "edgewise.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

namespace ew {
namespace {

std::atomic<ew_gomp_parallel> borrowed{nullptr};

struct Loop {
    std::atomic<int64_t> next{0};
    int64_t count = 0;
    void *context = nullptr;
    Body body = nullptr;
};

void work(void *data) {
    auto &loop = *static_cast<Loop *>(data);
    for (int64_t task; (task = loop.next.fetch_add(1, std::memory_order_relaxed)) < loop.count;)
        loop.body(loop.context, task);
}

// Larger buffers are given back at once: what stays is bounded, whatever was computed before.
constexpr int64_t KEPT = int64_t(64) << 20;

#if defined(_WIN32)
void give_back(void *p) { _aligned_free(p); }
#else
void give_back(void *p) { std::free(p); }
#endif

struct Buffers {
    void *at[8] = {};
    int64_t size[8] = {};
    ~Buffers() {
        for (void *p : at) give_back(p);
    }
};
thread_local Buffers buffers;

} // namespace

void parallel_for(int64_t count, int threads, void *context, Body body) {
    const auto run = borrowed.load();
    if (!run || count <= 1 || threads <= 1) return parallel_for_anew(count, threads, context, body);
    Loop loop;
    loop.count = count;
    loop.context = context;
    loop.body = body;
    // Always the same number, also where there are fewer tasks: libgomp ends the threads that a smaller team leaves over.
    run(work, &loop, unsigned(threads), 0);
}

void parallel_for_anew(int64_t count, int threads, void *context, Body body) {
    if (count <= 1 || threads <= 1) {
        for (int64_t task = 0; task < count; ++task) body(context, task);
        return;
    }
    Loop loop;
    loop.count = count;
    loop.context = context;
    loop.body = body;
    std::vector<std::thread> crew;
    const unsigned n = unsigned(count < threads ? count : threads);
    for (unsigned k = 1; k < n; ++k) {
        try {
            crew.emplace_back(work, &loop);
        } catch (...) {
            break; // fewer threads then
        }
    }
    work(&loop);
    for (auto &t : crew) t.join();
}

void *scratch(int slot, int64_t bytes) {
    auto &b = buffers;
    if (b.size[slot] >= bytes && (b.size[slot] <= KEPT || bytes > KEPT)) return b.at[slot];
    give_back(b.at[slot]);
    const int64_t rounded = (bytes + bytes / 8 + 4095) / 4096 * 4096;
#if defined(_WIN32)
    b.at[slot] = _aligned_malloc(size_t(rounded), 64);
#else
    if (posix_memalign(&b.at[slot], 64, size_t(rounded)) != 0) b.at[slot] = nullptr;
#endif
    b.size[slot] = b.at[slot] ? rounded : 0;
    return b.at[slot];
}

} // namespace ew

extern "C" void ew_set_parallel(ew_gomp_parallel run) { ew::borrowed.store(run); }
