// Package probe is the engine: a state machine that knows which probes are
// due, which packets answer them and which have waited long enough. It does
// no I/O, reads no clock and starts no goroutine: the agent hands it the time,
// replies and results, and takes from it packets to send, checks to run and
// batches of what was seen.
package probe
