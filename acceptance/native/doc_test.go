// Package native_test runs the built program with native configurations, in
// networks of namespaces.
package native_test
