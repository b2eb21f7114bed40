package reference_test

import (
	"slices"
	"strings"
	"testing"
)

// inputFormat3 is section 2.
func inputFormat3(t *testing.T, w *world) {
	badFiles(t, w)
	spelling(t, w)
	hosts3(t, w)
	numbers3(t, w)
}

// badFiles are files that end the program before it has printed anything.
func badFiles(t *testing.T, w *world) {
	for name, c := range map[string]struct {
		file   string
		stderr string
	}{
		"hdr_7_fields":      {"1 0 0 4 41 10 0\nweb.test\n", badFormat},
		"hdr_text":          {"1 0 0 4 41 10 0 x\nweb.test\n", badFormat},
		"hdr_float":         {"1 0 0 4 41 10 0 0.5\nweb.test\n", badFormat},
		"hdr_9_text":        {"1 0 0 4 41 10 0 500 x\nweb.test\n", badFormat},
		"only_newlines":     {"\n\n", badFormat},
		"hdr_neg_pings":     {"1 0 0 -4 41 10 0 500\nweb.test\n", anyError},
		"hdr_neg_payload":   {"1 0 0 4 -41 10 0 500\nweb.test\n", anyError},
		"hdr_payload_70000": {"1 0 0 4 70000 10 0 500\nweb.test\n", anyError},
		"hdr_neg_hops":      {"0 1 0 4 41 -10 0 500\nweb.test\n", anyError},
		"hdr_neg_sleep":     {"1 0 0 4 41 10 0 -500\nweb.test\n", anyError},
		"header_only":       {"1 0 0 4 41 10 0 500\n", noHosts()},
		"binary_file":       {"\xff\xfe\x00\x01\n\xff\n", anyError},
		"nul_bytes":         {"1 0 0 4 41 10 0 500\nweb\x00.test\n", anyError},
		"bare_number_only":  {"1\n", badFormat},
	} {
		w.run(t, row{name: name, launch: launch{file: c.file}, exit: 1, stderr: []string{c.stderr}})
	}
	w.script(t, "unresolvable_all_every_time", func(t *testing.T) { everyTime(t, w) })
	w.run(
		t,
		row{name: "empty_file", launch: launch{arguments: []string{"/dev/null"}}, exit: 1, stderr: []string{badFormat}},
		row{
			name: "hdr_10_fields", launch: launch{file: "1 0 0 4 41 10 0 500 9 10\nweb.test\n"},
			exit: 1, stderr: []string{badFormat + "|" + anyWarning},
		},
		row{name: "stdin_empty", launch: launch{}, exit: 1, stderr: []string{badFormat}},
		row{
			name: "missing_file", launch: launch{arguments: []string{"nonexistent.conf"}}, exit: 1,
			stderr: []string{errorLine("FileNotFoundError",
				"Couldn't read input file '[Errno 2] No such file or directory: 'nonexistent.conf''")},
		},
		row{
			name: "directory", launch: launch{arguments: []string{"/tmp"}}, exit: 1,
			stderr: []string{errorLine("FileNotFoundError", "Couldn't read input file '[Errno 21] Is a directory: '/tmp''")},
		},
		row{
			name: "unresolvable_all", launch: launch{file: "1 0 0 4 41 10 0 500\nnosuch.test\nnosuch2.test\n"}, exit: 1,
			stderr: []string{unresolved("nosuch.test"), unresolved("nosuch2.test"), noHosts()},
		},
		row{
			name: "long_line", launch: launch{file: "1 0 0 4 41 10 0 500\n" + strings.Repeat("x", 1<<20) + "\n"},
			exit: 1, stderr: []string{anyError},
		},
	)
}

// everyTime: what was to be said is said before the end, however the end and
// the saying race.
func everyTime(t *testing.T, w *world) {
	want := []string{
		"EE: Exception: No hosts could be parsed! -\t <ts>",
		"EE: Exception: Unable to resolve host ( nosuch.test ) -\t <ts>",
		"EE: Exception: Unable to resolve host ( nosuch2.test ) -\t <ts>",
	}
	for range 30 {
		p := w.start(t, w.shared.Client, launch{
			file: "1 0 0 4 41 10 0 500\nnosuch.test\nnosuch2.test\n", arguments: []string{"c.conf"},
		})
		p.exit(1)
		lines := p.errors()
		for i, text := range lines {
			lines[i] = normalise(text)
		}
		if len(lines) == 0 || lines[len(lines)-1] != want[0] {
			t.Errorf("stderr is %q, want %q at its end", lines, want[0])
		}
		slices.Sort(lines)
		if !slices.Equal(lines, want) {
			t.Errorf("stderr is %q, want %q", lines, want)
		}
	}
}

// spelling are files that mean the same as the simplest one.
func spelling(t *testing.T, w *world) {
	for name, file := range map[string]string{
		"hdr_double_space":        "1  0 0 4 41 10 0 100\nweb.test\n",
		"hdr_tabs":                "1\t0\t0\t4\t41\t10\t0\t100\nweb.test\n",
		"hdr_leading_trailing_ws": "  1 0 0 4 41 10 0 100  \nweb.test\n",
		"blank_leading":           "\n\n1 0 0 4 41 10 0 100\nweb.test\n",
		"blank_ws_line":           "1 0 0 4 41 10 0 100\n   \nweb.test\n",
		"blank_between":           "1 0 0 4 41 10 0 100\n\nweb.test\n\n\n",
		"comment_before_header":   "# c\n1 0 0 4 41 10 0 100\nweb.test\n",
		"comment_after_header":    "1 0 0 4 41 10 0 100 # c\nweb.test\n",
		"comment_host":            "1 0 0 4 41 10 0 100\n# comment\nweb.test\n",
		"comment_after_host":      "1 0 0 4 41 10 0 100\nweb.test # c\n",
		"host_trailing_space":     "1 0 0 4 41 10 0 100\n  web.test \n",
		"crlf":                    "1 0 0 4 41 10 0 100\r\nweb.test\r\n",
		"bom":                     "\ufeff1 0 0 4 41 10 0 100\nweb.test\n",
		"header_no_newline":       "1 0 0 4 41 10 0 100\nweb.test",
		"hdr_zero_payload":        "1 0 0 4 0 10 0 100\nweb.test\n",
		"hdr_payload_13":          "1 0 0 4 13 10 0 100\nweb.test\n",
		"hdr_payload_1337":        "1 0 0 4 1337 10 0 100\nweb.test\n",
		"payload_largest":         "1 0 0 4 65507 10 0 100\nweb.test\n",
		"hdr_zero_sleep":          "1 0 0 4 41 10 0 0\nweb.test\n",
	} {
		w.run(t, row{name: name, launch: launch{file: file}, runs: true, want: []host{webAnswers}})
	}
	w.run(t, row{
		name: "hdr_9_fields", launch: launch{file: "1 0 0 4 41 10 0 100 99\nweb.test\n"},
		runs: true, want: []host{webAnswers}, stderr: []string{anyWarning},
	})
}

// hosts3 are rows about the lines behind the header.
func hosts3(t *testing.T, w *world) {
	alias := host{header: "10.77.10.1", first: []string{answered}}
	w.run(
		t,
		row{
			name: "unresolvable_one", launch: launch{file: "1 0 0 4 41 10 0 100\nnosuch.test\nweb.test\n"},
			runs: true, want: []host{webAnswers}, stderr: []string{unresolved("nosuch.test")},
		},
		row{
			name: "blank_between_hosts", launch: launch{file: "1 0 0 4 41 10 0 100\n\nweb.test\n\n\nclosed.test\n\n"},
			runs: true, want: []host{webAnswers, {header: "closed.test (10.77.10.4)", first: []string{answered}}},
		},
		row{
			name: "duplicate_hosts", launch: launch{file: "1 0 0 4 41 10 0 100\nweb.test\nweb.test\n"},
			runs: true, blocks: 8, want: []host{webAnswers},
		},
		row{
			name: "duplicate_by_alias", launch: launch{file: "1 0 0 4 41 10 0 100\nweb.test\n10.77.10.1\n"},
			runs: true, want: []host{webAnswers, alias},
		},
		row{
			name: "duplicate_different_speed", launch: launch{file: "1 0 0 10 41 10 0 5\nweb.test\n10.77.10.1\n"},
			runs: true, blocks: 50, want: []host{webAnswers, alias},
		},
		row{
			name: "dual_text", launch: launch{file: "1 0 0 4 41 6 0 100\ndual.test\n"},
			runs: true, want: []host{{header: "dual.test (10.77.10.1)", first: []string{answered}}},
		},
		row{
			name: "multi_text", launch: launch{file: "1 0 0 4 41 6 0 100\nmulti.test\n"},
			runs: true, want: []host{{header: "multi.test (10.77.10.2)", first: []string{answered}}},
		},
		row{
			name: "six_all_text", launch: launch{file: "1 1 1 4 41 6 0 100\nsix.test\n"}, runs: true,
			want: []host{{
				header: "six.test (fd77:10::1)",
				first:  together(answered, hops("fd77:1::1", "fd77:2::2", "fd77:3::2", "fd77:10::1"), noScan),
				then:   together(answered, noScan),
			}},
			stderr: []string{refused("fd77:10::1")},
		},
	)
	w.script(t, "duplicate_hosts_both", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 1 41 10 0 60000\nweb.test\nweb.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks(webAnswers.header, 2)
		p.stop()
		if n := len(blocksOf(p.output())); n != 2 {
			t.Errorf("%d blocks in the first minute, want one of each entry", n)
		}
	})
}

// numbers3 are rows about the fields of the header.
func numbers3(t *testing.T, w *world) {
	nothing := host{header: "web.test (10.77.10.1)", first: []string{}}
	w.run(
		t,
		row{
			name: "flags_other_ints", launch: launch{file: "7 -1 +2 4 41 10 -1 100\nweb.test\n"}, runs: true,
			want: []host{{
				header: object("web.test", "10.77.10.1"),
				first:  after(answeredJSON, pathJSON("10.77.10.1"), webScanJSON),
				then:   after(answeredJSON, webScanJSON),
			}},
		},
		row{
			// What is switched off is not used, so its numbers do not matter.
			name: "hdr_noping_negpings", launch: launch{file: "0 0 0 -1 -1 -1 0 100\nweb.test\n"},
			runs: true, want: []host{nothing}, stderr: []string{anyWarning},
		},
		row{
			name: "hdr_zero_pings", launch: launch{file: "1 0 0 0 41 10 0 100\nweb.test\n"}, runs: true,
			want: []host{{header: "web.test (10.77.10.1)", first: []string{lost}}},
		},
		row{
			name: "hdr_zero_pings_json", launch: launch{file: "1 0 0 0 41 10 1 100\nweb.test\n"}, runs: true,
			want: []host{{header: object("web.test", "10.77.10.1"), first: after(lostJSON)}},
		},
		row{
			name: "hdr_one_ping", launch: launch{file: "1 0 0 1 41 10 0 100\nweb.test\n"},
			runs: true, want: []host{webAnswers},
			check: func(t *testing.T, p *process) {
				for i, text := range p.output() {
					if i%2 == 1 && !strings.HasSuffix(text, "\t0.000\t0.000") {
						t.Errorf("%q: the deviation of one ping is not 0.000", text)
					}
				}
			},
		},
		row{
			name: "hdr_zero_hops", launch: launch{file: "0 1 0 4 41 0 0 100\nweb.test\n"},
			runs: true, want: []host{nothing},
		},
		row{
			name: "hdr_zero_hops_json", launch: launch{file: "0 1 0 4 41 0 1 100\nweb.test\n"}, runs: true,
			want: []host{{header: object("web.test", "10.77.10.1"), first: after()}},
		},
		row{
			name: "hdr_hops_2", launch: launch{file: "0 1 0 4 41 2 0 100\nweb.test\n"}, runs: true,
			want: []host{{
				header: "web.test (10.77.10.1)", first: hops("10.77.1.1", "10.77.2.2"), then: []string{},
			}},
		},
		row{
			name: "hdr_hops_300", launch: launch{file: "0 1 0 4 41 300 0 100\nweb.test\n"}, runs: true,
			want: []host{{header: "web.test (10.77.10.1)", first: path("10.77.10.1"), then: []string{}}},
		},
	)
	w.script(t, "hdr_hops_300_black", func(t *testing.T) {
		p := w.start(t, w.shared.Client, launch{file: "0 1 0 4 41 300 0 100\nblack.test\n", arguments: []string{"c.conf"}})
		p.awaitBlocks("black.test (10.77.10.7)", 2)
		p.stop()
		checkErrors(t, p.errors(), nil)
		b := blocksOf(p.output())[0]
		if len(b.lines) < 3 || len(b.lines) > 255 {
			t.Fatalf("%d hops, want 3 to 255", len(b.lines))
		}
		for i, want := range hops("10.77.1.1", "10.77.2.2", "10.77.3.2") {
			if b.lines[i] != want {
				t.Errorf("hop %d is %q, want %q", i+1, b.lines[i], want)
			}
		}
		for _, line := range b.lines[3:] {
			if line != "*" {
				t.Errorf("a hop behind the last router is %q", line)
			}
		}
	})
	w.script(t, "hdr_underscore", func(t *testing.T) {
		// Python reads 4_1 as 41; nothing says that we must.
		p := w.start(t, w.shared.Client, launch{file: "1 0 0 4_1 41 10 0 100\nweb.test\n", arguments: []string{"c.conf"}})
		p.await("an error or a block", func() bool { return p.ended || len(p.stdout) > 1 })
		if p.ended {
			p.exit(1)
			checkErrors(t, p.errors(), []string{badFormat})
		} else {
			p.stop()
		}
	})
}
