package recipes_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"netsonde/acceptance/built"
	"netsonde/internal/lab"
)

func TestMain(m *testing.M) {
	// Recipes wait for networks and clocks, not for processors.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	os.Exit(built.Main(m))
}

// TestRecipes does what the page and the README's minute say. It needs root,
// namespaces and jq.
func TestRecipes(t *testing.T) {
	recipes := read(t, "docs/recipes.md", "")
	if len(recipes) < 5 {
		t.Fatalf("the page has %d recipes, want 5 or more", len(recipes))
	}
	if _, err := exec.LookPath("jq"); err != nil {
		lab.Skip(t, err.Error())
	}
	for _, recipe := range append(recipes, read(t, "README.md", "In a minute")...) {
		t.Run(recipe.title, func(t *testing.T) {
			t.Parallel()
			recipe.follow(t)
		})
	}
}

// read returns the recipes of a page, or its one section that has this title.
func read(t *testing.T, page, title string) []recipe {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	before, section := "", string(text)
	if title != "" {
		heading := "\n## " + title + "\n"
		var found bool
		if before, section, found = strings.Cut(section, heading); !found {
			t.Fatalf("%s has no section %q", page, title)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		section = heading + section
	}
	recipes, err := parsePage(section)
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	for i := range recipes {
		recipes[i].page, recipes[i].above = page, strings.Count(before, "\n")
	}
	return recipes
}

// follow does a recipe, step by step, in a directory and a network of its own.
func (r recipe) follow(t *testing.T) {
	w := newWorld(t)
	directory := built.Directory(t)
	shell := newShell(t, w.monitor, directory, built.Program(t))
	for _, step := range r.steps {
		switch {
		case step.file != "":
			path := filepath.Join(directory, step.file)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(step.text), 0o644); err != nil {
				t.Fatal(err)
			}
		case step.event != "":
			r.pass(t, step, w, directory)
		default:
			if got := shell.run(t, step.shell); normalised(got) != normalised(step.prints) {
				t.Errorf("%s:%d: this is typed:\n%s\nand the page says that it prints:\n%s\nbut it prints:\n%s",
					r.page, r.above+step.line, step.shell, step.prints, got)
			}
		}
	}
}

// pass has an event happen. One with ", until FILE has A, B" ends when the file
// contains them all, and with "has news of A, B" when two lines with each were
// added since: the second is of something that began after the event.
func (r recipe) pass(t *testing.T, s step, w *world, directory string) {
	t.Helper()
	event, condition, waits := strings.Cut(s.event, ", until ")
	name, list, _ := strings.Cut(condition, " has ")
	path := filepath.Join(directory, name)
	w.happen(t, event)
	before, wanted := 0, 1
	if news, ok := strings.CutPrefix(list, "news of "); ok {
		// What happens takes its time: only lines from its end on count.
		list, before, wanted = news, len(contents(path)), 2
	}
	for start := time.Now(); waits; time.Sleep(20 * time.Millisecond) {
		text, missing := measured(contents(path)[before:]), ""
		for word := range strings.SplitSeq(list, ", ") {
			if strings.Count(text, word) < wanted {
				missing = word
			}
		}
		if missing == "" {
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("%s:%d: %s does not tell of %s; it is\n%s", r.page, r.above+s.line, name, missing, contents(path))
		}
	}
}

// measured is a text without the lines of events, which tell of targets too but
// not of a probe that has begun since.
func measured(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, `"type":"event"`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// contents is the text of a file, of which nothing may be there yet.
func contents(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// normalised is a text without what differs each time: times, RTTs, and the
// white space that makes columns of them.
func normalised(text string) string {
	for _, varying := range []struct{ pattern, becomes string }{
		{`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?`, "TIME"},
		{`[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}`, "TIME"},
		{`\d+(\.\d+)?(/\d+(\.\d+)?)* (s|ms)\b`, "TIME $4"},
		{`[ \t]+`, " "},
	} {
		text = regexp.MustCompile(varying.pattern).ReplaceAllString(text, varying.becomes)
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
