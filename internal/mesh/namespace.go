package mesh

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// inNamespace runs f in a network namespace, or, if there is none, as it is:
// sockets that f itself opens are there. Goroutines that f starts are not.
func inNamespace(namespace *os.File, f func() error) error {
	if namespace == nil {
		return f()
	}
	result := make(chan error, 1)
	onOwnThread(func() {
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("enter network namespace %s (it must be one, and it takes root): %w", namespace.Name(), err)
			return
		}
		result <- f()
	})
	return <-result
}

// onOwnThread runs f on a thread that dies with it. It is never the main
// thread: that cannot die, and by its namespace "ip netns pids" would count
// the whole process to a node.
func onOwnThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f()
			return
		}
		started := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(started)
			f()
		}()
		<-started
		runtime.UnlockOSThread()
	}()
}
