package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream *os.File) bool {
	_, err := unix.IoctlGetTermios(int(stream.Fd()), unix.TCGETS)
	return err == nil
}

// coloured reports whether a stream is a terminal whose user wants colours.
func coloured(stream *os.File) bool { return isTerminal(stream) && os.Getenv("NO_COLOR") == "" }

// terminalSize is that of a terminal in characters, 0 when it does not say.
func terminalSize(stream *os.File) (columns, rows int) {
	size, err := unix.IoctlGetWinsize(int(stream.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(size.Col), int(size.Row)
}

// columns tells the width of standard output; it is nil for what is no terminal.
func (p *program) columns() func() int {
	if !isTerminal(p.stdout) {
		return nil
	}
	return func() int {
		columns, _ := terminalSize(p.stdout)
		return columns
	}
}
