// Package discovery finds what a machine's network stands on: its default
// gateways, its resolvers and, where there is a way out, an address far away.
// It reads the kernel's tables and the resolver's configuration, and sends
// nothing.
package discovery
