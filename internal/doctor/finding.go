package doctor

// State is how a check ended.
type State string

// The states.
const (
	StateOK State = "ok"
	// StateGap is something that we need and that can be mended.
	StateGap State = "gap"
	// StateNote is worth knowing, and nothing that we cannot do without.
	StateNote State = "note"
)

// Finding is one line of what the doctor says. Its texts may hold what files
// and the kernel say; whoever prints them escapes them.
type Finding struct {
	// Check names what was looked at; it never changes from one release to the next.
	Check string
	State State
	Found string
	// Why is one clause: what it matters for.
	Why string
	// Fix is a shell command that mends a gap, as it stands. Of a note it is
	// what may be done, if anything.
	Fix string
	// Persistent is a shell command that makes the fix outlast a restart, ""
	// where the fix does so itself or where that is for other files to say.
	Persistent string
}

// Gaps reports how many findings are gaps.
func Gaps(findings []Finding) (n int) {
	for i := range findings {
		if findings[i].State == StateGap {
			n++
		}
	}
	return n
}
