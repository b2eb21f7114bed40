// Package kernel asks this machine's kernel what it knows of the packets that
// pass through it: what it dropped itself, and which interface they leave by.
package kernel
