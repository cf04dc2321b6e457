/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names and sentences of error codes, from error.def. */
#include "core/ebpf.h"

/* Functions return errors negated; people pass either sign. */
const char *
ebpf_error_name(int error)
{
	switch (error < 0 ? -error : error) {
#define EBPF_ERROR(name, code, sentence) \
	case code:                       \
		return #name;
#include "abi/error.def"
	}
	return "";
}

const char *
ebpf_error_text(int error)
{
	switch (error < 0 ? -error : error) {
#define EBPF_ERROR(name, code, sentence) \
	case code:                       \
		return sentence;
#include "abi/error.def"
	}
	return "";
}
