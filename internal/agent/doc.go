// Package agent is the running monitor: it gives engines their connections,
// service checks, addresses and plans, and hands what they saw to the sinks.
//
// Each connection has a shard, one goroutine on one thread that reads, sends
// and reckons in turn. Everything slow happens elsewhere, lookups and checks,
// and reaches the shard through its inbox.
package agent
