package config

import (
	"fmt"
	"strings"
)

// hintedError is an error with a guess of what was meant.
type hintedError struct {
	error
	hint string
}

// Unwrap returns the error without the hint.
func (e hintedError) Unwrap() error { return e.error }

// hinted adds to an error which of the known words was probably meant.
func hinted(err error, word string, known []string) error {
	if guess := nearest(word, known); guess != "" {
		return hintedError{err, fmt.Sprintf("did you mean %q?", guess)}
	}
	const few = 12
	if len(known) > few {
		return err
	}
	return hintedError{err, "known here: " + strings.Join(known, ", ")}
}

// nearest returns the known word that was probably meant, "" if none was.
func nearest(word string, known []string) string {
	const longest = 32
	if len(word) > longest {
		return ""
	}
	word = strings.ToLower(word)
	best, distance := "", 1+len(word)/3
	for _, candidate := range known {
		if d := editDistance(word, strings.ToLower(candidate)); d < distance || d == distance && best == "" {
			best, distance = candidate, d
		}
	}
	return best
}

// editDistance is the least number of letters put in, left out, changed, or
// changed with their neighbours, that makes b of a (the optimal string
// alignment distance).
func editDistance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
