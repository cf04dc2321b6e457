/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Shapes that are hard to write down again: for the C dump of BTF. */
#include "bpf_helpers.h"

enum plain { PLAIN_A, PLAIN_B = 7, PLAIN_C = -3 };
enum unsigned_one { BIG = 0xfffffff0u };
enum wide { WIDE = 0x123456789aULL, NARROW = 1 };
enum small { SMALL_A, SMALL_B = 200 } __attribute__((packed));

struct forward;
union forward_union;
typedef struct forward *forward_pointer;
typedef int (*callback)(struct forward *f, void (*next)(int, char *), ...);
typedef struct {
	int x, y;
} anonymous;
typedef enum { CHOICE_A, CHOICE_B } choice;
typedef int matrix[3][4];
typedef const volatile anonymous *const odd_pointer;

struct bits {
	unsigned int a : 3, b : 5;
	unsigned int c : 17;
	int d : 9;
	unsigned long long e : 40;
	unsigned char f : 1;
	unsigned char g : 7;
	enum plain h : 4;
	unsigned short : 5;
	unsigned short i : 3;
};
struct packed {
	char a;
	int b;
	short c;
	unsigned long long d;
} __attribute__((packed));
struct packed_bits {
	char a;
	unsigned int b : 11, c : 21;
	unsigned int d : 13;
} __attribute__((packed));
struct aligned {
	char a;
	int b __attribute__((aligned(16)));
	char c;
} __attribute__((aligned(64)));
struct packed_outer {
	char a;
	struct aligned b;
	struct packed c;
};
struct half_packed {
	int a;
	unsigned long long b __attribute__((packed));
	char c;
};
struct holes {
	char a;
	long long b;
	char c;
	__int128 d;
	_Bool e;
	double *f;
};
struct nested {
	struct {
		int a;
		union {
			int b;
			struct {
				char c[3];
				short d;
			};
			struct {
				long e;
			} named;
		};
	};
	struct bits *bits;
	struct nested *next, **list[4];
	union {
		unsigned char bytes[16];
		struct packed packed;
	} u;
	callback call;
	int (*table[2])(struct nested *, const char *const);
	int (*(*deep)(int (*)(void)))[5];
	forward_pointer f;
	union forward_union *fu;
	matrix m;
	choice choice;
	enum { INLINE_A, INLINE_B } inline_enum;
	odd_pointer odd;
	const char *restrict name;
	volatile int v;
	char tail[];
};
union mixed {
	char c;
	int i;
	struct nested *n;
	struct {
		char a[5];
	} s;
};
struct empty {};
struct with_empty {
	struct empty e;
	int a;
};
struct mutual_b;
struct mutual_a {
	struct mutual_b *b;
	int n;
};
struct mutual_b {
	struct mutual_a a[2];
	anonymous pair;
};
struct zero {
	int n;
	int rest[0];
};
struct keyword_like {
	int class, new, this;
};

enum plain v1;
enum unsigned_one v2;
enum wide v3;
enum small v4;
struct bits v5;
struct packed v6;
struct packed_bits v7;
struct aligned v8;
struct packed_outer v9;
struct half_packed v10;
struct holes v11;
struct nested *v12;
union mixed v13;
struct with_empty v14;
struct mutual_b v15;
struct zero *v16;
struct keyword_like v17;

int count(struct xdp_md *ctx, const char *name, int (*f)(void), matrix m);
SEC("xdp") int prog(struct xdp_md *ctx)
{
	return count(ctx, 0, 0, 0);
}
__noinline int count(struct xdp_md *ctx, const char *name, int (*f)(void),
		     matrix m)
{
	return ctx->data != 0 && v1 && v2 && v3 && v4 && v5.a && v6.b &&
	       v7.b && v8.b && v9.a && v10.a && v11.a && v12 && v13.i &&
	       v14.a && v15.a[0].n && v16 && v17.new;
}
