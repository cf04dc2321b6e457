/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A userspace device's limits: programs and maps together may take half of the
 * machine's memory, so that one map request cannot push everything else out;
 * whoever starts the device may set others.
 */
#include "host/host_runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/error.h"

enum {
	SPIN_US = 50, /* about twice of what sleeping and waking take */
	SPIN_US_MAX = 1000,
};

static bool
read_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
	       *number > 0 && *number <= max;
}

/* A number of bytes; K, M and G are powers of 1024. */
static bool
read_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMG";
	size_t len = strlen(text);
	const char *unit = len > 1 ? strchr(units, text[len - 1]) : NULL;
	unsigned int shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;
	char digits[32];

	if (unit)
		len--;
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!read_number(digits, UINT64_MAX >> shift, size))
		return false;
	*size <<= shift;
	return true;
}

static bool
read_harden(const char *value, uint32_t *harden)
{
	if (!strcmp(value, "none"))
		*harden = 0;
	else if (!strcmp(value, "all"))
		*harden = EBPF_HARDEN_ALL;
	else if (!strcmp(value, "speculation"))
		*harden |= EBPF_HARDEN_SPECULATION;
	else if (!strcmp(value, "constants"))
		*harden |= EBPF_HARDEN_CONSTANTS;
	else
		return false;
	return true;
}

/* false: the name is not known; *good: the value is right. */
static bool
set_option(struct ebpf_host_config *host, const char *name,
	   const char *value, bool *good)
{
	struct ebpf_runtime_config *config = &host->runtime;
	uint64_t number = 0;

	if (!strcmp(name, "harden")) {
		*good = read_harden(value, &config->harden);
	} else if (!strcmp(name, "memory")) {
		*good = read_size(value, &config->mem_max);
	} else if (!strcmp(name, "verify_memory")) {
		*good = read_size(value, &config->verify_mem_max);
	} else if (!strcmp(name, "verify_time")) {
		*good = read_number(value, UINT32_MAX, &number);
		config->verify_time_ms = (uint32_t)number;
	} else if (!strcmp(name, "insns_processed")) {
		*good = read_number(value, UINT32_MAX, &number);
		config->insns_processed_max = (uint32_t)number;
	} else if (!strcmp(name, "spin")) {
		*good = !strcmp(value, "0") ||
			read_number(value, SPIN_US_MAX, &number);
		host->spin_us = (uint32_t)number;
	} else {
		return false;
	}
	return true;
}

int
ebpf_host_options(const char *text, struct ebpf_host_config *config,
		  char *why, size_t why_size)
{
	char word[128], *value;
	size_t len;
	bool good;

	for (; text && *text; text += len) {
		len = strspn(text, " ");
		text += len;
		len = strcspn(text, " ");
		if (!len)
			break;
		if (len >= sizeof(word)) {
			snprintf(why, why_size, "a device option is too long");
			return -EBPF_EINVAL;
		}
		memcpy(word, text, len);
		word[len] = '\0';
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		if (!value || !set_option(config, word, value, &good)) {
			snprintf(why, why_size,
				 "a device has no option \"%s\": there are "
				 "harden, insns_processed, memory, spin, "
				 "verify_memory and verify_time",
				 word);
			return -EBPF_EINVAL;
		}
		if (!good) {
			snprintf(why, why_size,
				 "device option %s cannot be \"%s\"", word,
				 value);
			return -EBPF_EINVAL;
		}
	}
	return 0;
}

int
ebpf_host_runtime_create(struct ebpf_runtime **rt,
			 struct ebpf_host_config *config, char *why,
			 size_t why_size)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	int error;

	if (why_size)
		why[0] = '\0';
	memset(config, 0, sizeof(*config));
	config->runtime.size = sizeof(config->runtime);
	config->spin_us = SPIN_US;
	if (pages > 0 && size > 0)
		config->runtime.mem_max =
			(uint64_t)pages * (uint64_t)size / 2;
	error = ebpf_host_options(getenv(EBPF_HOST_OPTIONS), config, why,
				  why_size);
	if (error)
		return error;
	return ebpf_runtime_create(&config->runtime, rt);
}
