// Package netsonde holds the nouns of the monitor: what is watched, how, from
// where, and what was seen. It does no I/O, reads no clock and starts no
// goroutine; every other package speaks in these types.
package netsonde
