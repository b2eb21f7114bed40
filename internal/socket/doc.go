// Package socket sends probes and receives their answers over batched Linux
// sockets, as well as the process's rights allow: raw ICMP, unprivileged ping
// sockets, or ports of the target. It knows bytes, sockets and clocks; what
// waits for an answer is the engine's business.
package socket
