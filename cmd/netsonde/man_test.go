package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"netsonde/internal/service"
)

func TestManualPages(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man1")
	t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
	if got := programCall(t, "", "man", folder); got.code != exitWell {
		t.Fatalf("%+v", got)
	}
	eachCommand(func(command *cobra.Command) {
		if command.Hidden || !command.HasParent() { // the overview is written by hand
			return
		}
		path := filepath.Join(folder, strings.ReplaceAll(command.CommandPath(), " ", "-")+".1")
		page, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			return
		}
		if !strings.Contains(string(page), ".TH") || !strings.Contains(string(page), "Sep 2026") || !strings.Contains(string(page), "EXAMPLE") {
			t.Errorf("%s: %s", path, page)
		}
	})
	if got := programCall(t, "", "man", "/dev/null/man1"); got.code != exitFailure {
		t.Errorf("%+v", got)
	}
}

// Pages are made by way of Markdown, to which help texts could look like it: a
// <name>, two *s or two _s would vanish.
func TestPagesSayWhatHelpSays(t *testing.T) {
	root := (&program{}).rootCommand()
	pages, err := manuals(root)
	if err != nil {
		t.Fatal(err)
	}
	font := regexp.MustCompile(`\\f[BIRP]|\\&`)
	texts := map[string]string{}
	for _, page := range pages {
		plain := strings.ReplaceAll(font.ReplaceAllString(string(page.Content), ""), `\-`, "-")
		texts[page.Name] = strings.ReplaceAll(plain, `\(rs`, `\`)
	}
	var look func(*cobra.Command)
	look = func(command *cobra.Command) {
		for _, child := range command.Commands() {
			if child.IsAvailableCommand() {
				look(child)
			}
		}
		if command == root {
			return
		}
		name := strings.ReplaceAll(command.CommandPath(), " ", "-") + ".1"
		said := command.Short + " " + command.Long + " " + command.Example
		command.Flags().VisitAll(func(flag *pflag.Flag) {
			if !flag.Hidden {
				said += " " + flag.Usage
			}
		})
		for _, word := range strings.Fields(said) {
			if !strings.Contains(texts[name], word) && !strings.HasPrefix(name, "netsonde-completion") {
				t.Errorf("%s does not say %q", name, word)
			}
		}
	}
	look(root)
}

// What would differ tomorrow would be installed again tomorrow.
func TestPagesHaveTheDateOfTheRelease(t *testing.T) {
	page := []byte(".\\\" a comment\n.TH NETSONDE 1 \"2026-02-03\" \"netsonde\"\n")
	for epoch, want := range map[string]string{"": "2026-02-03", "86399": "1970-01-01"} {
		if got, err := manualDate(page, epoch); got.Format(time.DateOnly) != want || got.Location() != time.UTC || err != nil {
			t.Errorf("SOURCE_DATE_EPOCH=%q: %v, %v", epoch, got, err)
		}
	}
	if got, err := manualDate(page, "yesterday"); err == nil {
		t.Errorf("yesterday is %v", got)
	}
	if got, err := manualDate([]byte(".TH\n"), ""); err == nil {
		t.Errorf("a page without a date has %v", got)
	}
	if got, err := manualDate(service.Overview(), ""); err != nil {
		t.Errorf("the overview: %v, %v", got, err)
	}
	pages, err := commandPages((&program{}).rootCommand(), time.Unix(0, 0).UTC())
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if !strings.Contains(string(page.Content), `"Jan 1970"`) {
			t.Errorf("%s has another date: %.80q", page.Name, page.Content)
		}
	}
}

func TestHyphensAreTyped(t *testing.T) {
	const page = ".TH \"A-B\"\n\\fB--json\\fP, well\\-known\n.EX\n  a -b\n"
	const want = ".TH \"A-B\"\n\\fB\\-\\-json\\fP, well\\-known\n.EX\n  a \\-b\n"
	if got := string(typedHyphens([]byte(page))); got != want {
		t.Errorf("%q", got)
	}
}
