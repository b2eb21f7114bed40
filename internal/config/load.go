package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"netsonde"
)

// Load reads the configuration in a file as Parse does. A named pipe is read
// to its end, once somebody writes to it; the context's end interrupts that
// wait, and then the error is the context's. A file that cannot be read is a
// single fatal diagnostic in connmonitor's words, behind which errors.Is finds
// fs.ErrNotExist, fs.ErrPermission or the system's error number. NewLoader is
// for whoever needs what a native file says beside the plan.
func Load(ctx context.Context, path string) (*netsonde.Plan, []Diagnostic, error) {
	return planOf(loadFile(ctx, path, localSurroundings()))
}

// planOf is a configuration without what stands beside the plan.
func planOf(c *Configuration, diagnostics []Diagnostic, err error) (*netsonde.Plan, []Diagnostic, error) {
	if err != nil {
		return nil, diagnostics, err
	}
	return c.Plan, diagnostics, nil
}

func loadFile(ctx context.Context, path string, around surroundings) (*Configuration, []Diagnostic, error) {
	// Without O_NONBLOCK the opening of a named pipe could not be interrupted.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return fail(path, fmt.Errorf("opening the configuration: %w", err))
	}
	defer func() { _ = file.Close() }()

	// Files that cannot be waited for have no deadline; reading them is short.
	stop := context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := awaitWriter(file); err != nil && ctx.Err() == nil {
		return fail(path, fmt.Errorf("waiting for a writer: %w", err))
	}
	loaded, diagnostics, err := parse(ctx, path, interruptible{ctx, file}, around)
	if ctx.Err() != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", path, ctx.Err())
	}
	return loaded, diagnostics, err
}

func fail(path string, err error) (*Configuration, []Diagnostic, error) {
	report := &reporter{file: path}
	report.add(unreadable(path, err))
	diagnostics, err := report.result()
	return nil, diagnostics, err
}

// awaitWriter returns when a named pipe has something to read, or has been
// closed by a writer. Before the first writer a read would tell the end of the
// file, whereas poll tells nothing at all.
func awaitWriter(file *os.File) error {
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return err
	}
	connection, err := file.SyscallConn()
	if err != nil {
		return err
	}
	return connection.Read(func(fd uintptr) bool {
		set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(set, 0)
		return err == nil && n > 0
	})
}

// interruptible is a reader that ends with its context.
type interruptible struct {
	ctx    context.Context
	reader io.Reader
}

// Read reads unless the context has ended.
func (r interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.reader.Read(p)
}

// unreadable is the diagnostic of a file that cannot be read. Without a native
// name it is connmonitor's, of this class whatever the reason.
func unreadable(path string, err error) Diagnostic {
	if hasNativeName(path) {
		return Diagnostic{File: path, Severity: Fatal, cause: err, Text: "open " + path + ": " + remedied(path, err)}
	}
	reason := err.Error()
	var errno syscall.Errno
	if errors.As(err, &errno) {
		reason = fmt.Sprintf("[Errno %d] %s", int(errno), capitalised(errno.Error()))
	}
	return Diagnostic{File: path, Severity: Fatal, Type: typeFileNotFound, cause: err,
		Text: fmt.Sprintf("Couldn't read input file '%s: '%s''", reason, path)}
}

// remedied says why a file cannot be read, and what to do.
func remedied(path string, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file: check the path, or make a first one with netsonde init -o FILE"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied: run as a user who may read it, or allow it to this one, with chmod or chown"
	case errors.Is(err, syscall.EISDIR):
		return "a directory: name a file in it, which may include the others with include: [" + filepath.Join(filepath.Base(path), "*.yaml") + "]"
	default:
		var errno syscall.Errno
		if errors.As(err, &errno) {
			return errno.Error()
		}
		return err.Error()
	}
}

// capitalised gives an error number's text the form of the C library, which
// differs from Go's in its first letter.
func capitalised(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+len(string(r)):]
	}
	return s
}
