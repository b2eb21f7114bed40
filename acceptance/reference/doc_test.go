// Package reference_test holds the front doors to what is specified of
// connmonitor: each test is a row of that specification, run by the built
// program in the network in which the originals were recorded. A row that was
// recorded has the recording's name.
//
// The rows need root and namespaces; without them they are skipped with the
// reason, or fail if NETSONDE_LAB=require.
package reference_test
