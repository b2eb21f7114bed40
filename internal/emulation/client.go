package emulation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"netsonde/internal/topology"
)

// ErrNotUp tells that no process holds the lab.
var ErrNotUp = errors.New("it is not up")

// downTime is how long a lab may take to end by itself.
const downTime = 10 * time.Second

// Status asks how a lab is. The error wraps ErrNotUp if it is not up.
func (d Directory) Status(name string) (*Status, error) {
	result, _, err := d.ask(name, request{Verb: verbStatus})
	if err == nil && result.Status == nil {
		err = fmt.Errorf("lab %s: an answer without a status", name)
	}
	return result.Status, err
}

// Draw returns a lab's graph as it is now, in one of topology's drawings.
func (d Directory) Draw(name, kind string) (string, error) {
	result, _, err := d.ask(name, request{Verb: verbDraw, Drawing: kind})
	return result.Drawing, err
}

// Fault breaks or mends a lab.
func (d Directory) Fault(name string, fault topology.Fault) error {
	_, _, err := d.ask(name, request{Verb: verbFault, Fault: &fault})
	return err
}

// ask sends one request and returns the answer to it.
func (d Directory) ask(name string, r request) (answer, []*os.File, error) {
	connection, err := d.dial(name)
	if err != nil {
		return answer{}, nil, err
	}
	defer connection.Close()
	// What a process that ends never took, its answer's absence tells.
	if err := send(connection, r); err != nil && !errors.Is(err, unix.EPIPE) {
		return answer{}, nil, fmt.Errorf("lab %s: %w", name, err)
	}
	var result answer
	files, err := receive(connection, &result)
	if err == nil && result.Error != "" {
		closeAll(files)
		files, err = nil, errors.New(result.Error)
	}
	if errors.Is(err, unix.ECONNRESET) {
		// Its process ended with the request unread.
		err = ErrNotUp
	}
	if err != nil {
		return result, nil, fmt.Errorf("lab %s: %w", name, err)
	}
	return result, files, nil
}

func (d Directory) dial(name string) (*net.UnixConn, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	connection, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: d.path(name, ".socket"), Net: "unix"})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("lab %s: %w", name, ErrNotUp)
	}
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", name, err)
	}
	if err := connection.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return nil, errors.Join(fmt.Errorf("lab %s: %w", name, err), connection.Close())
	}
	return connection, nil
}

// Down takes a lab down and returns when nothing of it is left. A process that
// does not answer is killed; what a dead one has left is removed. It reports
// whether there was anything.
func (d Directory) Down(ctx context.Context, name string) (was bool, err error) {
	if err := CheckName(name); err != nil {
		return false, err
	}
	names, err := d.Names()
	if err != nil {
		return false, err
	}
	for _, known := range names {
		was = was || known == name
	}
	if !was {
		return false, nil
	}
	if err := d.end(ctx, name); err != nil {
		return true, err
	}
	lock, err := d.awaitLock(ctx, name)
	if err != nil {
		return true, err
	}
	return true, errors.Join(d.remove(name, false), lock.Close())
}

// end asks the lab's process to end, and kills it if it does not.
func (d Directory) end(ctx context.Context, name string) error {
	connection, err := d.dial(name)
	if errors.Is(err, ErrNotUp) {
		return nil
	}
	if err != nil {
		return err
	}
	defer connection.Close()
	holder, err := peer(connection)
	if err != nil {
		return fmt.Errorf("find the process of lab %s: %w", name, err)
	}
	defer func() { _ = unix.Close(holder) }()
	// One that cannot be asked is killed.
	_ = send(connection, request{Verb: verbDown})
	if exited(ctx, holder, downTime) {
		return nil
	}
	if err := unix.PidfdSendSignal(holder, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill the process of lab %s: %w", name, err)
	}
	if !exited(ctx, holder, downTime) {
		return fmt.Errorf("the process of lab %s does not end", name)
	}
	return nil
}

// peer returns a handle of the process at the other end.
func peer(connection *net.UnixConn) (pidfd int, err error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return -1, err
	}
	var problem error
	err = raw.Control(func(fd uintptr) {
		var credentials *unix.Ucred
		if credentials, problem = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); problem == nil {
			pidfd, problem = unix.PidfdOpen(int(credentials.Pid), 0)
		}
	})
	return pidfd, errors.Join(err, problem)
}

// exited waits for a process to end. It reports false when it has not.
func exited(ctx context.Context, pidfd int, most time.Duration) bool {
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	deadline := time.Now().Add(most)
	for ctx.Err() == nil && time.Now().Before(deadline) {
		n, err := unix.Poll(poll, 100)
		if err == nil && n > 0 {
			return true
		}
	}
	return false
}

// awaitLock takes the lab's lock, once a process that is just coming up or
// going down has let go of it.
func (d Directory) awaitLock(ctx context.Context, name string) (*os.File, error) {
	deadline := time.Now().Add(downTime)
	for {
		lock, err := d.lock(name)
		if !errors.Is(err, errUp) || time.Now().After(deadline) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		if err := d.end(ctx, name); err != nil {
			return nil, err
		}
	}
}
