package check

import (
	"strings"

	"netsonde"
)

// methodLimit is the longest HTTP method, in bytes; no registered one has more
// than 17 (RFC 4437).
const methodLimit = 32

// unspeakable says which parameter would break out of its place in a request,
// "" when none would.
func unspeakable(p *netsonde.CheckParameters) string {
	switch {
	case p.ServerName != "" && !speakable(p.ServerName):
		return "server name holds white space or control characters"
	case !isMethod(p.Method):
		return "method is none: write as in GET"
	case p.Path != "" && p.Path[0] != '/':
		return "path does not begin with /"
	case p.Path != "" && !speakable(p.Path):
		return "path holds white space or control characters: write a space as %20"
	case p.Question != "" && !speakable(p.Question):
		return "question holds white space or control characters"
	default:
		return ""
	}
}

// isMethod reports whether text is a token (RFC 9110, section 5.6.2), or "".
func isMethod(text string) bool {
	for i := range len(text) {
		b := text[i]
		letterOrDigit := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letterOrDigit && strings.IndexByte("!#$%&'*+-.^_`|~", b) < 0 {
			return false
		}
	}
	return len(text) <= methodLimit
}

// speakable reports whether a text can stand in a request without breaking out
// of its line.
func speakable(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] == 0x7f {
			return false
		}
	}
	return text != ""
}
