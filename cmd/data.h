/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Keys, values and variables as people write and read them: DATA of command.def
 * to bytes (data.c), bytes to typed output (typed.c). BTF may be NULL: then
 * there are only bytes and plain numbers.
 */
#ifndef CMD_DATA_H
#define CMD_DATA_H

#include "cmd/cmd.h"

/*
 * The words up to a keyword that ends DATA ("value", "any", ...) or the end,
 * as exactly len bytes. what: "key", "value", for messages.
 */
int data_parse_words(struct cmd *cmd, const char *what,
		     const struct gebpf_btf *btf, uint32_t type, uint8_t *data,
		     size_t len);
/* One text by its type: "5", "10.0.0.1", "{port=80,proto=tcp}". */
int data_parse_text(struct cmd *cmd, const char *what,
		    const struct gebpf_btf *btf, uint32_t type,
		    const char *text, uint8_t *data, size_t len);
/* Builtin scalar types "u8".."u64", "s8".. and "be16".. "be64": size or 0. */
size_t data_scalar_size(const char *word, bool *is_signed, bool *big);
/* "02:00:00:00:00:01" and "10.0.0.1" / "fe80::1"; bytes written or 0. */
size_t data_parse_mac(const char *text, uint8_t *bytes);
size_t data_parse_ip(const char *text, uint8_t *bytes);

/* A number, perhaps negative, that fits size bytes; and its bytes. */
bool data_parse_integer(const char *text, size_t size, uint64_t *v);
void data_store(uint8_t *data, size_t size, uint64_t v, bool big);
int data_bad_number(struct cmd *cmd, const char *what, const char *text,
		    size_t size);
/* Is the type one of __be16 .. __be64 by its typedef: bytes, else 0. */
size_t data_big_endian(const struct gebpf_btf *btf, uint32_t type);

/* A value of a type. human: numbers in network order are shown as numbers (and
 * addresses), and six bytes as a MAC address. */
void typed_print(struct out *out, const char *key, const struct gebpf_btf *btf,
		 uint32_t type, const uint8_t *data, size_t len, bool human);
/* Add the numbers in data to those in sum. false: nothing to be added. */
bool typed_sum(const struct gebpf_btf *btf, uint32_t type, uint8_t *sum,
	       const uint8_t *data, size_t len);

#endif
