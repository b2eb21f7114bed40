package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manualPage is a page in the making, in the language of man(7). cobra has a
// maker of pages too, but one that goes by way of Markdown: its parser's tables
// alone would be a tenth of what a ping takes to start.
type manualPage struct{ bytes.Buffer }

// commandPage makes the page of a command.
func commandPage(command *cobra.Command, date time.Time) []byte {
	command.InitDefaultHelpFlag()
	page := &manualPage{}
	name := pageName(command)
	fmt.Fprintf(page, ".nh\n.TH \"%s\" \"1\" \"%s\" \"netsonde %s\" \"User Commands\"\n",
		strings.ToUpper(name), date.Format("Jan 2006"), version)
	page.section("NAME")
	page.line(name + " - " + command.Short)
	page.section("SYNOPSIS")
	fmt.Fprintf(page, "\\fB%s\\fP\n", roff(command.UseLine()))
	page.section("DESCRIPTION")
	page.paragraphs(command.Long)
	page.options("OPTIONS", command.NonInheritedFlags())
	page.options("OPTIONS INHERITED FROM PARENT COMMANDS", command.InheritedFlags())
	if command.Example != "" {
		page.section("EXAMPLE")
		page.asTyped(strings.Split(command.Example, "\n"))
	}
	page.references(command)
	return page.Bytes()
}

// pageName is what a command's page is called, without its section.
func pageName(command *cobra.Command) string {
	return strings.ReplaceAll(command.CommandPath(), " ", "-")
}

func (p *manualPage) section(title string) { fmt.Fprintf(p, ".SH %s\n", title) }

// line writes text that may look like a request of the language.
func (p *manualPage) line(text string) {
	text = roff(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	p.WriteString(text + "\n")
}

// paragraphs writes what empty lines part. One with an indented line is a table
// or something to type, and keeps its lines; one that begins with #s is a title.
func (p *manualPage) paragraphs(text string) {
	untitled := false
	for _, paragraph := range strings.Split(text, "\n\n") {
		lines := strings.Split(strings.Trim(paragraph, "\n"), "\n")
		if lines[0] == "" {
			continue
		}
		if strings.HasPrefix(lines[0], "#") {
			fmt.Fprintf(p, ".SS %s\n", roff(strings.TrimLeft(lines[0], "# ")))
			untitled = false
			if lines = lines[1:]; len(lines) == 0 {
				continue
			}
		}
		if untitled {
			p.WriteString(".PP\n")
		}
		untitled = true
		if indented(lines) {
			p.asTyped(lines)
			continue
		}
		for _, line := range lines {
			p.line(line)
		}
	}
}

func indented(lines []string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			return true
		}
	}
	return false
}

// asTyped writes lines that are not to be filled.
func (p *manualPage) asTyped(lines []string) {
	p.WriteString(".EX\n")
	for _, line := range lines {
		p.line(line)
	}
	p.WriteString(".EE\n")
}

// options writes the flags that help shows, if there are any.
func (p *manualPage) options(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.section(title)
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Deprecated != "" {
			return
		}
		p.WriteString(".TP\n")
		if flag.Shorthand != "" {
			fmt.Fprintf(p, "\\fB\\-%s\\fP, ", roff(flag.Shorthand))
		}
		value := "=" + flag.DefValue
		if flag.Value.Type() == "string" {
			value = fmt.Sprintf("=%q", flag.DefValue)
		}
		if flag.NoOptDefVal != "" {
			value = "[" + value + "]"
		}
		fmt.Fprintf(p, "\\fB\\-\\-%s\\fP%s\n", roff(flag.Name), roff(value))
		p.line(flag.Usage)
	})
}

// references writes the pages of the command above and of those below.
func (p *manualPage) references(command *cobra.Command) {
	var names []string
	if command.HasParent() {
		names = append(names, pageName(command.Parent()))
	}
	for _, child := range command.Commands() {
		if child.IsAvailableCommand() && !child.IsAdditionalHelpTopicCommand() {
			names = append(names, pageName(child))
		}
	}
	for i, name := range names {
		names[i] = `\fB` + roff(name) + `(1)\fP`
	}
	if len(names) > 0 {
		p.section("SEE ALSO")
		p.WriteString(strings.Join(names, ", ") + "\n")
	}
}

// roff escapes text. Every hyphen is the one that is typed: some versions of
// groff show another, and a flag that is copied is then not one.
func roff(text string) string { return strings.NewReplacer(`\`, `\(rs`, "-", `\-`).Replace(text) }
