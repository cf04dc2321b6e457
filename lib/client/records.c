/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Reading the records that a device tells of a load (abi/wire.h): lines of a
 * word and fields. Whatever the device wrote, this stays inside the text.
 */
#include <string.h>

#include "client/gebpf.h"

bool
gebpf_record_next(char **text, struct gebpf_record *record)
{
	char *at = *text, *end = strchr(at, '\n'), *tab;

	memset(record, 0, sizeof(*record));
	if (end == NULL)
		return false; /* nothing, or a line that was cut off */
	*end = '\0';
	*text = end + 1;
	record->word = at;
	while ((tab = strchr(at, '\t')) != NULL) {
		*tab = '\0';
		at = tab + 1;
		if (record->count < GEBPF_RECORD_FIELDS)
			record->fields[record->count++] = at;
	}
	return true;
}

const char *
gebpf_record_field(const struct gebpf_record *record, size_t i)
{
	return i < record->count ? record->fields[i] : "";
}
