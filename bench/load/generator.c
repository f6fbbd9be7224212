// The load generator: subscribes from many connections and publishes, in one process and one thread, on bare sockets.
//
// It knows no server: a subscriber sends a GET and reads an event stream, a publisher sends POSTs. Every event carries its number on
// its topic and the time (CLOCK_MONOTONIC) at which it was, or at a fixed rate should have been, published:
//   0000000042 0000012345678901234 xxxx...
// so each subscriber's count and order are checked and every delivery is timed. Publishers that run side by side have no order
// of their own; then all subscribers must hear the order that the first one heard.
// What makes the figures worth something is in every report: the generator's own CPU time, and for how long it was behind.
//
// Usage: generator ADDRESS PORT. Reads commands, a line each, and answers each with a line of JSON when it is done:
//   topic ID topic=T path=/events/x [bytes=100] [each=1] [form=raw|array|lines] [batch=1] [record=1] [name=x]
//   subscribe ID topic=T group=G count=N [rate=PER_SECOND] [path=/events?topic=x] [behind=N] [spread=N]
//   publish ID topic=T [count=N] [seconds=S] [lanes=1] [rate=PER_SECOND] [stall=SECONDS]
//   expect ID topic=T [count=N] [seconds=S] [stall=SECONDS]   hears what another generator publishes, and for how long at least
//   close ID group=G
// `#` in a path is the number of the connection, or of the topic that is published to with each=1. Ends when its input ends.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "hearing.h"

static struct connection lanes[MAX_LANES];
static struct sockaddr_in server;
static char host[64];
static int poller;
static uint32_t opening, sources;
static uint64_t behind_since;
static struct histogram behind;
static uint64_t all_reads;

static uint64_t monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

static void read_nothing(void *owner, const char *bytes, size_t length) {
  (void)owner, (void)bytes, (void)length;
}

// ---- connections

static void copy_path(char *to, size_t room, const char *path, uint32_t index) {
  size_t at = 0;
  for (; *path && at + 12 < room; path++) {
    if (*path == '#') at += (size_t)sprintf(to + at, "%u", index);
    else to[at++] = *path;
  }
  to[at] = 0;
}

static void watch(struct connection *c, bool writes, bool is_new) {
  struct epoll_event event = {.events = EPOLLIN | (writes ? EPOLLOUT : 0), .data.ptr = c};
  if (epoll_ctl(poller, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &event)) fail("epoll_ctl");
}

static void open_connection(struct connection *c, enum kind kind) {
  int yes = 1;
  c->kind = kind;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("socket");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  // One address has 28,000 ports; the hub listens on another one than these.
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + sources++ % SOURCES)};
  setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) fail("bind");
  if (connect(c->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) fail("connect");
  c->connecting = true;
  watch(c, true, true);
}

static void write_out(struct connection *c) {
  while (c->out_at < c->out_length) {
    ssize_t sent = send(c->fd, c->out + c->out_at, c->out_length - c->out_at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return; // The reading side will say so.
    c->out_at += (size_t)sent;
  }
  watch(c, c->out_at < c->out_length, false);
  if (c->out_at == c->out_length && c->kind == SUBSCRIBER) {
    free(c->out);
    c->out = NULL;
    c->out_at = c->out_length = 0;
  }
}

static void close_connection(struct connection *c) {
  if (c->kind == FREE) return;
  close(c->fd);
  free(c->out);
  c->out = NULL;
  c->kind = FREE;
}

// Whoever leaves is owed nothing more.
static void leave(struct connection *c) {
  struct topic *t = c->topic;
  if (response_has_head(&c->response) && c->response.status == 200) {
    t->subscribers--;
    t->due -= (t->each ? c->sent : t->published) - c->next;
  }
  close_connection(c);
}

static void subscribe(struct group *g) {
  struct connection *c = calloc(1, sizeof *c);
  if (!c) fail("memory");
  c->index = g->opened;
  c->topic = g->topic;
  c->group = (uint8_t)(g - groups);
  c->recorder = g->topic->record && g->opened == 0;
  c->begun = now_ns;
  char path[600], cursor[ID_BYTES + 20] = "";
  copy_path(path, sizeof path, g->path, c->index);
  c->next = g->topic->published;
  if (g->resumes) {
    uint32_t behind = g->behind + c->index % g->spread;
    if (behind >= g->topic->published) behind = g->topic->published - 1;
    c->next = g->topic->published - behind;
    c->owed = behind;
    sprintf(cursor, "Last-Event-ID: %s\r\n", g->topic->ids[c->next - 1]);
  }
  c->out = grown(NULL, 1024);
  c->out_length = (size_t)snprintf(c->out, 1024, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n%s\r\n", path, host, cursor);
  g->members[g->opened++] = c;
  opening++;
  open_connection(c, SUBSCRIBER);
}

static void fail_to_subscribe(struct connection *c) {
  if (groups[c->group].failed++ == 0) fprintf(stderr, "generator: a subscriber was answered %u\n", c->response.status);
  opening--;
  close_connection(c);
}

// ---- flows: what is published, until all of it has arrived

static void count_published(struct topic *t, struct connection *subscriber, uint32_t events) {
  if (t->each) {
    subscriber->sent += events;
    t->published += events;
    t->due += events;
    return;
  }
  make_room(t, t->published + events + 1);
  for (uint32_t i = 0; i < events; i++) {
    if (!t->parallel) set_order(t, t->published);
    t->published++;
  }
  t->due += (uint64_t)events * t->subscribers;
}

static struct connection *member(struct topic *t, uint64_t n) {
  for (struct group *g = groups; g < groups + MAX_GROUPS; g++) {
    // A prime stride: neighbours in time are no neighbours in the server's memory.
    if (g->topic == t && g->opened > 0) return g->members[n * 7919 % g->opened];
  }
  return NULL;
}

static void publish_on(struct connection *lane, uint64_t stamp) {
  static const char *const types[] = {"text/plain", "application/json", "application/x-ndjson"};
  struct topic *t = lane->topic;
  struct connection *to = t->each ? member(t, t->sent) : NULL;
  uint32_t number = to ? to->sent : t->published;
  char path[600];
  copy_path(path, sizeof path, t->path, to ? to->index : 0);
  size_t wrapping = t->form == RAW ? 0 : strlen(t->name) + 23; // {"topic":"","data":""} and a comma or a line end
  size_t body = (size_t)t->batch * (t->bytes + wrapping) + (t->form == ARRAY ? 1 : 0);
  lane->out = grown(lane->out, body + 1024);
  char *at = lane->out + sprintf(lane->out, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                                 path, host, types[t->form], body);
  const char *start = at;
  for (uint32_t i = 0; i < t->batch; i++) {
    if (t->form == ARRAY) *at++ = i ? ',' : '[';
    if (t->form != RAW) at += sprintf(at, "{\"topic\":\"%s\",\"data\":\"", t->name);
    at += sprintf(at, "%010u %019llu ", number + i, (unsigned long long)stamp);
    memset(at, 'x', t->bytes - STAMP_BYTES);
    at += t->bytes - STAMP_BYTES;
    if (t->form != RAW) at += sprintf(at, t->form == LINES ? "\"}\n" : "\"}");
  }
  if (t->form == ARRAY) *at++ = ']';
  lane->out_length = (size_t)(at - lane->out);
  if (at != start + body) fail("a body of another length than was said");
  lane->out_at = 0;
  lane->stamp = stamp;
  response_reset(&lane->response);
  t->sent++;
  t->last_publish = now_ns;
  count_published(t, to, t->batch);
  write_out(lane);
}

static bool may_publish(struct topic *t) {
  return t->flows && !t->only_expects && (t->wanted == 0 || t->sent < t->wanted) && (t->until == 0 || now_ns < t->until);
}

static void next_on(struct connection *lane) {
  struct topic *t = lane->topic;
  if (!may_publish(t)) return;
  if (t->rate == 0) {
    publish_on(lane, now_ns);
  } else if (now_ns >= t->next_due) {
    // The time at which it should have gone: a server that holds up its publisher does not look faster for it.
    publish_on(lane, t->next_due);
    t->next_due += (uint64_t)(1e9 / t->rate);
  }
}

static void answered(struct connection *lane) {
  struct topic *t = lane->topic;
  unsigned status = lane->response.status;
  t->answered++;
  t->last_progress = now_ns;
  histogram_add(&t->answer, now_ns - lane->stamp, 1);
  if (status < 200 || status > 299) {
    t->refused++;
    t->refusal = status;
  }
  lane->out_length = lane->out_at = 0;
  next_on(lane);
}

static void lose_lane(struct connection *lane) {
  struct topic *t = lane->topic;
  if (lane->out_length > 0) {
    t->answered++;
    t->refused++;
  }
  close_connection(lane);
}

static void begin_flow(struct topic *t, unsigned lane_count) {
  t->flows = true;
  t->parallel = lane_count > 1;
  t->delivered = t->skipped = t->late = t->damaged = t->foreign = t->gaps = t->cut = t->cursors = t->reads = 0;
  t->due -= t->progress;
  t->progress = t->sent = t->answered = t->refused = t->refusal = 0;
  histogram_clear(&t->latency);
  histogram_clear(&t->answer);
  histogram_clear(&behind);
  t->begun = t->last_progress = t->last_publish = t->next_due = now_ns = monotonic();
  t->cpu_at_begin = cpu_ns();
  t->lanes = lane_count;
  for (struct connection *lane = lanes; lane < lanes + MAX_LANES && lane_count > 0; lane++) {
    if (lane->kind != FREE) continue;
    memset(lane, 0, sizeof *lane);
    lane->topic = t;
    open_connection(lane, LANE);
    lane_count--;
  }
}

static void end_flow(struct topic *t) {
  uint64_t published = t->sent * t->batch;
  printf("{\"id\":\"%s\",\"published\":%llu,\"requests\":%llu,\"answered\":%llu,\"refused\":%llu,\"refusal\":%u,\"delivered\":%llu,"
         "\"missing\":%lld,\"skipped\":%llu,\"late\":%llu,\"damaged\":%llu,\"foreign\":%llu,\"gaps\":%llu,\"cut\":%llu,\"cursors\":%llu,"
         "\"wallMs\":%.1f,\"publishMs\":%.1f,\"cpuMs\":%.1f,\"reads\":%llu,\"behindMs\":{\"p99\":%.3f,\"max\":%.3f},",
         t->flow_id, (unsigned long long)published, (unsigned long long)t->sent, (unsigned long long)t->answered, (unsigned long long)t->refused,
         t->refusal, (unsigned long long)t->delivered, (long long)(t->due - t->progress), (unsigned long long)t->skipped,
         (unsigned long long)t->late, (unsigned long long)t->damaged, (unsigned long long)t->foreign,
         (unsigned long long)t->gaps, (unsigned long long)t->cut, (unsigned long long)t->cursors, (double)(t->last_progress - t->begun) / 1e6,
         (double)(t->last_publish - t->begun) / 1e6, (double)(cpu_ns() - t->cpu_at_begin) / 1e6, (unsigned long long)t->reads,
         histogram_at(&behind, 99), histogram_at(&behind, 100));
  histogram_print(&t->latency, "latency");
  printf(",");
  histogram_print(&t->answer, "answer");
  printf("}\n");
  t->flows = false;
  for (struct connection *lane = lanes; lane < lanes + MAX_LANES; lane++) {
    if (lane->kind == LANE && lane->topic == t) close_connection(lane);
  }
}

// ---- commands

static const char *value(const char *line, const char *name, const char *otherwise) {
  static char found[8][512];
  static unsigned turn;
  char key[32];
  snprintf(key, sizeof key, " %s=", name);
  const char *at = strstr(line, key);
  if (!at) return otherwise;
  char *to = found[turn++ % 8];
  sscanf(at + strlen(key), "%511s", to);
  return to;
}

static double number(const char *line, const char *name, double otherwise) {
  const char *text = value(line, name, NULL);
  return text ? atof(text) : otherwise;
}

static void command(const char *line) {
  char verb[16] = "", id[32] = "";
  sscanf(line, "%15s %31s", verb, id);
  unsigned ti = (unsigned)number(line, "topic", 0), gi = (unsigned)number(line, "group", 0);
  if (ti >= MAX_TOPICS || gi >= MAX_GROUPS) exit(2);
  struct topic *t = &topics[ti];
  struct group *g = &groups[gi];
  now_ns = monotonic();
  if (strcmp(verb, "topic") == 0) {
    strcpy(t->path, value(line, "path", "/events/bench"));
    snprintf(t->name, sizeof t->name, "%.63s", value(line, "name", "bench"));
    const char *form = value(line, "form", "raw");
    t->form = form[0] == 'a' ? ARRAY : form[0] == 'l' ? LINES : RAW;
    t->bytes = (uint32_t)number(line, "bytes", 100);
    if (t->bytes < STAMP_BYTES) t->bytes = STAMP_BYTES;
    t->batch = (uint32_t)number(line, "batch", 1);
    t->each = number(line, "each", 0) != 0;
    t->record = number(line, "record", 0) != 0;
    make_room(t, 1);
    printf("{\"id\":\"%s\"}\n", id);
  } else if (strcmp(verb, "subscribe") == 0) {
    memset(g, 0, sizeof *g);
    g->topic = t;
    g->count = (uint32_t)number(line, "count", 1);
    g->rate = number(line, "rate", 0);
    g->behind = (uint32_t)number(line, "behind", 0);
    g->resumes = g->behind > 0;
    g->spread = (uint32_t)number(line, "spread", 1);
    strcpy(g->path, value(line, "path", t->path));
    strcpy(g->id, id);
    g->members = grown(NULL, g->count * sizeof *g->members);
    g->begun = g->last_ready = now_ns;
    g->opens = true;
  } else if (strcmp(verb, "publish") == 0 || strcmp(verb, "expect") == 0) {
    t->only_expects = verb[0] == 'e';
    double seconds = number(line, "seconds", 0);
    t->wanted = (uint64_t)number(line, "count", 0);
    t->rate = number(line, "rate", 0);
    t->stall = (uint64_t)(number(line, "stall", 10) * 1e9);
    strcpy(t->flow_id, id);
    unsigned lane_count = (unsigned)number(line, "lanes", t->rate > 0 ? 4 : 1);
    begin_flow(t, t->only_expects ? 0 : lane_count < MAX_LANES ? lane_count : MAX_LANES);
    t->until = seconds > 0 ? t->begun + (uint64_t)(seconds * 1e9) : 0;
    if (t->only_expects) {
      count_published(t, NULL, (uint32_t)t->wanted);
      t->stall += t->until > t->begun ? t->until - t->begun : 0;
    }
  } else if (strcmp(verb, "close") == 0) {
    for (uint32_t i = 0; i < g->opened; i++) {
      if (g->members[i]->kind != FREE) leave(g->members[i]);
      free(g->members[i]);
    }
    free(g->members);
    memset(g, 0, sizeof *g);
    printf("{\"id\":\"%s\"}\n", id);
  } else {
    exit(2);
  }
}

static void read_commands(void) {
  static char text[1 << 14];
  static size_t length;
  ssize_t got = read(0, text + length, sizeof text - 1 - length);
  if (got <= 0) exit(0);
  length += (size_t)got;
  text[length] = 0;
  for (char *end; (end = strchr(text, '\n'));) {
    *end = 0;
    command(text);
    length -= (size_t)(end + 1 - text);
    memmove(text, end + 1, length + 1);
  }
}

// ---- the loop

static void on_ready(struct connection *c, uint32_t events) {
  static char buffer[1 << 18];
  if (c->kind == FREE) return;
  if (c->connecting && (events & EPOLLOUT)) {
    c->connecting = false;
    if (c->kind == SUBSCRIBER) write_out(c);
    else {
      watch(c, false, false);
      next_on(c);
    }
  } else if (events & EPOLLOUT) {
    write_out(c);
  }
  if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
  ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  now_ns = monotonic();
  if (c->kind == LANE) {
    if (got <= 0) {
      lose_lane(c);
      return;
    }
    response_feed(&c->response, buffer, (size_t)got, read_nothing, c);
    if (c->response.state == MALFORMED) lose_lane(c);
    else if (c->response.state == COMPLETE) answered(c);
    return;
  }
  bool had_head = response_has_head(&c->response);
  if (got <= 0 || (response_feed(&c->response, buffer, (size_t)got, read_stream, c), c->response.state >= COMPLETE)) {
    if (!had_head) fail_to_subscribe(c);
    else {
      c->topic->cut++;
      leave(c);
    }
    return;
  }
  c->topic->reads++;
  all_reads++;
  if (had_head || !response_has_head(&c->response)) return;
  if (c->response.status != 200) {
    fail_to_subscribe(c);
    return;
  }
  struct group *g = &groups[c->group];
  opening--;
  g->ready++;
  g->last_ready = now_ns;
  c->topic->subscribers++;
  if (g->resumes) c->topic->due += c->owed;
}

static int tick(void) {
  int wait = 1000;
  now_ns = monotonic();
  for (struct group *g = groups; g < groups + MAX_GROUPS; g++) {
    if (!g->opens) continue;
    uint32_t allowed = g->rate > 0 ? (uint32_t)((double)(now_ns - g->begun) / 1e9 * g->rate) + 1 : g->count;
    while (g->opened < g->count && g->opened < allowed && opening < MAX_OPENING) subscribe(g);
    wait = 1;
    bool done = g->ready + g->failed == g->count && (!g->resumes || g->caught_up + g->failed == g->count);
    if (!done && now_ns - (g->last_ready > g->topic->last_progress ? g->last_ready : g->topic->last_progress) < 20 * second) continue;
    printf("{\"id\":\"%s\",\"subscribed\":%u,\"failed\":%u,\"caughtUp\":%u,\"ms\":%.1f,", g->id, g->ready, g->count - g->ready,
           g->caught_up, (double)(now_ns - g->begun) / 1e6);
    histogram_print(&g->catching_up, "catchingUp");
    printf(",\"missing\":%lld,\"skipped\":%llu,\"late\":%llu,\"gaps\":%llu}\n", g->resumes ? (long long)(g->topic->due - g->topic->progress) : 0ll,
           (unsigned long long)g->topic->skipped, (unsigned long long)g->topic->late, (unsigned long long)g->topic->gaps);
    g->opens = false;
  }
  for (struct topic *t = topics; t < topics + MAX_TOPICS; t++) {
    if (!t->flows) continue;
    if (t->rate > 0 && may_publish(t)) {
      for (struct connection *lane = lanes; lane < lanes + MAX_LANES && now_ns >= t->next_due; lane++) {
        if (lane->kind == LANE && lane->topic == t && !lane->connecting && lane->out_length == 0) next_on(lane);
      }
      if (now_ns >= t->next_due) wait = 1; // All lanes wait for their answer.
      else if ((int)((t->next_due - now_ns) / 1000000) < wait) wait = (int)((t->next_due - now_ns) / 1000000);
    }
    if (t->until > now_ns && (int)((t->until - now_ns) / 1000000) + 1 < wait) wait = (int)((t->until - now_ns) / 1000000) + 1;
    bool sent = !may_publish(t) && t->answered == t->sent && (!t->only_expects || now_ns >= t->until);
    bool stalled = now_ns - t->last_progress > t->stall && (t->rate == 0 || now_ns - t->last_publish > t->stall);
    if ((sent && t->progress >= t->due) || stalled) end_flow(t);
  }
  return wait;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: generator ADDRESS PORT\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 1 << 16);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
  if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) return 2;
  snprintf(host, sizeof host, "%s:%s", argv[1], argv[2]);
  poller = epoll_create1(0);
  struct epoll_event input = {.events = EPOLLIN}, events[MAX_READY];
  if (epoll_ctl(poller, EPOLL_CTL_ADD, 0, &input)) fail("standard input");
  behind_since = monotonic();
  for (;;) {
    int wait = tick();
    int ready = epoll_wait(poller, events, MAX_READY, wait);
    if (ready < 0 && errno != EINTR) fail("epoll_wait");
    now_ns = monotonic();
    // While every look finds a full table, more waits behind it: since when is how long a byte may have lain there unread.
    uint64_t reads = all_reads;
    if (ready < MAX_READY) behind_since = now_ns;
    bool is_told = false;
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr) on_ready(events[i].data.ptr, events[i].events);
      else is_told = true;
    }
    // Last, since a command may free what the table still points to.
    if (is_told) read_commands();
    if (all_reads > reads) histogram_add(&behind, monotonic() - behind_since, all_reads - reads);
  }
}
