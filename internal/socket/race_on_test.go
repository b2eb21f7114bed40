//go:build race

package socket_test

// raceDetector tells that the program is instrumented, and allocates for it.
const raceDetector = true
