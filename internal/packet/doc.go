// Package packet turns probes into bytes and bytes into replies: IPv4 and
// IPv6, ICMP, UDP and the datagrams that ICMP errors quote. It is pure, and
// everything it parses is hostile.
package packet
