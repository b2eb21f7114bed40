package installation_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netsonde/internal/lab"
)

// complete asks bash what it would offer for the last of some words, as
// readline asks it. $1 is the completion, $2 bash-completion's library, without
// which the one function of it that is called stands in; the rest are the words.
const complete = `
completion=$1 library=$2
shift 2
if [ -n "$library" ]; then
	. "$library"
else
	_get_comp_words_by_ref() {
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
		cur=${words[cword]} prev=${words[cword - 1]}
	}
fi
. "$completion" || exit
[ "$(complete -p netsonde)" = "complete -o default -F __start_netsonde netsonde" ] || exit
asked=("$@")
ask() {
	COMP_WORDS=("${asked[@]}") COMP_CWORD=$((${#asked[@]} - 1))
	COMP_LINE="${asked[*]}" COMP_POINT=${#COMP_LINE}
	__start_netsonde
}
compgen -o default -F ask -- "${asked[-1]}"
`

func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		lab.Skip(t, "needs bash")
	}
	i := install(t)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "office.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(t *testing.T, library string, words ...string) (offered []string, refused bool) {
		t.Helper()
		command := exec.Command(bash, append([]string{"--norc", "-c", complete, "complete",
			filepath.Join(i.prefix, "share/bash-completion/completions/netsonde"), library}, words...)...)
		command.Dir = folder
		command.Env = []string{"PATH=" + filepath.Join(i.prefix, "bin") + ":" + os.Getenv("PATH"), "HOME=" + folder}
		var complaints strings.Builder
		command.Stderr = &complaints
		output, err := command.Output()
		if err != nil && len(output) > 0 {
			t.Errorf("%v\n%s%s", err, output, &complaints)
		}
		// Only readline obeys when it is told to offer no files; here bash complains.
		return strings.Fields(string(output)), strings.Contains(complaints.String(), "compopt: ")
	}
	all := func(t *testing.T, library string) {
		for call, want := range map[string]string{
			"netsonde sca":           "scan",
			"netsonde lab sh":        "shell",
			"netsonde ping --dont":   "--dont-fragment",
			"netsonde run --out":     "--output",
			"netsonde run off":       "office.yaml",
			"netsonde check-config ": "office.yaml",
		} {
			got, refused := ask(t, library, strings.Split(call, " ")...)
			if file := want == "office.yaml"; !slices.Equal(got, []string{want}) || file && refused {
				t.Errorf("after %q bash offers %q, want %s; files are refused: %v", call, got, want, refused)
			}
		}
		if got, _ := ask(t, library, "netsonde", ""); !slices.Contains(got, "doctor") || slices.Contains(got, "man") {
			t.Errorf("of commands bash offers %q", got)
		}
	}
	t.Run("alone", func(t *testing.T) { all(t, "") })
	t.Run("with its library", func(t *testing.T) {
		const library = "/usr/share/bash-completion/bash_completion"
		if _, err := os.Stat(library); err != nil {
			lab.Skip(t, "needs bash-completion")
		}
		all(t, library)
	})
}

func TestShellsReadTheirCompletions(t *testing.T) {
	i := install(t)
	for shell, file := range map[string]string{
		"bash": "share/bash-completion/completions/netsonde",
		"zsh":  "share/zsh/site-functions/_netsonde",
		"fish": "share/fish/vendor_completions.d/netsonde.fish",
	} {
		t.Run(shell, func(t *testing.T) {
			path := filepath.Join(i.prefix, file)
			if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "__complete") {
				t.Fatalf("%s is no completion: %v", file, err)
			}
			program, err := exec.LookPath(shell)
			if err != nil {
				lab.Skip(t, "needs "+shell)
			}
			if output, err := exec.Command(program, "-n", path).CombinedOutput(); err != nil || len(output) > 0 {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}
