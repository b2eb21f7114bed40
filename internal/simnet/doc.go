// Package simnet is a network in memory, for tests: routers, links and hosts
// under a seeded chance, and connections to it that an agent can use. Probes
// are encoded to bytes, carried, answered and parsed back by the same codec as
// on real sockets.
//
// It runs in simulated time: a test calls it inside a bubble of
// testing/synctest, where a day passes as fast as the packets of a day can be
// reckoned. A packet's whole way is reckoned when it is sent, so a change of
// the network applies to packets that are sent after it.
package simnet
