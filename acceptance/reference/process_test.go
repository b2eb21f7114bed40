package reference_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"netsonde/internal/lab"
)

// patience bounds every wait. The machine may be busy with other rows.
const patience = 20 * time.Second

// process is a running program and what it has printed so far.
type process struct {
	t         *testing.T
	command   *exec.Cmd
	directory string
	started   time.Time

	mutex   sync.Mutex
	changed chan struct{}
	stdout  []line
	stderr  []line
	ended   bool
	code    int
}

// line is one line of output and when it came, since the start.
type line struct {
	at   time.Duration
	text string
}

// launch is how a program is started.
type launch struct {
	// program is the name it is called by, "connmonitor" if empty.
	program   string
	arguments []string
	// file is the text of c.conf in the working directory; "" makes none.
	file string
	// stdin is standard input; "" is an empty one.
	stdin string
	// terminal makes standard error a terminal.
	terminal bool
	// nobody runs without any right.
	nobody bool
	// wrapper is a program that starts it, with arguments.
	wrapper []string
}

// start starts the program in a node, in a process group of its own.
func (w *world) start(t *testing.T, node *lab.Node, l launch) *process {
	t.Helper()
	if l.program == "" {
		l.program = "connmonitor"
	}
	p := &process{t: t, directory: t.TempDir(), changed: make(chan struct{})}
	if l.file != "" {
		p.rewrite(l.file)
	}
	words := append(append(l.wrapper, filepath.Join(w.directory, l.program)), l.arguments...)
	p.command = exec.Command(words[0], words[1:]...)
	p.command.Dir = p.directory
	p.command.Stdin = strings.NewReader(l.stdin)
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if l.nobody {
		p.command.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		openTo(t, p.directory)
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr io.Reader
	if l.terminal {
		main, other := terminal(t)
		p.command.Stderr, stderr = other, main
		defer other.Close()
	} else if stderr, err = p.command.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	p.started = time.Now()
	if err := node.Start(p.command); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { p.read(stdout, &p.stdout) })
	reading.Go(func() { p.read(stderr, &p.stderr) })
	go func() {
		reading.Wait()
		p.end(p.command.Wait())
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
		p.await("the end", func() bool { return p.ended })
	})
	return p
}

// openTo makes a directory and those above it readable for everyone.
func openTo(t *testing.T, directory string) {
	t.Helper()
	for at := directory; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// read keeps the lines of one stream.
func (p *process) read(stream io.Reader, lines *[]line) {
	scanner := bufio.NewScanner(stream)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.update(func() {
			*lines = append(*lines, line{time.Since(p.started), strings.TrimSuffix(scanner.Text(), "\r")})
		})
	}
}

func (p *process) end(err error) {
	p.update(func() {
		p.ended = true
		p.code = 0
		if err != nil {
			p.code = -1
		}
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			p.code = exit.ExitCode()
		}
	})
}

// update changes the state and wakes who awaits it.
func (p *process) update(change func()) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	change()
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits until a condition on the state holds.
func (p *process) await(what string, condition func() bool) {
	p.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		p.mutex.Lock()
		met, changed := condition(), p.changed
		p.mutex.Unlock()
		if met {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			p.t.Fatalf("waited in vain for %s; stdout:\n%s\nstderr:\n%s",
				what, strings.Join(p.output(), "\n"), strings.Join(p.errors(), "\n"))
		}
	}
}

// awaitBlocks waits until n blocks with a header are complete on standard output.
func (p *process) awaitBlocks(header string, n int) {
	p.t.Helper()
	p.await(header, func() bool {
		found := 0
		for _, b := range blocksOf(texts(p.stdout)) {
			if b.header == header {
				found++
			}
		}
		return found >= n
	})
}

// awaitOutput waits until standard output holds a normalised line from its
// line number from on, and returns the number behind it.
func (p *process) awaitOutput(from int, want string) (next int) {
	p.t.Helper()
	p.await(want, func() bool {
		for i, text := range texts(p.stdout) {
			if i >= from && strings.Contains(normalise(text), want) {
				next = i + 1
				return true
			}
		}
		return false
	})
	return next
}

// awaitError waits until standard error holds a text.
func (p *process) awaitError(want string) {
	p.t.Helper()
	p.await(want, func() bool { return strings.Contains(strings.Join(texts(p.stderr), "\n"), want) })
}

// output returns the lines of standard output so far, errors those of standard error.
func (p *process) output() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return texts(p.stdout)
}

func (p *process) errors() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return texts(p.stderr)
}

func texts(lines []line) []string {
	all := make([]string, len(lines))
	for i, l := range lines {
		all[i] = l.text
	}
	return all
}

// rewrite replaces c.conf.
func (p *process) rewrite(text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.directory, "c.conf"), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// remove deletes c.conf.
func (p *process) remove() {
	p.t.Helper()
	if err := os.Remove(filepath.Join(p.directory, "c.conf")); err != nil {
		p.t.Fatal(err)
	}
}

// signal sends a signal to the process alone, signalGroup to its group.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(p.command.Process.Pid, s); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) signalGroup(s syscall.Signal) {
	p.t.Helper()
	if err := syscall.Kill(-p.command.Process.Pid, s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end and checks the code. It returns how long that took.
func (p *process) exit(code int) time.Duration {
	p.t.Helper()
	from := time.Now()
	p.await("the end", func() bool { return p.ended })
	if p.code != code {
		p.t.Errorf("exit code %d, want %d; stderr: %q", p.code, code, p.errors())
	}
	return time.Since(from)
}

// stop ends an endless run as ctrl-C does.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGINT)
	p.exit(0)
}
