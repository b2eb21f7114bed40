package doctor

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func findings() []Finding {
	return []Finding{
		{Check: "kernel", State: StateOK, Found: "Linux", Why: "what follows is what it allows"},
		{Check: "ping", State: StateGap, Found: "closed", Why: "needed", Fix: "sysctl -w a=1", Persistent: "echo a=1 >> file"},
		{Check: "clock", State: StateNote, Found: "a\x1b[31m\u202e\xffb\n", Why: "true times, and this is a text of more than one line"},
	}
}

func TestAppendText(t *testing.T) {
	const want = `ok    kernel           Linux
gap   ping             closed; needed
      sysctl -w a=1
      to keep it:
      echo a=1 >> file
note  clock            a\x1b[31m\u202e\xffb\n; true times, and this is a text of
                       more than one line

1 gap, 1 note.
Run the gap's command, then ask the doctor again.
`
	if got := string(AppendText(nil, findings(), false)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	coloured := string(AppendText(nil, findings(), true))
	if got := strings.Count(coloured, "\x1b["); got != 6 {
		t.Errorf("%d changes of colour in %q", got, coloured)
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	facts := sound(t)
	ordinary(facts)
	facts.Gateways, facts.Resolver.Servers = nil, nil
	for line := range strings.Lines(string(AppendText(nil, Judge(facts, nil), false))) {
		if command := strings.HasPrefix(line, "      ") && !strings.HasPrefix(line, "       "); !command && utf8.RuneCountInString(line) > textWidth+1 {
			t.Errorf("%d columns: %q", utf8.RuneCountInString(line)-1, line)
		}
	}
}

func TestAppendJSON(t *testing.T) {
	const want = `{"schema":1,"type":"doctor","check":"ping","state":"gap","found":"closed","why":"needed","fix":"sysctl -w a=1","persistent":"echo a=1 >> file"}
{"schema":1,"type":"doctor","check":"clock","state":"note","found":"a\u001b[31m` + "\u202e\ufffd" + `b\n","why":"true times, and this is a text of more than one line"}
`
	got := string(AppendJSON(nil, findings()[1:]))
	got = strings.ReplaceAll(got, `\ufffd`, "\ufffd")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
