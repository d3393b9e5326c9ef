//go:build ignore

// A worker in plain C, written from docs/protocol.md alone. It offers the conformance tasks and holds several calls.
// Build it with: cc -std=c11 -O2 -o worker worker.c

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SETUP = 1, CALL, CANCEL, STOP, DUMP, HELLO = 16, READY, FAILED, RESULT, ERROR, RETURNED };
enum { TIMEOUT = 1, DEADLINE = 2, ATTEMPT = 4, METADATA = 8, SPREAD = 16 };
enum { IN = 3, OUT = 4, BOARD = 5, LIFELINE = 6, HEADER = 16, WINDOW = 8 };
#define MAX_BODY ((1u << 30) + (1u << 16) + (1u << 20))
#define MAX_CONTROL (1u << 24)

static _Atomic uint64_t *board; // 8: claim, 9: started, 16: revoked

// Leaving

static _Noreturn void leave(const char *why) {
	if (why)
		fprintf(stderr, "worker: %s\n", why);
	if (getpgrp() == getpid())
		kill(0, SIGKILL); // nothing that we started may outlive us
	_exit(1);
}

static void *must(void *p) {
	if (!p)
		leave("out of memory");
	return p;
}

// Numbers are little-endian; so are the machines this runs on.

static uint64_t number(const uint8_t *p, int width) {
	uint64_t n = 0;
	memcpy(&n, p, width);
	return n;
}

// Bytes that grow

struct bytes {
	uint8_t *at;
	size_t len, cap;
};

static void add(struct bytes *b, const void *p, size_t n) {
	if (b->len + n > b->cap) {
		b->cap = 2 * (b->len + n);
		b->at = must(realloc(b->at, b->cap));
	}
	memcpy(b->at + b->len, p, n);
	b->len += n;
}

// CBOR: heads, and walking over values that are only passed on

static void add_head(struct bytes *b, int major, uint64_t n) {
	uint8_t head[9] = {major << 5};
	int width = n < 24 ? 0 : n < 1 << 8 ? 1 : n < 1 << 16 ? 2 : n < 1ull << 32 ? 4 : 8;
	head[0] |= width == 0 ? n : width == 1 ? 24 : width == 2 ? 25 : width == 4 ? 26 : 27;
	for (int i = 0; i < width; i++)
		head[1 + i] = n >> 8 * (width - 1 - i);
	add(b, head, 1 + width);
}

static void add_text(struct bytes *b, const char *s) {
	add_head(b, 3, strlen(s));
	add(b, s, strlen(s));
}

struct view {
	const uint8_t *at, *end;
};

// head reads a head; it returns the major type, or -1 if the value is cut off or of indefinite length.
static int head(struct view *v, uint64_t *n, int *info) {
	if (v->at == v->end)
		return -1;
	int major = *v->at >> 5;
	*info = *v->at++ & 31;
	*n = *info;
	if (*info < 24)
		return major;
	int width = 1 << (*info - 24);
	if (*info > 27 || v->end - v->at < width)
		return -1;
	for (*n = 0; width > 0; width--)
		*n = *n << 8 | *v->at++;
	return major;
}

// skip walks over one value and reports whether it is whole.
static int skip(struct view *v, int depth) {
	uint64_t n;
	int info, major = head(v, &n, &info);
	if (major < 0 || depth > 100)
		return 0;
	if (major == 2 || major == 3) {
		if (n > (uint64_t)(v->end - v->at))
			return 0;
		v->at += n;
	}
	uint64_t inner = major == 4 || major == 6 ? (major == 6 ? 1 : n) : 0;
	if (major == 5) {
		if (n > UINT64_MAX / 2)
			return 0;
		inner = 2 * n;
	}
	while (inner-- > 0)
		if (!skip(v, depth + 1))
			return 0;
	return 1;
}

static int whole(struct view v) { return skip(&v, 0) && v.at == v.end; }

static int get_seconds(struct view v, double *seconds) {
	uint64_t n;
	int info, major = head(&v, &n, &info);
	if (major == 0) {
		*seconds = n;
	} else if (major == 7 && info == 27) {
		memcpy(seconds, &n, 8);
	} else if (major == 7 && info == 26) {
		uint32_t bits = n;
		float f;
		memcpy(&f, &bits, 4);
		*seconds = f;
	} else if (major == 7 && info == 25) {
		int e = n >> 10 & 31;
		*seconds = e ? ldexp(1024 + (n & 1023), e - 25) : ldexp(n & 1023, -24);
	} else {
		return 0;
	}
	return 1;
}

// get_text returns a copy that ends with a 0, or NULL.
static char *get_text(struct view v) {
	uint64_t n;
	int info;
	if (head(&v, &n, &info) != 3 || n != (uint64_t)(v.end - v.at))
		return NULL;
	char *s = must(malloc(n + 1));
	memcpy(s, v.at, n);
	s[n] = 0;
	return s;
}

// find looks up a key in a map of texts to anything.
static int find(struct view map, const char *key, struct view *value) {
	uint64_t n, len;
	int info;
	if (head(&map, &n, &info) != 5)
		return 0;
	while (n-- > 0) {
		if (head(&map, &len, &info) != 3 || len > (uint64_t)(map.end - map.at))
			return 0;
		int same = len == strlen(key) && !memcmp(map.at, key, len);
		map.at += len;
		value->at = map.at;
		if (!skip(&map, 0))
			return 0;
		value->end = map.at;
		if (same)
			return 1;
	}
	return 0;
}

// Frames out. Each is written whole before the next call is claimed.

static void write_all(const void *p, size_t n) {
	for (const char *at = p; n > 0;) {
		ssize_t w = write(OUT, at, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			leave(NULL);
		at += w;
		n -= w;
	}
}

static int retiring;

static void say(int type, uint64_t seq, const uint8_t *body, size_t size) {
	uint8_t h[HEADER] = {0};
	uint32_t n = size;
	memcpy(h, &n, 4);
	h[4] = type;
	h[5] = type >= RESULT ? retiring : 0;
	memcpy(h + 8, &seq, 8);
	struct bytes frame = {0};
	add(&frame, h, HEADER);
	if (size)
		add(&frame, body, size);
	write_all(frame.at, frame.len);
	free(frame.at);
}

static void say_error(int type, uint64_t seq, const char *kind, const char *what, const char *message) {
	struct bytes b = {0};
	add_head(&b, 5, 3);
	add_text(&b, "kind");
	add_text(&b, kind);
	add_text(&b, "type");
	add_text(&b, what);
	add_text(&b, "message");
	add_text(&b, message);
	say(type, seq, b.at, b.len);
	free(b.at);
}

// Frames in. What has come is kept in one buffer; frames are taken from its front. While a task sleeps, more is read,
// and searched for a cancel.

static struct bytes in;
static size_t taken;   // bytes at the front of in that are done with
static size_t scanned; // bytes that were searched for a cancel of the call that runs

struct frame {
	int type, flags, task;
	uint64_t seq;
	struct view body;
};

// peek reads the frame at a place of the buffer, and returns its whole length, or 0 if it is not there yet.
static size_t peek(size_t place, struct frame *f) {
	const uint8_t *p = in.at + place;
	if (in.len - place < HEADER)
		return 0;
	uint32_t size = number(p, 4);
	f->type = p[4];
	f->flags = p[5];
	f->task = number(p + 6, 2);
	f->seq = number(p + 8, 8);
	if (size > (f->type == CALL ? MAX_BODY : MAX_CONTROL))
		leave("a frame is larger than it may be");
	if (in.len - place - HEADER < size)
		return 0;
	f->body = (struct view){p + HEADER, p + HEADER + size};
	return HEADER + size;
}

static void receive(void) {
	static uint8_t chunk[1 << 16];
	ssize_t n = read(IN, chunk, sizeof chunk);
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0)
		leave(NULL); // the pool is gone
	add(&in, chunk, n);
}

// next waits for a whole frame. Its body is valid until the next call of next.
static struct frame next(void) {
	struct frame f;
	if (taken > 0) {
		memmove(in.at, in.at + taken, in.len - taken);
		in.len -= taken;
	}
	while (!(taken = peek(0, &f)))
		receive();
	return f;
}

// canceled searches what has come for a cancel of the call that runs.
static int canceled(uint64_t seq) {
	struct frame f;
	size_t n;
	if (scanned < taken)
		scanned = taken;
	for (; (n = peek(scanned, &f)); scanned += n)
		if (f.type == CANCEL && f.seq == seq)
			return 1;
	return 0;
}

// Tasks

struct call {
	uint64_t seq;
	double until; // on the monotonic clock; infinite: no end
	struct view arg;
};

static double now(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void answer(struct call *c, struct bytes *b) {
	say(RESULT, c->seq, b->at, b->len);
	free(b->at);
}

static void answer_null(struct call *c) { say(RESULT, c->seq, (const uint8_t *)"\xf6", 1); }

static void refuse(struct call *c) { say_error(ERROR, c->seq, "argument", "argument", "the argument is of another type"); }

static void echo(struct call *c) { say(RESULT, c->seq, c->arg.at, c->arg.end - c->arg.at); }

static void fail(struct call *c) {
	char *text = get_text(c->arg);
	if (!text)
		return refuse(c);
	say_error(ERROR, c->seq, "error", "failure", text);
	free(text);
}

static void nap(struct call *c) {
	double seconds, end;
	if (!get_seconds(c->arg, &seconds))
		return refuse(c);
	for (end = now(CLOCK_MONOTONIC) + seconds;;) {
		if (canceled(c->seq))
			return say_error(ERROR, c->seq, "error", "canceled", "the call was canceled");
		double t = now(CLOCK_MONOTONIC);
		if (t >= c->until)
			return say_error(ERROR, c->seq, "error", "timeout", "the call's time is over");
		if (t >= end)
			return answer_null(c);
		struct pollfd p = {.fd = IN, .events = POLLIN};
		size_t offset = c->arg.at - in.at; // receive may move the buffer
		if (poll(&p, 1, fmin(fmin(end, c->until) - t, 3600) * 1000 + 1) > 0)
			receive();
		c->arg.end = in.at + offset + (c->arg.end - c->arg.at);
		c->arg.at = in.at + offset;
	}
}

static void pid(struct call *c) {
	struct bytes b = {0};
	add_head(&b, 0, getpid());
	answer(c, &b);
}

static void print(struct call *c) {
	char *text = get_text(c->arg);
	if (!text)
		return refuse(c);
	puts(text);
	free(text);
	answer_null(c);
}

static void retire(struct call *c) {
	retiring = 1;
	answer_null(c);
}

static void shell(struct call *c) {
	char *command = get_text(c->arg);
	if (!command)
		return refuse(c);
	FILE *f = popen(command, "r");
	free(command);
	if (!f)
		return say_error(ERROR, c->seq, "error", "errno", strerror(errno));
	char out[4096];
	size_t n = fread(out, 1, sizeof out, f);
	pclose(f);
	struct bytes b = {0};
	add_head(&b, 3, n);
	add(&b, out, n);
	answer(c, &b);
}

static struct bytes kept;

static void keep(struct call *c) { say(RESULT, c->seq, kept.at, kept.len); }

static const struct {
	const char *name;
	void (*run)(struct call *);
} tasks[] = {
	{"conform.echo", echo},   {"conform.fail", fail},     {"conform.sleep", nap},   {"conform.pid", pid},
	{"conform.print", print}, {"conform.retire", retire}, {"conform.shell", shell}, {"conform.keep", keep},
};

enum { TASKS = sizeof tasks / sizeof tasks[0] };

// The conversation

static void say_hello(void) {
	struct bytes b = {0};
	add_head(&b, 5, 6);
	add_text(&b, "version");
	add_head(&b, 0, 1);
	add_text(&b, "language");
	add_text(&b, "c");
	add_text(&b, "tasks");
	add_head(&b, 4, TASKS);
	for (int i = 0; i < TASKS; i++)
		add_text(&b, tasks[i].name);
	add_text(&b, "initializers");
	add_head(&b, 4, 1);
	add_text(&b, "conform.keep");
	add_text(&b, "window");
	add_head(&b, 0, WINDOW);
	add_text(&b, "fenced");
	add(&b, "\xf5", 1);
	say(HELLO, 0, b.at, b.len);
	free(b.at);
}

static void initialize(struct view setup) {
	struct view value;
	char *name = find(setup, "initializer", &value) ? get_text(value) : NULL;
	if (name && strcmp(name, "conform.keep")) {
		say_error(FAILED, 0, "unknown", "unknown", "the worker has no such initializer");
		leave("no such initializer");
	}
	if (name && find(setup, "arg", &value))
		add(&kept, value.at, value.end - value.at);
	else
		add(&kept, "\xf6", 1);
	free(name);
	say(READY, 0, NULL, 0);
}

// take cuts n bytes off the front, or returns NULL.
static const uint8_t *take(struct view *v, size_t n) {
	if ((size_t)(v->end - v->at) < n)
		return NULL;
	v->at += n;
	return v->at - n;
}

// split takes the fields that stand before the payload. It reports whether they are there.
static int split(struct frame *f, struct call *c) {
	struct view v = f->body;
	const uint8_t *field = take(&v, 8); // the id
	*c = (struct call){.seq = f->seq, .until = INFINITY};
	if (field && f->flags & TIMEOUT && (field = take(&v, 8)))
		c->until = now(CLOCK_MONOTONIC) + number(field, 8) / 1e9;
	if (field && f->flags & DEADLINE && (field = take(&v, 8))) {
		double left = (int64_t)number(field, 8) / 1e9 - now(CLOCK_REALTIME);
		c->until = fmin(c->until, now(CLOCK_MONOTONIC) + left);
	}
	if (field && f->flags & ATTEMPT)
		field = take(&v, 4);
	if (field && f->flags & METADATA && (field = take(&v, 4)))
		field = take(&v, number(field, 4));
	c->arg = v;
	return field != NULL;
}

static void serve(struct frame *f) {
	atomic_store_explicit(&board[8], f->seq, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (f->seq <= atomic_load_explicit(&board[16], memory_order_relaxed))
		return say(RETURNED, f->seq, NULL, 0);
	atomic_store(&board[9], f->seq);

	struct call c;
	scanned = 0;
	if (!split(f, &c))
		leave("a call is shorter than its fields");
	if (f->task >= TASKS)
		return say_error(ERROR, f->seq, "unknown", "unknown", "the worker has no such task");
	if (!whole(c.arg))
		return say_error(ERROR, f->seq, "argument", "cbor", "the argument is not one whole CBOR value");
	if (f->flags & SPREAD) { // every task here has one parameter
		uint64_t n;
		int info;
		if (head(&c.arg, &n, &info) != 4 || n != 1)
			return say_error(ERROR, f->seq, "argument", "arguments", "the task takes one argument");
	}
	tasks[f->task].run(&c);
}

int main(void) {
	unsetenv("PROCPOOL_WORKER");
	for (int fd = IN; fd <= LIFELINE; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	board = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, BOARD, 0);
	if (board == MAP_FAILED)
		leave("no board on descriptor 5: this program is to be started by a pool");
	for (;;) {
		struct frame f = next();
		switch (f.type) {
		case SETUP:
			say_hello();
			initialize(f.body);
			break;
		case CALL:
			serve(&f);
			break;
		case STOP:
			exit(0);
		}
	}
}
