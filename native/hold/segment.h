#ifndef NSEXEC_SEGMENT_H
#define NSEXEC_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A TCP segment that came in, as far as it tells who asks for what. All points into the packet. */
struct segment {
    bool six;              /**< IPv6; else IPv4 */
    const uint8_t *source; /**< the sender's address: 16 bytes, or 4 */
    uint16_t port;         /**< where it goes */
    bool opens;            /**< it opens a connection: SYN without ACK */
    const uint8_t *data;
    size_t length;         /**< of the data */
};

/**
 * Reads a packet from its IP header on, of which `length` bytes are there: anybody may have sent it. False: it is no TCP segment, or its TCP header
 * is not there.
 */
bool segment_parse(struct segment *segment, const uint8_t *packet, size_t length);

/** Whether its data begins an HTTP request that calls itself one of the kubelet's probes, by `User-Agent: kube-probe/VERSION`. */
bool segment_is_kube_probe(const struct segment *segment);

#endif
