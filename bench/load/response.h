// Reads answers of HTTP/1.1 as they come: head, then a body that is chunked, of known length, or ends with the connection.
#ifndef RESPONSE_H
#define RESPONSE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum response_state { HEAD_LINE, CHUNK_LINE, CHUNK_END, TRAILER_LINE, IN_CHUNK, IN_LENGTH, UNTIL_CLOSE, COMPLETE, MALFORMED };

struct response {
  enum response_state state;
  uint16_t status;
  bool chunked, sized;
  uint16_t line_length;
  char line[64];
  uint64_t left;
};

typedef void (*body_reader)(void *owner, const char *bytes, size_t length);

static inline void response_reset(struct response *r) { memset(r, 0, sizeof *r); }

static inline bool response_has_head(const struct response *r) { return r->status != 0 && r->state != HEAD_LINE; }

static inline void response_line(struct response *r) {
  r->line[r->line_length < sizeof r->line ? r->line_length : sizeof r->line - 1] = 0;
  size_t length = r->line_length;
  if (length > 0 && length < sizeof r->line && r->line[length - 1] == '\r') r->line[--length] = 0;
  r->line_length = 0;
  if (r->state == CHUNK_LINE) {
    char *end;
    r->left = strtoull(r->line, &end, 16);
    r->state = end == r->line ? MALFORMED : r->left > 0 ? IN_CHUNK : TRAILER_LINE;
  } else if (r->state == CHUNK_END) {
    r->state = length == 0 ? CHUNK_LINE : MALFORMED;
  } else if (r->state == TRAILER_LINE) {
    if (length == 0) r->state = COMPLETE;
  } else if (r->status == 0) {
    r->status = length > 9 && strncmp(r->line, "HTTP/1.1 ", 9) == 0 ? (uint16_t)atoi(r->line + 9) : 0;
    if (r->status == 0) r->state = MALFORMED;
  } else if (length == 0) {
    bool bodiless = r->status == 204 || r->status == 304 || (r->sized && r->left == 0 && !r->chunked);
    r->state = bodiless ? COMPLETE : r->chunked ? CHUNK_LINE : r->sized ? IN_LENGTH : UNTIL_CLOSE;
  } else if (strncasecmp(r->line, "content-length:", 15) == 0) {
    r->sized = true;
    r->left = strtoull(r->line + 15, NULL, 10);
  } else if (strncasecmp(r->line, "transfer-encoding: chunked", 26) == 0) {
    r->chunked = true;
  }
}

// Gives each piece of the body to `read`. Stops behind a complete answer; returns how many bytes it has taken.
static inline size_t response_feed(struct response *r, const char *bytes, size_t length, body_reader read, void *owner) {
  size_t at = 0;
  while (at < length && r->state != COMPLETE && r->state != MALFORMED) {
    size_t rest = length - at;
    if (r->state == UNTIL_CLOSE) {
      read(owner, bytes + at, rest);
      return length;
    }
    if (r->state == IN_CHUNK || r->state == IN_LENGTH) {
      size_t piece = rest < r->left ? rest : (size_t)r->left;
      read(owner, bytes + at, piece);
      at += piece;
      r->left -= piece;
      if (r->left == 0) r->state = r->state == IN_CHUNK ? CHUNK_END : COMPLETE;
      continue;
    }
    const char *end = memchr(bytes + at, '\n', rest);
    size_t piece = end ? (size_t)(end - bytes) - at : rest;
    for (size_t i = 0; i < piece; i++) {
      if (r->line_length < sizeof r->line - 1) r->line[r->line_length++] = bytes[at + i];
    }
    at += piece;
    if (end) {
      at++;
      response_line(r);
    }
  }
  return at;
}

#endif
