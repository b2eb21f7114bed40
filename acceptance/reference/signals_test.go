package reference_test

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// signals is section 10. The original's process alone and its group behaved
// differently; here they may not.
func signals(t *testing.T, w *world) {
	for name, send := range map[string]func(*process, syscall.Signal){
		"pid": (*process).signal, "group": (*process).signalGroup,
	} {
		reloads(t, w, name, send)
		endings(t, w, name, send)
	}
	w.script(t, "sighup_changed_4x", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: web, arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 1)
		p.rewrite("closed.test ping=100 json=1\n")
		p.signal(syscall.SIGHUP)
		p.awaitOutput(0, `{"addr":"10.77.10.4","name":"closed.test","timestamp":`)
		p.stop()
	})
	w.script(t, "sigterm_during_wait", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 4 41 10 0 100\nnoping.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks("noping.test (10.77.10.5)", 1)
		time.Sleep(500 * time.Millisecond) // into the next burst's wait of 2 s
		before := len(p.output())
		p.signal(syscall.SIGTERM)
		if took := p.exit(0); took > 2500*time.Millisecond {
			t.Errorf("the end took %v", took)
		}
		if printed := p.output()[before:]; len(printed) != 2 || printed[1] != lost {
			t.Errorf("the running poll printed %q, want its block", printed)
		}
	})
	w.script(t, "sigterm_two_hosts", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 4 41 10 0 100\nweb.test\nclosed.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 2)
		p.signal(syscall.SIGTERM)
		p.exit(0)
		checkOutput(t, p.output(), []host{webAnswers, {header: "closed.test (10.77.10.4)", first: together(answered)}})
		checkErrors(t, p.errors(), nil)
	})
	w.script(t, "sigterm_pid_all", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "1 1 1 4 41 10 0 100\nweb.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 2)
		p.signal(syscall.SIGTERM)
		p.exit(0)
		checkOutput(t, p.output(), []host{changing(
			webAnswers.header, together(answered, path("10.77.10.1"), webScan), together(answered, webScan),
		)})
		checkErrors(t, p.errors(), nil)
	})
	w.script(t, "second_signal_ends_at_once", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 4 41 10 0 100\nnoping.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks("noping.test (10.77.10.5)", 1)
		time.Sleep(500 * time.Millisecond) // into the next burst's wait of 2 s
		p.signal(syscall.SIGTERM)
		time.Sleep(50 * time.Millisecond) // two of a kind at once are one
		from := time.Now()
		p.signal(syscall.SIGTERM)
		p.await("the end", func() bool { return p.ended })
		if took := time.Since(from); took > time.Second {
			t.Errorf("the end took %v", took)
		}
	})
	w.script(t, "fifty_hups_then_term", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "1 1 0 2 41 10 0 60000\nweb.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 1)
		for range 50 {
			p.signal(syscall.SIGHUP)
			time.Sleep(20 * time.Millisecond) // fifty in a second
		}
		p.signal(syscall.SIGTERM)
		p.exit(0)
		if n := len(blocksOf(p.output())); n != 1 {
			t.Errorf("%d blocks, want 1: the entry was never changed and sleeps", n)
		}
		checkErrors(t, p.errors(), nil)
	})
}

// reloads are the rows about SIGHUP.
func reloads(t *testing.T, w *world, name string, send func(*process, syscall.Signal)) {
	for row, c := range map[string]struct {
		before, text, awaited string
	}{
		"changed":      {web, "1 0 0 4 41 10 1 100\nclosed.test\n", object("closed.test", "10.77.10.4")},
		"json_to_text": {"1 0 0 4 41 10 1 100\nweb.test\n", web, webAnswers.header},
		"text_to_json": {web, "1 0 0 4 41 10 1 100\nweb.test\n", object("web.test", "10.77.10.1")},
	} {
		w.script(t, "sighup_"+name+"_"+row, func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{file: c.before, arguments: []string{"c.conf"}})
			p.await("the first block", func() bool { return len(p.stdout) > 0 })
			p.rewrite(c.text)
			send(p, syscall.SIGHUP)
			p.awaitBlocks(c.awaited, 3)
			p.stop()
			blocks := blocksOf(p.output())
			changed := false
			for _, b := range blocks {
				if b.header == c.awaited {
					changed = true
				} else if changed {
					t.Errorf("a block of the old file after one of the new: %q", b)
				}
			}
			checkErrors(t, p.errors(), nil)
		})
	}
	for row, c := range map[string]struct {
		change func(*process)
		stderr []string
	}{
		"deleted": {(*process).remove, []string{errorLine("FileNotFoundError",
			"Couldn't read input file '[Errno 2] No such file or directory: 'c.conf''")}},
		"bad": {func(p *process) { p.rewrite("1 0 0 4 41 10 0 x\nweb.test\n") }, []string{badFormat}},
		"hosts_removed": {func(p *process) { p.rewrite("1 0 0 4 41 10 0 100\nnosuch.test\n") },
			[]string{unresolved("nosuch.test"), noHosts()}},
	} {
		w.script(t, "sighup_"+name+"_"+row, func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{file: web, arguments: []string{"c.conf"}})
			p.awaitBlocks(webAnswers.header, 1)
			c.change(p)
			send(p, syscall.SIGHUP)
			p.exit(1)
			checkErrors(t, p.errors(), c.stderr)
			checkOutput(t, p.output(), []host{webAnswers})
		})
	}
	w.script(t, "sighup_"+name+"_unchanged", func(t *testing.T) {
		// The phase is kept: a long sleep is not cut short.
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 4 41 10 0 3000\nweb.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 1)
		send(p, syscall.SIGHUP)
		p.awaitBlocks(webAnswers.header, 2)
		p.stop()
		if took := p.stdout[2].at - p.stdout[0].at; took < 2900*time.Millisecond {
			t.Errorf("the second block came %v after the first, with a sleep of 3 s", took)
		}
		checkErrors(t, p.errors(), nil)
	})
	w.script(t, "sighup_"+name+"_trace_again", func(t *testing.T) {
		// An entry that stays keeps its route: it is not told again.
		p := w.start(t, w.shared.Client, launch{file: "0 1 0 4 41 10 1 100\nweb.test\n", arguments: []string{"c.conf"}})
		next := p.awaitOutput(0, pathJSON("10.77.10.1"))
		p.rewrite("0 1 0 4 41 10 1 100\nweb.test\nclosed.test\n")
		send(p, syscall.SIGHUP)
		p.awaitOutput(next, pathJSON("10.77.10.4"))
		awaitMore(p, len(p.output()), 4)
		p.stop()
		if n := strings.Count(strings.Join(p.output(), "\n"), `["10.77.10.1", `); n != 1 {
			t.Errorf("the unchanged entry's route was printed %d times, want once", n)
		}
		checkErrors(t, p.errors(), nil)
	})
	w.script(t, "sighup_"+name+"_stdin", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{stdin: web})
		p.awaitBlocks(webAnswers.header, 1)
		send(p, syscall.SIGHUP)
		p.awaitError("No input file to read!")
		before := len(blocksOf(p.output()))
		p.awaitBlocks(webAnswers.header, before+3)
		p.stop()
		checkErrors(t, p.errors(), []string{errorLine("OSError", "No input file to read! (input given on stdin)")})
		checkOutput(t, p.output(), []host{webAnswers})
	})
}

// endings are the rows about SIGTERM and SIGINT.
func endings(t *testing.T, w *world, name string, send func(*process, syscall.Signal)) {
	for row, s := range map[string]syscall.Signal{"sigterm": syscall.SIGTERM, "sigint": syscall.SIGINT} {
		w.script(t, row+"_"+name, func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{file: web, arguments: []string{"c.conf"}})
			p.awaitBlocks(webAnswers.header, 2)
			send(p, s)
			p.exit(0)
			checkOutput(t, p.output(), []host{webAnswers})
			checkErrors(t, p.errors(), nil)
		})
		w.script(t, row+"_"+name+"_during_sleep", func(t *testing.T) {
			p := w.start(t, w.shared.Client, launch{file: "1 0 0 4 41 10 0 60000\nweb.test\n", arguments: []string{"c.conf"}})
			p.awaitBlocks(webAnswers.header, 1)
			send(p, s)
			// A machine that runs other rows meanwhile is slower than the promised 100 ms.
			if took := p.exit(0); took > time.Second {
				t.Errorf("the end took %v", took)
			}
			checkOutput(t, p.output(), []host{webAnswers})
		})
	}
}
