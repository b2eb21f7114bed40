package doctor

import "strings"

// settingsFile is where commands keep what the kernel forgets at a restart.
const settingsFile = "/etc/sysctl.d/60-netsonde.conf"

// asRoot wraps a shell script so that our user, who may not be root, can run it.
func (j *judge) asRoot(script string) string {
	_, sudo := j.facts.Programs["sudo"]
	switch {
	case j.facts.Rights.UID == 0:
		return script
	case !sudo:
		return "su -c " + single(script)
	case strings.ContainsAny(script, "|&;<>$'\"{}"):
		return "sudo sh -c " + single(script)
	default:
		return "sudo " + script
	}
}

// program returns what to call a program by. An ordinary user's su keeps a
// path without the directories of administration.
func (j *judge) program(name string) string {
	path, found := j.facts.Programs[name]
	if _, sudo := j.facts.Programs["sudo"]; found && !sudo && j.facts.Rights.UID != 0 {
		return quote(path)
	}
	return name
}

// has reports whether a program is there.
func (j *judge) has(name string) bool { return j.facts.Programs[name] != "" }

// sysctl returns the command that sets a parameter, and the one that keeps it.
func (j *judge) sysctl(name, value string) (fix, persistent string) {
	setting := name + "=" + value
	if !j.has("sysctl") {
		path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
		return j.asRoot("echo " + quote(value) + " > " + path), j.asRoot("echo " + quote(setting) + " >> " + settingsFile)
	}
	return j.asRoot(j.program("sysctl") + " -w " + quote(setting)),
		j.asRoot("echo " + quote(setting) + " >> " + settingsFile)
}

// quote makes a word of a shell out of any text (sh(1)).
func quote(word string) string {
	plain, spaced := word != "", false
	for _, r := range word {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		spaced = spaced || r == ' '
		plain = plain && (letter || strings.ContainsRune(" _./:=@%+,-", r))
	}
	switch {
	case plain && !spaced:
		return word
	case plain:
		// So it can stand in single quotes again.
		return `"` + word + `"`
	default:
		return single(word)
	}
}

// single puts any text in single quotes.
func single(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
