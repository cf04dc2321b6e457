/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Any bytes as BTF: what is accepted can be asked everything, written as C,
 * and gives the device's own check something to disagree with.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/gebpf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	struct gebpf_error err = { 0 };
	struct gebpf_btf *btf, *again;
	struct gebpf_btf_type type;
	struct gebpf_btf_member member;
	char text[512];
	const void *bytes;
	uint32_t id, i;
	size_t len;

	if (null == NULL)
		null = fopen("/dev/null", "w");
	if (gebpf_btf_parse(data, size, &btf, &err) != 0) {
		if (err.text[0] == 0 || btf != NULL)
			abort();
		return 0;
	}
	for (id = 0; id <= gebpf_btf_count(btf) && id < 1000; id++) {
		if (gebpf_btf_type(btf, id, &type) != 0)
			abort();
		for (i = 0; gebpf_btf_member(btf, id, i, &member) == 0; i++)
			if (member.type > gebpf_btf_count(btf))
				abort();
		if (gebpf_btf_resolve(btf, id) > gebpf_btf_count(btf))
			abort();
		gebpf_btf_size(btf, id);
		gebpf_btf_decl(btf, id, text, sizeof(text));
		fputs(text, null);
	}
	gebpf_btf_dump_c(btf, null);
	bytes = gebpf_btf_data(btf, &len);
	if (gebpf_btf_parse(bytes, len, &again, NULL) != 0)
		abort();
	gebpf_btf_free(again);
	gebpf_btf_free(btf);
	return 0;
}
