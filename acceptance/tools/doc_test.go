// Package tools_test runs the built program's one-shot tools, ping, trace and
// scan, on a network of namespaces.
//
// It needs root, namespaces and traceroute; without them it is skipped with the
// reason, or fails if NETSONDE_LAB=require.
package tools_test
