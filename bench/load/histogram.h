// A histogram of nanoseconds: 64 buckets to each doubling, so that a value is known to 1.6 %.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { BUCKETS_LOG2 = 6, BUCKETS = 1 << BUCKETS_LOG2 };

struct histogram {
  uint64_t count, max;
  double sum;
  uint64_t buckets[(64 - BUCKETS_LOG2) * BUCKETS];
};

static inline void histogram_clear(struct histogram *h) { memset(h, 0, sizeof *h); }

static inline void histogram_add(struct histogram *h, uint64_t ns, uint64_t times) {
  unsigned at;
  if (ns < BUCKETS) {
    at = (unsigned)ns;
  } else {
    unsigned shift = (unsigned)(63 - __builtin_clzll(ns)) - BUCKETS_LOG2;
    at = (shift << BUCKETS_LOG2) + (unsigned)(ns >> shift);
  }
  h->buckets[at] += times;
  h->count += times;
  h->sum += (double)ns * (double)times;
  if (ns > h->max) h->max = ns;
}

// The middle of the bucket below which `percent` of all values lie, in milliseconds.
static inline double histogram_at(const struct histogram *h, double percent) {
  if (h->count == 0) return 0;
  if (percent >= 100) return (double)h->max / 1e6;
  double wanted = percent / 100 * (double)h->count;
  uint64_t seen = 0;
  for (unsigned at = 0; at < sizeof h->buckets / sizeof *h->buckets; at++) {
    seen += h->buckets[at];
    if ((double)seen < wanted || h->buckets[at] == 0) continue;
    if (at < BUCKETS) return at / 1e6;
    unsigned shift = (at >> BUCKETS_LOG2) - 1;
    uint64_t low = (uint64_t)((at & (BUCKETS - 1)) + BUCKETS) << shift;
    double middle = (double)low + (double)(1ull << shift) / 2;
    return (middle < (double)h->max ? middle : (double)h->max) / 1e6;
  }
  return (double)h->max / 1e6;
}

// `"name":{"count":…,"meanMs":…,"points":[[percent,ms],…]}`
static inline void histogram_print(const struct histogram *h, const char *name) {
  static const double percents[] = {0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.99, 100};
  printf("\"%s\":{\"count\":%llu,\"meanMs\":%.3f,\"points\":[", name, (unsigned long long)h->count,
         h->count ? h->sum / (double)h->count / 1e6 : 0);
  for (unsigned i = 0; i < sizeof percents / sizeof *percents; i++) {
    printf("%s[%g,%.3f]", i ? "," : "", percents[i], histogram_at(h, percents[i]));
  }
  printf("]}");
}

#endif
