package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func (p *program) labShellCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "shell [-- COMMAND [ARGUMENT]...]",
		Short: "Open a shell in which labs need no rights",
		Long: `Opens a shell, or runs a command, in a user namespace: there you are root over
networks of your own, and nowhere else. All labs in it end with it.`,
		RunE: func(_ *cobra.Command, args []string) (err error) {
			if len(args) == 0 {
				args = []string{os.Getenv("SHELL")}
				if args[0] == "" {
					args[0] = "/bin/sh"
				}
			}
			directory, err := os.MkdirTemp("", "netsonde-lab-")
			if err != nil {
				return failureError{fmt.Errorf("make a directory for the shell's labs: %w", err)}
			}
			defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
			command := exec.Command(args[0], args[1:]...) //nolint:gosec,noctx // the user's own command, which ends when it likes
			command.Env = append(os.Environ(), "NETSONDE_LAB_DIRECTORY="+directory)
			return p.asRootOfItsOwn(command)
		},
	}
}

// asRootOfItsOwn runs a command on this terminal in user, network, mount and
// process namespaces of its own, and ends with its exit code.
func (p *program) asRootOfItsOwn(command *exec.Cmd) error {
	command.Stdin, command.Stdout, command.Stderr = p.stdin, p.stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	err := p.onThisTerminal(command, command.Start)
	for _, refusal := range []error{syscall.EPERM, syscall.ENOSPC, syscall.EUSERS, syscall.EINVAL, syscall.EACCES} {
		if errors.Is(err, refusal) && command.Process == nil {
			err = fmt.Errorf("this kernel gives ordinary users no namespaces (%w): run %s, or allow them by the sysctls"+
				" user.max_user_namespaces, kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0"+
				" where they exist", err, asRoot(os.Args))
			break
		}
	}
	return err
}

// onThisTerminal starts a command and ends with its exit code, or 128 and the
// signal that ended it. The terminal's signals reach the command by themselves;
// those sent to this process alone are handed on.
func (p *program) onThisTerminal(command *exec.Cmd, start func() error) error {
	signal.Reset(syscall.SIGPIPE)
	received := make(chan os.Signal, 16)
	signal.Notify(received, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(received)
	if err := start(); err != nil {
		return failureError{err}
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case s := <-received:
			if s != syscall.SIGINT && s != syscall.SIGQUIT {
				// It may have ended by itself.
				_ = command.Process.Signal(s)
			}
		case err := <-ended:
			var exited *exec.ExitError
			if err != nil && !errors.As(err, &exited) {
				return failureError{fmt.Errorf("wait for %s: %w", command.Path, err)}
			}
			if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
				return exit(128 + int(status.Signal()))
			}
			return exit(command.ProcessState.ExitCode())
		}
	}
}
