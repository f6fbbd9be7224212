// The floor: what it costs the kernel to send one event to many sockets, with next to nothing around it.
// One thread, one prepared buffer an event, one send() to each subscriber. Speaks just enough HTTP for the generator: every GET
// subscribes, every POST says its body to all. It checks nothing, keeps nothing and bounds nothing: no server for anybody.
// Usage: floor PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_DESCRIPTORS = 1 << 20, MAX_REQUEST = 1 << 20 };

struct request {
  char *bytes;
  size_t length;
};

static struct request *requests[MAX_DESCRIPTORS];
static int place[MAX_DESCRIPTORS]; // 1 + where a descriptor stands among the subscribers
static int subscribers[MAX_DESCRIPTORS];
static int count;
static unsigned long said;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

// Waits where the socket is full: what is sent late is dearer than what is sent, and nothing is ever lost.
static void send_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes += sent;
      length -= (size_t)sent;
    } else if (errno == EAGAIN) {
      struct pollfd writable = {.fd = fd, .events = POLLOUT};
      poll(&writable, 1, 1000);
    } else if (errno != EINTR) {
      return;
    }
  }
}

static void leave(int fd) {
  if (place[fd] > 0) {
    int last = subscribers[--count];
    subscribers[place[fd] - 1] = last;
    place[last] = place[fd];
    place[fd] = 0;
  }
  if (requests[fd]) free(requests[fd]->bytes);
  free(requests[fd]);
  requests[fd] = NULL;
  close(fd);
}

static void say(const char *data, size_t length) {
  static char frame[MAX_REQUEST + 64];
  size_t at = (size_t)sprintf(frame, "id: floor0-%lu\ndata: ", ++said);
  memcpy(frame + at, data, length);
  memcpy(frame + at + length, "\n\n", 2);
  for (int i = 0; i < count; i++) send_all(subscribers[i], frame, at + length + 2);
}

// Answers the request that begins at `bytes`; returns its length, or 0 if it is not there as a whole yet.
static size_t answer(int fd, char *bytes, size_t length) {
  char *end = memmem(bytes, length, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t head = (size_t)(end - bytes) + 4;
  if (bytes[0] == 'G') {
    static const char opening[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 3000\n\n";
    send_all(fd, opening, sizeof opening - 1);
    subscribers[count++] = fd;
    place[fd] = count;
    free(requests[fd]->bytes);
    free(requests[fd]);
    requests[fd] = NULL;
    return head;
  }
  char *size = memmem(bytes, head, "Content-Length: ", 16);
  size_t body = size ? strtoul(size + 16, NULL, 10) : 0;
  if (length < head + body) return 0;
  static const char done[] = "HTTP/1.1 204 No Content\r\n\r\n";
  send_all(fd, done, sizeof done - 1);
  say(bytes + head, body);
  return head + body;
}

static void readable(int fd) {
  static char buffer[1 << 16];
  ssize_t got = recv(fd, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    leave(fd);
    return;
  }
  struct request *request = requests[fd];
  if (!request) return;
  if (request->length + (size_t)got > MAX_REQUEST) {
    leave(fd);
    return;
  }
  request->bytes = realloc(request->bytes, request->length + (size_t)got);
  if (!request->bytes) fail("realloc");
  memcpy(request->bytes + request->length, buffer, (size_t)got);
  request->length += (size_t)got;
  for (size_t taken; requests[fd] && (taken = answer(fd, request->bytes, request->length)) > 0;) {
    if (!requests[fd]) return;
    request->length -= taken;
    memmove(request->bytes, request->bytes + taken, request->length);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: floor PORT\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) fail("listen");
  int poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);

  for (;;) {
    int ready = epoll_wait(poller, events, 512, -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.fd != listener) {
        readable(events[i].data.fd);
        continue;
      }
      for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        requests[fd] = calloc(1, sizeof *requests[fd]);
        if (!requests[fd]) fail("calloc");
        event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
      }
    }
  }
}
