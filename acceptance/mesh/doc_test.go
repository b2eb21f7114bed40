// Package mesh_test runs the built program's mesh on a network of namespaces,
// and looks at its page in a real browser.
//
// What needs root, namespaces or a browser that is missing is skipped with the
// reason, or fails if NETSONDE_LAB=require.
package mesh_test
