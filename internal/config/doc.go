// Package config turns files into plans. It reads the native format (YAML, see
// Describe) and the two formats of connmonitor, 3.x (a header line of integers,
// then one host a line) and 4.x (one host a line with its options), and finds
// all that is wrong with a file at once, with the place where it stands.
//
// A file is native if its name ends in .yaml or .yml, or if its first line that
// is neither blank nor a comment begins with "---", "%", "{", "- ", or a key: a
// word of letters, digits, "_" and "-" with a colon behind it. So a mistyped
// key is told as one. Of the others a file whose first line begins with a number
// is 3.x, and the rest are 4.x.
package config
