package emulation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"netsonde/internal/topology"
)

// Hold builds a plan and answers requests about it until ctx ends or one asks
// for the end; then everything is removed. It calls ready once others can ask;
// an error of that, because whoever wanted the lab has left, is the end as well.
// The process should be the first of a process namespace of its own: all that
// is started in the lab then ends with it.
func Hold(ctx context.Context, directory Directory, name string, plan *topology.Plan, ready func() error) (err error) {
	if err := CheckName(name); err != nil {
		return err
	}
	lock, err := directory.lock(name)
	if err != nil {
		return err
	}
	up := false
	defer func() {
		// What broke a lab that was up is in its log; Down removes that.
		err = errors.Join(err, directory.remove(name, up && err != nil), lock.Close())
	}()
	e, err := New(plan)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	listener, err := directory.listen(name)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	h := &holder{emulation: e, name: name, stop: stop}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return e.Run(running) })
	group.Go(func() error { return h.serve(running, listener) })
	if err := ready(); err != nil {
		stop()
		return errors.Join(err, group.Wait())
	}
	up = true
	return group.Wait()
}

// listen makes the lab's socket, in place of one that a dead process left. Only
// the user may connect.
func (d Directory) listen(name string) (*net.UnixListener, error) {
	path := d.path(name, ".socket")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listen for lab %s: %w", name, err)
	}
	// The directory keeps others out until the socket's own mode does.
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for lab %s: %w", name, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for lab %s: %w", name, err), listener.Close())
	}
	return listener, nil
}

// holder answers requests.
type holder struct {
	emulation *Emulation
	name      string
	stop      func()
}

// serve answers until ctx ends.
func (h *holder) serve(ctx context.Context, listener *net.UnixListener) error {
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		connection, err := listener.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("wait for requests: %w", err)
		}
		clients.Go(func() {
			defer connection.Close()
			// A client that hangs does not keep the lab from ending.
			defer context.AfterFunc(ctx, func() { _ = connection.SetReadDeadline(time.Unix(1, 0)) })()
			if err := connection.SetDeadline(time.Now().Add(answerTime)); err != nil {
				return
			}
			// A client that has left needs no answer.
			_ = h.answer(connection)
		})
	}
}

// answer reads one request and answers it.
func (h *holder) answer(connection *net.UnixConn) error {
	var r request
	files, err := receive(connection, &r)
	closeAll(files)
	if err != nil {
		return send(connection, answer{Error: err.Error()})
	}
	var result answer
	switch r.Verb {
	case verbStatus:
		result.Status = h.emulation.status(h.name)
	case verbDraw:
		result.Drawing, err = h.emulation.State().Draw(r.Drawing)
	case verbFault:
		err = errors.New("no fault in the request")
		if r.Fault != nil {
			err = h.emulation.Apply(*r.Fault)
		}
	case verbEnter:
		files, err = h.namespaces(r.Node)
		defer closeAll(files)
	case verbDown:
		defer h.stop()
	default:
		err = fmt.Errorf("%q is no request", r.Verb)
	}
	if err != nil {
		result.Error = err.Error()
	}
	return send(connection, result, files...)
}

// namespaces opens what a process needs to be in a node.
func (h *holder) namespaces(name string) ([]*os.File, error) {
	node, err := h.emulation.Node(name)
	if err != nil {
		return nil, err
	}
	network, mount, err := node.Namespaces()
	if err != nil {
		return nil, err
	}
	process, err := os.Open("/proc/self/ns/pid")
	if err != nil {
		closeAll([]*os.File{network, mount})
		return nil, fmt.Errorf("process namespace: %w", err)
	}
	return []*os.File{network, mount, process}, nil
}
