package emulation

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Start starts a command inside a lab's node. The caller waits for it as
// usual. It is killed when the lab ends.
func (d Directory) Start(name, node string, command *exec.Cmd) error {
	_, files, err := d.ask(name, request{Verb: verbEnter, Node: node})
	if err != nil {
		return err
	}
	defer closeAll(files)
	if len(files) != 3 {
		return fmt.Errorf("lab %s: %d namespaces in place of 3", name, len(files))
	}
	started := make(chan error)
	go func() {
		// The thread ends with this function: nothing else may run in its
		// namespaces.
		runtime.LockOSThread()
		started <- enterAndStart(files, command)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("lab %s: node %s: %w", name, node, err)
	}
	return nil
}

// enterAndStart takes the calling thread to a node and starts the command.
func enterAndStart(files []*os.File, command *exec.Cmd) error {
	// Other threads share the root directory, and a thread that does cannot
	// change its mounts.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leave the others' root: %w", err)
	}
	for i, kind := range []int{unix.CLONE_NEWNET, unix.CLONE_NEWNS, unix.CLONE_NEWPID} {
		if err := unix.Setns(int(files[i].Fd()), kind); err != nil {
			return fmt.Errorf("enter the node: %w", err)
		}
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", command.Path, err)
	}
	return nil
}
