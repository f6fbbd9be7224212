// What subscribers hear, and whether it is what was published: counted, in order, none lost, each timed.
#ifndef HEARING_H
#define HEARING_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "histogram.h"
#include "response.h"

enum {
  MAX_TOPICS = 16, MAX_GROUPS = 64, MAX_LANES = 256, MAX_READY = 512, MAX_OPENING = 256, ID_BYTES = 48,
  LINE_HEAD = 56, STAMP_BYTES = 31, SOURCES = 8,
};
static const uint64_t second = 1000000000;

struct topic {
  char path[512], name[64];
  uint32_t bytes, batch;
  enum { RAW, ARRAY, LINES } form;
  bool each, record, parallel;
  uint32_t *order, *place, capacity, heard, published; // order[n]: the number heard as the n-th; place: the reverse, 1 + n
  char (*ids)[ID_BYTES];
  uint64_t due, progress;        // events that subscribers are still to come past or have come past since the flow began
  uint64_t delivered, skipped, late, damaged, foreign, gaps, cut, cursors;
  uint64_t reads;
  uint32_t subscribers;
  struct histogram latency, answer;
  // The flow that runs, if any.
  bool flows, stopped, only_expects;
  char flow_id[32];
  uint64_t begun, until, last_progress, last_publish, stall, wanted, sent, answered, refused, cpu_at_begin, next_due;
  double rate;
  unsigned refusal, lanes;
};

enum kind { FREE, SUBSCRIBER, LANE };
struct connection {
  enum kind kind;
  int fd;
  bool connecting, recorder, caught_up, has_number, has_other, has_gap, has_cursor;
  char last;
  uint8_t group;
  struct topic *topic;
  uint32_t index, next, owed, sent, number, line_length, data_bytes;
  uint64_t stamp, begun;
  struct response response;
  char line[LINE_HEAD];
  char *out;
  size_t out_length, out_at;
};

struct group {
  struct topic *topic;
  struct connection **members;
  uint32_t count, opened, ready, caught_up, failed, behind, spread;
  bool opens, resumes;
  char id[32], path[512];
  double rate;
  uint64_t begun, last_ready;
  struct histogram catching_up;
};

static struct topic topics[MAX_TOPICS];
static struct group groups[MAX_GROUPS];
static uint64_t now_ns;

_Noreturn static void fail(const char *what) {
  fprintf(stderr, "generator: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void *grown(void *memory, size_t bytes) {
  memory = realloc(memory, bytes);
  if (!memory) fail("memory");
  return memory;
}

static void make_room(struct topic *t, uint32_t count) {
  if (count <= t->capacity) return;
  uint32_t capacity = t->capacity ? t->capacity : 4096;
  while (capacity < count) capacity *= 2;
  t->order = grown(t->order, capacity * sizeof *t->order);
  t->place = grown(t->place, capacity * sizeof *t->place);
  memset(t->place + t->capacity, 0, (capacity - t->capacity) * sizeof *t->place);
  if (t->record) t->ids = grown(t->ids, (size_t)capacity * ID_BYTES);
  t->capacity = capacity;
}

static void set_order(struct topic *t, uint32_t number) {
  t->order[t->heard] = number;
  t->place[number] = ++t->heard;
}

// The subscriber has come past everything before `next`.
static void advance(struct connection *c, uint32_t next) {
  c->topic->progress += next - c->next;
  c->topic->last_progress = now_ns;
  c->next = next;
  struct group *g = &groups[c->group];
  if (g->resumes && !c->caught_up && next >= c->topic->published) {
    c->caught_up = true;
    g->caught_up++;
    histogram_add(&g->catching_up, now_ns - c->begun, 1);
  }
}

static void hear(struct connection *c) {
  struct topic *t = c->topic;
  uint32_t number = c->number;
  t->delivered++;
  if (c->data_bytes != t->bytes) t->damaged++;
  if (!groups[c->group].resumes) histogram_add(&t->latency, now_ns > c->stamp ? now_ns - c->stamp : 0, 1);
  uint32_t published = t->each ? c->sent : t->published;
  if (number >= published) {
    t->foreign++;
    return;
  }
  if (!t->each && t->place[number] == 0) {
    // The first subscriber to hear it says where it stands; whoever has not come that far yet has missed something.
    t->skipped += t->heard - c->next;
    set_order(t, number);
    advance(c, t->heard);
    return;
  }
  uint32_t at = t->each ? number : t->place[number] - 1;
  if (at < c->next) {
    t->late++;
    return;
  }
  t->skipped += at - c->next;
  advance(c, at + 1);
}

static void end_of_line(struct connection *c) {
  uint32_t length = c->line_length - (c->last == '\r' && c->line_length > 0);
  const char *line = c->line;
  c->line_length = 0;
  c->last = 0;
  if (length == 0) {
    if (c->has_gap) c->topic->gaps++;
    else if (c->has_number) hear(c);
    else if (c->has_other) c->topic->foreign++;
    else if (c->has_cursor) c->topic->cursors++;
    c->has_gap = c->has_number = c->has_other = c->has_cursor = false;
  } else if (length >= 5 && memcmp(line, "data:", 5) == 0) {
    uint32_t from = length > 5 && line[5] == ' ' ? 6 : 5;
    if (length >= from + STAMP_BYTES && line[from] >= '0' && line[from] <= '9' && !c->has_number) {
      c->has_number = true;
      c->number = (uint32_t)strtoul(line + from, NULL, 10);
      c->stamp = strtoull(line + from + 11, NULL, 10);
      c->data_bytes = length - from;
    } else if (length > from) {
      c->has_other = true;
    }
  } else if (length >= 11 && memcmp(line, "event: $gap", 11) == 0) {
    c->has_gap = true;
  } else if (length == 14 && memcmp(line, "event: $cursor", 14) == 0) {
    c->has_cursor = true;
  } else if (c->recorder && length > 3 && length < LINE_HEAD && memcmp(line, "id:", 3) == 0) {
    uint32_t from = line[3] == ' ' ? 4 : 3;
    uint32_t bytes = length - from < ID_BYTES - 1 ? length - from : ID_BYTES - 1;
    memcpy(c->topic->ids[c->next], line + from, bytes);
    c->topic->ids[c->next][bytes] = 0;
  }
}

static void read_stream(void *owner, const char *bytes, size_t length) {
  struct connection *c = owner;
  while (length > 0) {
    const char *end = memchr(bytes, '\n', length);
    size_t piece = end ? (size_t)(end - bytes) : length;
    if (c->line_length < LINE_HEAD) {
      size_t room = LINE_HEAD - c->line_length;
      memcpy(c->line + c->line_length, bytes, piece < room ? piece : room);
    }
    if (piece > 0) c->last = bytes[piece - 1];
    c->line_length += (uint32_t)piece;
    if (!end) return;
    end_of_line(c);
    bytes += piece + 1;
    length -= piece + 1;
  }
}

#endif
