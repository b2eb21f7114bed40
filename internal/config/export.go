package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"netsonde"
	"netsonde/internal/hosts"
)

// yamlText writes a text such that YAML reads the same, and that nothing in it
// is taken from the environment.
func yamlText(text string) string {
	text = strings.ReplaceAll(text, "$", "$$")
	if isPlainYAML(text) {
		return text
	}
	return strconv.Quote(text)
}

// isPlainYAML reports whether a text needs no quotes, by a rule that is
// narrower than YAML's. Words that some version of YAML reads as a boolean or
// as nothing need them, and so does what begins like a number.
func isPlainYAML(text string) bool {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is4() {
		return true
	}
	if prefix, err := netip.ParsePrefix(text); err == nil && prefix.Addr().Is4() {
		return true
	}
	for i, c := range []byte(text) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && !strings.ContainsRune("._-", rune(c))) {
			return false
		}
	}
	reserved := []string{"", "true", "false", "yes", "no", "on", "off", "y", "n", "null"}
	return !slices.Contains(reserved, strings.ToLower(text))
}

// yamlProbe writes a probe of the kinds that connmonitor has, with all that
// differs from the native defaults, on one line.
func yamlProbe(cadence netsonde.Cadence, p *netsonde.Probe) string {
	fields := []string{"every: " + writeDuration(cadence.Every)}
	switch p.Kind {
	case netsonde.KindPing:
		fields = append(fields, fmt.Sprintf("count: %d", p.Count), "spacing: "+writeDuration(p.Spacing),
			"timeout: "+writeDuration(p.Timeout), fmt.Sprintf("size: %d", p.Size))
	case netsonde.KindTrace:
		fields = append(fields, "timeout: "+writeDuration(p.Timeout), fmt.Sprintf("hops: %d", p.Hops))
	default:
		fields = append(fields, "timeout: "+writeDuration(p.Timeout))
		if p.Port != p.Kind.Port() {
			fields = append(fields, fmt.Sprintf("port: %d", p.Port))
		}
		if p.Check == nil && (p.Kind == netsonde.KindHTTP || p.Kind == netsonde.KindHTTPS) {
			fields = append(fields, "method: HEAD")
		}
	}
	return p.Kind.String() + ": {" + strings.Join(fields, ", ") + "}"
}

// asOneHost says why the native format cannot take a host as typed, "" if it can.
func asOneHost(host string) string {
	set, err := hosts.Parse(host)
	switch {
	case err != nil:
		return err.Error()
	case set.Count() != 1:
		return "host " + strconv.QuoteToASCII(excerpt(host)) + ": stands for several hosts here"
	}
	for only := range set.All() {
		if only != host {
			return "host " + strconv.QuoteToASCII(excerpt(host)) + ": stands for " + only + " here"
		}
	}
	return ""
}

// comment writes a text as comment lines of about 80 columns. What could end
// a line is escaped, so that nothing in it becomes a part of the file.
func comment(first, following, text string) string {
	const width = 80
	var lines strings.Builder
	line := first
	for word := range strings.FieldsSeq(text) {
		quoted := strconv.Quote(word)
		if inside := quoted[1 : len(quoted)-1]; inside != strings.ReplaceAll(word, `"`, `\"`) {
			word = inside
		}
		if len(line)+1+len(word) > width && line != first && line != following {
			lines.WriteString(line + "\n")
			line = following
		}
		line += " " + word
	}
	return lines.String() + line + "\n"
}
