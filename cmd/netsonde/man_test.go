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

// No help text may look like the language of pages, in which it would vanish.
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
	for _, page := range commandPages((&program{}).rootCommand(), time.Unix(0, 0).UTC()) {
		if !strings.Contains(string(page.Content), `"Jan 1970"`) {
			t.Errorf("%s has another date: %.80q", page.Name, page.Content)
		}
	}
}

func TestCommandPage(t *testing.T) {
	command := &cobra.Command{
		Use: "sonde FILE", Short: "Sound a well-known place",
		Long:    "Goes down.\n.hidden is a file,\n'quoted' too: C:\\.\n\n\n-v  tell\n  -q  do not\n\n#### Linux:\n\n\tsound -v\n\nAll told.",
		Example: "  sonde -v\n  sonde a",
	}
	command.Flags().StringP("to", "t", "a b", "how far")
	command.Flags().Bool("secret", false, "nobody's business")
	if err := command.Flags().MarkHidden("secret"); err != nil {
		t.Fatal(err)
	}
	const want = `.nh
.TH "SONDE" "1" "Jan 1970" "netsonde ` + version + `" "User Commands"
.SH NAME
sonde \- Sound a well\-known place
.SH SYNOPSIS
\fBsonde FILE [flags]\fP
.SH DESCRIPTION
Goes down.
\&.hidden is a file,
\&'quoted' too: C:\(rs.
.PP
.EX
\-v  tell
  \-q  do not
.EE
.SS Linux:
.EX
	sound \-v
.EE
.PP
All told.
.SH OPTIONS
.TP
\fB\-h\fP, \fB\-\-help\fP[=false]
help for sonde
.TP
\fB\-t\fP, \fB\-\-to\fP="a b"
how far
.SH EXAMPLE
.EX
  sonde \-v
  sonde a
.EE
`
	if got := string(commandPage(command, time.Unix(0, 0).UTC())); got != want {
		t.Errorf("%s", got)
	}
}
