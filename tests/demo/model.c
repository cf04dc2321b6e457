/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a learning bridge must deliver, computed anew from the captures and
 * compared with what the switch wrote: model IN0 OUT0 IN1 OUT1 ... The port
 * number is the position. Shares no code with the switch. Exit 0 when every
 * OUT holds exactly the expected frames, times and order included.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PORT_MAX = 16,
	HOST_MAX = 256,
};

struct port {
	const char *in_name, *out_name;
	pcap_t *in, *out;
	struct pcap_pkthdr *head; /* next frame of in; NULL: at its end */
	const u_char *data;
	unsigned long expected, wrong;
};

static struct port ports[PORT_MAX];
static int port_count;
static struct {
	u_char mac[6];
	int port;
} hosts[HOST_MAX];
static int host_count;

static void
advance(struct port *port)
{
	if (pcap_next_ex(port->in, &port->head, &port->data) != 1)
		port->head = NULL;
}

static int
earlier(const struct pcap_pkthdr *a, const struct pcap_pkthdr *b)
{
	if (a->ts.tv_sec != b->ts.tv_sec)
		return a->ts.tv_sec < b->ts.tv_sec;
	return a->ts.tv_usec < b->ts.tv_usec;
}

static int
find_host(const u_char *mac)
{
	int i;

	for (i = 0; i < host_count; i++)
		if (memcmp(hosts[i].mac, mac, 6) == 0)
			return i;
	return -1;
}

static void
learn(const u_char *mac, int port)
{
	int i = find_host(mac);

	if (mac[0] & 1)
		return;
	if (i < 0) {
		if (host_count == HOST_MAX)
			abort();
		i = host_count++;
		memcpy(hosts[i].mac, mac, 6);
	}
	hosts[i].port = port;
}

static void
expect(struct port *to, const struct pcap_pkthdr *head, const u_char *data)
{
	struct pcap_pkthdr *got;
	const u_char *bytes;

	to->expected++;
	if (pcap_next_ex(to->out, &got, &bytes) != 1 ||
	    got->caplen != head->caplen ||
	    got->ts.tv_sec != head->ts.tv_sec ||
	    got->ts.tv_usec != head->ts.tv_usec ||
	    memcmp(bytes, data, head->caplen) != 0)
		to->wrong++;
}

static void
forward(int from)
{
	struct port *in = &ports[from];
	int i, host;

	learn(in->data + 6, from);
	host = in->data[0] & 1 ? -1 : find_host(in->data);
	for (i = 0; i < port_count; i++)
		if (i != from && (host < 0 || hosts[host].port == i))
			expect(&ports[i], in->head, in->data);
}

int
main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE];
	int i, first, failed = 0;

	if (argc < 3 || argc % 2 == 0 || argc / 2 > PORT_MAX) {
		fprintf(stderr, "usage: model IN OUT [IN OUT]...\n");
		return 2;
	}
	port_count = argc / 2;
	for (i = 0; i < port_count; i++) {
		ports[i].in_name = argv[1 + 2 * i];
		ports[i].out_name = argv[2 + 2 * i];
		ports[i].in = pcap_open_offline(ports[i].in_name, why);
		if (ports[i].in == NULL) {
			fprintf(stderr, "model: %s\n", why);
			return 1;
		}
		ports[i].out = pcap_open_offline(ports[i].out_name, why);
		if (ports[i].out == NULL) {
			fprintf(stderr, "model: %s\n", why);
			return 1;
		}
		advance(&ports[i]);
	}
	for (;;) {
		first = -1;
		for (i = 0; i < port_count; i++)
			if (ports[i].head != NULL &&
			    (first < 0 ||
			     earlier(ports[i].head, ports[first].head)))
				first = i;
		if (first < 0)
			break;
		forward(first);
		advance(&ports[first]);
	}
	for (i = 0; i < port_count; i++) {
		struct pcap_pkthdr *extra;
		const u_char *bytes;

		while (pcap_next_ex(ports[i].out, &extra, &bytes) == 1)
			ports[i].wrong++;
		printf("port %d: %lu frames expected, %lu wrong\n", i,
		       ports[i].expected, ports[i].wrong);
		failed |= ports[i].wrong != 0 || ports[i].expected == 0;
	}
	return failed;
}
