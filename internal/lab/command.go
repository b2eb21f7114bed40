package lab

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// Start starts a command inside the node. The caller waits for it as usual. It
// is killed when the node is closed, and when this process dies.
func (n *Node) Start(command *exec.Cmd) error {
	return n.Do(func() error {
		if command.SysProcAttr == nil {
			command.SysProcAttr = &syscall.SysProcAttr{}
		}
		// The signal comes when the thread that started the command ends,
		// which is the node's own.
		command.SysProcAttr.Pdeathsig = syscall.SIGKILL
		if err := command.Start(); err != nil {
			return fmt.Errorf("start %s in node %s: %w", command.Path, n.name, err)
		}
		return nil
	})
}

// Run starts a command inside the node and waits for its end.
func (n *Node) Run(command *exec.Cmd) error {
	if err := n.Start(command); err != nil {
		return err
	}
	return command.Wait()
}

// Output runs a program inside the node and returns what it printed on both
// its outputs. The error is an *exec.ExitError when its exit code is not 0.
func (n *Node) Output(ctx context.Context, program string, arguments ...string) (string, error) {
	return n.outputOf(exec.CommandContext(ctx, program, arguments...))
}

// outputOf runs a command and returns what it printed on both its outputs.
func (n *Node) outputOf(command *exec.Cmd) (string, error) {
	var output limitedBuffer
	command.Stdout, command.Stderr = &output, &output
	err := n.Run(command)
	return string(output.text), err
}

// limitedBuffer keeps the first megabyte.
type limitedBuffer struct{ text []byte }

var _ io.Writer = (*limitedBuffer)(nil)

func (b *limitedBuffer) Write(p []byte) (int, error) {
	const limit = 1 << 20
	b.text = append(b.text, p[:min(len(p), limit-len(b.text))]...)
	return len(p), nil
}
