// Package topology knows networks as graphs: their shapes, what is up at a
// moment, the shortest paths, and how to draw them. It is pure: it builds
// nothing and reads no clock; who builds a lab asks it what to build.
package topology
