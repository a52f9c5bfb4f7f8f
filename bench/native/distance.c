// Squared distances from one point to many, as a C compiler does them: the yardstick of the `distance-squared` bench. The same points,
// centers, answers and protocol as the other contenders: see ../distance.ts and ../protocol.ts.
//
//   distance N    writes {"kind":"ready",...}, then for each line {"roundMs":R,"loopMs":L} the samples of a round
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CENTERS = 8, SETS = 8, SEED = 9, SAMPLES_MAX = 4096 };

static uint32_t state;

// Twin of random() in ../points.ts; Marsaglia's xorshift. Uniform in [0, 1).
static double uniform(void) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state / 4294967296.0;
}

static void fill(float *x, float *y, size_t n) {
  state = (SEED + 1) * 0x9e3779b1u | 1;
  for (size_t i = 0; i < n; i++) {
    x[i] = (float)(uint32_t)(uniform() * 2048) / 2;
    y[i] = (float)(uint32_t)(uniform() * 2048) / 2;
  }
}

// Not inlined, so that no repetition is optimised away.
__attribute__((noinline)) static void distances(const float *restrict x, const float *restrict y, float *restrict out,
                                                size_t n, float cx, float cy) {
  for (size_t i = 0; i < n; i++) {
    float dx = x[i] - cx;
    float dy = y[i] - cy;
    out[i] = dx * dx + dy * dy;
  }
}

static uint32_t mix(uint32_t hash, uint32_t word) { return (hash ^ word) * 0x01000193u; }

static uint32_t hash_floats(const float *floats, size_t n) {
  uint32_t hash = 0x811c9dc5u;
  for (size_t i = 0; i < n; i++) {
    uint32_t word;
    memcpy(&word, floats + i, sizeof word);
    hash = mix(hash, word);
  }
  return hash;
}

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static float *x, *y, *out;
static size_t n;
static unsigned turn;

static void operation(void) {
  unsigned center = turn++ % CENTERS;
  distances(x, y, out, n, center * 100.0f, 700.0f - center * 90.0f);
}

// One sample is a loop of about loop_ms.
static void measure(double round_ms, double loop_ms) {
  static double samples[SAMPLES_MAX];
  double before = now_ns();
  size_t probe = 0;
  do {
    operation();
    probe++;
  } while (now_ns() - before < loop_ms * 1e6 / 4);
  size_t repeat = probe * 4;
  size_t count = 0;
  double start = now_ns();
  do {
    before = now_ns();
    for (size_t i = 0; i < repeat; i++) operation();
    samples[count++] = (now_ns() - before) / repeat;
  } while (count < SAMPLES_MAX && (count < 2 || now_ns() - start < round_ms * 1e6));
  printf("{\"kind\":\"samples\",\"samplesNs\":[");
  for (size_t i = 0; i < count; i++) printf("%s%.3f", i ? "," : "", samples[i]);
  printf("]}\n");
  fflush(stdout);
}

int main(int argc, char **argv) {
  n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
  x = malloc(n * sizeof *x);
  y = malloc(n * sizeof *y);
  out = malloc(n * sizeof *out);
  if (n == 0 || !x || !y || !out) return 2;
  fill(x, y, n);
  uint32_t answer = 0x811c9dc5u;
  for (int i = 0; i < SETS; i++) {
    operation();
    answer = mix(answer, hash_floats(out, n));
  }
  printf("{\"kind\":\"ready\",\"answer\":%u}\n", answer);
  fflush(stdout);
  char line[256];
  double round_ms, loop_ms;
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "{\"roundMs\":%lf,\"loopMs\":%lf}", &round_ms, &loop_ms) != 2) return 2;
    measure(round_ms, loop_ms);
  }
  return 0;
}
