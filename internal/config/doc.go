// Package config turns files into plans. It reads the two formats of
// connmonitor, 3.x (a header line of integers, then one host a line) and 4.x
// (one host a line with its options), and finds all that is wrong with a file
// at once, with the line it stands on.
package config
