package reference_test

import (
	"io"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// polling is section 3.
func polling(t *testing.T, w *world) {
	w.script(t, "first_output_after_sleep", func(t *testing.T) {
		// The original slept first; here the first poll comes at once.
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 2 41 10 0 60000\nweb.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 1)
		if at := p.stdout[0].at; at > 5*time.Second {
			t.Errorf("the first block came after %v", at)
		}
		p.stop()
	})
	w.script(t, "period_is_sleep_after_the_poll", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 2 41 10 0 400\nweb.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 4)
		p.stop()
		// The first block may be read later after it was written than the last.
		const slack = 100 * time.Millisecond
		if took := p.stdout[6].at - p.stdout[0].at; took < 3*400*time.Millisecond-slack || took > 3*time.Second {
			t.Errorf("three periods of 400 ms took %v", took)
		}
	})
	w.script(t, "many_hosts", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{
			file:      "1 1 1 4 41 10 0 100\nweb.test\nnoserver.test\nclosed.test\n10.77.10.2\n",
			arguments: []string{"c.conf"},
		})
		unknown := "<ms>, 404, Unknown\t<ms>, 404, Unknown\t<ms>, 8.0.36"
		want := []host{
			changing("web.test (10.77.10.1)", together(answered, path("10.77.10.1"), webScan), together(answered, webScan)),
			changing("noserver.test (10.77.10.2)", together(answered, path("10.77.10.2"), unknown), together(answered, unknown)),
			changing("closed.test (10.77.10.4)", together(answered, path("10.77.10.4"), noScan), together(answered, noScan)),
			changing("10.77.10.2", together(answered, path("10.77.10.2"), unknown), together(answered, unknown)),
		}
		for _, h := range want {
			p.awaitBlocks(h.header, 3)
		}
		p.stop()
		checkOutput(t, p.output(), want)
		checkErrors(t, p.errors(), []string{refused("10.77.10.4")})
	})
	w.script(t, "slow_host_delays_nobody", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{
			file: "1 0 1 4 41 10 0 50\nnoping.test\nhang.test\nweb.test\n", arguments: []string{"c.conf"},
		})
		p.awaitBlocks("noping.test (10.77.10.5)", 1)
		p.stop()
		fast := 0
		for _, b := range blocksOf(p.output()) {
			if b.header == webAnswers.header {
				fast++
			}
		}
		if fast < 8 {
			t.Errorf("web.test was reported %d times while noping.test waited, want at least 8", fast)
		}
	})
	w.run(
		t,
		row{
			name: "one_host_dies_other_lives", launch: launch{file: "1 0 0 4 41 10 0 100\n10.77.98.1\nweb.test\n"},
			runs: true, want: []host{webAnswers, {header: "10.77.98.1", first: []string{lost}}},
			stderr: []string{errorLine("Exception", "Network is unreachable... ([Errno 113] No route to host)")},
		},
	)
	w.script(t, "stdout_closed", func(t *testing.T) {
		command := exec.Command(filepath.Join(w.directory, "connmonitor"), "c.conf")
		p := &process{t: t, directory: t.TempDir()}
		p.rewrite("1 0 0 1 41 10 0 50\nweb.test\n")
		command.Dir = p.directory
		stdout, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := w.shared.Client.Start(command); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(patience, func() { _ = command.Process.Kill() })
		defer kill.Stop()
		if _, err := io.ReadFull(stdout, make([]byte, 10)); err != nil {
			t.Error(err)
		}
		stdout.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("the end was %v, want exit code 0", err)
		}
	})
	w.script(t, "no_cap_net_raw", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{
			file: "1 1 1 2 41 4 0 100\nweb.test\n", arguments: []string{"c.conf"}, nobody: true,
		})
		p.awaitBlocks(webAnswers.header, 2)
		p.stop()
		for _, b := range blocksOf(p.output()) {
			if len(b.lines) < 2 || b.lines[0] != answered || b.lines[len(b.lines)-1] != webScan {
				t.Errorf("without rights: %q, want pings and services measured", b.lines)
			}
		}
		if len(p.errors()) == 0 {
			t.Error("nothing says how was measured")
		}
	})
	w.script(t, "cpus_1_all", func(t *testing.T) {
		requireProgram(t, "taskset")
		p := w.start(t, w.shared.Client, launch{
			file: "1 1 1 4 41 10 0 100\nweb.test\n", arguments: []string{"c.conf"}, wrapper: []string{"taskset", "-c", "0"},
		})
		p.awaitBlocks(webAnswers.header, 2)
		p.stop()
		checkOutput(t, p.output(), []host{changing(
			webAnswers.header, together(answered, path("10.77.10.1"), webScan), together(answered, webScan),
		)})
	})
	w.script(t, "fifo", func(t *testing.T) {
		fifo := filepath.Join(t.TempDir(), "c.fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			t.Fatal(err)
		}
		p := w.start(t, w.shared.Client, launch{arguments: []string{fifo}, wrapper: []string{
			"sh", "-c", `(printf '1 0 0 4 41 10 0 100\nweb.test\n' > "$2") & exec "$1" "$2"`, "sh",
		}})
		p.awaitBlocks(webAnswers.header, 2)
		p.stop()
	})
}
