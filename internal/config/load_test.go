package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFirstExample(t *testing.T) {
	plan, diagnostics, err := Load(t.Context(), "../../examples/first.conf")
	if err != nil || len(diagnostics) > 0 {
		t.Fatalf("diagnostics %v, error %v", diagnostics, err)
	}
	const want = "localhost#1 text/3 all[1s ping 3x56 2s trace 15 1s]\n" +
		"_gateway#1 text/3 all[1s ping 3x56 2s trace 15 1s]\n"
	if got := summary(plan); got != want {
		t.Errorf("%swant:\n%s", got, want)
	}
}

func TestLoadUnreadable(t *testing.T) {
	directory := t.TempDir()
	loop := filepath.Join(directory, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, text string
		is         error
	}{
		{"nonexistent.conf", "Couldn't read input file '[Errno 2] No such file or directory: 'nonexistent.conf''", fs.ErrNotExist},
		{directory, "Couldn't read input file '[Errno 21] Is a directory: '" + directory + "''", syscall.EISDIR},
		{loop, "Couldn't read input file '[Errno 40] Too many levels of symbolic links: '" + loop + "''", syscall.ELOOP},
		{"", "Couldn't read input file '[Errno 2] No such file or directory: '''", fs.ErrNotExist},
		{"a\x00b", "Couldn't read input file '[Errno 22] Invalid argument: 'a\x00b''", syscall.EINVAL},
	} {
		plan, diagnostics, err := Load(t.Context(), c.path)
		if plan != nil || len(diagnostics) != 1 || !errors.Is(err, c.is) {
			t.Errorf("%q: plan %v, diagnostics %v, error %v", c.path, plan, diagnostics, err)
			continue
		}
		if d := diagnostics[0]; d.Type != "FileNotFoundError" || d.Text != c.text || d.Severity != Fatal || d.File != c.path {
			t.Errorf("%+v, want the text %q", d, c.text)
		}
	}
}

func TestLoadWithoutPermission(t *testing.T) {
	if os.Getuid() == 0 {
		// Root may read everything: the same diagnostic from the error itself.
		d := unreadable("c.conf", &fs.PathError{Op: "open", Path: "c.conf", Err: syscall.EACCES})
		if want := "Couldn't read input file '[Errno 13] Permission denied: 'c.conf''"; d.Text != want || !errors.Is(d, fs.ErrPermission) {
			t.Errorf("%+v, want %q", d, want)
		}
		d = unreadable("c.yaml", &fs.PathError{Op: "open", Path: "c.yaml", Err: syscall.EACCES})
		if !strings.HasPrefix(d.Error(), "open c.yaml: permission denied: ") || !errors.Is(d, fs.ErrPermission) {
			t.Errorf("%+v", d)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "c.conf")
	if err := os.WriteFile(path, []byte("web.test\n"), 0); err != nil {
		t.Fatal(err)
	}
	_, diagnostics, err := Load(t.Context(), path)
	if !errors.Is(err, fs.ErrPermission) || len(diagnostics) != 1 ||
		diagnostics[0].Text != "Couldn't read input file '[Errno 13] Permission denied: '"+path+"''" {
		t.Errorf("%v, %v", diagnostics, err)
	}
}

func TestLoadDeviceWithoutEnd(t *testing.T) {
	_, diagnostics, err := Load(t.Context(), "/dev/zero")
	if err == nil || len(diagnostics) != 1 || !strings.Contains(diagnostics[0].Text, "line 1: longer than 65536 bytes") {
		t.Errorf("%v, %v", diagnostics, err)
	}
}

func pipe(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A named pipe is read from its first writer to its end, in however many pieces.
func TestLoadPipe(t *testing.T) {
	path := pipe(t)
	written := make(chan error, 1)
	go func() {
		// The opening waits until Load has opened the other end.
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			for _, piece := range []string{"1 0 0 4 41 ", "10 0 500\nweb", ".test\n"} {
				if _, err = file.WriteString(piece); err != nil {
					break
				}
			}
			err = errors.Join(err, file.Close())
		}
		written <- err
	}()
	plan, diagnostics, err := Load(t.Context(), path)
	if err != nil || len(diagnostics) > 0 || summary(plan) != "web.test#1 text/3 all[500ms ping 4x41 2s]\n" {
		t.Errorf("plan %q, diagnostics %v, error %v", summary(plan), diagnostics, err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// The wait for a writer, and the wait for a writer to go on, end with the context.
func TestLoadPipeInterrupted(t *testing.T) {
	for name, writes := range map[string]string{"no writer": "", "a writer that stops": "web.test\nclosed"} {
		t.Run(name, func(t *testing.T) {
			path := pipe(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if writes != "" {
				// A reader and writer at once opens without waiting.
				file, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = file.Close() }()
				if _, err := file.WriteString(writes); err != nil {
					t.Fatal(err)
				}
			}
			// Whether the wait has begun by then or not must make no difference.
			timer := time.AfterFunc(20*time.Millisecond, cancel)
			defer timer.Stop()
			plan, diagnostics, err := Load(ctx, path)
			if plan != nil || diagnostics != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("plan %v, diagnostics %v, error %v", plan, diagnostics, err)
			}
		})
	}
}

func TestLoadAfterCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, path := range []string{"../../examples/first.conf", pipe(t)} {
		if plan, _, err := Load(ctx, path); plan != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: plan %v, error %v", path, plan, err)
		}
	}
}

// cancels ends a context in the middle of a file that has no end.
type cancels struct {
	endless
	cancel context.CancelFunc
}

// Read reads, and after a while ends the context.
func (c *cancels) Read(p []byte) (int, error) {
	if c.read > 1<<17 {
		c.cancel()
	}
	return c.endless.Read(p)
}

func TestReadingInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	file := &cancels{endless: endless{pattern: "h\n"}, cancel: cancel}
	if plan, _, err := Parse("c.conf", interruptible{ctx, file}); plan != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("plan %v, error %v", plan, err)
	}
}
