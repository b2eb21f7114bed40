// Package emulation brings a topology's plan to life on a lab's nodes: cables
// and wires, the shortest paths as routes, contacts, faults and a timeline. A
// process that holds one listens on a Unix socket, by which others ask for its
// status, break it, and enter its nodes.
//
// Nothing of a network outlives the process that holds it: nodes are threads
// of it, and what was started in them lives in its process namespace.
package emulation
